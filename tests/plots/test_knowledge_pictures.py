"""Network, judgements, calibration and cohort: what is drawn is what is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import thighdx
from plots.pictures import posteriors_of_patients
from quiet import without_warnings
from thighdx.network.profile import find_look_alikes, finding_facts
from thighdx.plots import plot_calibration, plot_cohort, plot_judgement, plot_network

DVT = "deep_vein_thrombosis"


def test_a_network_shows_the_strongest_and_the_wider_the_stronger(model: thighdx.Model) -> None:
    picture = plot_network(
        model, DVT, setting="emergency_department", n_contexts=3, n_findings=4, n_look_alikes=2
    )
    assert len(picture.contexts) == 3
    assert len(picture.findings) == 4
    setting_idx = model.vocabulary.setting_code("emergency_department")
    strength: dict[str, float] = {}
    for fact in finding_facts(model.network, DVT, setting_idx=setting_idx):
        strength[fact.variable] = max(strength.get(fact.variable, 0.0), abs(np.log(fact.lr_present)))
    shown = [strength[name] for name in picture.findings]
    assert sorted(shown) == sorted(strength.values())[-4:]
    widths = [link.get_linewidth() for link in picture.links[3:]]
    assert np.argsort(shown).tolist() == np.argsort(widths).tolist()
    alike = find_look_alikes(model.network, DVT, setting_idx=setting_idx, n=2, without="other_cause")
    assert picture.look_alikes == tuple(item.cause for item in alike)


def test_what_speaks_against_a_cause_is_dashed(model: thighdx.Model) -> None:
    picture = plot_network(model, "hamstring_strain")
    dashed = [link.get_linestyle() not in ("-", "solid") for link in picture.links]
    against = [text.get_text() for text in picture.words if text.get_text().startswith("×0")]
    assert sum(dashed) == len(against) > 0


def test_causes_that_lead_to_a_cause_are_among_its_circumstances(model: thighdx.Model) -> None:
    assert "dehydration" in plot_network(model, "electrolyte_imbalance").contexts
    assert "electrolyte_imbalance" in plot_network(model, "dehydration", n_findings=40).findings


def test_every_cause_has_a_network(small_model: thighdx.Model) -> None:
    for cause in small_model.causes:
        assert plot_network(small_model, cause).words


def test_an_unknown_cause_has_no_network(model: thighdx.Model) -> None:
    with pytest.raises(thighdx.UnknownNameError, match="stroek"):
        plot_network(model, "stroek")


def test_stated_quantiles_stand_beside_the_density(model: thighdx.Model) -> None:
    row = model.trace(DVT).query("key == 'deep_vein_thrombosis|leg_swelling|present'").iloc[0]
    picture = plot_judgement(model, row)
    item = model.compiled.pooled["links", tuple(row["key"].split("|"))]
    assert picture.experts == tuple(belief.expert for belief in item.experts)
    quantiles = {judged.expert: judged.quantiles for judged in item.rows}
    assert [tuple(line.get_xdata()) for line in picture.stated] == [quantiles[e] for e in picture.experts]
    assert len(picture.densities) == len(picture.experts) + 1
    feet = [area.get_paths()[0].vertices[:, 1].max() for area in picture.densities]
    tops = [area.get_paths()[0].vertices[:, 1].min() for area in picture.densities]
    assert all(foot < top for foot, top in zip(feet, tops[1:], strict=False)), "panels apart"


@pytest.mark.parametrize(
    "judgement",
    [
        ("shares", ("stroke", "self_report")),
        ("shares", "stroke|self_report"),
        {"table": "shares", "key": "stroke|self_report"},
    ],
)
def test_a_judgement_can_be_named_in_three_ways(model: thighdx.Model, judgement: object) -> None:
    title = plot_judgement(model, judgement).figure.texts[0].get_text()
    assert title == "How common: stroke, self report"


def test_every_kind_of_judgement_can_be_drawn(model: thighdx.Model) -> None:
    kinds = dict(reversed(model.compiled.pooled))
    assert len(kinds) == 6
    for item in kinds.items():
        assert plot_judgement(model, item).densities or item[0] == "dependencies"


def test_a_judgement_of_never_has_no_density(model: thighdx.Model) -> None:
    picture = plot_judgement(model, ("effects", "pregnancy|none|pregnancy_related_cramp"))
    assert picture.densities == ()
    assert "never" in {text.get_text() for text in picture.ax.texts}


@pytest.mark.parametrize(
    ("judgement", "error", "message"),
    [
        (
            ("links", "stroke|fevre|present"),
            thighdx.UnknownNameError,
            "no judgement 'links' 'stroke.fevre.present'",
        ),
        (("link", "stroke"), thighdx.UnknownNameError, "tables: backgrounds, dependencies, effects"),
        (7, ValueError, r"judgement: got 7, expected a row of model.trace\(cause\) or a pair \(table, key\)"),
        ({"table": "links"}, ValueError, "expected a row of model.trace"),
    ],
)
def test_what_is_no_judgement_is_refused(
    model: thighdx.Model, judgement: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        plot_judgement(model, judgement)


def test_a_calibration_curve_has_a_point_and_a_count_per_bin(model: thighdx.Model) -> None:
    found = thighdx.evaluate(model, model.simulate(200, seed=1))
    picture = plot_calibration(found)
    points = picture.curve.lines[0]
    assert points.get_xdata().tolist() == [item.mean_posterior for item in found.calibration]
    assert points.get_ydata().tolist() == [item.observed for item in found.calibration]
    assert [text.get_text() for text in picture.counts] == [str(item.n) for item in found.calibration]
    one = plot_calibration(found, cause=DVT)
    assert one.figure.texts[0].get_text() == "Calibration: Deep vein thrombosis, 200 patients"
    with pytest.raises(thighdx.UnknownNameError, match="unknown cause 'stroek'; did you mean 'stroke'"):
        plot_calibration(found, cause="stroek")


def test_a_cohort_counts_rows_and_expects_causes(model: thighdx.Model) -> None:
    scored = posteriors_of_patients(model, has_extras=True)
    picture = plot_cohort(scored, model, n=10)
    assert picture.patient_bars["ok"].get_width() == (scored["status"] == "ok").mean()
    for level in ("self_care", "soon", "urgent", "emergency"):
        assert picture.patient_bars[level].get_width() == (scored["triage"] == level).mean()
    leads = scored[list(model.causes)].idxmax(axis=1) == "other_cause"
    assert picture.patient_bars["fits_nothing"].get_width() == leads.mean() > 0
    shown = [name for name in picture.cause_bars if not name.startswith("group_")]
    assert len(shown) == 10
    for cause in shown:
        assert picture.cause_bars[cause].get_width() == pytest.approx(scored[cause].mean())
    group = picture.cause_bars["group_must_not_miss"].get_width()
    assert group == pytest.approx(scored["group_must_not_miss"].mean())


def test_a_cohort_shows_what_could_not_be_scored_and_does_without_extras(model: thighdx.Model) -> None:
    picture = plot_cohort(posteriors_of_patients(model, has_extras=False), model)
    assert picture.patient_bars["no_such_state"].get_width() == 0.25
    assert picture.patient_bars["impossible_evidence"].get_width() == 0.25
    assert "emergency" not in picture.patient_bars


def test_a_cohort_of_another_kind_of_frame(model: thighdx.Model) -> None:
    import polars as pl

    picture = plot_cohort(model.score(pl.DataFrame({"bruising": [True, False]})), model, n=3)
    assert picture.patient_bars["ok"].get_width() == 1.0


def test_a_table_that_was_not_scored_is_refused(model: thighdx.Model) -> None:
    with pytest.raises(
        thighdx.TableError, match=r"no column 'muscle_overexertion' \(49 missing\), expected a table"
    ):
        plot_cohort(pd.DataFrame({"a": [1]}), model)
    with pytest.raises(thighdx.TableError, match="no row could be scored, so there is nothing to draw"):
        plot_cohort(without_warnings(model.score, pd.DataFrame({"onset": ["suden"]})), model)
    with pytest.raises(ValueError, match="n: got 0, expected 1 or more"):
        plot_cohort(posteriors_of_patients(model, has_extras=False), model, n=0)

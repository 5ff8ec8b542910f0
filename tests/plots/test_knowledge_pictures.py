"""Network, judgements, calibration and cohort: what is drawn is what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection

import thighdx
from plots.pictures import posteriors_of_patients
from plots.words_in_pictures import drawn, labels, title_of
from quiet import without_warnings
from thighdx.errors import OptionError
from thighdx.kb.records import LEVELS
from thighdx.network.profile import find_look_alikes, finding_facts
from thighdx.plots import plot_calibration, plot_cohort, plot_judgement, plot_network
from thighdx.plots.words import Names
from thighdx.text import level_name

DVT = "deep_vein_thrombosis"


def links_of(ax: Any) -> list[Any]:
    """Lines between a cause and its neighbors, those on the left first."""
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def test_a_network_shows_the_strongest_and_the_wider_the_stronger(model: thighdx.Model) -> None:
    ax = plot_network(model, DVT, setting="emergency_department", n_contexts=3, n_findings=4, n_look_alikes=2)
    setting_idx = model.vocabulary.setting_code("emergency_department")
    strength: dict[str, float] = {}
    for fact in finding_facts(model.network, DVT, setting_idx=setting_idx):
        strength[fact.variable] = max(strength.get(fact.variable, 0.0), abs(np.log(fact.lr_present)))
    strongest = sorted(strength.values())[-4:]
    words = [text.get_text().replace("\n", " ") for text in ax.texts]
    ratios = [abs(np.log(float(word[1:]))) for word in words if word.startswith("×") and len(word) < 9]
    links = links_of(ax)
    assert len(links) == len(ratios) == 7
    assert sorted(ratios[3:]) == pytest.approx(strongest, rel=0.05)
    widths = [link.get_linewidth() for link in links[3:]]
    assert np.argsort(ratios[3:]).tolist() == np.argsort(widths).tolist()
    alike = find_look_alikes(model.network, DVT, setting_idx=setting_idx, n=2, without="other_cause")
    names = Names.of_model(model)
    assert {names.marked(item.cause) for item in alike} <= set(words)


def test_what_speaks_against_a_cause_is_dashed(model: thighdx.Model) -> None:
    ax = plot_network(model, "hamstring_strain")
    against = [text.get_text() for text in ax.texts if text.get_text().startswith("×0")]
    assert sum(link.get_linestyle() == "--" for link in links_of(ax)) == len(against) > 0


def test_causes_that_lead_to_a_cause_are_among_its_circumstances(model: thighdx.Model) -> None:
    assert "Dehydration" in {text.get_text() for text in plot_network(model, "electrolyte_imbalance").texts}
    ax = plot_network(model, "dehydration", n_findings=40)
    assert "Electrolyte imbalance" in {text.get_text().replace("\n", " ") for text in ax.texts}


def test_every_cause_has_a_network(small_model: thighdx.Model) -> None:
    for cause in small_model.causes:
        assert plot_network(small_model, cause).texts


def test_an_unknown_cause_has_no_network(model: thighdx.Model) -> None:
    with pytest.raises(thighdx.UnknownNameError, match="stroek"):
        plot_network(model, "stroek")


def test_stated_quantiles_stand_beside_the_density(model: thighdx.Model) -> None:
    row = model.trace(DVT).query("key == 'deep_vein_thrombosis|leg_swelling|present'").iloc[0]
    ax = plot_judgement(model, row)
    item = model.compiled.pooled["links", tuple(row["key"].split("|"))]
    assert len(labels(ax)) == len(item.experts) + 1
    quantiles = {judged.expert: judged.quantiles for judged in item.rows}
    stated = [tuple(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 3]
    assert stated == [quantiles[belief.expert] for belief in item.experts]
    densities = densities_of(ax)
    assert len(densities) == len(item.experts) + 1
    feet = [area.get_paths()[0].vertices[:, 1].max() for area in densities]
    tops = [area.get_paths()[0].vertices[:, 1].min() for area in densities]
    assert all(foot < top for foot, top in zip(feet, tops[1:], strict=False)), "panels apart"


def densities_of(ax: Any) -> list[Any]:
    """Areas under densities."""
    return [item for item in ax.collections if isinstance(item, PolyCollection)]


@pytest.mark.parametrize(
    "judgement",
    [
        ("shares", ("stroke", "self_report")),
        ("shares", "stroke|self_report"),
        {"table": "shares", "key": "stroke|self_report"},
    ],
)
def test_a_judgement_can_be_named_in_three_ways(model: thighdx.Model, judgement: object) -> None:
    assert title_of(plot_judgement(model, judgement)) == "How common: stroke, self report"


def test_every_kind_of_judgement_can_be_drawn(model: thighdx.Model) -> None:
    kinds = dict(reversed(model.compiled.pooled))
    assert len(kinds) == 6
    for item in kinds.items():
        assert densities_of(plot_judgement(model, item)) or item[0] == "dependencies"


def test_a_judgement_of_never_has_no_density(model: thighdx.Model) -> None:
    ax = plot_judgement(model, ("effects", "pregnancy|none|pregnancy_related_cramp"))
    assert densities_of(ax) == []
    assert "never" in {text.get_text() for text in ax.texts}


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
    ax = plot_calibration(found)
    points = drawn(ax)["observed, 95% interval"].lines[0]
    assert points.get_xdata().tolist() == [item.mean_posterior for item in found.calibration]
    assert points.get_ydata().tolist() == [item.observed for item in found.calibration]
    counts = [label.get_text() for label in ax.child_axes[0].get_xticklabels()]
    assert counts == [str(item.n) for item in found.calibration]
    assert "perfect calibration" in drawn(ax)
    assert title_of(plot_calibration(found, cause=DVT)) == "Calibration: Deep vein thrombosis, 200 patients"
    with pytest.raises(OptionError, match="calibration: got nothing to draw, expected at least one value"):
        plot_calibration(replace(found, calibration=()))
    with pytest.raises(thighdx.UnknownNameError, match="unknown cause 'stroek'; did you mean 'stroke'"):
        plot_calibration(found, cause="stroek")


def shares(ax: Any) -> dict[str, float]:
    """Length of every bar by the name of its row."""
    bars = {
        bar.get_y() + bar.get_height() / 2: bar.get_width() for item in ax.containers for bar in item.patches
    }
    at = dict(zip(np.round(ax.get_yticks(), 6), labels(ax), strict=True))
    return {at[round(y, 6)]: width for y, width in bars.items() if not np.isnan(width)}


def test_a_cohort_counts_rows_and_expects_causes(model: thighdx.Model) -> None:
    scored = posteriors_of_patients(model, has_extras=True)
    ax = plot_cohort(scored, model, n=10)
    found = shares(ax)
    assert found["Scored"] == (scored["status"] == "ok").mean()
    for level in LEVELS:
        assert found[level_name(level)] == (scored["triage"] == level).mean()
    leads = scored[list(model.causes)].idxmax(axis=1) == "other_cause"
    assert found["No listed cause is the most probable"] == leads.mean() > 0
    mean = scored[list(model.causes)].mean().sort_values(ascending=False)
    names = Names.of_model(model)
    for cause in mean.index[:10]:
        assert found[names.marked(cause)] == pytest.approx(mean[cause])
    assert found["Must not be missed: any"] == pytest.approx(scored["group_must_not_miss"].mean())
    assert labels(ax)[-1].startswith(f"{len(mean) - 10} other causes: ")
    assert labels(ax)[-1] not in found, "shares of causes do not add up"


def test_a_cohort_shows_what_could_not_be_scored_and_does_without_extras(model: thighdx.Model) -> None:
    ax = plot_cohort(posteriors_of_patients(model, has_extras=False), model)
    assert shares(ax)["Left out: a state that does not exist"] == 0.25
    assert shares(ax)["Left out: evidence that cannot be true together"] == 0.25
    assert "Emergency" not in labels(ax)


def test_a_cohort_of_another_kind_of_frame(model: thighdx.Model) -> None:
    import polars as pl

    ax = plot_cohort(model.score(pl.DataFrame({"bruising": [True, False]})), model, n=3)
    assert shares(ax)["Scored"] == 1.0


def test_a_table_that_was_not_scored_is_refused(model: thighdx.Model) -> None:
    with pytest.raises(
        thighdx.TableError, match=r"no column 'muscle_overexertion' \(49 missing\), expected a table"
    ):
        plot_cohort(pd.DataFrame({"a": [1]}), model)
    with pytest.raises(thighdx.TableError, match="no row could be scored, so there is nothing to draw"):
        plot_cohort(without_warnings(model.score, pd.DataFrame({"onset": ["suden"]})), model)
    with pytest.raises(thighdx.TableError, match="no row could be scored, so there is nothing to draw"):
        plot_cohort(posteriors_of_patients(model, has_extras=True).head(0), model)
    with pytest.raises(OptionError, match="n: got 0, expected 1 or more"):
        plot_cohort(posteriors_of_patients(model, has_extras=False), model, n=0)

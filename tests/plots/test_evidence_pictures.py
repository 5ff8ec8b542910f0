"""Weights, contrasts, sensitivities and histories: what is drawn is what was worked out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import thighdx
from plots.pictures import CASE, ODD, many_findings
from plots.words_in_pictures import drawn, labels, title_of
from thighdx.errors import OptionError
from thighdx.plots import plot_contrast, plot_fit, plot_history, plot_sensitivity, plot_weights
from thighdx.plots.palette import LIGHT


def bars_of(ax: Any) -> list[Any]:
    """Every bar of a picture, from top to bottom."""
    bars = [bar for container in ax.containers for bar in container]
    return sorted(bars, key=lambda bar: bar.get_y())


def test_a_waterfall_goes_from_before_to_now(model: thighdx.Model) -> None:
    why = model.diagnose(CASE).explain("hamstring_strain")
    ax = plot_weights(why, model=model)
    before, now = ax.lines[-1].get_xdata()
    assert before == why.prior_decibans
    assert now == pytest.approx(why.posterior_decibans)
    edges = [before]
    for bar, line in zip(bars_of(ax), why.lines, strict=True):
        assert bar.get_x() == pytest.approx(edges[-1])
        assert bar.get_width() == pytest.approx(line.decibans)
        edges.append(edges[-1] + bar.get_width())
    assert edges[-1] == pytest.approx(now)


def test_decibans_stand_below_and_odds_above(model: thighdx.Model) -> None:
    ax = plot_weights(model.diagnose(CASE).explain("hamstring_strain"))
    (above,) = ax.child_axes
    assert ax.get_xlabel() == "Decibans (10 multiply by 10)"
    assert above.get_xlabel() == "Odds of the cause"
    written = dict(
        zip([label.get_text() for label in above.get_xticklabels()], above.get_xticks(), strict=True)
    )
    assert written["10 : 1"] == pytest.approx(10.0)
    assert written["1 : 1"] == 0.0


def test_what_has_no_bar_of_its_own_is_added_up_in_one(model: thighdx.Model) -> None:
    why = model.diagnose(many_findings(model)).explain("lumbar_radiculopathy")
    ax = plot_weights(why, n=5, model=model)
    assert labels(ax)[-2] == f"{len(why.lines) - 5} other findings together"
    assert bars_of(ax)[-1].get_width() == pytest.approx(sum(line.decibans for line in why.lines[5:]))


def test_one_finding_left_over_keeps_its_own_bar(model: thighdx.Model) -> None:
    why = model.diagnose(CASE).explain("hamstring_strain")
    assert len(bars_of(plot_weights(why, n=len(why.lines) - 1))) == len(why.lines)


def test_evidence_by_way_of_another_cause_is_hatched_and_says_so(model: thighdx.Model) -> None:
    why = model.diagnose({"bruising": True, "calf_pain": False}).explain("hamstring_strain")
    ax = plot_weights(why, model=model)
    hatched = [bool(bar.get_hatch()) for bar in bars_of(ax)]
    assert hatched == [bool(line.via) for line in why.lines]
    assert any(hatched)
    assert "(rules out " in labels(ax)[1 + hatched.index(True)]


def test_what_is_settled_is_said_in_words(model: thighdx.Model) -> None:
    why = model.diagnose({"sex": "male"}).explain("pregnancy_related_cramp")
    ax = plot_weights(why, model=model)
    (text,) = [item.get_text().replace("\n", " ") for item in ax.texts]
    assert text == (
        "Pregnancy-related leg cramp is impossible under this model, given: Sex recorded at birth: male. "
        "There is nothing to weigh."
    )
    assert bars_of(ax) == []


def test_a_given_cause_is_certain(model: thighdx.Model) -> None:
    why = model.diagnose({"stroke": True}).contrast("stroke", "hamstring_strain")
    assert "certain" in plot_contrast(why, model=model).texts[0].get_text() or why.verdict == "open"


def test_each_of_weights_and_contrast_refuses_the_other(model: thighdx.Model) -> None:
    result = model.diagnose(CASE)
    with pytest.raises(
        ValueError, match=r"got a contrast of two causes, expected Result\.explain; use plot_contrast"
    ):
        plot_weights(result.contrast("hamstring_strain", "stroke"))
    with pytest.raises(
        ValueError, match=r"got one cause, expected Result\.contrast\(a, b\); use plot_weights"
    ):
        plot_contrast(result.explain("stroke"))
    with pytest.raises(OptionError, match="n: got 0, expected 1 or more"):
        plot_weights(result.explain("stroke"), n=0)


def test_a_contrast_names_both_causes(model: thighdx.Model) -> None:
    contrast = model.diagnose(CASE).contrast("hamstring_strain", "deep_vein_thrombosis")
    assert title_of(plot_contrast(contrast)) == "Hamstring strain, or deep vein thrombosis?"
    assert title_of(plot_contrast(contrast, model=model)) == "Hamstring strain, or ◆ Deep vein thrombosis?"


def test_without_names_ids_are_written_as_words(model: thighdx.Model) -> None:
    why = replace(model.diagnose({"bruising": True}).explain("stroke"), labels={})
    assert labels(plot_weights(why))[1].startswith("Bruising")


def test_a_tornado_shows_the_widest_bar_first(model: thighdx.Model) -> None:
    found = model.diagnose({"bruising": True}).sensitivity("hamstring_strain", n=6)
    ax = plot_sensitivity(found, n=4, model=model)
    low, high = (
        [bar.get_x() + bar.get_width() for bar in drawn(ax)[name]]
        for name in ("judgement at its low end", "at its high end")
    )
    widths = [abs(a - b) for a, b in zip(low, high, strict=True)]
    assert len(widths) == 4
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == pytest.approx(max(abs(x.at_high - x.at_low) for x in found))
    assert ax.lines[0].get_xdata()[0] == found.posterior


def test_a_judgement_that_changes_the_answer_has_a_star(model: thighdx.Model) -> None:
    found = model.diagnose({"onset": "sudden", "bruising": True}).sensitivity("hamstring_strain", n=6)
    ax = plot_sensitivity(found, model=model)
    stars = sum(text.get_text().startswith("★") for text in ax.texts)
    assert stars == sum(line.is_decisive for line in found) > 0


def test_a_tornado_of_a_certainty_says_so(model: thighdx.Model) -> None:
    ax = plot_sensitivity(model.diagnose({"sex": "male"}).sensitivity("pregnancy_related_cramp"))
    assert ax.texts[0].get_text() == "The evidence settles it: 0% whatever the judgements are."
    assert bars_of(ax) == []
    with pytest.raises(OptionError, match="n: got 0, expected 1 or more"):
        plot_sensitivity(model.diagnose({}).sensitivity("stroke", n=1), n=0)


def test_how_findings_fit_is_drawn_with_the_worst_first(model: thighdx.Model) -> None:
    fit = model.diagnose(ODD).fit
    ax = plot_fit(fit, n=4)
    assert [bar.get_width() for bar in bars_of(ax)] == [item.conflict_bits for item in fit.findings[:4]]
    assert labels(ax)[0] == "Onset: gradual"
    assert title_of(ax) == f"How the findings fit together: conflict +{fit.conflict_bits:.1f} bits"
    assert "venous_or_skin_leg_disorder" not in ax.figure.texts[1].get_text()
    with pytest.raises(OptionError, match="n: got 0, expected 1 or more"):
        plot_fit(fit, n=0)


def test_what_is_no_number_is_refused_by_every_picture(model: thighdx.Model) -> None:
    result = model.diagnose(ODD)
    why, moves, fit = result.explain("stroke"), result.sensitivity("stroke", n=2), result.fit
    for draw in (
        lambda: plot_weights(replace(why, lines=(replace(why.lines[0], decibans=np.nan),))),
        lambda: plot_sensitivity(replace(moves, posterior=np.nan)),
        lambda: plot_sensitivity(replace(moves, lines=(replace(moves.lines[0], at_low=np.nan),))),
        lambda: plot_fit(replace(fit, findings=(replace(fit.findings[0], conflict_bits=np.nan),))),
    ):
        with pytest.raises(OptionError, match=r"\w+: got \d NaN, expected numbers; leave those out"):
            draw()


def test_a_history_holds_every_posterior_and_says_what_came_in(model: thighdx.Model) -> None:
    known: list[dict[str, object]] = [
        {},
        {"onset": "sudden"},
        {"onset": "gradual"},
        {"onset": "gradual", "bruising": {"absent": 0.2, "present": 0.8}},
        {"bruising": {"absent": 0.2, "present": 0.8}},
    ]
    results = [model.diagnose(item) for item in known]
    ax = plot_history(results, n=3)
    drawn_values = [line.get_xdata().tolist() for line in ax.lines]
    everything = np.array([result.posterior.reindex(model.causes) for result in results]).T.tolist()
    assert all(values in everything for values in drawn_values)
    assert [values[-1] for values in drawn_values] == sorted((v[-1] for v in drawn_values), reverse=True)
    assert labels(ax) == [
        "Nothing known",
        "+ Onset: sudden",
        "now Onset: gradual",
        "+ Bruising (uncertain)",
        "− Onset",
    ]
    assert len({line.get_marker() for line in ax.lines}) == 3


def test_an_interview_can_be_drawn(model: thighdx.Model) -> None:
    interview = thighdx.Interview(model, {"age": 34}, as_lists=False)
    assert interview.history == ({"age": 34},)
    first = interview.question
    assert first is not None
    interview.answer(first.states[-1])
    interview.answer("don't know")
    assert interview.history == ({"age": 34}, {"age": 34, first.variable: first.states[-1]})
    assert interview.history[-1] == interview.result_evidence
    results = [model.diagnose(known, setting=interview.setting) for known in interview.history]
    assert len(labels(plot_history(results))) == 2
    interview.back()
    interview.back()
    assert len(interview.history) == 1


def test_a_history_of_chosen_causes(model: thighdx.Model) -> None:
    ax = plot_history([model.diagnose({})], causes=["stroke", "hamstring_strain"])
    strain, stroke = ax.lines
    assert [line.get_label().split(",")[0] for line in ax.lines] == ["Hamstring strain", "◆ Stroke"]
    assert stroke.get_marker() == "D"
    assert (strain.get_color(), stroke.get_color()) == (LIGHT.main, LIGHT.danger)


def test_histories_that_cannot_be_drawn_are_refused(model: thighdx.Model, small_model: thighdx.Model) -> None:
    one = model.diagnose({})
    with pytest.raises(OptionError, match="results: got none, expected at least one Result"):
        plot_history([])
    with pytest.raises(OptionError, match="results: got results of different models"):
        plot_history([one, small_model.diagnose({})])
    with pytest.raises(OptionError, match="n: got 8, expected 1 to 7: more lines cannot be told apart"):
        plot_history([one], n=8)
    with pytest.raises(OptionError, match="causes: got 0, expected 1 to 7"):
        plot_history([one], causes=[])
    with pytest.raises(thighdx.UnknownNameError, match="stroek"):
        plot_history([one], causes=["stroek"])

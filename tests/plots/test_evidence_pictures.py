"""Weights, contrasts, sensitivities and histories: what is drawn is what was worked out."""

from __future__ import annotations

import numpy as np
import pytest

import thighdx
from plots.pictures import CASE, many_findings
from thighdx.plots import plot_contrast, plot_history, plot_sensitivity, plot_weights


def labels(picture: object) -> list[str]:
    return [label.get_text().replace("\n", " ") for label in picture.ax.get_yticklabels()]  # type: ignore[attr-defined]


def test_a_waterfall_goes_from_before_to_now(model: thighdx.Model) -> None:
    why = model.diagnose(CASE).explain("hamstring_strain")
    picture = plot_weights(why, model=model)
    before, now = (end.get_xdata()[0] for end in picture.ends)
    assert before == why.prior_decibans
    assert now == why.posterior_decibans
    edges = [before]
    for bar, line in zip(picture.bars, why.lines, strict=True):
        assert bar.get_x() == pytest.approx(edges[-1])
        assert bar.get_width() == pytest.approx(line.decibans)
        edges.append(edges[-1] + bar.get_width())
    assert edges[-1] == pytest.approx(now)
    assert picture.evidence == tuple(line.variable for line in why.lines)


def test_what_has_no_bar_of_its_own_is_added_up_in_one(model: thighdx.Model) -> None:
    why = model.diagnose(many_findings(model)).explain("lumbar_radiculopathy")
    picture = plot_weights(why, n=5, model=model)
    assert len(picture.evidence) == 5
    assert labels(picture)[-2] == f"{len(why.lines) - 5} other findings together"
    assert picture.bars[-1].get_width() == pytest.approx(sum(line.decibans for line in why.lines[5:]))


def test_one_finding_left_over_keeps_its_own_bar(model: thighdx.Model) -> None:
    why = model.diagnose(CASE).explain("hamstring_strain")
    picture = plot_weights(why, n=len(why.lines) - 1)
    assert len(picture.evidence) == len(why.lines)


def test_evidence_by_way_of_another_cause_is_hatched_and_says_so(model: thighdx.Model) -> None:
    why = model.diagnose({"bruising": True, "calf_pain": False}).explain("hamstring_strain")
    picture = plot_weights(why, model=model)
    hatched = [bool(bar.get_hatch()) for bar in picture.bars]
    assert hatched == [bool(line.via) for line in why.lines]
    assert any(hatched)
    assert "(rules out " in labels(picture)[1 + hatched.index(True)]


def test_what_is_settled_is_said_in_words(model: thighdx.Model) -> None:
    why = model.diagnose({"sex": "male"}).explain("pregnancy_related_cramp")
    picture = plot_weights(why, model=model)
    (text,) = [item.get_text().replace("\n", " ") for item in picture.ax.texts]
    assert text == (
        "Pregnancy-related leg cramp is impossible under this model, given: Sex recorded at birth: male. "
        "There is nothing to weigh."
    )
    assert picture.bars == ()


def test_a_given_cause_is_certain(model: thighdx.Model) -> None:
    why = model.diagnose({"stroke": True}).contrast("stroke", "hamstring_strain")
    assert "certain" in plot_contrast(why, model=model).ax.texts[0].get_text() or why.verdict == "open"


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
    with pytest.raises(ValueError, match="n: got 0, expected 1 or more"):
        plot_weights(result.explain("stroke"), n=0)


def test_a_contrast_names_both_causes(model: thighdx.Model) -> None:
    picture = plot_contrast(model.diagnose(CASE).contrast("hamstring_strain", "stroke"), model=model)
    assert picture.figure.texts[0].get_text() == "Hamstring strain, or stroke?"


def test_without_a_model_ids_are_written_as_words(model: thighdx.Model) -> None:
    picture = plot_contrast(model.diagnose(CASE).contrast("hamstring_strain", "deep_vein_thrombosis"))
    assert picture.figure.texts[0].get_text() == "Hamstring strain, or deep vein thrombosis?"


def test_a_tornado_shows_the_widest_bar_first(model: thighdx.Model) -> None:
    found = model.diagnose({"bruising": True}).sensitivity("hamstring_strain", n=6)
    picture = plot_sensitivity(found, n=4, model=model)
    ends = [
        (low.get_x() + low.get_width(), high.get_x() + high.get_width())
        for low, high in zip(picture.low_bars, picture.high_bars, strict=True)
    ]
    assert len(ends) == 4
    widths = [abs(high - low) for low, high in ends]
    assert widths == sorted(widths, reverse=True)
    assert sorted(widths)[-1] == pytest.approx(max(abs(x.at_high - x.at_low) for x in found))
    assert picture.posterior is not None
    assert picture.posterior.get_xdata()[0] == found.posterior


def test_a_judgement_that_changes_the_answer_has_a_star(model: thighdx.Model) -> None:
    found = model.diagnose({"onset": "sudden", "bruising": True}).sensitivity("hamstring_strain", n=6)
    picture = plot_sensitivity(found, model=model)
    stars = sum(text.get_text().startswith("★") for text in picture.ax.texts)
    assert stars == sum(line.is_decisive for line in found) > 0


def test_a_tornado_of_a_certainty_says_so(model: thighdx.Model) -> None:
    picture = plot_sensitivity(model.diagnose({"sex": "male"}).sensitivity("pregnancy_related_cramp"))
    assert picture.ax.texts[0].get_text() == "The evidence settles it: 0% whatever the judgements are."
    assert picture.posterior is None
    with pytest.raises(ValueError, match="n: got 0, expected 1 or more"):
        plot_sensitivity(model.diagnose({}).sensitivity("stroke", n=1), n=0)


def test_a_history_holds_every_posterior_and_says_what_came_in(model: thighdx.Model) -> None:
    known: list[dict[str, object]] = [
        {},
        {"onset": "sudden"},
        {"onset": "gradual"},
        {"onset": "gradual", "bruising": {"absent": 0.2, "present": 0.8}},
        {"bruising": {"absent": 0.2, "present": 0.8}},
    ]
    results = [model.diagnose(item) for item in known]
    picture = plot_history(results, n=3)
    for cause, line in zip(picture.causes, picture.lines, strict=True):
        assert np.array_equal(line.get_xdata(), [result.posterior[cause] for result in results])
    assert labels(picture) == [
        "Nothing known",
        "+ Onset: sudden",
        "now Onset: gradual",
        "+ Bruising (uncertain)",
        "− Onset",
    ]
    assert len({line.get_marker() for line in picture.lines}) == 3


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
    picture = plot_history([model.diagnose({})], causes=["stroke", "hamstring_strain"])
    assert picture.causes == ("hamstring_strain", "stroke")
    assert picture.lines[1].get_marker() == "D"


def test_histories_that_cannot_be_drawn_are_refused(model: thighdx.Model, small_model: thighdx.Model) -> None:
    one = model.diagnose({})
    with pytest.raises(ValueError, match="results: got none, expected at least one Result"):
        plot_history([])
    with pytest.raises(ValueError, match="results: got results of different models"):
        plot_history([one, small_model.diagnose({})])
    with pytest.raises(ValueError, match="n: got 8, expected 1 to 7: more lines cannot be told apart"):
        plot_history([one], n=8)
    with pytest.raises(ValueError, match="causes: got 0, expected 1 to 7"):
        plot_history([one], causes=[])
    with pytest.raises(thighdx.UnknownNameError, match="stroek"):
        plot_history([one], causes=["stroek"])

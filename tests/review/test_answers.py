"""The distribution beside an answer, and single verdicts on a small model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import thighdx
from review.answers import CONFIRM, change, fill_in, strike
from thighdx.elicitation.distribution import Distribution
from thighdx.errors import KnowledgeBaseError, OptionError, TableError
from thighdx.review import Answer, Reviewer, apply_reviews, read_review, review_items, write_workbook
from thighdx.review.answer import picture


def test_an_answer_shows_what_else_was_said_with_it() -> None:
    answer = Answer(10, 20, 35)
    assert answer.fit.distribution.family == "beta"
    assert "said 10 / 20 / 35 of 100" in repr(answer)
    shown = answer._repr_html_()
    assert shown.count("<polygon") == 1
    assert "half of the belief lies between 16 and 26" in shown


@pytest.mark.parametrize("numbers", [(20, 10, 35), (0, 20, 35), (10, 20, 100), (10, float("nan"), 35)])
def test_an_answer_that_no_distribution_has_is_refused(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(OptionError, match=r"got quantiles .*, expected three rising values in \(0, 1\)"):
        Answer(*numbers)


def test_marks_stand_where_the_curve_has_its_quantiles() -> None:
    belief = Distribution("lognormal", (0.0, 0.5))
    view = picture({"fitted": belief}, 0, said=(1.0,))
    assert view["marks"] == pytest.approx([150.0], abs=0.1)  # the median, in the middle of a logarithmic axis
    assert view["unit"] == "times the odds"
    assert picture({"never": Distribution("point", (0.0,))}, 100)["curves"] == []


def reviewed(model: thighdx.Model, folder: Path, initials: str, answers: dict) -> Reviewer:
    """What somebody said about the small model."""
    causes = [cause for cause in model.causes if cause != "other_cause"]
    write_workbook(model, causes, folder / "empty.xlsx")
    fill_in(folder / "empty.xlsx", folder / f"{initials}.xlsx", answers)
    return Reviewer(initials, "", "2026-11-30", read_review(model, folder / f"{initials}.xlsx"))


def test_numbers_are_asked_of_as_many_patients_as_are_easily_thought_of(small_model: thighdx.Model) -> None:
    items = [item for cause in small_model.causes for item in review_items(small_model, cause)]
    counted = [item for item in items if item.of > 1 and item.now]
    assert len(counted) >= 20
    for item in counted:
        assert 1 <= item.now[1] < item.of
        assert f"{item.of:,}" in item.words


def test_a_struck_odds_ratio_is_one_with_the_spread_it_had(
    small_model: thighdx.Model, tmp_path: Path
) -> None:
    item = next(
        i for cause in small_model.causes for i in review_items(small_model, cause) if i.table == "effects"
    )
    reviewer = reviewed(small_model, tmp_path, "ab", {item.id: strike("no difference")})
    outcome = apply_reviews(small_model, [reviewer], tmp_path / "new")
    now = outcome.compiled.pooled["effects", item.key]
    assert now.point == pytest.approx(1.0)
    low, high = now.distribution.quantile([0.05, 0.95]).tolist()
    assert high / low == pytest.approx(item.now[2] / item.now[0], rel=0.05)  # what a fit may miss


def test_confirming_everything_changes_nothing_but_the_log(
    small_model: thighdx.Model, tmp_path: Path
) -> None:
    causes = [cause for cause in small_model.causes if cause != "other_cause"]
    answers = {item.id: CONFIRM for cause in causes for item in review_items(small_model, cause)}
    reviewer = reviewed(small_model, tmp_path, "ab", answers)
    outcome = apply_reviews(small_model, [reviewer], tmp_path / "new", earlier="a line\n")
    assert outcome.difference.is_empty
    assert outcome.compiled.kb.digest == small_model.digest
    log = (tmp_path / "new" / "reviews.csv").read_text(encoding="utf-8").splitlines()
    assert log[0] == "a line"
    assert len(log) == 1 + len(answers)


def test_two_who_say_the_same_do_not_disagree(small_model: thighdx.Model, tmp_path: Path) -> None:
    answers = {"links|strain|bruising|present": change(20, 30, 45)}
    first = reviewed(small_model, tmp_path, "ab", answers)
    outcome = apply_reviews(small_model, [first, replace(first, initials="CD")], tmp_path / "new")
    assert outcome.disagreements == ()
    # what a fit may miss
    assert outcome.compiled.pooled["links", ("strain", "bruising", "present")].point == pytest.approx(
        0.3, rel=0.05
    )


def test_initials_that_are_taken_are_refused(small_model: thighdx.Model, tmp_path: Path) -> None:
    answers = {"links|strain|bruising|present": change(20, 30, 45)}
    reviewer = reviewed(small_model, tmp_path, "ab", answers)
    with pytest.raises(TableError, match="'ab' has reviewed this model before; use others, such as 'ab2'"):
        apply_reviews(small_model, [reviewer, reviewer], tmp_path / "new")


def test_what_only_shows_together_leaves_nothing_behind(small_model: thighdx.Model, tmp_path: Path) -> None:
    """Severe pain cannot be more frequent than pain of any degree."""
    item = next(i for i in review_items(small_model, "strain") if i.key[-1] == "severe")
    reviewer = reviewed(small_model, tmp_path, "ab", {item.id: change(97, 98, 99, "all of them")})
    with pytest.raises(KnowledgeBaseError, match=r"what was said, put together: 1 problem\n.*pain"):
        apply_reviews(small_model, [reviewer], tmp_path / "new")
    assert not (tmp_path / "new").exists()

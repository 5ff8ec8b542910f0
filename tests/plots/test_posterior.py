"""Posteriors: what is drawn where, by which mark, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import thighdx
from plots.pictures import CASE
from plots.words_in_pictures import drawn, labels
from thighdx.errors import OptionError
from thighdx.plots import plot_intervals, plot_posterior


def test_points_and_intervals_are_where_the_result_says(model: thighdx.Model) -> None:
    result = model.diagnose(CASE)
    bounds = result.interval(0.8, method="delta").to_frame()
    ax = plot_posterior(result, level=0.8, n=5, method="delta")
    causes = [*result.top(5).index, model.residual_cause]
    marks = drawn(ax)
    posterior = {}
    for name in ("now", "now, ◆ must not be missed"):
        posterior |= dict(zip(marks[name].get_ydata(), marks[name].get_xdata(), strict=True))
    assert [posterior[y] for y in ax.get_yticks()] == result.posterior[causes].tolist()
    assert marks["before any finding"].get_xdata().tolist() == result.prior[causes].tolist()
    ends = [segment[:, 0].tolist() for segment in marks["80% interval"].get_segments()]
    assert ends == bounds.loc[causes, ["lower", "upper"]].to_numpy().tolist()
    assert ax.get_xlim() == (0.0, 1.0)


def test_intervals_found_before_are_drawn_as_they_are(model: thighdx.Model) -> None:
    result = model.diagnose(CASE)
    found = plot_posterior(result, level=result.interval(0.5, method="delta"), n=3)
    again = plot_posterior(result, level=0.5, n=3, method="delta")
    ends = [drawn(ax)["50% interval"].get_segments() for ax in (found, again)]
    assert np.array_equal(*ends)


def test_intervals_alone_are_drawn_from_what_was_found_or_from_its_table(model: thighdx.Model) -> None:
    intervals = model.diagnose(CASE).interval(method="delta")
    table = intervals.to_frame()
    given, made = plot_intervals(table, n=3), plot_intervals(intervals, n=3, model=model)
    assert drawn(given)["now"].get_xdata().tolist() == table["posterior"].head(3).tolist()
    assert set(drawn(given)) == {"interval", "now"}
    assert set(drawn(made)) == {"90% interval", "now", "now, ◆ must not be missed"}
    assert labels(made)[0] == labels(plot_intervals(intervals, n=3))[0] == "Hamstring strain"


def test_causes_that_must_not_be_missed_have_another_shape_and_a_diamond(model: thighdx.Model) -> None:
    ax = plot_posterior(model.diagnose({}), level=None, n=None)
    urgent = drawn(ax)["now, ◆ must not be missed"]
    assert urgent.get_marker() == "D"
    assert len(urgent.get_xdata()) == len(model.groups["must_not_miss"])
    assert len(labels(ax)) == len(model.causes)
    assert sum(label.startswith("◆ ") for label in labels(ax)) == len(model.groups["must_not_miss"])


def test_one_cause_that_crushes_the_rest_gets_a_square_root_axis(model: thighdx.Model) -> None:
    one = plot_posterior(model.diagnose(CASE), level=None)
    assert one.get_xscale() == "function"
    assert one.get_xlabel() == "Probability that the cause is present (square-root scale)"
    assert plot_posterior(model.diagnose({}), level=None, n=4).get_xscale() == "linear"
    assert plot_posterior(model.diagnose(CASE), level=None, scale="probability").get_xscale() == "linear"


def test_what_is_certain_stands_at_the_end_of_a_log_odds_axis(model: thighdx.Model) -> None:
    result = model.diagnose({"hamstring_strain": True, "sex": "male"})
    ax = plot_posterior(result, n=None, scale="log_odds", method="delta")
    low, high = ax.get_xlim()
    marks = drawn(ax)
    assert (marks["certain"].get_marker(), marks["certain"].get_xdata().tolist()) == (">", [high])
    assert (marks["impossible"].get_marker(), marks["impossible"].get_xdata().tolist()) == ("<", [low])
    assert result.posterior["stroke"] in marks["now, ◆ must not be missed"].get_xdata()


def test_level_and_number_by_place_still_work(model: thighdx.Model) -> None:
    with pytest.warns(DeprecationWarning, match="level and n are named since version 0.2"):
        ax = plot_posterior(model.diagnose({}), None, 3)
    assert len(labels(ax)) == 4
    assert set(drawn(ax)) == {"now", "before any finding"}


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame(columns=["posterior", "lower", "upper"]), "posteriors: got nothing to draw"),
        (
            pd.DataFrame({"posterior": [0.5]}),
            r"intervals: got no column lower, upper, expected Result.interval",
        ),
        (
            pd.DataFrame({"posterior": [0.5], "lower": [np.nan], "upper": [0.7]}, index=["stroke"]),
            "posteriors: got 1 NaN, expected numbers; leave those out",
        ),
    ],
)
def test_intervals_without_numbers_are_refused(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        plot_intervals(frame)


def test_labels_are_names_and_the_residual_cause_comes_last(model: thighdx.Model) -> None:
    ax = plot_posterior(model.diagnose({"fever": True}), level=None, n=3)
    assert labels(ax)[0] == "Lumbar or sacral radiculopathy"
    assert labels(ax)[-1] == "A cause not in this list"


def test_the_disclaimer_is_on_the_picture(model: thighdx.Model) -> None:
    ax = plot_posterior(model.diagnose({}), level=None, n=3)
    words = " ".join(text.get_text().replace("\n", " ") for text in ax.figure.texts)
    assert model.disclaimer in words


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n: got 0, expected 1 or more, or None for all causes"),
        ({"scale": "log"}, "scale: got 'log', expected auto, probability, square_root or log_odds"),
        ({"style": "sepia"}, "style: got 'sepia', expected one of auto, light, dark"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    model: thighdx.Model, options: dict[str, object], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        plot_posterior(model.diagnose({}), level=None, **options)  # type: ignore[arg-type]  # that is the test

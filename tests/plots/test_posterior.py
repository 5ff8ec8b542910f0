"""Posteriors: what is drawn where, by which mark, and what is refused."""

from __future__ import annotations

import math

import pytest

import thighdx
from plots.pictures import CASE
from thighdx.plots import plot_posterior


def test_points_and_intervals_are_where_the_result_says(model: thighdx.Model) -> None:
    result = model.diagnose(CASE)
    bounds = result.interval(0.8, method="delta")
    picture = plot_posterior(result, 0.8, 5, method="delta")
    assert len(picture.causes) == len(picture.points) == len(picture.intervals) == 6  # and the residual one
    for cause, point, prior, span in zip(
        picture.causes, picture.points, picture.priors, picture.intervals, strict=True
    ):
        assert point.get_xdata()[0] == result.posterior[cause]
        assert prior.get_xdata()[0] == result.prior[cause]
        assert list(span.get_xdata()) == [bounds[cause].lower, bounds[cause].upper]
    assert picture.ax.get_xlim() == (0.0, 1.0)


def test_intervals_found_before_are_drawn_as_they_are(model: thighdx.Model) -> None:
    result = model.diagnose(CASE)
    picture = plot_posterior(result, result.interval(0.5, method="delta"), 3)
    again = plot_posterior(result, 0.5, 3, method="delta")
    assert [list(span.get_xdata()) for span in picture.intervals] == [
        list(span.get_xdata()) for span in again.intervals
    ]
    legend = [*picture.ax.figure.legends, picture.ax.get_legend()]
    words = [text.get_text() for item in legend if item for text in item.get_texts()]
    assert "50% interval" in words


def test_causes_that_must_not_be_missed_have_another_shape(model: thighdx.Model) -> None:
    picture = plot_posterior(model.diagnose({}), None, None)
    shapes = {cause: point.get_marker() for cause, point in zip(picture.causes, picture.points, strict=True)}
    assert len(shapes) == len(model.causes)
    assert {cause for cause, shape in shapes.items() if shape == "D"} == set(model.groups["must_not_miss"])


def test_what_is_certain_stands_at_the_end_of_a_log_odds_axis(model: thighdx.Model) -> None:
    result = model.diagnose({"hamstring_strain": True, "sex": "male"})
    picture = plot_posterior(result, n=None, scale="log_odds", method="delta")
    points = dict(zip(picture.causes, picture.points, strict=True))
    low, high = picture.ax.get_xlim()
    assert points["hamstring_strain"].get_marker() == ">"
    assert points["hamstring_strain"].get_xdata()[0] == high
    assert points["pregnancy_related_cramp"].get_marker() == "<"
    assert points["pregnancy_related_cramp"].get_xdata()[0] == low
    stroke = result.posterior["stroke"]
    assert points["stroke"].get_xdata()[0] == pytest.approx(math.log(stroke / (1 - stroke)))


def test_labels_are_names_and_the_residual_cause_comes_last(model: thighdx.Model) -> None:
    picture = plot_posterior(model.diagnose({"fever": True}), None, 3)
    labels = [label.get_text() for label in picture.ax.get_yticklabels()]
    assert labels[0] == "Lumbar or sacral radiculopathy"
    assert labels[-1] == "A cause not in this list"


def test_the_disclaimer_is_on_the_picture(model: thighdx.Model) -> None:
    picture = plot_posterior(model.diagnose({}), None, 3)
    words = " ".join(text.get_text().replace("\n", " ") for text in picture.figure.texts)
    assert model.disclaimer in words


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n: got 0, expected 1 or more, or None for all causes"),
        ({"scale": "log"}, "scale: got 'log', expected probability or log_odds"),
        ({"style": "sepia"}, "style: got 'sepia', expected one of auto, light, dark"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    model: thighdx.Model, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plot_posterior(model.diagnose({}), None, **options)  # type: ignore[arg-type]  # that is the test

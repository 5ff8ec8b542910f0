"""What was learned about a cause: three intervals per number, on one scale."""

from __future__ import annotations

import numpy as np
import pytest

import thighdx
from learning.clinic import patients
from plots.words_in_pictures import assert_no_text_overlaps_or_clips, drawn
from thighdx.errors import OptionError
from thighdx.learning.learned import Learned
from thighdx.plots import plot_learning


@pytest.fixture(scope="module")
def learned(small_model: thighdx.Model) -> Learned:
    table = patients(small_model, 400)
    return small_model.learn(table.assign(true_clot=False), name="clinic")


@pytest.mark.parametrize("style", ["light", "dark"])
def test_every_word_can_be_read(learned: Learned, style: str) -> None:
    assert_no_text_overlaps_or_clips(plot_learning(learned, "nerve", style=style).figure)  # type: ignore[arg-type]


def spans(learned: Learned, n: int, words: str) -> np.ndarray:
    """Ends of the intervals of one kind, from top to bottom."""
    _, _, (bars,) = drawn(plot_learning(learned, "nerve", n=n))[words].lines
    return np.array([segment[:, 0] for segment in bars.get_segments()])


def test_the_number_that_moved_furthest_comes_first(learned: Learned) -> None:
    changes = learned.changes
    own = changes[["nerve" in key.split("|") for key in changes["key"]]]
    middle = drawn(plot_learning(learned, "nerve", n=4))["now (each 5–95%)"].lines[0].get_xdata()
    # `shift` is in standard deviations of the fitted density, the picture in widths of its 90 % interval.
    assert np.abs(middle).tolist() == pytest.approx(sorted(own["shift"].abs(), reverse=True)[:4], rel=0.01)


def test_intervals_are_drawn_in_prior_standard_deviations(learned: Learned) -> None:
    shift = learned.changes.set_index("key")["shift"]
    ((low, high),) = spans(learned, 1, "held before")
    assert high - low == pytest.approx(2 * 1.6449, abs=1e-3)
    ((after_low, after_high),) = spans(learned, 1, "now (each 5–95%)")
    assert any(after_low < moved < after_high for moved in shift)
    assert after_high - after_low < high - low


def test_a_cause_without_records_has_no_picture(learned: Learned, small_model: thighdx.Model) -> None:
    with pytest.raises(OptionError, match="clot: no record bears on it"):
        plot_learning(small_model.learn(small_model.simulate(0, seed=1), name="nobody"), "clot")
    with pytest.raises(thighdx.UnknownNameError, match="did you mean 'clot'"):
        plot_learning(learned, "clott")
    with pytest.raises(OptionError, match="n: got 0, expected 1 to 20"):
        plot_learning(learned, "nerve", n=0)

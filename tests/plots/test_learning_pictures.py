"""What was learned about a cause: three intervals per number, on one scale."""

from __future__ import annotations

import numpy as np
import pytest

import thighdx
from learning.clinic import patients
from plots.words_in_pictures import assert_no_text_overlaps_or_clips
from thighdx.learning.learned import Learned
from thighdx.plots import plot_learning


@pytest.fixture(scope="module")
def learned(small_model: thighdx.Model) -> Learned:
    table = patients(small_model, 400)
    return small_model.learn(table.assign(true_clot=False), name="clinic")


@pytest.mark.parametrize("style", ["light", "dark"])
def test_every_word_can_be_read(learned: Learned, style: str) -> None:
    assert_no_text_overlaps_or_clips(plot_learning(learned, "nerve", style=style).figure)  # type: ignore[arg-type]


def test_the_number_that_moved_furthest_comes_first(learned: Learned) -> None:
    picture = plot_learning(learned, "nerve", n=4)
    shift = learned.changes.set_index("key")["shift"].abs()
    assert [shift[key] for key in picture.keys] == sorted(shift[list(picture.keys)], reverse=True)
    assert len(picture.keys) == len(picture.prior) == len(picture.posterior) == 4


def test_intervals_are_drawn_in_prior_standard_deviations(learned: Learned) -> None:
    picture = plot_learning(learned, "nerve", n=1)
    row = learned.changes.set_index("key").loc[picture.keys[0]]
    low, high = np.asarray(picture.prior[0].get_xdata())
    assert high - low == pytest.approx(2 * 1.6449, abs=1e-3)
    after = np.asarray(picture.posterior[0].get_xdata())
    assert after[0] < row["shift"] < after[1]
    assert after[1] - after[0] < high - low


def test_a_cause_without_records_has_no_picture(learned: Learned, small_model: thighdx.Model) -> None:
    with pytest.raises(ValueError, match="clot: no record bears on it"):
        plot_learning(small_model.learn(small_model.simulate(0, seed=1), name="nobody"), "clot")
    with pytest.raises(thighdx.UnknownNameError, match="did you mean 'clot'"):
        plot_learning(learned, "clott")
    with pytest.raises(ValueError, match="n: got 0, expected 1 to 20"):
        plot_learning(learned, "nerve", n=0)

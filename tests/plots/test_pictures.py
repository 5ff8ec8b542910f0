"""Every picture looks as it did and can be read, on light paper and on dark."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import thighdx
from plots.pictures import PICTURES
from plots.same_picture import (
    BASELINE,
    LARGEST,
    TOLERANCE,
    assert_same_picture,
    compare_with_baseline,
    difference,
    write_picture,
)
from plots.words_in_pictures import assert_no_text_overlaps_or_clips

# On dark paper one picture of each kind is compared; all are searched for words that cannot be read.
BASELINES = {f"{name}_light" for name in PICTURES} | {f"{name}_dark" for name in PICTURES if "_" not in name}


@pytest.mark.parametrize("style", ["light", "dark"])
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_looks_as_it_did_and_every_word_can_be_read(
    model: thighdx.Model, name: str, style: str, tmp_path: Path
) -> None:
    figure = PICTURES[name](model, style).figure  # type: ignore[arg-type]  # a name of a style
    assert_no_text_overlaps_or_clips(figure)
    if f"{name}_{style}" in BASELINES:
        assert_same_picture(figure, f"{name}_{style}", tmp_path)


@pytest.mark.parametrize("name", [name for name in PICTURES if "_" not in name])
def test_a_picture_goes_to_another_process(model: thighdx.Model, name: str) -> None:
    again = pickle.loads(pickle.dumps(PICTURES[name](model, "light").figure))
    FigureCanvasAgg(again)
    assert_no_text_overlaps_or_clips(again)


def test_there_is_a_baseline_for_every_picture_and_no_other() -> None:
    assert {path.stem for path in BASELINE.glob("*.png")} == BASELINES


def test_baselines_are_small() -> None:
    assert [path.name for path in BASELINE.glob("*.png") if path.stat().st_size >= LARGEST] == []


def test_a_moved_mark_is_a_difference(model: thighdx.Model, tmp_path: Path) -> None:
    figure = PICTURES["weights"](model, "light").figure
    write_picture(figure, tmp_path / "before.png")
    write_picture(figure, tmp_path / "again.png")
    bar = figure.axes[0].containers[0][0]
    bar.set_x(bar.get_x() + 2.0)
    write_picture(figure, tmp_path / "after.png")
    assert difference(tmp_path / "before.png", tmp_path / "again.png") < TOLERANCE / 4
    assert difference(tmp_path / "before.png", tmp_path / "after.png") > TOLERANCE


def test_a_picture_that_changed_is_refused(model: thighdx.Model, tmp_path: Path) -> None:
    figure = PICTURES["weights"](model, "light").figure
    figure.set_facecolor("gold")
    with pytest.raises(AssertionError, match=r"network_alone_light: differs by 1\.000"):
        compare_with_baseline(figure, "network_alone_light", tmp_path)
    with pytest.raises(
        AssertionError, match=r"nothing\.png: no baseline; make it with THIGHDX_UPDATE_GOLDEN=1"
    ):
        compare_with_baseline(figure, "nothing", tmp_path)


def test_another_size_is_a_difference() -> None:
    assert difference(BASELINE / "weights_light.png", BASELINE / "network_light.png") == 1.0


def bad_figure(*words: tuple[float, float, str]) -> Figure:
    figure = Figure(figsize=(3.0, 2.0))
    FigureCanvasAgg(figure)
    for x, y, text in words:
        figure.text(x, y, text)
    return figure


def test_words_on_one_another_are_noticed() -> None:
    figure = bad_figure((0.1, 0.5, "hamstring strain"), (0.2, 0.51, "stroke"), (0.1, 0.1, "apart"))
    with pytest.raises(AssertionError, match="overlap: 'hamstring strain' and 'stroke'"):
        assert_no_text_overlaps_or_clips(figure)


def test_words_cut_off_are_noticed() -> None:
    figure = bad_figure((0.9, 0.5, "hamstring strain"))
    with pytest.raises(AssertionError, match="cut off: 'hamstring strain'"):
        assert_no_text_overlaps_or_clips(figure)


def test_labels_of_an_axis_count_as_words() -> None:
    figure = bad_figure()
    ax = figure.add_axes((0.0, 0.3, 1.0, 0.6))
    ax.set_xticks([0.5, 0.51], ["first label", "second label"])
    with pytest.raises(AssertionError, match="overlap: 'first label' and 'second label'"):
        assert_no_text_overlaps_or_clips(figure)


def test_words_apart_pass() -> None:
    assert_no_text_overlaps_or_clips(bad_figure((0.1, 0.2, "one"), (0.1, 0.6, "two")))

"""Rows with names of any length."""

from __future__ import annotations

import pytest

from plots.words_in_pictures import assert_no_text_overlaps_or_clips, words_of
from thighdx.plots.canvas import finish, open_canvas
from thighdx.plots.rows import Row, draw_rows


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "word " * 60,
        "W" * 200,
        "pseudopseudohypoparathyroidism" * 9,
        "$5 for_all {of} %s \\alpha $6",
        "漢",
    ],
)
def test_rows_with_any_name_can_be_read(name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # a letter that the font does not have
        canvas = open_canvas(None)
        placed = draw_rows(canvas, [Row(name, "1.0%"), Row(name, "", is_header=True)], heading="now", most=2)
        canvas.ax.set_xlim(0, 1)
        finish(canvas, title=name, xlabel="axis", note=name, inches=placed.inches)
        assert_no_text_overlaps_or_clips(canvas.ax.figure)
        assert len(words_of(canvas.ax.figure)) > 5

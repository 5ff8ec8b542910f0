"""Verbal scales hold together."""

from __future__ import annotations

import itertools

import pytest

from thighdx.elicitation.scales import VERBAL_SCALES, VerbalScale

ALL = list(VERBAL_SCALES.values())


@pytest.mark.parametrize("scale", ALL, ids=lambda scale: scale.id)
def test_words_are_ranges_that_meet(scale: VerbalScale) -> None:
    ranges = sorted(scale.words.values())
    assert all(0 < low < high < 1 for low, high in ranges)
    assert all(below[1] == above[0] for below, above in itertools.pairwise(ranges))


@pytest.mark.parametrize("scale", ALL, ids=lambda scale: scale.id)
def test_a_scale_names_its_version_and_source(scale: VerbalScale) -> None:
    year = scale.id.rsplit("-", 1)[1]
    assert year in scale.source
    assert VERBAL_SCALES[scale.id] is scale
    assert set(scale.open_ended) == {min(scale.words, key=scale.words.__getitem__)} | {
        max(scale.words, key=scale.words.__getitem__)
    }


@pytest.mark.parametrize(
    ("scale", "word", "expected"),
    [
        ("eu-smpc-2009", "common", (0.01, 0.1)),
        ("eu-smpc-2009", "uncommon", (0.001, 0.01)),
        ("eu-smpc-2009", "rare", (0.0001, 0.001)),
        ("efsa-2018", "likely", (0.66, 0.90)),
        ("efsa-2018", "about as likely as not", (0.33, 0.66)),
        ("efsa-2018", "extremely unlikely", (0.01, 0.05)),
    ],
)
def test_words_mean_what_their_source_says(scale: str, word: str, expected: tuple[float, float]) -> None:
    assert VERBAL_SCALES[scale].words[word] == expected

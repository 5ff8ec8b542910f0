"""Each color has one meaning, can be told from the others by everybody, and no picture has another."""

from __future__ import annotations

from dataclasses import astuple
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

import thighdx
from plots.pictures import PICTURES
from thighdx.plots.palette import DARK, LIGHT, Ink

# How red, green and blue light (linear) look without one kind of cone: Machado, Oliveira and Fernandes, IEEE
# Transactions on Visualization and Computer Graphics 2009;15:1291-8, severity 1.0.
SEEN = {
    "with all cones": np.eye(3),
    "without red cones": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "without green cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "without blue cones": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_CONES = np.array(
    [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
)  # Oklab (Ottosson 2020)
TO_LAB = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
APART = 0.1  # in Oklab, where 0.02 is just noticed
MEANINGS = ("text", "faint", "main", "against", "danger")


def linear(color: Any) -> np.ndarray:
    """A color as linear light."""
    rgb = np.array(to_rgba(color)[:3])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: Any, other: Any) -> float:
    """Contrast ratio of two colors, as the Web Content Accessibility Guidelines define it."""
    low, high = sorted(float(linear(color) @ (0.2126, 0.7152, 0.0722)) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def looks(color: Any, eyes: np.ndarray) -> np.ndarray:
    """A color in Oklab as some eyes see it."""
    return TO_LAB @ np.cbrt(TO_CONES @ (eyes @ linear(color)).clip(0.0, 1.0))


@pytest.mark.parametrize("ink", [LIGHT, DARK], ids=["light", "dark"])
def test_words_and_marks_stand_out_from_the_paper(ink: Ink) -> None:
    assert contrast(ink.text, ink.paper) > 7
    assert contrast(ink.faint, ink.paper) > 6
    assert min(contrast(color, ink.paper) for color in (ink.main, ink.against, ink.danger)) > 3
    assert len(set(ink.lines)) == len(ink.lines) == 6


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("ink", [LIGHT, DARK], ids=["light", "dark"])
def test_colors_of_different_meaning_look_different_to_all_eyes(ink: Ink, eyes: str) -> None:
    for one, other in combinations(MEANINGS, 2):
        difference = looks(getattr(ink, one), SEEN[eyes]) - looks(getattr(ink, other), SEEN[eyes])
        assert np.linalg.norm(difference) > APART, (one, other)


def test_no_color_has_two_meanings() -> None:
    for ink in (LIGHT, DARK):
        colors = [*astuple(ink)[:-1], *ink.lines]
        assert len(set(colors)) == len(colors)


def colors_of(figure: Any) -> set[str]:
    """Every color that is drawn, without how much shines through."""
    found: list[Any] = []
    for item in figure.findobj(lambda item: item.get_visible()):
        if isinstance(item, Line2D):
            found += [item.get_color(), item.get_markeredgecolor()]
        elif isinstance(item, Patch | Collection):
            found += [*np.atleast_2d(item.get_facecolor()), *np.atleast_2d(item.get_edgecolor())]
        elif isinstance(item, Text):
            found.append(item.get_color())
    return {to_hex(color) for color in found if len(color) and to_rgba(color)[3] > 0}


@pytest.mark.parametrize("name", [name for name in PICTURES if "_" not in name])
def test_no_picture_has_a_color_without_a_meaning(model: thighdx.Model, name: str) -> None:
    figure = PICTURES[name](model, "dark").figure
    axes_only = {
        to_hex(color) for color in ("black", "white")
    }  # of parts that are switched off or have no words
    assert colors_of(figure) - axes_only <= {*astuple(DARK)[:-1], *DARK.lines}


def test_orange_is_danger_and_nothing_else(model: thighdx.Model) -> None:
    with_danger = {
        name for name in PICTURES if LIGHT.danger in colors_of(PICTURES[name](model, "light").figure)
    }
    assert with_danger <= {
        name for name in PICTURES if name.startswith(("posterior", "intervals", "history", "cohort"))
    }
    assert {"posterior", "history", "cohort"} <= with_danger

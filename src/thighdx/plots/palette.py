"""The colors of every picture, each with one meaning, on light paper and on dark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DARK", "LIGHT", "Ink", "ink_of"]


@dataclass(frozen=True, slots=True)
class Ink:
    """What each color means; no picture has another color (after Okabe and Ito's palette [1]_).

    With normal vision and with each kind of color blindness all but `lines` stay apart; marks, hatching and words say
    the same as the colors.

    Attributes
    ----------
    paper, grid : str
        Background, and lines behind everything.
    text : str
        Words, where things stand, and what was stated or seen.
    faint : str
        What is less important, or was before.
    main : str
        The answer: what the model says, and what speaks for a cause.
    against : str
        What speaks against a cause.
    danger : str
        Must not be missed, an emergency, or a row that was left out; nothing else.
    lines : tuple of str
        Further causes in one picture; each has a mark of its own as well.

    References
    ----------
    .. [1] Okabe M, Ito K. Color Universal Design: how to make figures and presentations that are friendly to
       colorblind people. University of Tokyo, 2008.
    """

    paper: str
    grid: str
    text: str
    faint: str
    main: str
    against: str
    danger: str
    lines: tuple[str, ...]


LIGHT = Ink(
    paper="#ffffff",
    grid="#dddddd",
    text="#1a1a1a",
    faint="#626262",
    main="#0072b2",
    against="#5e2a6e",
    danger="#d55e00",
    lines=("#009e73", "#cc79a7", "#56b4e9", "#857300", "#4d6a7f", "#a3413f"),
)
DARK = Ink(
    paper="#16181d",
    grid="#3c4048",
    text="#f0f0f0",
    faint="#a0a0a0",
    main="#3d9be0",
    against="#e6b0f0",
    danger="#f0841f",
    lines=("#2fc49a", "#cc79a7", "#8fd0f5", "#d9cf4a", "#93afc4", "#e59a98"),
)


def ink_of(ax: Axes) -> Ink:
    """Choose the colors that can be read on the background of some axes."""
    from matplotlib import rcParams
    from matplotlib.colors import to_hex, to_rgba

    figure: Any = ax.figure
    for face in (ax.get_facecolor(), figure.figure.get_facecolor()):
        red, green, blue, alpha = to_rgba(face)
        if alpha > 0.5:
            is_dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.4
            return replace(DARK if is_dark else LIGHT, paper=to_hex((red, green, blue)))
    return DARK if sum(to_rgba(rcParams["text.color"])[:3]) > 1.5 else LIGHT

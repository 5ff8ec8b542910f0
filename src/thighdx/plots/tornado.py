"""What would change the answer: judgements by how far they move a posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from thighdx.elicitation.rows import table_scale
from thighdx.plots.layout import finish, say
from thighdx.plots.rows import Row, draw_rows
from thighdx.plots.scales import fine_percent, nice_percent_axis
from thighdx.plots.style import Canvas, Picture, Style, open_canvas
from thighdx.plots.words import Names, SupportsNames, lower
from thighdx.text import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    from thighdx.kb.records import JudgementTable
    from thighdx.reasoning.sensitivity.sensitivity_lines import Sensitivities, Sensitivity

__all__ = ["SensitivityPlot", "plot_sensitivity"]

BAR = 0.9  # lines


@dataclass(frozen=True, slots=True)
class SensitivityPlot(Picture):
    """A tornado.

    Attributes
    ----------
    low_bars, high_bars : tuple of Rectangle
        From the posterior to where it goes with the judgement at its 5 and its 95 % quantile; one per row.
    posterior : Line2D or None
        Where it stands; None where no judgement moves it.
    """

    low_bars: tuple[Rectangle, ...]
    high_bars: tuple[Rectangle, ...]
    posterior: Line2D | None


def plot_sensitivity(
    sensitivities: Sensitivities,
    *,
    n: int = 12,
    model: SupportsNames | None = None,
    ax: Axes | None = None,
    style: Style = "auto",
) -> SensitivityPlot:
    """Draw how far the posterior of a cause moves while one judgement goes from 5 to 95 % of its range.

    Parameters
    ----------
    sensitivities : Sensitivities
        From `Result.sensitivity`.
    n : int
        How many judgements, the widest bars first.
    model : thighdx.Model, optional
        For names; ids are written as words without it.
    ax, style
        See `plot_posterior`.

    Returns
    -------
    SensitivityPlot
        A star marks judgements whose own range changes the leading cause or the urgency.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_sensitivity
    >>> model = thighdx.load_model()
    >>> result = model.diagnose({"onset": "sudden", "bruising": True})
    >>> picture = plot_sensitivity(result.sensitivity("hamstring_strain", n=3), model=model)
    >>> len(picture.low_bars), len(picture.high_bars)
    (3, 3)
    """
    if n < 1:
        raise ValueError(f"n: got {n}, expected 1 or more")
    canvas = open_canvas(ax, style=style)
    names = Names.of(None if model is None else model.vocabulary)
    cause = names.name(sensitivities.cause)
    now = sensitivities.posterior
    lines = sorted(sensitivities.lines, key=lambda line: -abs(line.at_high - line.at_low))[:n]
    title = f"What moves {lower(cause)}, now {percent(now)}"
    if not lines:
        say(canvas, f"The evidence settles it: {percent(now)} whatever the judgements are.", title=title)
        return SensitivityPlot(canvas.ax, canvas.is_own, (), (), None)
    rows = [Row(names.judgement(*_key(line)), _range(line)) for line in lines]
    placed = draw_rows(canvas, rows, heading="judgement, 5–95%", most=4)
    nice_percent_axis(canvas, [now, *(x for line in lines for x in (line.at_low, line.at_high))])
    ax, ink = canvas.ax, canvas.ink
    low = tuple(
        _bar(canvas, y, now, line.at_low, is_high=False) for y, line in zip(placed.at, lines, strict=True)
    )
    high = tuple(
        _bar(canvas, y, now, line.at_high, is_high=True) for y, line in zip(placed.at, lines, strict=True)
    )
    here = ax.axvline(now, color=ink.text, linewidth=1.2, zorder=3)
    finish(
        canvas,
        title=title,
        xlabel=f"Probability of {lower(cause)}",
        handles=_legend(canvas, has_star=any(line.is_decisive for line in lines)),
        columns=3,
        inches=placed.inches,
    )
    return SensitivityPlot(ax, canvas.is_own, low, high, here)


def _key(line: Sensitivity) -> tuple[JudgementTable, tuple[str, ...]]:
    return line.influence.table, line.influence.key


def _range(line: Sensitivity) -> str:
    """Write the range of a judgement; a star where it changes the answer."""
    star = "★ " if line.is_decisive else ""
    if table_scale(line.influence.table) == "odds_ratio":
        return f"{star}×{number(line.low)}–{number(line.high)}"
    return f"{star}{fine_percent(line.low)}–{fine_percent(line.high)}"


def _bar(canvas: Canvas, y: float, now: float, there: float, *, is_high: bool) -> Rectangle:
    """Draw one half."""
    ink = canvas.ink
    color = ink.main if is_high else ink.second
    bars = canvas.ax.barh(
        [y], [there - now], left=[now], height=BAR, color=color if is_high else ink.paper, edgecolor=color,
        hatch="" if is_high else "////", linewidth=1.2, zorder=2,
    )  # fmt: skip
    bar: Rectangle = bars.patches[0]
    return bar


def _legend(canvas: Canvas, *, has_star: bool) -> list[Rectangle | Line2D]:
    """Explain the halves."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    ink = canvas.ink
    marks: list[Rectangle | Line2D] = [
        Rectangle(
            (0, 0),
            1,
            1,
            facecolor=ink.paper,
            edgecolor=ink.second,
            hatch="////",
            label="judgement at its low end",
        ),
        Rectangle((0, 0), 1, 1, facecolor=ink.main, edgecolor=ink.main, label="at its high end"),
    ]
    if has_star:
        marks.append(
            Line2D(
                [],
                [],
                marker="*",
                markersize=10,
                linestyle="none",
                color=ink.text,
                label="alone changes the answer",
            )
        )
    return marks

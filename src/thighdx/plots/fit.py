"""A picture of how the findings fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thighdx.errors import OptionError
from thighdx.plots.canvas import Style, finish, instead, open_canvas, some_numbers
from thighdx.plots.rows import Row, draw_bars, draw_rows
from thighdx.plots.scales import signed_tick
from thighdx.plots.words import Names
from thighdx.text import MINUS, fine_percent, in_labels, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thighdx.model import Model
    from thighdx.reasoning.fit.evidence_fit import EvidenceFit

__all__ = ["plot_fit"]


def plot_fit(
    fit: EvidenceFit,
    *,
    n: int = 15,
    model: Model | None = None,
    ax: Axes | None = None,
    style: Style = "auto",
) -> Axes:
    """Draw how each finding fits with all the others.

    Parameters
    ----------
    fit : EvidenceFit
        From `Result.fit`.
    n : int
        How many findings, the one that fits least first.
    model : thighdx.Model, optional
        For names, where the fit brings none.
    ax, style
        See `plot_posterior`.

    Returns
    -------
    matplotlib.axes.Axes
        Bars to the right: less likely with the others than alone. The figures are both probabilities.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_fit
    >>> result = thighdx.load_model().diagnose({"onset": "sudden", "bruising": True})
    >>> len(plot_fit(result.fit).get_yticks())
    2
    """
    if n < 1:
        raise OptionError(f"n: got {n}, expected 1 or more")
    names = Names.of_model(model, {**fit.labels, **{item.variable: item.label for item in fit.findings}})
    shown = fit.findings[:n]
    statement = in_labels(fit.statement, {*names.labels, fit.rare_case, *fit.typical_of}, names.labels)
    title = names.say("fitting.title", bits=signed(fit.conflict_bits, minus=MINUS))
    canvas = open_canvas(ax, style=style)
    if not shown:
        instead(canvas, statement, title=title)
        return canvas.ax
    bits = some_numbers("conflict_bits", [item.conflict_bits for item in shown])
    rows = [
        Row(
            names.known(item.variable, item.state),
            f"{fine_percent(item.alone)} → {fine_percent(item.given_rest)}",
        )
        for item in shown
    ]
    from matplotlib.ticker import MaxNLocator

    placed = draw_rows(canvas, rows, heading=names.say("fitting.heading"), most=3)
    ink = canvas.ink
    for words, color, is_here in (
        (names.say("fitting.less"), ink.against, bits > 0),
        (names.say("fitting.more"), ink.main, bits <= 0),
    ):
        if is_here.any():
            draw_bars(canvas, placed.at[is_here], bits[is_here], color=color, label=words)
    canvas.ax.axvline(0.0, color=ink.text, linewidth=1.0)
    canvas.ax.xaxis.set_major_locator(MaxNLocator(5))
    canvas.ax.xaxis.set_major_formatter(signed_tick)
    canvas.ax.set_xlim(min(-1.0, bits.min() * 1.05), max(1.0, bits.max() * 1.05))
    finish(canvas, title=title, xlabel=names.say("fitting.axis"), note=statement, inches=placed.inches)
    return canvas.ax

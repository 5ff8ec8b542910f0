"""The growth curves as one picture for the README: light background, legible at 840 pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.growth import AXES, THREADS, Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_growth"]

# Colors that stay apart for color-blind readers; orange means something else in the pictures of the library.
COLORS = {"2": "#0072B2", "3": "#5E2A6E", "4": "#009E73"}
RATES = {100: "100", 1_000: "1,000", 10_000: "10,000", 100_000: "100,000", 1_000_000: "1 million"}
COUNTS = {1_000: "1,000", 10_000: "10,000", 100_000: "100,000", 1_000_000: "1 million"}
PALE = {"2": "#8FC1DE", "3": "#B79CC0"}  # one thread
COMPARED = 100_000  # rows of the bars for threads
STYLE = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "legend.frameon": False,
}


def plot_growth(curves: Sequence[Curve], folder: Path, source: str) -> Path:
    """Save `growth.png` and return where it is; `source` is printed below the panels."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 2, figsize=(8.4, 7.0), layout="constrained")
        plot_rows(axes[0, 0], curves)
        plot_threads(axes[0, 1], curves)
        plot_causes(axes[1, 0], curves)
        plot_known(axes[1, 1], curves)
        figure.supxlabel(source, fontsize=8, color="#555555")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "growth.png"
        figure.savefig(path, dpi=200)
        plt.close(figure)
    return path


def of(curves: Sequence[Curve], panel: str) -> list[Curve]:
    """Return the curves of one panel."""
    return [curve for curve in curves if curve.panel == panel]


def draw(axis: Axes, curve: Curve) -> None:
    """Draw one curve: its color says how many causes at once, a broken line says one thread."""
    dashed = curve.label.endswith("1 thread")
    color = COLORS[curve.label[0]]
    face = "white" if dashed else color
    style = {"color": color, "markerfacecolor": face, "linestyle": "--" if dashed else "-"}
    axis.plot(curve.x, curve.rate, marker="o", markersize=5, label=curve.label, **style)


def rates_up(axis: Axes, title: str, panel: str) -> None:
    """Give an axis of rows per second the same fixed ticks in every panel."""
    axis.set(title=title, xlabel=AXES[panel], ylabel="rows per second", yscale="log", ylim=(40, 4e6))
    axis.set_yticks(list(RATES), list(RATES.values()))
    axis.minorticks_off()
    axis.legend(loc="lower right", fontsize=9)


def plot_rows(axis: Axes, curves: Sequence[Curve]) -> None:
    """Draw rows per second against rows."""
    for curve in of(curves, "rows"):
        draw(axis, curve)
    axis.set(xscale="log", xlim=(600, 1.7e6))
    axis.set_xticks(list(COUNTS), list(COUNTS.values()))
    rates_up(axis, "Rows", "rows")


def plot_threads(axis: Axes, curves: Sequence[Curve]) -> None:
    """Draw bars of rows per second for one and two threads, in thousands."""
    rows = of(curves, "rows")
    for place, at_once in enumerate(("3", "2")):
        own = [curve for curve in rows if curve.label[0] == at_once]
        size = max(x for x in own[0].x if x <= COMPARED)
        for n_threads, curve in zip(THREADS, own, strict=True):
            value = curve.rate[curve.x.index(size)] / 1_000
            where = place + 0.4 * (n_threads - 1.5)
            color = PALE[at_once] if n_threads == 1 else COLORS[at_once]
            axis.bar(where, value, width=0.36, color=color)
            axis.annotate(f"{value:,.0f}", (where, value), (0, 3), textcoords="offset points", ha="center")
    places = [place + 0.4 * (n - 1.5) for place in (0, 1) for n in THREADS]
    axis.set_xticks(places, [str(n) for _ in (0, 1) for n in THREADS])
    for place, at_once in enumerate(("3", "2")):
        axis.annotate(
            f"{at_once} at once",
            (place, 0),
            (0, -18),
            ("data", "axes fraction"),
            "offset points",
            ha="center",
            va="top",
        )
    axis.set(title=f"Threads, {size:,.0f} rows", ylabel="thousand rows per second", xlim=(-0.6, 1.6))
    axis.set_xlabel("threads", labelpad=18)
    axis.margins(y=0.12)
    axis.grid(visible=False, axis="x")


def plot_causes(axis: Axes, curves: Sequence[Curve]) -> None:
    """Draw rows per second against causes."""
    for curve in of(curves, "causes"):
        draw(axis, curve)
    counts = sorted({int(x) for curve in of(curves, "causes") for x in curve.x})
    axis.set(xlim=(5, 85))
    axis.set_xticks(counts, [str(count) for count in counts])
    rates_up(axis, "Causes in the model", "causes")


def plot_known(axis: Axes, curves: Sequence[Curve]) -> None:
    """Draw rows per second against known findings and tests."""
    for curve in of(curves, "known"):
        draw(axis, curve)
    axis.set(xlim=(-6, 156))
    axis.set_xticks(range(0, 151, 30))
    rates_up(axis, "What is known", "known")

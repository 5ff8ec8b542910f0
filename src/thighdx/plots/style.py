"""What all pictures share: colors for light and dark, text that fits, and a figure laid out around its axes.

Matplotlib is imported inside functions only, so that everything else works without it. No setting of
matplotlib is changed: each picture colors its own artists, and reads light or dark from what it is drawn on.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from matplotlib.figure import Figure

__all__ = [
    "Canvas",
    "Ink",
    "Picture",
    "Style",
    "child_canvas",
    "open_canvas",
    "plain",
    "root_figure",
    "wrapped",
]

Style: TypeAlias = Literal["auto", "light", "dark"]

WIDTH = 7.5  # inches, as wide as a notebook shows at 100 dots per inch without shrinking it
LINE_SPACING = 1.25
WITHIN = 0.95  # of a width is filled with words: at few dots per inch letters are set wider than drawn
SMALLEST = 3.5  # points: words in axes that are too small for them do not shrink further
FREE = 0.75  # of the height of given axes, left by title, ticks and legend once these are laid out
POINTS = 72.0


@dataclass(frozen=True, slots=True)
class Ink:
    """The colors of one picture (Okabe and Ito's palette [1]_, which color-blind readers can tell apart).

    Attributes
    ----------
    paper, text, faint, grid : str
        Background, words, secondary words and marks, lines behind everything.
    main, second : str
        What speaks for and against, above and below.
    series : tuple of str
        For several lines; each also has a marker of its own.

    References
    ----------
    .. [1] Okabe M, Ito K. Color Universal Design: how to make figures and presentations that are friendly to
       colorblind people. University of Tokyo, 2008.
    """

    paper: str
    text: str
    faint: str
    grid: str
    main: str
    second: str
    series: tuple[str, ...]


LIGHT = Ink(
    paper="#ffffff",
    text="#1a1a1a",
    faint="#595959",
    grid="#dddddd",
    main="#0072b2",
    second="#d55e00",
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b87800", "#56b4e9", "#595959"),
)
DARK = Ink(
    paper="#16181d",
    text="#f0f0f0",
    faint="#b4b4b4",
    grid="#3c4048",
    main="#56b4e9",
    second="#e69f00",
    series=("#56b4e9", "#e69f00", "#2fc49a", "#cc79a7", "#f0e442", "#ff8f4d", "#b4b4b4"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """What a plot function drew; a notebook shows it where the figure is its own.

    Attributes
    ----------
    ax : matplotlib.axes.Axes
    is_own_figure : bool
        Whether the figure was made for this picture: no `ax` was given.
    """

    ax: Axes
    is_own_figure: bool

    @property
    def figure(self) -> Figure:
        """The figure, to be saved or changed further."""
        return root_figure(self.ax)

    def _repr_png_(self) -> bytes | None:
        """Show the picture in a notebook; axes that were given are shown by whoever made them."""
        if not self.is_own_figure:
            return None
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", facecolor=self.figure.get_facecolor())
        return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Canvas:
    """Axes to draw on, the colors for them, and how large words are.

    Attributes
    ----------
    size : float
        Of labels, in points; other words are sized after it.
    width : float
        Of the whole figure, or of the axes that were given, in inches.
    """

    ax: Axes
    ink: Ink
    is_own: bool
    size: float
    width: float

    @property
    def line(self) -> float:
        """Height of a line of labels, in inches."""
        return self.size * LINE_SPACING / POINTS

    @property
    def renderer(self) -> RendererBase:
        """What measures words and artists."""
        canvas: Any = root_figure(self.ax).canvas
        renderer: RendererBase = canvas.get_renderer()
        return renderer

    def fitting(self, n_lines: float) -> float:
        """Return the size of words, in points, at which so many lines fit into axes that were given."""
        room = FREE * float(self.ax.get_window_extent().height) / root_figure(self.ax).dpi
        return min(self.size, max(SMALLEST, self.size * room / (n_lines * self.line)))

    def wrap(self, text: str, inches: float, *, size: float = 0.0, bold: bool = False, most: int = 3) -> str:
        """Break a text into at most `most` lines of a width; what does not fit ends in an ellipsis."""
        from matplotlib.font_manager import FontProperties

        font = FontProperties(size=size or self.size, weight="bold" if bold else "normal")
        return wrapped(text, WITHIN * inches, font, most=most)


def root_figure(ax: Axes) -> Figure:
    """Return the whole figure that some axes are in, also from a figure within it."""
    figure: Any = ax.figure
    root: Figure = figure.figure
    return root


def plain(text: str) -> str:
    """Protect dollar signs, which matplotlib would read as mathematics."""
    return text.replace("$", r"\$")


def wrapped(text: str, inches: float, font: Any, *, most: int) -> str:
    """Break a text into at most `most` lines no wider than `inches`, as measured in the font.

    Words longer than a line are broken; what is left over is cut, with an ellipsis.
    """
    lines: list[str] = []
    for word in text.split():
        if lines and _inches(f"{lines[-1]} {word}", font) <= inches:
            lines[-1] += f" {word}"
            continue
        while len(word) > 1 and _inches(word, font) > inches:
            fits = max(n for n in range(1, len(word)) if n == 1 or _inches(word[:n], font) <= inches)
            lines.append(word[:fits])
            word = word[fits:]
        lines.append(word)
    if len(lines) > most:
        last = lines[most - 1]
        while last and _inches(f"{last}…", font) > inches:
            last = last[:-1]
        lines = [*lines[: most - 1], f"{last.rstrip()}…"]
    return "\n".join(lines)


def _inches(text: str, font: Any) -> float:
    """Measure one line."""
    from matplotlib.textpath import text_to_path

    width: float = text_to_path.get_text_width_height_descent(plain(text), font, False)[0]
    return width / POINTS


def open_canvas(ax: Axes | None, *, style: Style = "auto", width: float = WIDTH) -> Canvas:
    """Return axes to draw on: the given ones, or those of a new figure that no window manager knows of.

    Raises
    ------
    ModuleNotFoundError
        Without matplotlib.
    ValueError
        If the style is unknown, or given together with axes, which have one already.
    """
    try:
        from matplotlib import rcParams
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "thighdx.plots needs matplotlib, which is not installed; install thighdx[plot]", name=error.name
        ) from error
    if style not in ("auto", "light", "dark"):
        raise ValueError(f"style: got {style!r}, expected one of auto, light, dark")
    size = float(rcParams["font.size"])
    if ax is not None:
        if style != "auto":
            raise ValueError(f"style: got {style!r} with axes of your own; color them, and leave style out")
        figure: Any = root_figure(ax)
        if not hasattr(figure.canvas, "get_renderer"):
            FigureCanvasAgg(figure)
        box = ax.get_window_extent()
        canvas = Canvas(ax, _ink_of(ax), False, size, float(box.width) / figure.dpi)
    else:
        figure = Figure(figsize=(width, 4.0), layout="constrained")
        FigureCanvasAgg(figure)
        new: Axes = figure.add_subplot()
        if style != "auto":
            paper = (LIGHT if style == "light" else DARK).paper
            figure.set_facecolor(paper)
            new.set_facecolor(paper)
        canvas = Canvas(new, _ink_of(new), True, size, width)
    _dress(canvas)
    return canvas


def child_canvas(canvas: Canvas, bounds: tuple[float, float, float, float]) -> Canvas:
    """Return a panel inside the axes of a canvas: left, bottom, width and height as shares of it."""
    ax = canvas.ax.inset_axes(bounds)
    ax.set_facecolor(canvas.ax.get_facecolor())
    child = Canvas(ax, canvas.ink, canvas.is_own, canvas.size, canvas.width)
    _dress(child)
    return child


def _ink_of(ax: Axes) -> Ink:
    """Choose the colors that can be read on the background of some axes."""
    from dataclasses import replace

    from matplotlib import rcParams
    from matplotlib.colors import to_hex, to_rgba

    figure: Any = root_figure(ax)
    for face in (ax.get_facecolor(), figure.get_facecolor()):
        red, green, blue, alpha = to_rgba(face)
        if alpha > 0.5:
            is_dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.4
            return replace(DARK if is_dark else LIGHT, paper=to_hex((red, green, blue)))
    red, green, blue, _ = to_rgba(rcParams["text.color"])
    return DARK if red + green + blue > 1.5 else LIGHT


def _dress(canvas: Canvas) -> None:
    """Color and calm the frame."""
    ax, ink = canvas.ax, canvas.ink
    ax.tick_params(colors=ink.text, labelsize=0.9 * canvas.size, length=3.0)
    for side, spine in ax.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(ink.faint)
    ax.grid(False)

"""Axes that were given, colors, and what a notebook shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import thighdx
from fresh import printed_by
from plots.pictures import CASE, learned_of_few, posteriors_of_patients
from plots.words_in_pictures import assert_no_text_overlaps_or_clips, words_of
from thighdx import plots
from thighdx.errors import OptionError
from thighdx.plots.canvas import open_canvas, plain
from thighdx.plots.palette import DARK, LIGHT

Draw = Callable[[thighdx.Model, Axes], Axes]

ON_AXES: dict[str, Draw] = {
    "plot_posterior": lambda m, ax: plots.plot_posterior(m.diagnose(CASE), method="delta", ax=ax),
    "plot_intervals": lambda m, ax: plots.plot_intervals(m.diagnose(CASE).interval(method="delta"), ax=ax),
    "plot_fit": lambda m, ax: plots.plot_fit(m.diagnose(CASE).fit, ax=ax),
    "plot_weights": lambda m, ax: plots.plot_weights(m.diagnose(CASE).explain("hamstring_strain"), ax=ax),
    "plot_contrast": lambda m, ax: plots.plot_contrast(
        m.diagnose(CASE).contrast("hamstring_strain", "stroke"), ax=ax
    ),
    "plot_sensitivity": lambda m, ax: plots.plot_sensitivity(
        m.diagnose({"bruising": True}).sensitivity("hamstring_strain", n=5), ax=ax
    ),
    "plot_learning": lambda m, ax: plots.plot_learning(learned_of_few(m), "hamstring_strain", n=5, ax=ax),
    "plot_history": lambda m, ax: plots.plot_history([m.diagnose({}), m.diagnose(CASE)], ax=ax),
    "plot_network": lambda m, ax: plots.plot_network(m, "stroke", ax=ax),
    "plot_judgement": lambda m, ax: plots.plot_judgement(m, ("shares", "stroke|self_report"), ax=ax),
    "plot_calibration": lambda m, ax: plots.plot_calibration(
        thighdx.evaluate(m, m.simulate(50, seed=1)), ax=ax
    ),
    "plot_cohort": lambda m, ax: plots.plot_cohort(posteriors_of_patients(m, has_extras=True), m, n=6, ax=ax),
}


def new_figure(size: tuple[float, float] = (9.0, 8.0)) -> Figure:
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def test_every_function_is_tried_on_given_axes() -> None:
    assert sorted(ON_AXES) == sorted(plots.__all__)


@pytest.mark.parametrize("name", ON_AXES)
def test_a_picture_on_given_axes_stays_there_and_can_be_read(model: thighdx.Model, name: str) -> None:
    figure = new_figure()
    ax = figure.add_subplot()
    before = dict(mpl.rcParams)
    assert ON_AXES[name](model, ax) is ax
    assert figure.axes == [ax]
    assert figure.get_size_inches().tolist() == [9.0, 8.0]
    assert dict(mpl.rcParams) == before
    assert_no_text_overlaps_or_clips(figure)


def test_two_pictures_side_by_side_can_be_read(model: thighdx.Model) -> None:
    figure = new_figure((14.0, 5.0))
    left, right = figure.subplots(1, 2)
    plots.plot_posterior(model.diagnose(CASE), level=None, n=6, ax=left)
    plots.plot_weights(model.diagnose(CASE).explain("hamstring_strain"), ax=right)
    assert_no_text_overlaps_or_clips(figure)


def test_a_picture_fits_a_figure_within_a_figure(model: thighdx.Model) -> None:
    figure = new_figure()
    part = figure.subfigures(1, 2)[1]
    assert plots.plot_posterior(model.diagnose(CASE), level=None, n=4, ax=part.subplots()).figure is part
    assert_no_text_overlaps_or_clips(figure)


def test_axes_of_pyplot_will_do_and_no_other_figure_is_opened(model: thighdx.Model) -> None:
    from matplotlib import pyplot as plt

    with mpl.rc_context({"backend": "agg"}):
        figure, ax = plt.subplots(layout="constrained")
        try:
            plots.plot_posterior(model.diagnose(CASE), level=None, n=4, ax=ax)
            plots.plot_posterior(model.diagnose(CASE), level=None, n=4)
            assert plt.get_fignums() == [figure.number]
        finally:
            plt.close(figure)


@pytest.mark.parametrize(("face", "is_dark"), [("white", False), ("#f4f4f4", False), ("black", True)])
def test_colors_follow_the_background_of_the_axes(model: thighdx.Model, face: str, is_dark: bool) -> None:
    ax = new_figure().add_subplot()
    ax.set_facecolor(face)
    ax.figure.set_facecolor(face)
    plots.plot_posterior(model.diagnose(CASE), level=None, n=3, ax=ax)
    label = ax.get_yticklabels()[0]
    assert label.get_color() == (DARK if is_dark else LIGHT).text
    assert ax.get_facecolor()[:3] == to_rgb(face)


def test_a_dark_style_of_matplotlib_is_followed(model: thighdx.Model) -> None:
    from matplotlib import style

    with style.context("dark_background"):
        picture = plots.plot_posterior(model.diagnose(CASE), level=None, n=3)
    assert to_rgb(picture.figure.get_facecolor()) == (0.0, 0.0, 0.0)
    assert picture.xaxis.label.get_color() == DARK.text


@pytest.mark.parametrize(("color", "ink"), [("white", DARK), ("black", LIGHT)])
def test_on_no_background_the_color_of_words_decides(model: thighdx.Model, color: str, ink: Any) -> None:
    with mpl.rc_context({"figure.facecolor": "none", "axes.facecolor": "none", "text.color": color}):
        picture = plots.plot_posterior(model.diagnose(CASE), level=None, n=3)
    assert picture.xaxis.label.get_color() == ink.text


def test_a_style_with_axes_of_ones_own_is_refused(model: thighdx.Model) -> None:
    with pytest.raises(OptionError, match="style: got 'dark' with axes of your own; color them"):
        plots.plot_posterior(model.diagnose({}), level=None, ax=new_figure().add_subplot(), style="dark")


def test_a_notebook_shows_an_own_figure_once(model: thighdx.Model) -> None:
    own: Any = plots.plot_posterior(model.diagnose({}), level=None, n=2)
    given = plots.plot_posterior(model.diagnose({}), level=None, n=2, ax=new_figure().add_subplot())
    assert own._repr_png_().startswith(b"\x89PNG")
    assert not hasattr(given, "_repr_png_")


def test_the_axes_of_earlier_versions_are_the_axes_themselves(model: thighdx.Model) -> None:
    own: Any = plots.plot_posterior(model.diagnose({}), level=None, n=2)
    with pytest.warns(DeprecationWarning, match=r"plots return the axes themselves; leave \.ax out"):
        assert own.ax is own


def test_dollar_signs_are_no_mathematics() -> None:
    figure = new_figure()
    figure.text(0.1, 0.5, plain("costs $5 or $6"))
    assert words_of(figure)[0][0] == r"costs \$5 or \$6"
    figure.canvas.draw()  # mathematics would fail or lose the signs


def test_words_are_broken_where_they_are_too_long_and_cut_where_they_are_too_many() -> None:
    canvas = open_canvas(None)
    assert canvas.wrap("a short one") == "a short one"
    lines = canvas.wrap("pseudopseudohypoparathyroidism" * 9, 0.2, most=3).split("\n")
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert canvas.wrap("") == ""


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name="matplotlib")
sys.meta_path.insert(0, Missing())
import pandas as pd, thighdx
from thighdx.plots import plot_posterior
model = thighdx.load_model()
result = model.diagnose({"bruising": True})
assert (model.score(pd.DataFrame({"bruising": [True]}))["status"] == "ok").all()
result.triage, result.interval(method="delta"), result.explain("hamstring_strain")
try:
    plot_posterior(result, level=None)
except ModuleNotFoundError as error:
    print(error)
"""


def test_everything_but_pictures_works_without_matplotlib() -> None:
    said = "thighdx.plots needs matplotlib, which is not installed; install thighdx[plot]\n"
    assert printed_by(WITHOUT) == said

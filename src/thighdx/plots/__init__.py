"""Pictures of what the model knows and what it concludes, drawn with matplotlib (extra ``plot``).

Every function takes its data first and everything else by name, draws on `ax` or on a figure of its own, and returns
the axes. What has no value or NaN to draw is refused with an OptionError, a ValueError.
"""

from __future__ import annotations

from thighdx.plots.calibration import plot_calibration
from thighdx.plots.cohort import plot_cohort
from thighdx.plots.fit import plot_fit
from thighdx.plots.history import plot_history
from thighdx.plots.judgement import plot_judgement
from thighdx.plots.learning import plot_learning
from thighdx.plots.network import plot_network
from thighdx.plots.posterior import plot_intervals, plot_posterior
from thighdx.plots.tornado import plot_sensitivity
from thighdx.plots.weights import plot_contrast, plot_weights

__all__ = [
    "plot_calibration",
    "plot_cohort",
    "plot_contrast",
    "plot_fit",
    "plot_history",
    "plot_intervals",
    "plot_judgement",
    "plot_learning",
    "plot_network",
    "plot_posterior",
    "plot_sensitivity",
    "plot_weights",
]

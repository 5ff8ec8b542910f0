"""Make the pictures of the gallery: `python docs/make_plots.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

import thighdx
from thighdx import plots

HERE = Path(__file__).parent / "pages" / "plots"
CASE = {"onset": "sudden", "sprint_or_overstretch": True, "bruising": True, "numbness": False, "age": 34}
ODD = {
    "fever": True,
    "sprint_or_overstretch": True,
    "onset": "gradual",
    "bruising": True,
    "leg_swelling": True,
}
# Words stay words, so that they can be searched and read aloud, and files small; the same picture is the same file.
AS_SVG: Mapping[str, Any] = {"svg.fonttype": "none", "svg.hashsalt": "thighdx", "font.family": "sans-serif"}


def pictures() -> Mapping[str, Axes]:
    """Return every picture of the gallery by the name of its file."""
    model = thighdx.load_model()
    result = model.diagnose(CASE, setting="sports_clinic")
    fever = model.diagnose({"fever": True})
    items = list(CASE.items())
    steps = [model.diagnose(dict(items[:n]), setting="sports_clinic") for n in range(len(items) + 1)]
    swelling = ("links", "deep_vein_thrombosis|leg_swelling|present")
    scored = model.score(model.simulate(500, seed=2), triage=True, groups=True)
    learned = model.learn(model.simulate(1000, seed=4), name="clinic", folds=0)
    leg = model.diagnose({"leg_swelling": True, "calf_pain": True, "recent_surgery": True, "numbness": False})
    pair = leg.contrast("deep_vein_thrombosis", "lumbar_radiculopathy")
    return {
        "posterior": plots.plot_posterior(result, n=6),
        "posterior_log_odds": plots.plot_posterior(fever, n=16, scale="log_odds", style="dark"),
        "intervals": plots.plot_intervals(leg.interval(), n=6, model=model),
        "weights": plots.plot_weights(leg.explain("deep_vein_thrombosis"), model=model),
        "contrast": plots.plot_contrast(pair, model=model),
        "fit": plots.plot_fit(model.diagnose(ODD).fit, model=model),
        "sensitivity": plots.plot_sensitivity(result.sensitivity("hamstring_strain"), n=6, model=model),
        "history": plots.plot_history(steps),
        "network": plots.plot_network(model, "hamstring_strain"),
        "judgement": plots.plot_judgement(model, swelling),
        "learning": plots.plot_learning(learned, "lumbar_radiculopathy", n=6),
        "calibration": plots.plot_calibration(thighdx.evaluate(model, model.simulate(5000, seed=1))),
        "cohort": plots.plot_cohort(scored, model, n=12),
    }


if __name__ == "__main__":
    with mpl.rc_context(AS_SVG):
        for name, ax in pictures().items():
            ax.figure.savefig(HERE / f"{name}.svg", metadata={"Date": None})

"""Make the pictures of the gallery: `python docs/make_plots.py`."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

import thighdx
from thighdx import plots
from thighdx.plots.style import Picture

HERE = Path(__file__).parent / "pages" / "plots"
DPI = 80
N_COLORS = 96
CASE = {"onset": "sudden", "sprint_or_overstretch": True, "bruising": True, "numbness": False, "age": 34}


def pictures() -> Mapping[str, Picture]:
    """Return every picture of the gallery by the name of its file."""
    model = thighdx.load_model()
    result = model.diagnose(CASE, setting="sports_clinic")
    fever = model.diagnose({"fever": True})
    items = list(CASE.items())
    steps = [model.diagnose(dict(items[:n]), setting="sports_clinic") for n in range(len(items) + 1)]
    swelling = ("links", "deep_vein_thrombosis|leg_swelling|present")
    scored = model.score(model.simulate(500, seed=2), triage=True, groups=True)
    leg = model.diagnose({"leg_swelling": True, "calf_pain": True, "recent_surgery": True, "numbness": False})
    pair = leg.contrast("deep_vein_thrombosis", "lumbar_radiculopathy")
    return {
        "posterior": plots.plot_posterior(result, n=6),
        "posterior_log_odds": plots.plot_posterior(fever, n=16, scale="log_odds", style="dark"),
        "weights": plots.plot_weights(leg.explain("deep_vein_thrombosis"), model=model),
        "contrast": plots.plot_contrast(pair, model=model),
        "sensitivity": plots.plot_sensitivity(result.sensitivity("hamstring_strain"), n=6, model=model),
        "history": plots.plot_history(steps),
        "network": plots.plot_network(model, "hamstring_strain"),
        "judgement": plots.plot_judgement(model, swelling),
        "calibration": plots.plot_calibration(thighdx.evaluate(model, model.simulate(5000, seed=1))),
        "cohort": plots.plot_cohort(scored, model, n=12),
    }


def write(picture: Picture, path: Path) -> None:
    """Write a small PNG, with a palette."""
    buffer = io.BytesIO()
    picture.figure.savefig(buffer, dpi=DPI, facecolor=picture.figure.get_facecolor(), format="png")
    with Image.open(buffer) as drawn:
        drawn.convert("RGB").quantize(N_COLORS, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)


if __name__ == "__main__":
    for name, picture in pictures().items():
        write(picture, HERE / f"{name}.png")

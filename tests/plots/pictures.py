"""Every picture that is looked at: plain cases and hard ones, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

import thighdx
from quiet import without_warnings
from thighdx import plots
from thighdx.plots.canvas import Style

__all__ = ["CASE", "ODD", "PICTURES", "many_findings", "posteriors_of_patients"]

CASE = {"onset": "sudden", "sprint_or_overstretch": True, "bruising": True, "numbness": False, "age": 34}
ODD = {
    "fever": True,
    "sprint_or_overstretch": True,
    "onset": "gradual",
    "bruising": True,
    "leg_swelling": True,
}
MALE_IS_NEVER = "pregnancy_related_cramp"


@cache
def many_findings(model: thighdx.Model, n: int = 40) -> Mapping[str, object]:
    """What is known of a patient of whom much is known."""
    row = model.simulate(1, seed=3).iloc[0]
    known = {name: row[name] for name in model.variables if isinstance(row[name], str)}
    return dict(list(known.items())[:n])


@cache
def posteriors_of_patients(model: thighdx.Model, *, has_extras: bool) -> Any:
    """A scored table: simulated patients with everything, or four rows of which two are faulty."""
    if has_extras:
        return model.score(model.simulate(300, seed=2), triage=True, groups=True)
    rows = {
        "onset": ["sudden", "suden", None, "gradual"],
        "sex": ["male", "male", "female", "male"],
        "pregnancy": [None, None, None, "first_trimester"],
    }
    return without_warnings(model.score, pd.DataFrame(rows))


@cache
def learned_of_few(model: thighdx.Model) -> Any:
    """What a handful of records teach."""
    return model.learn(model.simulate(30, seed=4), name="few", folds=0)


@cache
def _evaluation(model: thighdx.Model) -> Any:
    return thighdx.evaluate(model, model.simulate(600, seed=1))


def _steps(known: Mapping[str, object]) -> list[dict[str, object]]:
    items = list(known.items())
    return [dict(items[:n]) for n in range(len(items) + 1)]


def _many(model: thighdx.Model) -> thighdx.Result:
    return model.diagnose(many_findings(model))


def _sports(model: thighdx.Model) -> thighdx.Result:
    return model.diagnose(CASE, setting="sports_clinic")


Draw = Callable[[thighdx.Model, Style], Axes]

PICTURES: Mapping[str, Draw] = {
    "posterior": lambda m, s: plots.plot_posterior(_sports(m), method="delta", style=s),
    "posterior_of_one_finding": lambda m, s: plots.plot_posterior(
        m.diagnose({"fever": True}), n=None, scale="log_odds", method="delta", style=s
    ),
    "posterior_settled": lambda m, s: plots.plot_posterior(
        m.diagnose({"hamstring_strain": True, "sex": "male"}),
        n=None,
        scale="log_odds",
        method="delta",
        style=s,
    ),
    "posterior_without_intervals": lambda m, s: plots.plot_posterior(
        m.diagnose({}), level=None, n=3, style=s
    ),
    "intervals": lambda m, s: plots.plot_intervals(
        m.diagnose({}).interval(method="delta"), n=8, model=m, style=s
    ),
    "fit": lambda m, s: plots.plot_fit(m.diagnose(ODD).fit, model=m, style=s),
    "fit_of_forty": lambda m, s: plots.plot_fit(_many(m).fit, n=40, model=m, style=s),
    "fit_of_nothing": lambda m, s: plots.plot_fit(m.diagnose({}).fit, style=s),
    "weights": lambda m, s: plots.plot_weights(_sports(m).explain("hamstring_strain"), model=m, style=s),
    "weights_of_forty": lambda m, s: plots.plot_weights(
        _many(m).explain("lumbar_radiculopathy"), model=m, style=s
    ),
    "weights_of_nothing": lambda m, s: plots.plot_weights(
        m.diagnose({}).explain("hamstring_strain"), model=m, style=s
    ),
    "weights_settled": lambda m, s: plots.plot_weights(
        m.diagnose({"sex": "male"}).explain(MALE_IS_NEVER), model=m, style=s
    ),
    "contrast": lambda m, s: plots.plot_contrast(
        _many(m).contrast("lumbar_radiculopathy", "venous_or_skin_leg_disorder"), n=6, model=m, style=s
    ),
    "sensitivity": lambda m, s: plots.plot_sensitivity(
        m.diagnose({"onset": "sudden", "bruising": True}).sensitivity("hamstring_strain", n=8),
        model=m,
        style=s,
    ),
    "sensitivity_of_forty": lambda m, s: plots.plot_sensitivity(
        _many(m).sensitivity("lumbar_radiculopathy", n=35), n=35, model=m, style=s
    ),
    "sensitivity_settled": lambda m, s: plots.plot_sensitivity(
        m.diagnose({"sex": "male"}).sensitivity(MALE_IS_NEVER), model=m, style=s
    ),
    "history": lambda m, s: plots.plot_history(
        [m.diagnose(known, setting="sports_clinic") for known in _steps(CASE)], style=s
    ),
    "history_of_forty": lambda m, s: plots.plot_history(
        [m.diagnose(known) for known in _steps(many_findings(m))], n=7, scale="log_odds", style=s
    ),
    "network": lambda m, s: plots.plot_network(m, "hamstring_strain", style=s),
    "network_of_many": lambda m, s: plots.plot_network(
        m, "venous_or_skin_leg_disorder", n_contexts=14, n_findings=16, style=s
    ),
    "network_alone": lambda m, s: plots.plot_network(
        m, "stroke", n_contexts=0, n_findings=3, n_look_alikes=0, style=s
    ),
    "judgement": lambda m, s: plots.plot_judgement(
        m, ("links", ("deep_vein_thrombosis", "leg_swelling", "present")), style=s
    ),
    "judgement_rare": lambda m, s: plots.plot_judgement(m, ("shares", "stroke|self_report"), style=s),
    "judgement_ratio": lambda m, s: plots.plot_judgement(
        m, ("effects", "age_band|40-49|deep_vein_thrombosis"), style=s
    ),
    "judgement_never": lambda m, s: plots.plot_judgement(
        m, ("effects", f"pregnancy|none|{MALE_IS_NEVER}"), style=s
    ),
    "calibration": lambda m, s: plots.plot_calibration(_evaluation(m), style=s),
    "calibration_of_one": lambda m, s: plots.plot_calibration(
        _evaluation(m), cause="deep_vein_thrombosis", model=m, style=s
    ),
    "cohort": lambda m, s: plots.plot_cohort(posteriors_of_patients(m, has_extras=True), m, style=s),
    "cohort_with_faults": lambda m, s: plots.plot_cohort(
        posteriors_of_patients(m, has_extras=False), m, n=38, style=s
    ),
}

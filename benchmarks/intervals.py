"""Coverage and error of credible intervals on the standard cohort, against draws of every judgement."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from scipy import special, stats

import thighdx
from benchmarks.cohort import SETTING, cohort, encode
from benchmarks.tables import Table, say
from thighdx.compiled.case import open_case
from thighdx.evidence.batch import take_cases
from thighdx.inference.engine import infer
from thighdx.reasoning.intervals.credible_intervals import credible_intervals
from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
from thighdx.reasoning.intervals.layout import judgement_layout
from thighdx.reasoning.intervals.montecarlo import draw_log_odds
from thighdx.reasoning.intervals.table_intervals import table_intervals

__all__ = ["report_intervals"]

LEVEL = 0.9
# The reference must not share draws with the method that is judged, which uses seed 0.
REFERENCE_SEED = 1
CLOSE = np.log(1.05)
BANDS = {"posterior above 0.1": 0.1, "0.01 to 0.1": 0.01, "0.0001 to 0.01": 1e-4, "below 0.0001": 0.0}


def report_intervals(n_rows: int, n_draws: int) -> Table:
    """Return, for every method, the share of draws inside and how far end points are off.

    Quantiles of a finite number of draws are uncertain themselves: the last column is the share of end points
    that the quantiles of an equally large second set of draws would have within 5 % of these.
    """
    model = thighdx.load_model()
    network, pooled = model.network, model.compiled.pooled
    layout = judgement_layout(network, pooled)
    table = cohort(model, n_rows)
    batch = encode(model, table)
    in_table = table_intervals(network, pooled, batch, LEVEL)
    posterior = infer(network, batch).posterior
    rows: dict[str, list[tuple[float, ...]]] = {"delta": [], "auto": []}
    used_draws, seconds, gap = 0, 0.0, 0.0
    for i in range(n_rows):
        say(f"intervals: patient {i + 1} of {n_rows}")
        known = {str(k): v for k, v in table.iloc[i][list(model.variables)].dropna().items()}
        case = open_case(model.compiled, known, setting=SETTING)
        start = time.process_time()
        alone = credible_intervals(case, LEVEL)
        seconds += time.process_time() - start
        drawn = draw_log_odds(
            network, layout, take_cases(batch, np.array([i])), n_draws=n_draws, seed=REFERENCE_SEED
        )
        ends = _ends(alone)
        gap = max(gap, _gap(alone, in_table.lower[i], in_table.upper[i]))
        for k, cause in enumerate(model.causes):
            values = drawn.log_odds[:, k]
            if not np.isfinite(values).all():
                continue
            used_draws += alone.causes[cause].method == "draws"
            for method, (lower, upper) in ends.items():
                rows[method].append((posterior[i, k], *_compare(values, lower[k], upper[k])))
    columns = (
        "method, posterior",
        "intervals",
        "draws inside",
        "off in odds, median",
        "within 5 %",
        "two sets of draws",
    )
    return Table(
        f"{n_rows} patients, {n_draws} draws each: intervals of level {LEVEL:g}",
        columns,
        tuple(line for method, found in rows.items() for line in _lines(method, np.array(found))),
        f"auto used its draws for {used_draws} of {len(rows['auto'])}; {seconds / n_rows:.2f} s of processor time a "
        f"case. End points of a table differ from delta by at most {gap:.0e} in log odds. "
        "The last column is what a second set of as many draws would have within 5 % of the first.",
    )


def _ends(alone: CredibleIntervals) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return log odds of end points by method, in the order of the causes."""
    items = alone.causes.values()
    delta = np.array([item.delta if item.delta is not None else (np.nan, np.nan) for item in items]).T
    auto = np.array([(item.lower, item.upper) for item in items]).T
    with np.errstate(divide="ignore"):
        logits = [special.logit(pair) for pair in (delta, auto)]
    return {name: (pair[0], pair[1]) for name, pair in zip(("delta", "auto"), logits, strict=True)}


def _gap(alone: CredibleIntervals, lower: np.ndarray, upper: np.ndarray) -> float:
    """Return the largest difference between a row's end points and the case's, in log odds."""
    found = [0.0]
    for k, item in enumerate(alone.causes.values()):
        if item.delta is not None:
            own = min(item.delta[0], item.posterior), max(item.delta[1], item.posterior)
            found += np.abs(special.logit(np.array(own)) - special.logit([lower[k], upper[k]])).tolist()
    return max(found)


def _compare(values: np.ndarray, lower: float, upper: float) -> tuple[float, ...]:
    """Return the share inside, the two errors on the log-odds scale, and their standard errors."""
    tail = (1 - LEVEL) / 2
    inside = float(((values >= lower) & (values <= upper)).mean())
    errors, noise = [], []
    for level, end in ((tail, lower), (1 - tail, upper)):
        # the order statistics one standard error to either side (Maritz and Jarrett would be finer)
        step = np.sqrt(tail * (1 - tail) / len(values))
        around = np.quantile(values, np.clip([level - step, level, level + step], 0, 1))
        errors.append(abs(end - around[1]))
        noise.append((around[2] - around[0]) / 2)
    return inside, *errors, *noise


def _lines(method: str, found: np.ndarray) -> Iterator[tuple[str, ...]]:
    """Yield one line per range of posteriors."""
    is_left = np.ones(len(found), dtype=bool)
    for name, least in {"all": -1.0, **BANDS}.items():
        own = found if least < 0 else found[is_left & (found[:, 0] >= least)]
        if least >= 0:
            is_left &= found[:, 0] < least
        if len(own) == 0:
            continue
        errors, noise = own[:, 2:4].ravel(), own[:, 4:6].ravel()
        ceiling = np.mean(2 * stats.norm.cdf(CLOSE / np.maximum(np.sqrt(2) * noise, 1e-9)) - 1)
        off, close = np.expm1(np.median(errors)), (errors < CLOSE).mean()
        shares = (f"{own[:, 1].mean():.1%}", f"{off:.1%}", f"{close:.0%}", f"{ceiling:.0%}")
        yield f"{method}, {name}", str(len(own)), *shares

"""Single precision: single causes and pairs always, triples where they can matter.

For one case, with the terms of `terms.Split` added up over its rows,

1. a_i in double precision (additive terms are most of the evidence and take one short vector a row);
2. p_ij in fixed point: integers add up exactly, in any order, and splitting a fixed-point logarithm into
   exponent and fraction is a shift and a mask;
3. weights of single causes and pairs, and from them lower bounds of every posterior;
4. an upper bound of every run of triples (i, j, *) from D_ij D_ik D_jk, D_ij = 2**(p_ij + (a_i + a_j) / 2),
   times 2 to the largest sum of t over the run. Runs that cannot add more than `PER_BLOCK` of the posterior
   of any cause in them are left out as long as their sum stays within `BUDGET`;
5. the remaining runs: products of D and of looked-up 2**t.

So no posterior is off by more than `BUDGET` + `COARSE` * n_pairs of itself (from `SMALL` up), nor, since
posteriors above `LARGE` count as `LARGE`, by more than that times `LARGE` in absolute terms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.inference.lanes import LANES, kernel
from thighdx.inference.layout import Ints
from thighdx.inference.pairs import NEVER, UNIT, add_pairs, add_singles, find_rows, raise_pairs, sum_pairs
from thighdx.inference.plan import Plan
from thighdx.inference.runs import bound_runs
from thighdx.inference.triples import add_triples
from thighdx.inference.wanted import Wanted
from thighdx.inference.work import MOST_TRIPLE_ROWS, make_work
from thighdx.network.spec import Floats

__all__ = ["score_pruned"]

MANY_FACTORS = 16


class Grid(NamedTuple):
    """What the kernel needs of a `Layout`."""

    height: Ints
    start: Ints
    packed: Ints
    valid: Ints
    causes: npt.NDArray[np.intp]


@kernel
def _score(
    codes: Any, patterns: Any, given: Any, starts: Any, base_of: Any, start_of: Any, grid: Any, has_triples: bool,
    pack: Any, work: Any, posterior: Any, log_evidence: Any, is_left: Any, wanted: Any,
) -> None:  # fmt: skip
    """Score case after case; see the module's text for the steps."""
    n_packed, n_codes = len(work.raw) - LANES, starts.shape[2]
    flat_of, n_flat = starts.reshape(-1), starts.shape[1] * starts.shape[2]
    for case in range(len(codes)):
        if is_left[case]:
            continue
        work.rows[0] = base_of[start_of[case]]
        m, n_inner, n_dense, n_sparse, n_bound, n_tau = find_rows(
            work, pack, codes[case], patterns[case], flat_of, start_of[case] * n_flat, n_codes, n_packed
        )
        if n_tau > MOST_TRIPLE_ROWS or not add_singles(work, pack, grid, given[case], m):
            is_left[case] = True
            continue
        add_pairs(work, pack, n_sparse, n_dense, n_packed)
        peak = raise_pairs(work, grid, has_triples)
        if peak <= NEVER:
            for s in range(len(wanted.column)):
                posterior[case, s] = np.nan
            log_evidence[case] = -np.inf
            continue
        if peak < -140 * UNIT or peak > 140 * UNIT:
            is_left[case] = True
            continue
        everything = sum_pairs(work, grid, wanted, peak)
        if has_triples:
            if not bound_runs(work, pack, grid, (n_inner, n_bound), peak, everything):
                is_left[case] = True
                continue
            outside = everything
            everything = add_triples(work, pack, grid, wanted, n_tau, everything)
            # each factor is rounded: many of them would be seen where triples have most of the mass
            inside = everything - outside
            if inside > outside and n_tau * inside > MANY_FACTORS * everything:
                is_left[case] = True
                continue
        for s in range(len(wanted.column)):
            column = wanted.column[s]
            inside = work.by_cause[column] if column >= 0 else work.by_group[-1 - column]
            # what rounding makes of "everything but nothing" is nothing: then the ratio is 1, never more
            outside = max(0.0, everything - inside)
            posterior[case, s] = inside / (inside + outside)
        exponent = work.log_single[len(grid.height)] + peak * (1.0 / UNIT)
        log_evidence[case] = exponent * np.log(2.0) + np.log(everything)


def choose_start(plan: Plan, codes: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """Return what every case starts from: by layer, what most of its variables are."""
    n, is_unknown = plan.n_contexts, codes < 0
    # narrow sums are several times faster than counting
    contexts, findings = (part.sum(axis=1, dtype=np.int16) for part in (is_unknown[:, :n], is_unknown[:, n:]))
    start = (2 * findings > codes.shape[1] - n) + 2 * (2 * contexts > n)
    return np.asarray(start, dtype=np.int64)


def score_pruned(
    plan: Plan,
    codes: npt.NDArray[np.int8],
    patterns: Ints,
    given: npt.NDArray[np.int8],
    is_left: npt.NDArray[np.bool_],
    wanted: Wanted,
    posterior: Floats,
    log_evidence: Floats,
) -> None:
    """Score the cases that are not marked `is_left`; mark those that single precision cannot hold."""
    layout = plan.layout
    grid = Grid(layout.height, layout.start, layout.packed, layout.valid, layout.causes)
    work = make_work(layout, wanted, codes.shape[1] + patterns.shape[1] + 1)
    _score(
        codes, patterns, given, plan.starts, plan.base_of, choose_start(plan, codes), grid,
        layout.explanations.max_causes > 2, plan.pack, work, posterior, log_evidence, is_left, wanted,
    )  # fmt: skip

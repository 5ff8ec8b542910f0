"""What the compiled engine reads for one setting: what a case adds when it departs from a reference.

Every variable has a reference: unknown for findings, which mostly are unknown, and the commonest state for
contexts. The references are folded into one base table; a case adds a row for every variable that departs from
its own. A row is split,

    row(H) = constant + sum over causes c in H of single(c) + rest(H),

into one number per cause and a rest that is 0 for two causes of which one has nothing to do with the variable: many
rows have no rest at all, or one of a few numbers, and adding up numbers per cause is a twentieth of the work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.inference.tables import setting_tables
from thighdx.network.build import Network
from thighdx.network.explanations import Explanations
from thighdx.network.spec import Floats

__all__ = ["Departures", "Runs", "departures", "runs"]

# Nats; less than this is rounding of the subtractions that made it.
NOT_ZERO = 1e-11
# One explanation in ten: adding so many one by one takes as long as adding all, which need not be looked up.
FEW = 0.1
NO_ROW = -1
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Departures:
    """The rows of one setting.

    Attributes
    ----------
    row_of : (n_variables, most_states + 1) int64
        Row for every code from -1 (unknown) up; `NO_ROW` where there is nothing to add.
    base : (n_explanations,) float64
        Everything as its reference has it, with log P(H).
    constant : (n_rows,) float64
    single : (n_rows, n_causes) float64
    rest_of : (n_rows,) int64
        Row of `rest`, or `NO_ROW`.
    rest : (n_rests, n_explanations) float64
        The rests with many numbers.
    few_start : (n_rows + 1,) int64
        Where the other rests begin in `few_of` and `few`, row after row.
    few_of : (n_few,) uint32
        Explanations.
    few : (n_few,) float64
    """

    row_of: Integers
    base: Floats
    constant: Floats
    single: Floats
    rest_of: Integers
    rest: Floats
    few_start: Integers
    few_of: npt.NDArray[np.uint32]
    few: Floats


@dataclass(frozen=True, slots=True)
class Runs:
    """Explanations that differ in their last cause only, which rises by one: they lie behind one another.

    Attributes
    ----------
    start : (n_runs + 1,) int64
        First explanation of every run.
    last : (n_runs,) int64
        Last cause of the first explanation.
    shared : (n_runs, max_causes - 1) int64
        The other causes, padded with `n_causes`.
    """

    start: Integers
    last: Integers
    shared: Integers


def departures(network: Network, setting_idx: int) -> Departures:
    """Return the rows of a setting, made at first use and kept with the network."""
    return network.once(("departures", setting_idx), lambda: _make(network, setting_idx))


def runs(network: Network) -> Runs:
    """Return the runs of the explanations, made at first use and kept with the network."""
    return network.once("runs", lambda: _find_runs(network.explanations))


def _find_runs(explanations: Explanations) -> Runs:
    """Cut the explanations where anything but the last cause changes."""
    members, sizes = explanations.members.astype(np.int64), explanations.sizes
    place = np.arange(len(members))
    last = members[place, sizes - 1]
    shared = members.copy()
    shared[place, sizes - 1] = explanations.n_causes
    is_first = np.ones(len(members), dtype=np.bool_)
    is_first[1:] = (np.diff(shared, axis=0) != 0).any(axis=1) | (np.diff(sizes) != 0)
    start = np.flatnonzero(is_first)
    return Runs(np.append(start, len(members)), last[start], shared[start, : max(1, members.shape[1] - 1)])


def _make(network: Network, setting_idx: int) -> Departures:
    """Lay out the rows of every variable outside the joint tables."""
    tables = setting_tables(network, setting_idx)
    row_of = np.full((network.n_variables, int(network.n_states.max(initial=1)) + 1), NO_ROW, dtype=np.int64)
    base = tables.log_prior.copy()
    rows = list[Floats]()
    for variable, first in enumerate(tables.row_offset):
        if first < 0:
            continue
        own = tables.rows[first : first + network.n_states[variable]]
        reference = _reference(network, variable, own, tables.log_prior)
        if reference >= 0:
            base = base + own[reference]
        for code in range(-1, len(own)):
            if code != reference:
                row_of[variable, code + 1] = len(rows)
                known = own[code] if code >= 0 else np.zeros(len(base))
                rows.append(known - own[reference] if reference >= 0 else known)
    stacked = np.array(rows).reshape(-1, len(base))
    constant, single, rest = _split(network.explanations, stacked)
    count = (rest != 0).sum(axis=1)
    has_many = count > FEW * len(base)
    rest_of = np.where(has_many, np.cumsum(has_many) - 1, NO_ROW).astype(np.int64)
    row, few_of = np.nonzero(np.where(has_many[:, None], 0.0, rest))
    few_start = np.searchsorted(row, np.arange(len(rest) + 1))
    return Departures(
        row_of,
        base,
        constant,
        single,
        rest_of,
        rest[has_many],
        few_start.astype(np.int64),
        few_of.astype(np.uint32),
        rest[row, few_of],
    )


def _reference(network: Network, variable: int, own: Floats, log_prior: Floats) -> int:
    """Return the code whose row is folded into the base: -1 (unknown), or the commonest state of a context."""
    if variable >= network.n_contexts:
        return -1
    commonest = int(np.argmax(np.exp(own + log_prior).sum(axis=1)))
    return commonest if np.isfinite(own[commonest]).all() else -1


def _split(explanations: Explanations, rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Split rows, (n_rows, n_explanations); one with an impossible explanation stays whole, as its rest."""
    n = explanations.n_causes
    constant, single = np.zeros(len(rows)), np.zeros((len(rows), n))
    is_finite = np.isfinite(rows).all(axis=1)
    finite, alone = rows[is_finite], rows[is_finite, :n]
    if explanations.max_causes > 1:
        # the constant that leaves most pairs of the first cause without a rest; any would be right
        pairs = finite[:, n : 2 * n - 1]
        constant[is_finite] = np.median(alone[:, :1] + alone[:, 1:] - pairs, axis=1)
    single[is_finite] = alone - constant[is_finite, None]
    rest = rows - constant[:, None] - explanations.sum_over_members(single)
    rest[np.abs(rest) < NOT_ZERO] = 0.0
    return constant, single, rest

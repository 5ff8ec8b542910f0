"""Log weights of a single case in plain numpy, without touching what does not change.

A batch adds the table row of everything known. For one case that is mostly waiting for memory: a hundred
rows of 9,000 numbers. Here every variable has a reference state folded into one base row, so that only
departures from it count, and of those the terms of single causes are added as 38 numbers instead of 9,000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.tables import JointTable, SettingTables, setting_tables
from thighdx.network.build import Network
from thighdx.network.spec import Floats

__all__ = ["log_pattern", "log_weights_of_one"]

# Below this many explanations with a term of their own, adding them one by one beats adding a whole row.
FEW = 1_500
# Nats; less than this is rounding of the subtractions that made it.
NOT_ZERO = 1e-11


@dataclass(frozen=True, slots=True)
class _Departures:
    """What to add for every code of every variable that is not its reference state.

    Attributes
    ----------
    row_of : (n_variables, most_states + 1) intp
        Row for every code from -1 (unknown) up; -1 where there is nothing to add.
    base : (n_explanations,) float64
        Everything in its reference state, with the prior.
    single : (n_rows, n_causes + 1) float64
        Terms of single causes, and a constant.
    whole_of : (n_rows,) intp
        Row of `whole` with the other terms, or -1.
    few : tuple of (indices, values)
        The other terms of rows that have few.
    """

    row_of: npt.NDArray[np.intp]
    base: Floats
    single: Floats
    whole_of: npt.NDArray[np.intp]
    whole: tuple[Floats, ...]
    few: tuple[tuple[npt.NDArray[np.intp], Floats], ...]


def log_weights_of_one(network: Network, batch: EvidenceBatch) -> Floats:
    """Return log P(H, evidence | complaint, setting) of one case without virtual evidence.

    Returns
    -------
    (n_explanations,) float64
        -inf where an explanation is impossible. Causes given as evidence and joint tables are left to the
        caller.
    """
    departures = _departures(network, int(batch.setting_idx[0]))
    codes = batch.codes[0]
    rows = departures.row_of[np.arange(len(codes)), codes.astype(np.intp) + 1]
    rows = rows[rows >= 0]
    terms = departures.single[rows].sum(axis=0)
    total = network.explanations.sum_over_members(terms[:-1])
    total += departures.base
    total += terms[-1]
    for row in departures.whole_of[rows]:
        if row >= 0:
            total += departures.whole[row]
    few = [departures.few[row] for row in rows]
    where = np.concatenate([np.zeros(0, dtype=np.intp), *(indices for indices, _ in few)])
    if len(where):
        values = np.concatenate([values for _, values in few])
        total += np.bincount(where, weights=values, minlength=len(total))
    return total


def log_pattern(joint: JointTable, codes: npt.NDArray[np.int8]) -> Floats | float:
    """Return the (n_explanations,) log probability of what is known of a joint table; 0 where nothing is."""
    if (codes == UNKNOWN).all():
        return 0.0
    agrees = ((codes == UNKNOWN) | (codes == joint.cells)).all(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(joint.probability[agrees].sum(axis=0)), dtype=np.float64)


def _departures(network: Network, setting_idx: int) -> _Departures:
    """Return the departures of a setting, made at first use and kept with the network."""
    key = ("departures", setting_idx)
    made = network.cache.get(key)
    if not isinstance(made, _Departures):
        made = _make(network, setting_tables(network, setting_idx, "float64"))
        network.cache[key] = made
    return made


def _make(network: Network, tables: SettingTables) -> _Departures:
    """Split every row into terms of single causes and the rest."""
    n_rows, n = len(tables.rows), network.explanations.n_causes
    row_of = np.full((network.n_variables, int(network.n_states.max(initial=1)) + 1), -1, dtype=np.intp)
    base = np.asarray(tables.log_prior, dtype=np.float64).copy()
    single = np.zeros((n_rows, n + 1))
    whole_of = np.full(n_rows, -1, dtype=np.intp)
    nothing = (np.zeros(0, dtype=np.intp), np.zeros(0))
    whole, few = list[Floats](), [nothing] * n_rows
    count = 0
    for variable, first in enumerate(tables.row_offset):
        if first < 0:
            continue
        own = np.asarray(tables.rows[first : first + network.n_states[variable]], dtype=np.float64)
        reference = 0 if np.isfinite(own[0]).all() else -1
        base = base + own[0] if reference == 0 else base
        for code in range(-1, len(own)):
            if code == reference:
                continue
            row = _departure(own, code, reference)
            terms, rest = _split(network, row)
            row_of[variable, code + 1], single[count] = count, terms
            where = np.flatnonzero(rest)
            if len(where) > FEW:
                whole_of[count] = len(whole)
                whole.append(rest)
            elif len(where):
                few[count] = (where, rest[where])
            count += 1
    return _Departures(row_of, base, single, whole_of, tuple(whole), tuple(few))


def _departure(own: Floats, code: int, reference: int) -> Floats:
    """Return the log table of a code relative to the reference state."""
    known = own[code] if code >= 0 else np.zeros(own.shape[1])
    return known - own[0] if reference == 0 else known


def _split(network: Network, row: Floats) -> tuple[Floats, Floats]:
    """Return a constant behind the terms of single causes, and what is left."""
    n = network.explanations.n_causes
    if not np.isfinite(row).all():
        return np.zeros(n + 1), row
    # The constant that leaves most pairs of the first cause without a term of their own; any would be right.
    pairs = row[n : 2 * n - 1] if network.explanations.max_causes > 1 else row[:0]
    constant = float(np.median(row[0] + row[1:n] - pairs)) if len(pairs) else 0.0
    terms = row[:n] - constant
    rest = row - constant - network.explanations.sum_over_members(terms)
    rest[np.abs(rest) < NOT_ZERO] = 0.0
    return np.append(terms, constant), rest

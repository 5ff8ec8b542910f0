"""Log weights of a single case in plain numpy, without touching what does not change.

A batch adds the table row of everything known. For one case that is mostly waiting for memory: a hundred
rows of 9,000 numbers. Here every variable has a reference state folded into one base row, so that only
departures from it count, and of those the terms of single causes and of pairs are added as 38 and 703 numbers.
The reference of findings is unknown where most findings are, and else their lowest state.
What is left are terms of three causes and more, and few variables have many of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.tables import SettingTables, setting_tables
from thighdx.network.build import Network
from thighdx.network.explanations import Explanations
from thighdx.network.spec import Floats, read_only

__all__ = ["log_pattern", "log_weights_of_one"]

# Below this many explanations with a term of their own, adding them one by one beats adding a whole row.
FEW = 1_000
# Nats; less than this is rounding of the subtractions that made it.
NOT_ZERO = 1e-11
# Patterns of a joint table kept for the next case, 70 KB each in the shipped model.
MOST_PATTERNS = 256

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Larger:
    """Explanations of one size from three causes on: where they stand, and the pairs inside each."""

    size: int
    place: slice
    pairs: Indices  # (n_pairs_inside, n_explanations_of_this_size)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where terms of single causes and of pairs go.

    Attributes
    ----------
    first, second : (n_pairs,) intp
        Members of every pair, in the order of the explanations.
    larger : tuple of _Larger
    """

    n_explanations: int
    first: Indices
    second: Indices
    larger: tuple[_Larger, ...]

    def add_up(self, single: Floats, pair: Floats) -> Floats:
        """Return the sum of all terms inside every explanation.

        A larger explanation takes the terms of its causes with those of its pairs, where each cause is size - 1
        times: one look-up per pair.
        """
        n, n_pairs = len(single), len(pair)
        both = single.take(self.first) + single.take(self.second)
        total = np.empty(self.n_explanations)
        total[:n] = single
        np.add(pair, both, out=total[n : n + n_pairs])
        for group in self.larger:
            shared, sums = pair + both / (group.size - 1), total[group.place]
            shared.take(group.pairs[0], out=sums, mode="clip")  # "clip": the indices are good, do not look
            for pairs in group.pairs[1:]:
                sums += shared.take(pairs, mode="clip")
        return total


@dataclass(frozen=True, slots=True)
class _Departures:
    """What to add for every code of every variable that is not its reference state.

    Attributes
    ----------
    row_of : (n_variables * (most_states + 1),) intp
        Row for every code from -1 (unknown) up of every variable; -1 where there is nothing to add.
    code_offset : (n_variables,) intp
        Position in `row_of` of code 0.
    base : (n_explanations,) float64
        Everything in its reference state, with the prior.
    single : (n_rows, n_causes + 1) float64
        Terms of single causes, and a constant.
    pair_of, pair : (n_rows,) intp, (n_rows_with_pairs, n_pairs) float64
        Row of `pair` with the terms of pairs, or -1.
    whole_of : (n_rows,) intp
        Row of `whole` with the other terms, or -1.
    few_of, few : (n_rows,) intp, tuple of (indices, values)
        The other terms of rows that have few.
    """

    layout: _Layout
    row_of: Indices
    code_offset: Indices
    base: Floats
    single: Floats
    pair_of: Indices
    pair: Floats
    whole_of: Indices
    whole: tuple[Floats, ...]
    few_of: Indices
    few: tuple[tuple[Indices, Floats], ...]


def log_weights_of_one(network: Network, batch: EvidenceBatch) -> Floats:
    """Return log P(H, evidence | complaint, setting) of one case without virtual evidence.

    Returns
    -------
    (n_explanations,) float64
        -inf where an explanation is impossible. Causes given as evidence and joint tables are left to the
        caller.
    """
    findings = batch.codes[0, network.n_contexts :]
    is_mostly_unknown = 2 * int(np.count_nonzero(findings == UNKNOWN)) > len(findings)
    made = _departures(network, int(batch.setting_idx[0]), is_mostly_unknown)
    rows = _present(made.row_of, made.code_offset + batch.codes[0])
    single = np.add.reduce(made.single.take(rows, axis=0), axis=0)
    pair = np.add.reduce(made.pair.take(_present(made.pair_of, rows), axis=0), axis=0)
    total = made.layout.add_up(single[:-1], pair)
    total += made.base
    total += single[-1]
    for row in _present(made.whole_of, rows).tolist():
        total += made.whole[row]
    few = [made.few[row] for row in _present(made.few_of, rows).tolist()]
    if few:
        where = np.concatenate([indices for indices, _ in few])
        values = np.concatenate([values for _, values in few])
        total += np.bincount(where, weights=values, minlength=len(total))
    return total


def _present(row_of: Indices, places: Indices) -> Indices:
    """Look up rows and leave out the places that have none."""
    rows = row_of.take(places)
    return rows[rows >= 0]


def log_pattern(
    network: Network, setting_idx: int, place: int, codes: npt.NDArray[np.int8]
) -> Floats | float:
    """Return the log probability of what is known of a joint table, 0 where nothing is.

    Parameters
    ----------
    place : int
        Position of the table among the joint tables of the setting.
    codes : (n_members,) int8

    Returns
    -------
    (n_explanations,) float64, read-only
        Kept with the network: cases of one age and sex share it, and so do all steps of an interview.
    """
    if (codes == UNKNOWN).all():
        return 0.0
    kept = network.cache.setdefault(("patterns", setting_idx, place), {})
    assert isinstance(kept, dict)
    key = codes.tobytes()
    found: Floats | None = kept.get(key)
    if found is None:
        joint = setting_tables(network, setting_idx, "float64").joints[place]
        agrees = ((codes == UNKNOWN) | (codes == joint.cells)).all(axis=1)
        with np.errstate(divide="ignore"):
            found = read_only(np.log(joint.probability[agrees].sum(axis=0)))
        if len(kept) >= MOST_PATTERNS:
            kept.clear()
        kept[key] = found
    return found


def _departures(network: Network, setting_idx: int, is_mostly_unknown: bool) -> _Departures:
    """Return the departures of a setting, made at first use and kept with the network."""
    key = ("departures", setting_idx, is_mostly_unknown)
    made = network.cache.get(key)
    if not isinstance(made, _Departures):
        made = _make(network, setting_tables(network, setting_idx, "float64"), is_mostly_unknown)
        network.cache[key] = made
    return made


def _lay_out(explanations: Explanations) -> _Layout:
    """Find the pairs inside every explanation."""
    n, most = explanations.n_causes, explanations.max_causes
    pairs = explanations.members[explanations.sizes == 2, :2]
    first, second = (pairs[:, 0], pairs[:, 1]) if most > 1 else (np.zeros(0, dtype=np.intp),) * 2
    pair_of = np.zeros((n, n), dtype=np.intp)
    pair_of[first, second] = np.arange(len(first))
    larger = []
    for size in range(3, most + 1):
        start, stop = np.searchsorted(explanations.sizes, [size, size + 1])
        members = explanations.members[start:stop]
        inside = [pair_of[members[:, a], members[:, b]] for a, b in combinations(range(size), 2)]
        larger.append(_Larger(size, slice(int(start), int(stop)), np.stack(inside)))
    return _Layout(
        explanations.n_explanations, np.ascontiguousarray(first), np.ascontiguousarray(second), tuple(larger)
    )


def _make(network: Network, tables: SettingTables, is_mostly_unknown: bool) -> _Departures:
    """Split every row into terms of single causes, of pairs, and the rest."""
    layout, n_rows = _lay_out(network.explanations), len(tables.rows)
    width = int(network.n_states.max(initial=1)) + 1
    code_offset = np.arange(network.n_variables, dtype=np.intp) * width + 1
    row_of = np.full(network.n_variables * width, -1, dtype=np.intp)
    base = np.asarray(tables.log_prior, dtype=np.float64).copy()
    single = np.zeros((n_rows, network.explanations.n_causes + 1))
    pair_of, whole_of, few_of = (np.full(n_rows, -1, dtype=np.intp) for _ in range(3))
    pair, whole, few = list[Floats](), list[Floats](), list[tuple[Indices, Floats]]()
    count = 0
    for variable, first in enumerate(tables.row_offset):
        if first < 0:
            continue
        own = np.asarray(tables.rows[first : first + network.n_states[variable]], dtype=np.float64)
        starts_known = variable < network.n_contexts or not is_mostly_unknown
        reference = 0 if starts_known and np.isfinite(own[0]).all() else -1
        base = base + own[0] if reference == 0 else base
        for code in range(-1, len(own)):
            if code == reference:
                continue
            single[count], of_pairs, rest = _split(
                layout, _departure(own, code, reference), single.shape[1] - 1
            )
            row_of[code_offset[variable] + code] = count
            if of_pairs.any():
                pair_of[count] = len(pair)
                pair.append(of_pairs)
            where = np.flatnonzero(rest)
            if len(where) > FEW:
                whole_of[count] = len(whole)
                whole.append(rest)
            elif len(where):
                few_of[count] = len(few)
                few.append((where, rest[where]))
            count += 1
    stacked = np.stack(pair) if pair else np.zeros((0, len(layout.first)))
    return _Departures(
        layout,
        row_of,
        code_offset,
        base,
        single,
        pair_of,
        stacked,
        whole_of,
        tuple(whole),
        few_of,
        tuple(few),
    )


def _departure(own: Floats, code: int, reference: int) -> Floats:
    """Return the log table of a code relative to the reference state."""
    known = own[code] if code >= 0 else np.zeros(own.shape[1])
    return known - own[0] if reference == 0 else known


def _split(layout: _Layout, row: Floats, n: int) -> tuple[Floats, Floats, Floats]:
    """Return terms of the `n` causes with a constant behind them, terms of pairs, and what is left."""
    n_pairs = len(layout.first)
    if not np.isfinite(row).all():
        return np.zeros(n + 1), np.zeros(n_pairs), row
    # The constant that leaves most pairs of the first cause without a term of their own; any would be right.
    pairs = row[n : 2 * n - 1] if n_pairs else row[:0]
    constant = float(np.median(row[0] + row[1:n] - pairs)) if len(pairs) else 0.0
    terms = row[:n] - constant
    of_pairs = row[n : n + n_pairs] - constant - terms[layout.first] - terms[layout.second]
    of_pairs[np.abs(of_pairs) < NOT_ZERO] = 0.0
    rest = row - constant - layout.add_up(terms, of_pairs)
    rest[np.abs(rest) < NOT_ZERO] = 0.0
    return np.append(terms, constant), of_pairs, rest

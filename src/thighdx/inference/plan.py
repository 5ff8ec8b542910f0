"""What can be worked out before any case is seen: the log tables, split by how many causes they tie together.

Every log table X over explanations can be written as

    X(H) = c + sum_{i in H} a_i + sum_{i<j in H} p_ij + sum_{i<j<k in H} t_ijk

(the Moebius inversion of X over subsets, cut at three causes because no explanation has more). The point is
that most of it is zero: a cause that has nothing to do with a variable has a_i = p_ij = t_ijk = 0 there. An
absent finding whose background nobody suppresses and a known context are additive (p = t = 0); an unknown
context with one child is too; and when few causes touch a variable, few of its pairs and triples are left.

Each variable has a reference state, folded into one base table. A case adds one row for every variable that
is *not* in its reference state; "unknown" is a row like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import RLock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN
from thighdx.inference.tables import JointTable, setting_tables
from thighdx.network.build import Network
from thighdx.network.explanations import Explanations, enumerate_explanations
from thighdx.network.spec import FindingSpec, Floats

__all__ = ["FRACTION_BITS", "LANES", "WIDE", "Layout", "Pack", "Plan", "Split", "find_patterns", "make_plan"]

LANES = 16
WIDE = 8
FRACTION_BITS = 22
"""Fixed-point logarithms count units of 2**-22 of a bit (base 2)."""
BOUND_BITS = 7
NOT_ZERO = 1e-11  # bits; below this a term is rounding of the subtraction that made it
SPARSE = 48  # nonzero pairs up to which adding them one by one beats adding a whole row
OFF = -(1 << 30)
_GROWING = RLock()

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the pairs of causes lie.

    Row i holds the partners j > i from the last cause down, so that the partners common to i and j > i are
    the first lanes of both rows; rows are padded to whole vectors.

    Causes are numbered from the commonest down: the triples that matter have two common members, and so fall
    into few, long runs (i, j, *).

    Attributes
    ----------
    explanations : Explanations
        Of the renumbered causes.
    causes : (n_causes,) intp
        The network's number of every cause.
    columns : (n_explanations,) intp
        The network's number of every explanation.
    height : (n_causes,) int32
        Vectors in row i.
    start : (n_causes,) int32
        First lane of row i.
    pair_pos : (n_pairs,) int32
        Lane of every pair, in the order of `explanations`.
    valid : (n_lanes,) int32
        1 where a lane is a pair, 0 in the padding.
    """

    explanations: Explanations
    causes: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    height: Ints
    start: Ints
    pair_pos: Ints
    valid: Ints

    @property
    def n_lanes(self) -> int:
        """Lanes of all rows."""
        return len(self.valid)


class Split(NamedTuple):
    """Log tables (base 2) split into terms of one, two and three causes.

    Attributes
    ----------
    single : (n_rows, n_causes + 1) float64
        Last column: the constant. -inf: impossible with this cause, whatever else is present.
    pair : (n_rows, n_pairs) float64
    triple : (n_rows, n_triples) float64
    is_hard : (n_rows,) bool
        Impossible for some explanations in a way that single causes do not tell.
    """

    single: Floats
    pair: Floats
    triple: Floats
    is_hard: npt.NDArray[np.bool_]


class Pack(NamedTuple):
    """Split tables in the form the single-precision kernel reads, one row per (variable, state).

    Attributes
    ----------
    single : (n_rows * width,) float64
    dense_of : (n_rows,) int32
        Row of `dense`, or -1.
    dense : (n_dense * n_lanes,) int32
        Pair terms, fixed point.
    sparse_ptr, sparse_pos, sparse_value
        Pair terms of rows that have few.
    reach : (n_rows, 4) float64
        Least and greatest sum over pairs and over triples, to keep fixed point and exponents in range.
    bound_of, bound, extra_ptr, extra_pos, extra_value
        As above, for the largest triple term of every pair, rounded up, in units of 2**-7.
    tau_base, tau_pos : (n_rows * n_causes,) int32
        The factors of (i, j, *) in row r start at tau_base[r, i] + tau_pos[r, j].
    tau_member : (n_rows * width,) int64
        All bits 1 where a cause has any triple term in the row.
    tau : (n_tau,) float32
        2**t.
    """

    single: Floats
    is_hard: npt.NDArray[np.bool_]
    dense_of: Ints
    dense: Ints
    sparse_ptr: Ints
    sparse_pos: Ints
    sparse_value: Ints
    reach: Floats
    bound_of: Ints
    bound: npt.NDArray[np.int16]
    extra_ptr: Ints
    extra_pos: Ints
    extra_value: Ints
    has_tau: npt.NDArray[np.bool_]
    tau_base: Ints
    tau_pos: Ints
    tau_member: npt.NDArray[np.int64]
    tau: npt.NDArray[np.float32]


def make_layout(network: Network) -> Layout:
    """Renumber the causes and place their pairs."""
    n, most = network.explanations.n_causes, network.explanations.max_causes
    causes = np.argsort(-network.spec.shares.mean(axis=0), kind="stable")
    explanations = enumerate_explanations(n, most)
    columns = _find(network.explanations, np.append(causes, n)[explanations.members])
    height = np.array([-(-(n - 1 - i) // LANES) for i in range(n)], dtype=np.int32)
    start = np.concatenate([[0], np.cumsum(LANES * height)])[:n].astype(np.int32)
    members = explanations.members[explanations.sizes == 2]
    pair_pos = np.zeros(0, dtype=np.int32)
    if len(members):
        pair_pos = (start[members[:, 0]] + n - 1 - members[:, 1]).astype(np.int32)
    valid = np.zeros(LANES * int(height.sum()), dtype=np.int32)
    valid[pair_pos] = 1
    return Layout(explanations, causes, columns, height, start, pair_pos, valid)


def _find(explanations: Explanations, members: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the numbers of explanations given by their members, in any order."""
    powers = (explanations.n_causes + 1) ** np.arange(explanations.max_causes)
    keys = explanations.members @ powers
    order = np.argsort(keys)
    return np.asarray(order[np.searchsorted(keys, np.sort(members, axis=1) @ powers, sorter=order)])


def split_tables(explanations: Explanations, tables: Floats, empty: Floats) -> Split:
    """Split log tables into terms of one, two and three causes.

    Parameters
    ----------
    tables : (n_rows, n_explanations) float64
        Base 2; may be -inf.
    empty : (n_rows,) float64
        Value for no cause at all: a free choice; the background's makes the most terms vanish.
    """
    n, sizes = explanations.n_causes, explanations.sizes
    empty = np.where(np.isfinite(empty), empty, 0.0)
    single = tables[:, :n] - empty[:, None]
    members = explanations.members[:, : explanations.max_causes]
    is_dead = np.concatenate([np.isneginf(single), np.zeros((len(single), 1), dtype=bool)], axis=1)
    is_hard = np.zeros(len(single), dtype=bool)
    finite = tables
    if is_dead.any() or np.isneginf(tables).any():
        implied = is_dead[:, members].any(axis=2)
        is_hard = (np.isneginf(tables) != implied).any(axis=1)
        alive = np.where(np.isneginf(single), 0.0, single)
        additive = explanations.sum_over_members(alive) + empty[:, None]
        finite = np.where(implied | is_hard[:, None], additive, tables)
    base = np.where(np.isneginf(single), 0.0, single)
    value = finite - empty[:, None]
    pairs = members[sizes == 2]
    pair = value[:, sizes == 2]
    if len(pairs):
        pair = pair - base[:, pairs[:, 0]] - base[:, pairs[:, 1]]
    triples = members[sizes == 3]
    triple = value[:, sizes == 3]
    if len(triples):
        where = np.zeros((n, n), dtype=np.intp)
        where[pairs[:, 0], pairs[:, 1]] = np.arange(len(pairs))
        i, j, k = triples[:, 0], triples[:, 1], triples[:, 2]
        for cause in (i, j, k):
            triple = triple - base[:, cause]
        for a, b in ((i, j), (i, k), (j, k)):
            triple = triple - pair[:, where[a, b]]
    pair = np.where(np.abs(pair) < NOT_ZERO, 0.0, pair)
    triple = np.where(np.abs(triple) < NOT_ZERO, 0.0, triple)
    return Split(np.concatenate([single, empty[:, None]], axis=1), pair, triple, is_hard)


def _split(layout: Layout, tables: Floats, empty: Floats) -> Split:
    """Split tables if that is of use: not for single causes alone, and not beyond three at once."""
    is_split = 2 <= layout.explanations.max_causes <= 3
    n_rows = len(tables) if is_split else 0
    return split_tables(layout.explanations, tables[:n_rows], empty[:n_rows])


def pack_rows(layout: Layout, split: Split) -> Pack:
    """Turn split tables into the arrays the kernel reads."""
    n, n_rows = layout.explanations.n_causes, len(split.single)
    width = -(-(n + 1) // WIDE) * WIDE
    single = np.zeros((n_rows, width))
    single[:, : n + 1] = split.single
    whole = np.rint(split.pair * 2.0**FRACTION_BITS).astype(np.int32)
    dense_of, dense, sparse_ptr, sparse_pos, sparse_value = _dense_or_sparse(layout, whole)
    rounded = np.ceil(_highest_triples(layout, split.triple) * 2.0**BOUND_BITS)
    highest = np.minimum(rounded, 32_000).astype(np.int32)
    bound_of, bound, extra_ptr, extra_pos, extra_value = _dense_or_sparse(layout, highest)
    has_tau, tau_base, tau_pos, tau_member, factors = _pack_tau(layout, split.triple)
    ranges = [
        part(values, axis=1, initial=0.0)
        for values in (split.pair, split.triple)
        for part in (np.min, np.max)
    ]
    return Pack(
        single=single.reshape(-1),
        is_hard=split.is_hard,
        dense_of=dense_of,
        dense=dense,
        sparse_ptr=sparse_ptr,
        sparse_pos=sparse_pos,
        sparse_value=sparse_value,
        reach=np.stack(ranges, axis=1),
        bound_of=bound_of,
        bound=bound.astype(np.int16),
        extra_ptr=extra_ptr,
        extra_pos=extra_pos,
        extra_value=extra_value,
        has_tau=has_tau,
        tau_base=tau_base,
        tau_pos=tau_pos,
        tau_member=tau_member,
        tau=factors,
    )


def _dense_or_sparse(layout: Layout, values: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Store rows of pairs whole or, where few are not zero, one by one."""
    count = np.count_nonzero(values, axis=1)
    is_dense = count > SPARSE
    dense_of = np.where(is_dense, np.cumsum(is_dense) - 1, -1).astype(np.int32)
    dense = np.zeros((int(is_dense.sum()), layout.n_lanes), dtype=np.int32)
    dense[:, layout.pair_pos] = values[is_dense]
    row, pair = np.nonzero(np.where(is_dense[:, None], 0, values))
    ptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(values)))]).astype(np.int32)
    return dense_of, dense.reshape(-1), ptr, layout.pair_pos[pair], values[row, pair]


def _highest_triples(layout: Layout, triple: Floats) -> Floats:
    """Return max(0, largest triple term of (i, j, *)) for every pair (i, j)."""
    members = layout.explanations.members
    sizes = layout.explanations.sizes
    highest = np.zeros((len(triple), int((sizes == 2).sum())))
    if triple.shape[1]:
        n = layout.explanations.n_causes
        code = members[sizes == 3][:, 0] * n + members[sizes == 3][:, 1]
        first = np.flatnonzero(np.diff(code, prepend=-1))
        pairs = members[sizes == 2][:, 0] * n + members[sizes == 2][:, 1]
        highest[:, np.searchsorted(pairs, code[first])] = np.maximum.reduceat(triple, first, axis=1)
    return np.maximum(highest, 0.0)


def _pack_tau(
    layout: Layout, triple: Floats
) -> tuple[npt.NDArray[np.bool_], Ints, Ints, npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Store the triple factors of every row for the causes that have any."""
    n, n_rows = layout.explanations.n_causes, len(triple)
    members = layout.explanations.members[layout.explanations.sizes == 3, :3]
    base = np.zeros((n_rows, n), dtype=np.int32)
    pos = np.full((n_rows, n), OFF, dtype=np.int32)
    member = np.zeros((n_rows, -(-n // WIDE) * WIDE), dtype=np.int64)
    parts, first = [np.ones(LANES, dtype=np.float32)], LANES
    for row in np.flatnonzero(triple.any(axis=1)):
        present = members[triple[row] != 0]
        member[row, present] = -1
        is_member = member[row, :n] != 0
        cost = np.where(is_member, LANES * layout.height, 0)
        pos[row, is_member] = (np.cumsum(cost) - cost)[is_member]
        behind = cost.sum() - np.cumsum(cost)  # lanes of the members after i
        length = np.where(is_member, behind, 0)
        begin = np.cumsum(length) - length
        base[row] = begin - np.cumsum(cost) + first
        keep = is_member[members[:, 0]] & is_member[members[:, 1]]
        i, j, k = members[keep].T
        block = np.ones(int(length.sum()), dtype=np.float32)
        block[base[row, i] + pos[row, j] + n - 1 - k - first] = np.exp2(triple[row, keep])
        parts.append(block)
        first += len(block)
    has_any = np.asarray(triple.any(axis=1), dtype=np.bool_)
    return has_any, base.reshape(-1), pos.reshape(-1), member.reshape(-1), np.concatenate(parts)


def join_packs(packs: list[Pack]) -> Pack:
    """Put the rows of several packs below one another."""
    shift: dict[str, list[npt.NDArray[np.int32]]] = {}
    starts = {"dense_of": 0, "bound_of": 0, "sparse_ptr": 0, "extra_ptr": 0, "tau_base": 0}
    for pack in packs:
        for name in ("dense_of", "bound_of"):
            own = getattr(pack, name)
            shift.setdefault(name, []).append(np.where(own >= 0, own + starts[name], -1).astype(np.int32))
            starts[name] += int((own >= 0).sum())
        for name in ("sparse_ptr", "extra_ptr"):
            own = getattr(pack, name)
            shift.setdefault(name, []).append((own[:-1] + starts[name]).astype(np.int32))
            starts[name] += int(own[-1])
        shift.setdefault("tau_base", []).append((pack.tau_base + starts["tau_base"]).astype(np.int32))
        starts["tau_base"] += len(pack.tau)
    for name in ("sparse_ptr", "extra_ptr"):
        shift[name].append(np.array([starts[name]], dtype=np.int32))
    fields = {
        name: np.concatenate(shift[name] if name in shift else [getattr(pack, name) for pack in packs])
        for name in Pack._fields
    }
    return Pack(**fields)


@dataclass(frozen=True, slots=True)
class Exact:
    """Rows as they are, over all explanations: (n_rows, n_explanations) float64, base 2."""

    findings: Floats
    contexts: Floats


@dataclass(frozen=True, slots=True)
class Joint:
    """Contexts with a joint table: every pattern of known states that occurs becomes a row.

    Attributes
    ----------
    base : (n_cells,) float64
        P(cell | no cause).
    reference : int
        Cell folded into the base table, or -1: patterns of which all is known then differ from it by terms
        of single causes only.
    row_of : dict
        Row of a pattern of codes, as bytes.
    """

    table: JointTable
    base: Floats
    reference: int
    row_of: dict[bytes, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything compiled inference reads for one setting.

    Attributes
    ----------
    row_of : (n_variables, most_states + 1) int32
        Row to add for every code from -1 (unknown) up; -1 where there is nothing to add.
    n_finding_rows : int
        Rows below this are the same in every setting; this one is the base, in every case.
    """

    layout: Layout
    row_of: Ints
    n_finding_rows: int
    pack: Pack
    exact: Exact
    joints: tuple[Joint, ...]


@dataclass(frozen=True, slots=True)
class _Findings:
    """What settings share."""

    layout: Layout
    row_of: Ints
    base: Floats
    base_empty: float
    exact: Floats
    pack: Pack


def make_plan(network: Network, setting_idx: int) -> Plan:
    """Return the plan of a setting, made at first use and kept with the network."""
    key = ("plan", setting_idx)
    plan = network.cache.get(key)
    if not isinstance(plan, Plan):
        plan = _make(network, setting_idx)
        network.cache[key] = plan
    return plan


def _make(network: Network, setting_idx: int) -> Plan:
    """Add the contexts of one setting to the findings."""
    findings = _findings(network)
    layout = findings.layout
    tables = setting_tables(network, setting_idx, "float64")
    factors = network.solved.factors[setting_idx]
    n_rows = len(findings.exact)
    row_of, base, base_empty = findings.row_of.copy(), findings.base.copy(), findings.base_empty
    rows: list[Floats] = []
    empties: list[float] = []
    for variable in range(network.n_contexts):
        first = tables.row_offset[variable]
        if first < 0:
            continue
        own = np.asarray(
            tables.rows[first : first + network.n_states[variable], layout.columns], dtype=np.float64
        )
        prior = factors[variable] - np.logaddexp.reduce(factors[variable])
        new, new_empty, reference = _deviations(own / np.log(2), prior / np.log(2), int(np.argmax(prior)))
        if reference >= 0:
            base += own[reference] / np.log(2)
            base_empty += prior[reference] / np.log(2)
        row_of[variable] = _number(reference, len(own), n_rows + 1 + len(rows), row_of.shape[1])
        rows.extend(new)
        empties.extend(new_empty)
    joints = []
    for table in tables.joints:
        weights = _cell_base(network, table, factors)
        is_possible = (np.asarray(table.probability) > 0).all(axis=1) & (weights > 0)
        reference = int(np.argmax(np.where(is_possible, weights, -1.0))) if is_possible.any() else -1
        if reference >= 0:
            base += np.log2(np.asarray(table.probability[reference, layout.columns], dtype=np.float64))
            base_empty += np.log2(weights[reference])
        joints.append(Joint(table, weights, reference, {}))
    base += np.asarray(tables.log_prior[layout.columns], dtype=np.float64) / np.log(2)
    exact = np.stack([base, *rows])
    pack = pack_rows(layout, _split(layout, exact, np.array([base_empty, *empties])))
    whole = join_packs([findings.pack, pack])
    return Plan(layout, row_of, n_rows, whole, Exact(findings.exact, exact), tuple(joints))


def _findings(network: Network) -> _Findings:
    """Return the rows of the findings, made at first use and kept with the network."""
    made = network.cache.get("finding plan")
    if isinstance(made, _Findings):
        return made
    layout = make_layout(network)
    row_of = np.full((network.n_variables, int(network.n_states.max(initial=1)) + 1), -1, dtype=np.int32)
    base, base_empty = np.zeros(network.explanations.n_explanations), 0.0
    rows: list[Floats] = []
    empties: list[float] = []
    for slot, finding in enumerate(network.spec.findings):
        variable = network.n_contexts + slot
        first = network.state_offset[variable]
        own = network.finding_rows[first : first + network.n_states[variable], layout.columns] / np.log(2)
        empty = _background(finding)
        new, new_empty, reference = _deviations(own, empty, 0)
        if reference >= 0:
            base += own[reference]
            base_empty += empty[reference]
        row_of[variable] = _number(reference, len(own), len(rows), row_of.shape[1])
        rows.extend(new)
        empties.extend(new_empty)
    exact = np.stack(rows) if rows else np.zeros((0, network.explanations.n_explanations))
    split = _split(layout, exact, np.array(empties))
    pack = pack_rows(layout, split)
    made = _Findings(layout, row_of, base, float(base_empty), exact, pack)
    network.cache["finding plan"] = made
    return made


def _background(finding: FindingSpec) -> Floats:
    """Return log2 P(X = s | no cause)."""
    at_least = np.concatenate([[1.0], finding.background, [0.0]])
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(np.maximum(0.0, at_least[:-1] - at_least[1:])), dtype=np.float64)


def _deviations(own: Floats, empty: Floats, reference: int) -> tuple[list[Floats], list[float], int]:
    """Return the rows of all codes but the reference, relative to it; none (-1) if it can be impossible."""
    if not (np.isfinite(own[reference]).all() and np.isfinite(empty[reference])):
        return list(own), [float(value) for value in empty], -1
    codes = [code for code in range(-1, len(own)) if code != reference]
    rows = [-own[reference] if code < 0 else own[code] - own[reference] for code in codes]
    values = [-empty[reference] if code < 0 else empty[code] - empty[reference] for code in codes]
    return rows, [float(value) for value in values], reference


def _number(reference: int, n_states: int, first: int, width: int) -> Ints:
    """Give the codes of one variable, from unknown up, their row numbers."""
    row_of = np.full(width, -1, dtype=np.int32)
    has_row = np.arange(-1, n_states) != reference
    row_of[: n_states + 1][has_row] = first + np.arange(has_row.sum())
    return row_of


def _cell_base(network: Network, table: JointTable, factors: tuple[Floats, ...]) -> Floats:
    """Return P(cell | no cause) of a joint table."""
    block = next(b for b in network.blocks if b.context_idx == tuple(table.variable_idx))
    score = block.log_dependency.copy()
    for member, variable in enumerate(table.variable_idx):
        score = score + factors[variable][table.cells[:, member]]
    weight = np.exp(score - score.max())
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def find_patterns(network: Network, setting_idx: int, codes: npt.NDArray[np.int8]) -> tuple[Plan, Ints]:
    """Return a plan with a row for every pattern of the joint contexts, and the rows.

    Returns
    -------
    Plan, (n_cases, n_joints) int32
        -1 where there is nothing to add.
    """
    plan = make_plan(network, setting_idx)
    rows = np.full((len(codes), len(plan.joints)), -1, dtype=np.int32)
    for position in range(len(plan.joints)):
        own = np.ascontiguousarray(codes[:, plan.joints[position].table.variable_idx])
        keys = own.view(f"V{own.shape[1]}").reshape(-1)
        patterns, pattern_idx = np.unique(keys, return_inverse=True)
        nothing = np.full(own.shape[1], UNKNOWN, dtype=np.int8).tobytes()
        wanted = [nothing, *(key.tobytes() for key in patterns)]
        plan = _with_patterns(network, setting_idx, position, list(dict.fromkeys(wanted)))
        row_of = plan.joints[position].row_of
        found = np.array([row_of[key.tobytes()] for key in patterns], dtype=np.int32)
        rows[:, position] = found[pattern_idx]
    return plan, rows


def _with_patterns(network: Network, setting_idx: int, position: int, wanted: list[bytes]) -> Plan:
    """Return the plan of a setting after adding what is missing; the old one stays as it is."""
    with _GROWING:
        plan = make_plan(network, setting_idx)
        joint = plan.joints[position]
        missing = [key for key in wanted if key not in joint.row_of]
        if not missing:
            return plan
        row_of = dict(joint.row_of)
        first = plan.n_finding_rows + len(plan.exact.contexts)
        tables, empties = list[Floats](), list[float]()
        probability = np.asarray(joint.table.probability, dtype=np.float64)
        for key in missing:
            pattern = np.frombuffer(key, dtype=np.int8)
            agrees = ((pattern == UNKNOWN) | (pattern == joint.table.cells)).all(axis=1)
            is_open = bool((pattern == UNKNOWN).all())
            if is_open and joint.reference < 0:
                row_of[key] = -1
                continue
            row_of[key] = first + len(tables)
            # one sum per pattern, so that its digits do not depend on which others it comes with
            row = np.ones(probability.shape[1]) if is_open else probability[agrees].sum(axis=0)
            empty = 1.0 if is_open else joint.base[agrees].sum()
            if joint.reference >= 0:
                row, empty = row / probability[joint.reference], empty / joint.base[joint.reference]
            tables.append(row)
            empties.append(float(empty))
        pack, contexts = plan.pack, plan.exact.contexts
        if tables:
            with np.errstate(divide="ignore"):
                exact, empty = np.log2(np.stack(tables)[:, plan.layout.columns]), np.log2(np.array(empties))
            new = pack_rows(plan.layout, _split(plan.layout, exact, empty))
            pack = join_packs([pack, new])
            contexts = np.concatenate([contexts, exact])
        joints = list(plan.joints)
        joints[position] = replace(joint, row_of=row_of)
        plan = replace(plan, pack=pack, exact=Exact(plan.exact.findings, contexts), joints=tuple(joints))
        network.cache["plan", setting_idx] = plan
        return plan

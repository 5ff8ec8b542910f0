"""What can be worked out before any case is seen: the rows of every variable.

Each variable has a reference state, folded into one base table. A case adds one row for every variable that
is *not* in its reference state; "unknown" is a row like any other. Single precision also has rows that start
from nothing known, for cases of which little is known: by layer, what most variables of a case are is
what it starts from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thighdx.inference.layout import Ints, Layout, make_layout
from thighdx.inference.pack import Pack, join_packs, pack_rows
from thighdx.inference.starts import Start, add_bases, start_from_unknown
from thighdx.inference.tables import JointTable, setting_tables
from thighdx.inference.terms import Split, join_splits, split_tables
from thighdx.network.build import Network
from thighdx.network.spec import FindingSpec, Floats

__all__ = ["Exact", "Joint", "Plan", "make_plan", "split_rows"]


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
    base_row : int
        The base of these rows. Those below `len(exact.findings)` are the same in every setting, those from
        here up are in `exact.contexts`, those between only in `pack`.
    starts : (4, n_variables, most_states + 1) int32
        The same when findings (1), contexts (2) or both (3) start from unknown; 0 is `row_of`.
    base_of : (4,) int32
        Their bases.
    """

    layout: Layout
    row_of: Ints
    base_row: int
    starts: Ints
    base_of: Ints
    n_contexts: int
    pack: Pack
    exact: Exact
    joints: tuple[Joint, ...]


@dataclass(frozen=True, slots=True)
class _Findings:
    """What settings share."""

    layout: Layout
    row_of: Ints
    start: Start | None
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
    row_of, base, base_empty = np.full_like(findings.row_of, -1), findings.base.copy(), findings.base_empty
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
        row_of[variable] = _number(reference, len(own), 1 + len(rows), row_of.shape[1])
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
    split = split_rows(layout, exact, np.array([base_empty, *empties]))
    starts, base_of, pack = _with_starts(network, findings, row_of, split)
    return Plan(
        layout=layout,
        row_of=starts[0],
        base_row=int(base_of[0]),
        starts=starts,
        base_of=base_of,
        n_contexts=network.n_contexts,
        pack=join_packs([findings.pack, pack]),
        exact=Exact(findings.exact, exact),
        joints=tuple(joints),
    )


def _with_starts(
    network: Network, findings: _Findings, row_of: Ints, split: Split
) -> tuple[Ints, Ints, Pack]:
    """Return the numbers of rows and of the base from every start, and the rows of a setting."""
    layout = findings.layout
    pack, base_row, base_of = pack_rows(layout, split), len(findings.exact), np.zeros(4, dtype=np.int32)
    starts = np.stack([np.where(row_of >= 0, row_of + base_row, findings.row_of)] * 4)
    if findings.start is not None:
        start = start_from_unknown(row_of, network.n_states, split)
        bases = add_bases(split, findings.start.left_out, start.left_out)
        pack = pack_rows(layout, join_splits([start.new, bases, split]))
        n_shared, n_new, numbers = len(findings.pack.is_inner), len(start.new.single), start.row_of
        base_row, base_of = n_shared + n_new + 3, np.array([0, -3, -2, -1], dtype=np.int32)
        starts = np.stack([np.where(row_of >= 0, row_of + base_row, findings.row_of)] * 4)
        is_new = numbers >= len(split.single)
        shift = np.where(is_new, n_shared - len(split.single), base_row)
        numbers = np.where(numbers >= 0, numbers + shift, -1).astype(np.int32)
        starts[2:, : network.n_contexts] = numbers[: network.n_contexts]
        starts[1::2, network.n_contexts :] = findings.start.row_of[network.n_contexts :]
    return starts, base_of + np.int32(base_row), pack


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
    split = split_rows(layout, exact, np.array(empties))
    start = start_from_unknown(row_of, network.n_states, split) if _is_split(layout) else None
    pack = pack_rows(layout, split if start is None else join_splits([split, start.new]))
    made = _Findings(layout, row_of, start, base, float(base_empty), exact, pack)
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


def split_rows(layout: Layout, tables: Floats, empty: Floats) -> Split:
    """Split tables if that is of use: not for single causes alone, and not beyond three at once."""
    n_rows = len(tables) if _is_split(layout) else 0
    return split_tables(layout.explanations, tables[:n_rows], empty[:n_rows])


def _is_split(layout: Layout) -> bool:
    """Say whether tables are split into terms."""
    return 2 <= layout.explanations.max_causes <= 3

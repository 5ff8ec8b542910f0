"""Which part of impossible evidence is impossible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.evidence.one_case import CaseEvidence
from thighdx.evidence.vocabulary import Vocabulary
from thighdx.network.build import Network
from thighdx.network.tables import JointTable, SettingTables, setting_tables

__all__ = ["minimal_conflict"]

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Item:
    """One piece of evidence: which states of which variable or cause it allows."""

    name: str
    is_cause: bool
    idx: int
    allowed: Flags  # (n_states,)


def minimal_conflict(network: Network, vocabulary: Vocabulary, case: CaseEvidence) -> list[tuple[str, str]]:
    """Return a subset of impossible evidence that is impossible while each of its own subsets is possible.

    Deletion filter (Chinneck and Dravnieks 1991 [1]_): drop one item after the other and keep it only if the
    rest becomes possible without it. What is possible is a matter of zeros: every item rules out some explanations,
    on its own or, in a joint table, with the other members; no probability is worked out.

    .. [1] Chinneck JW, Dravnieks EW. Locating minimal infeasible constraint sets in linear programs.
       ORSA J Comput 1991;3:157-68.
    """
    tables = setting_tables(network, int(case.batch.setting_idx[0]))
    found = [
        (group, _ruled_out(network, tables, group)) for group in _dependent(tables, _items(vocabulary, case))
    ]
    # most items rule out nothing, and dropping those changes nothing
    groups = [group for group, flags in found if flags.any()]
    ruled_out = [flags for _, flags in found if flags.any()]
    count = np.isneginf(tables.log_prior).astype(np.intp)  # how many of them rule an explanation out
    for flags in ruled_out:
        count += flags
    if not (count > 0).all():  # likelihoods so small that their product came to 0
        return [*case.states.items(), *((name, "(likelihood)") for name in case.likelihoods)]
    for place, group in enumerate(groups):
        for item in list(group):
            rest = [other for other in group if other is not item]
            own = _ruled_out(network, tables, rest)
            fewer = count - ruled_out[place] + own
            if (fewer > 0).all():  # still impossible without it
                group, ruled_out[place], count = rest, own, fewer
        groups[place] = group
    kept = {item.name for group in groups for item in group}
    return [
        *((name, state) for name, state in case.states.items() if name in kept),
        *((name, "(likelihood)") for name in case.likelihoods if name in kept),
    ]


def _items(vocabulary: Vocabulary, case: CaseEvidence) -> Iterator[_Item]:
    """Yield what is known, states first."""
    by_id = {v.id: v.states for v in (*vocabulary.variables, *vocabulary.causes)}
    allowed = {name: [own == state for own in by_id[name]] for name, state in case.states.items()}
    for name, weights in case.likelihoods.items():
        allowed[name] = [weights[state] > 0 for state in by_id[name]]
    for name, flags in allowed.items():
        is_cause = name in vocabulary.cause_index
        idx = vocabulary.cause_index[name] if is_cause else vocabulary.index[name]
        yield _Item(name, is_cause, idx, np.array(flags))


def _dependent(tables: SettingTables, items: Iterator[_Item]) -> list[list[_Item]]:
    """Put members of a joint table together; every other item is on its own."""
    groups: dict[object, list[_Item]] = {}
    for item in items:
        joint = None if item.is_cause else _joint_of(tables, item)
        groups.setdefault(item.name if joint is None else id(joint), []).append(item)
    return list(groups.values())


def _joint_of(tables: SettingTables, item: _Item) -> JointTable | None:
    """Return the joint table that a variable is a member of, if any."""
    if tables.row_offset[item.idx] >= 0:
        return None
    return next(joint for joint in tables.joints if item.idx in joint.variable_idx)


def _ruled_out(network: Network, tables: SettingTables, group: Sequence[_Item]) -> Flags:
    """Return the explanations under which dependent items cannot all be, (n_explanations,)."""
    if not group:
        return np.zeros(len(tables.log_prior), dtype=np.bool_)
    first = group[0]
    if first.is_cause:
        return ~first.allowed[network.membership[:, first.idx].astype(np.intp)]
    joint = _joint_of(tables, first)
    if joint is None:
        start = tables.row_offset[first.idx]
        rows = tables.rows[start : start + len(first.allowed)]
        return np.asarray(np.isneginf(rows[first.allowed]).all(axis=0))
    members = joint.variable_idx.tolist()
    is_allowed = np.ones(len(joint.cells), dtype=np.bool_)
    for item in group:
        is_allowed &= item.allowed[joint.cells[:, members.index(item.idx)]]
    return np.asarray(~(joint.probability[is_allowed] > 0).any(axis=0))

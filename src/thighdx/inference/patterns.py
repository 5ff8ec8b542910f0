"""Rows for the patterns of contexts that share a joint table, made as they come up."""

from __future__ import annotations

from dataclasses import replace
from threading import RLock

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN
from thighdx.inference.layout import Ints
from thighdx.inference.pack import join_packs, pack_rows
from thighdx.inference.plan import Exact, Plan, make_plan, split_rows
from thighdx.network.build import Network
from thighdx.network.spec import Floats

__all__ = ["find_patterns"]

_GROWING = RLock()


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
        joint = plan.joints[position]
        own = codes[:, joint.table.variable_idx]
        # numbers sort faster than the patterns themselves
        size = tuple(network.n_states[joint.table.variable_idx].astype(np.intp) + 1)
        keys = np.ravel_multi_index(tuple((own + 1).astype(np.intp).T), size)
        number, pattern_idx = np.unique(keys, return_inverse=True)
        patterns = np.stack(np.unravel_index(number, size), axis=1).astype(np.int8) - np.int8(1)
        nothing = np.full(own.shape[1], UNKNOWN, dtype=np.int8).tobytes()
        wanted = [nothing, *(pattern.tobytes() for pattern in patterns)]
        plan = _with_patterns(network, setting_idx, position, list(dict.fromkeys(wanted)))
        row_of = plan.joints[position].row_of
        found = np.array([row_of[key] for key in wanted[1:]], dtype=np.int32)
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
        first = plan.base_row + len(plan.exact.contexts)
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
            new = pack_rows(plan.layout, split_rows(plan.layout, exact, empty))
            pack = join_packs([pack, new])
            contexts = np.concatenate([contexts, exact])
        joints = list(plan.joints)
        joints[position] = replace(joint, row_of=row_of)
        plan = replace(plan, pack=pack, exact=Exact(plan.exact.findings, contexts), joints=tuple(joints))
        network.cache["plan", setting_idx] = plan
        return plan

"""The whole model as a plain discrete Bayesian network, for other tools and for checking this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.network.tables import JointTable, setting_tables

__all__ = ["conditional_tables", "explanation_names", "to_pgmpy"]

ROOT = "explanation"


def explanation_names(network: Network) -> list[str]:
    """Return one name per explanation: its causes joined by ``+``."""
    causes = (*network.spec.causes, "")
    return ["+".join(causes[c] for c in row if causes[c]) for row in network.explanations.members]


def to_pgmpy(network: Network, *, setting_idx: int) -> Any:
    """Return a pgmpy ``DiscreteBayesianNetwork`` for one setting.

    Root ``explanation``; contexts, findings and tests are its children. Contexts of a joint table are a
    chain: each depends on the explanation and on the members before it (chain rule), which is exact.
    """
    from pgmpy.factors.discrete import TabularCPD  # type: ignore[import-untyped]  # pgmpy ships no types
    from pgmpy.models import DiscreteBayesianNetwork  # type: ignore[import-untyped]  # as above

    names = {ROOT: explanation_names(network)}
    names.update(zip(network.variable_ids, (list(states) for states in network.states), strict=True))
    prior = np.exp(setting_tables(network, setting_idx).log_prior)
    bayes = DiscreteBayesianNetwork()
    bayes.add_node(ROOT)
    cpds = [TabularCPD(ROOT, len(prior), prior[:, None], state_names={ROOT: names[ROOT]})]
    for child, parents, table in conditional_tables(network, setting_idx):
        bayes.add_edges_from((parent, child) for parent in parents)
        shape = table.shape
        cpds.append(
            TabularCPD(
                child,
                shape[0],
                table.reshape(shape[0], -1),
                evidence=list(parents),
                evidence_card=list(shape[1:]),
                state_names={name: names[name] for name in (child, *parents)},
            )
        )
    bayes.add_cpds(*cpds)
    return bayes


def conditional_tables(network: Network, setting_idx: int) -> Iterator[tuple[str, tuple[str, ...], Floats]]:
    """Yield child, parents and P(child | parents) for every variable.

    Yields
    ------
    tuple of str, tuple of str, ndarray
        The array is (n_states, n_explanations, n_states of further parents...), float64, sums to 1 over the
        first axis.
    """
    tables = setting_tables(network, setting_idx)
    for position, name in enumerate(network.variable_ids):
        first = tables.row_offset[position]
        if first >= 0:
            states = np.exp(tables.rows[first : first + network.n_states[position]])
            yield name, (ROOT,), states / states.sum(axis=0)
    for joint in tables.joints:
        yield from _chain(network, joint)


def _chain(network: Network, joint: JointTable) -> Iterator[tuple[str, tuple[str, ...], Floats]]:
    """Split a joint table into conditionals by the chain rule."""
    members = [int(position) for position in joint.variable_idx]
    sizes = [int(network.n_states[position]) for position in members]
    n_explanations = joint.probability.shape[1]
    full = np.zeros((*sizes, n_explanations))
    full[tuple(joint.cells.T)] = joint.probability
    for last, position in enumerate(members):
        later = tuple(range(last + 1, len(members)))
        upto = full.sum(axis=later) if later else full  # (sizes of members 0..last, n_explanations)
        total = upto.sum(axis=last, keepdims=True)
        uniform = np.full_like(upto, 1.0 / sizes[last])  # where the condition is impossible any table will do
        table = np.divide(upto, total, out=uniform, where=total > 0)
        table = np.moveaxis(table, (last, -1), (0, 1))
        yield (
            network.variable_ids[position],
            (ROOT, *(network.variable_ids[m] for m in members[:last])),
            table,
        )

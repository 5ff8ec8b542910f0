"""Derivatives of solved base rates by every judgement: the implicit function of the margins.

Base parameters are not judged; they are solved so that margins hold. With F(parameter, judgement) = margin,

    d parameter / d judgement = (dF / d parameter)^-1 (d margin / d judgement - dF / d judgement)

by the implicit function theorem. dF / d parameter is a covariance of an exponential family: that of the members
under P(H) for theta, and the mean over P(H) of the covariance of states given H for the factors of a block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thighdx.network.blocks import Block
from thighdx.network.build import Network, log_prior, solve_shares
from thighdx.network.spec import Floats
from thighdx.network.tables import setting_tables
from thighdx.reasoning.intervals.layout import Indices, JudgementLayout

__all__ = ["BlockMargins", "ShareMargins", "block_cells", "block_margins", "feature_starts", "share_margins"]

# Directions of a scaled covariance below this are those that no margin speaks about.
SINGULAR = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class ShareMargins:
    """Theta of one setting as a function of shares and cause-to-cause effects.

    Attributes
    ----------
    theta : (n_causes,) float64
    prior : (n_explanations,) float64
        P(H).
    to_share : (n_causes, n_causes) float64
        d theta / d share; symmetric.
    to_pair : (n_causes, n_pairs) float64
        d theta / d log odds ratio of a pair, shares held.
    second_derivative : (n_causes, n_causes) float64
        d2 theta / d logit share2; one column per share.
    """

    theta: Floats
    prior: Floats
    to_share: Floats
    to_pair: Floats
    second_derivative: Floats


@dataclass(frozen=True, slots=True, eq=False)
class BlockMargins:
    """Log factors of a block as a function of everything that moves them, elicited frequencies held.

    Attributes
    ----------
    features : (n_cells, n_features) float64
        0/1: one column per member and state, then one per uncertain dependency (the pair of states).
    n_base : int
        Number of columns that have a factor.
    dependency_idx : (n_features - n_base,) intp
        Positions of the judgements behind the last columns.
    to_margin : (n_base, n_base) float64
        d log factor / d frequency, for changes that keep the sum of each member.
    to_theta : (n_base, n_causes) float64
    to_pair : (n_base, n_pairs) float64
        Of a pair alone; what it does through theta comes on top.
    to_effect : (n_base, n_causes, n_base) float64
        d log factor / d log odds ratio of a cause with a state.
    to_dependency : (n_base, n_features - n_base) float64
    """

    features: Floats
    n_base: int
    dependency_idx: Indices
    to_margin: Floats
    to_theta: Floats
    to_pair: Floats
    to_effect: Floats
    to_dependency: Floats


def share_margins(
    network: Network, layout: JudgementLayout, setting_idx: int, *, elicited: bool = False
) -> ShareMargins:
    """Return the implicit function of the shares of one setting, kept with the network.

    Parameters
    ----------
    elicited : bool
        Use the elicited shares also where a user replaced some: contexts keep the tables they were
        solved for, so their factors go with those.
    """
    elicited = elicited and bool(layout.is_replaced[setting_idx].any())
    key = ("share_margins", setting_idx, elicited)
    return network.once(key, lambda: _share_margins(network, layout, setting_idx, elicited))


def _share_margins(
    network: Network, layout: JudgementLayout, setting_idx: int, elicited: bool
) -> ShareMargins:
    theta = network.solved.theta[setting_idx]
    if elicited:
        shares = 1 / (1 + np.exp(-layout.point[layout.shares[setting_idx]]))
        theta = solve_shares(network.spec, network.explanations, shares)[0]
    prior = np.exp(log_prior(network.spec, network.explanations, theta))
    members = network.membership
    mean = prior @ members
    covariance = (members * prior[:, None]).T @ members - np.outer(mean, mean)
    both = pair_membership(network, layout)  # (n_explanations, n_pairs)
    with_pair = (members * prior[:, None]).T @ both - np.outer(mean, prior @ both)
    inverse = _inverse(covariance)
    # differentiate the margins twice: third cumulant[theta', theta'] + covariance theta'' = share''
    first = inverse * (mean * (1 - mean))  # d theta / d logit share
    along = (members - mean) @ first  # (n_explanations, n_causes): d log P(H) / d logit share
    third = ((members - mean) * prior[:, None]).T @ along**2  # (n_causes, n_causes)
    second = np.diag(mean * (1 - mean) * (1 - 2 * mean))
    return ShareMargins(theta, prior, inverse, -inverse @ with_pair, inverse @ (second - third))


def pair_membership(network: Network, layout: JudgementLayout) -> Floats:
    """Return which explanations hold both causes of every judged pair, (n_explanations, n_pairs)."""
    return np.asarray(network.membership[:, layout.pairs[:, 0]] * network.membership[:, layout.pairs[:, 1]])


def block_cells(network: Network, setting_idx: int, block: Block) -> Floats:
    """Return P(cell | H) of one block, (n_cells, n_explanations), linear."""
    tables = setting_tables(network, setting_idx)
    if len(block.context_idx) > 1:
        joint = next(t for t in tables.joints if int(t.variable_idx[0]) == block.context_idx[0])
        return np.asarray(joint.probability, dtype=np.float64)
    first = tables.row_offset[block.context_idx[0]]
    return np.asarray(np.exp(tables.rows[first + block.cells[:, 0]]), dtype=np.float64)


def feature_starts(network: Network, block: Block) -> Indices:
    """Return the first feature of every member of a block."""
    counts = network.n_states[list(block.context_idx)]
    return np.asarray(np.cumsum(counts) - counts)


def block_margins(network: Network, layout: JudgementLayout, setting_idx: int, block: Block) -> BlockMargins:
    """Return the implicit function of one block in one setting, kept with the network."""
    key = ("block_margins", setting_idx, block.context_idx)
    return network.once(key, lambda: _block_margins(network, layout, setting_idx, block))


def _block_margins(network: Network, layout: JudgementLayout, setting_idx: int, block: Block) -> BlockMargins:
    prior = share_margins(network, layout, setting_idx, elicited=True).prior
    cells = block_cells(network, setting_idx, block)  # (n_cells, n_explanations)
    features, dependency_idx = _features(network, layout, block)
    n_base = features.shape[1] - len(dependency_idx)
    base = features[:, :n_base]
    expected = features.T @ cells  # (n_features, n_explanations): E[feature | H]
    own, weighted = expected[:n_base], expected[:n_base] * prior
    members = network.membership
    both = pair_membership(network, layout)
    cell_of_cause = cells @ (members * prior[:, None])  # (n_cells, n_causes)
    overall = (base * (cells @ prior)[:, None]).T @ features - weighted @ expected.T
    inverse = _inverse(overall[:, :n_base])
    given_cause = np.einsum("xf,xc,xg->fcg", base, cell_of_cause, base, optimize=True)
    for f in range(n_base):
        given_cause[f] -= members.T @ (weighted[f] * own).T
    mean = weighted.sum(axis=1)
    return BlockMargins(
        features=features,
        n_base=n_base,
        dependency_idx=dependency_idx,
        to_margin=inverse,
        to_theta=-inverse @ (weighted @ members - np.outer(mean, prior @ members)),
        to_pair=-inverse @ (weighted @ both - np.outer(mean, prior @ both)),
        to_effect=-np.einsum("ef,fcg->ecg", inverse, given_cause),
        to_dependency=-inverse @ overall[:, n_base:],
    )


def _features(network: Network, layout: JudgementLayout, block: Block) -> tuple[Floats, Indices]:
    """Return the 0/1 columns of a block and the judgements behind those of its dependencies."""
    slots = {context: slot for slot, context in enumerate(block.context_idx)}
    columns = [
        block.cells[:, slot] == state
        for slot, context in enumerate(block.context_idx)
        for state in range(network.n_states[context])
    ]
    positions = []
    for a, state_a, b, state_b, position in layout.dependencies:
        if int(a) in slots:
            first = block.cells[:, slots[int(a)]] == state_a
            columns.append(first & (block.cells[:, slots[int(b)]] == state_b))
            positions.append(position)
    return np.stack(columns, axis=1).astype(np.float64), np.array(positions, dtype=np.intp)


def _inverse(covariance: Floats) -> Floats:
    """Return a generalized inverse of a covariance; scaled first, so that rare states keep their digits."""
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    inverse = np.linalg.pinv(covariance / np.outer(scale, scale), rcond=SINGULAR, hermitian=True)
    return np.asarray(inverse / np.outer(scale, scale))

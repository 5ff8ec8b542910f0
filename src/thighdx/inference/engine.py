"""Exact inference over explanations in plain numpy: the readable engine, for single cases and short tables.

    log w(H) = log P(H) + sum over known variables of log P(v = s | H)

Unknown variables drop out, which is exact marginalisation; posteriors are sums of the softmax of log w. Every
term is positive, so nothing cancels and nothing needs clipping. Every case is worked out on its own, in a fixed
order: its bits do not depend on which other cases it comes with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.inference.dense_rows import NO_ROW, case_rows, pattern_rows
from thighdx.network.build import Network
from thighdx.network.groups import SetMembers
from thighdx.network.spec import Floats
from thighdx.network.tables import SettingTables, setting_tables

__all__ = [
    "CERTAIN",
    "Posteriors",
    "infer",
    "log_weights",
    "normalise",
    "set_chances",
]

# Cases worked on at once: few enough that the rows they add stay in the processor's cache.
CASES_AT_ONCE = 16
CERTAIN = 1e-6
"""Sets whose absence is less likely than this have it summed for itself: exactly 0 where they are given."""


@dataclass(frozen=True, slots=True)
class Posteriors:
    """What inference says about a batch.

    Attributes
    ----------
    posterior : (n_cases, n_sets) float64
        P(any of the set present | evidence) for every asked set; NaN where the evidence is impossible.
    log_evidence : (n_cases,) float64
        Natural log of P(evidence | complaint, setting); -inf where impossible, 0 without evidence.
    """

    posterior: Floats
    log_evidence: Floats


def infer(network: Network, batch: EvidenceBatch, *, sets: Floats | None = None) -> Posteriors:
    """Return posteriors for every case.

    Parameters
    ----------
    network : Network
    batch : EvidenceBatch
    sets : (n_explanations, n_sets) float64, optional
        0/1: which explanations count for which asked probability; default one set per cause.

    Notes
    -----
    Work per case is n_known x n_explanations additions, n_explanations exponentials and as many additions as
    the sets have members; memory beyond input and output does not grow with the number of cases.
    """
    members = network.cause_members if sets is None else SetMembers.of(sets)
    posterior = np.empty((batch.n_cases, members.n_sets))
    log_evidence = np.empty(batch.n_cases)
    for setting in np.unique(batch.setting_idx):
        cases = np.flatnonzero(batch.setting_idx == setting)
        for start in range(0, len(cases), CASES_AT_ONCE):
            chunk = cases[start : start + CASES_AT_ONCE]
            weights = log_weights(network, take_cases(batch, chunk))
            posterior[chunk], log_evidence[chunk] = normalise(weights, members)
    log_evidence[batch.is_empty()] = 0.0
    return Posteriors(posterior, log_evidence)


def normalise(weights: Floats, members: SetMembers) -> tuple[Floats, Floats]:
    """Turn log weights into P(set | evidence), (n_cases, n_sets), and log P(evidence), (n_cases,).

    Parameters
    ----------
    weights : (n_cases, n_explanations) float64
        Logarithms; overwritten with the weights themselves, of which the largest is 1.
    """
    peak = weights.max(axis=1)
    shift = np.where(np.isneginf(peak), 0.0, peak)
    np.exp(np.subtract(weights, shift[:, None], out=weights), out=weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return set_chances(weights, members), np.log(weights.sum(axis=1)) + shift


def set_chances(weights: Floats, members: SetMembers) -> Floats:
    """Return P(set) for weights of explanations that are known up to a factor.

    Parameters
    ----------
    weights : (n_cases, n_explanations) float64
        Not negative, in no case all 0.

    Returns
    -------
    (n_cases, n_sets) float64
        In [0, 1]; presence and absence both keep their relative accuracy.
    """
    padded = np.concatenate([weights, np.zeros((len(weights), 1))], axis=1)  # a zero ends every set
    inside = np.add.reduceat(padded.take(members.ended, axis=1), members.first, axis=1)
    total = weights.sum(axis=1, keepdims=True)
    outside = total - inside
    is_sure = outside < CERTAIN * total  # few digits left of the difference, or none
    for chosen in np.flatnonzero(is_sure.any(axis=0)).tolist():
        cases = np.flatnonzero(is_sure[:, chosen])
        outside[cases, chosen] = weights[np.ix_(cases, members.outside(chosen))].sum(axis=1)
    # a / (a + b) lies in [0, 1] in floating point too, so nothing needs clipping
    return np.asarray(inside / (inside + outside), dtype=np.float64)


def log_weights(network: Network, batch: EvidenceBatch) -> Floats:
    """Return log P(H, evidence | complaint, setting) for cases of one setting.

    Returns
    -------
    (n_cases, n_explanations) float64
        -inf where an explanation is impossible.
    """
    tables = setting_tables(network, int(batch.setting_idx[0]))
    weights = _sum_rows(tables, batch.codes)
    weights += tables.log_prior
    patterns, pattern_of = pattern_rows(network, tables, batch)
    for own in pattern_of.T:
        has_row = own != NO_ROW
        weights[has_row] += patterns[own[has_row]]
    case_idx, rows = case_rows(network, tables, batch)
    weights[case_idx] += rows
    return weights


def _sum_rows(tables: SettingTables, codes: npt.NDArray[np.int8]) -> Floats:
    """Sum the table rows of what is known, in the order of the variables."""
    known = (codes != UNKNOWN) & (tables.row_offset >= 0)
    nothing = len(tables.rows) - 1  # a row of zeros, to fill up cases of which less is known
    row_idx = np.sort(np.where(known, tables.row_offset + codes, nothing), axis=1)
    row_idx = row_idx[:, : int(known.sum(axis=1).max(initial=1))]
    return np.asarray(np.add.reduce(tables.rows.take(row_idx, axis=0), axis=1))

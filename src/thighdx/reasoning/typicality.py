"""How typical the evidence is of patients with a given set of causes.

For an explanation H the log likelihood of what is known, l = sum_v log P(v = s_v | H), is compared with its
distribution among patients who have exactly these causes and of whom the same variables are known: mean and
variance are sums over the variables, and Chernoff's inequality [1]_ bounds the tail,

    P(l' <= l | H) <= exp(K(t) - t l) for every t <= 0,    K(t) = sum_v log sum_s P(v = s | H)^(1 + t)

an upper bound that needs no simulation and no normal approximation, which rare findings would break.

.. [1] Chernoff H. A measure of asymptotic efficiency for tests of a hypothesis based on the sum of observations.
   Annals of Mathematical Statistics 1952;23:493-507.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.tables import JointTable, setting_tables
from thighdx.network.build import Network
from thighdx.network.spec import Floats

__all__ = ["Typicality", "typicality"]

# Any t gives a valid bound; these come within a few percent of the best one.
EXPONENTS = -np.concatenate([[0.0], np.geomspace(0.01, 10.0, 60)])


@dataclass(frozen=True, slots=True)
class Typicality:
    """How the evidence compares with patients who have one of some explanations.

    Attributes
    ----------
    log_likelihood : (n_chosen,) float64
        log P(known states | H); uncertain evidence and given causes do not count.
    expected, sd : (n_chosen,) float64
        Its mean and standard deviation among patients with H.
    tail : (n_chosen,) float64
        Upper bound of the share of patients with H whose evidence is at most as likely.
    """

    log_likelihood: Floats
    expected: Floats
    sd: Floats
    tail: Floats

    @property
    def z_score(self) -> Floats:
        """Return (log likelihood - expected) / sd; 0 where nothing varies."""
        off = self.log_likelihood - self.expected
        return np.divide(off, self.sd, out=np.zeros_like(off), where=self.sd > 0)


def typicality(network: Network, batch: EvidenceBatch, explanation_idx: npt.NDArray[np.intp]) -> Typicality:
    """Compare the evidence of one case with patients who have each of some explanations.

    Parameters
    ----------
    batch : EvidenceBatch
        One case, possible under every chosen explanation.
    explanation_idx : (n_chosen,) intp
    """
    tables = setting_tables(network, int(batch.setting_idx[0]), "float64")
    codes, chosen = batch.codes[0], explanation_idx
    outcomes: list[Floats] = []
    for v in np.flatnonzero((codes != UNKNOWN) & (tables.row_offset >= 0)).tolist():
        first = int(tables.row_offset[v])
        rows = np.asarray(tables.rows[first : first + int(network.n_states[v])][:, chosen], dtype=np.float64)
        outcomes.append(_observed_first(rows, int(codes[v])))
    for joint in tables.joints:
        known = np.flatnonzero(codes[joint.variable_idx] != UNKNOWN)
        if len(known):
            outcomes.append(_patterns(joint, codes, known, chosen))
    return _summarize(outcomes, len(chosen))


def _observed_first(rows: Floats, observed: int) -> Floats:
    """Put the row that was observed first."""
    return np.concatenate([rows[observed : observed + 1], np.delete(rows, observed, axis=0)])


def _patterns(
    joint: JointTable, codes: npt.NDArray[np.int8], known: npt.NDArray[np.intp], chosen: npt.NDArray[np.intp]
) -> Floats:
    """Return log P of every pattern of the known members of a block, the observed one first."""
    patterns, index = np.unique(joint.cells[:, known], axis=0, return_inverse=True)
    belongs = (np.arange(len(patterns))[:, None] == index.reshape(-1)).astype(np.float64)
    with np.errstate(divide="ignore"):
        rows = np.log(belongs @ joint.probability[:, chosen])  # (n_patterns, n_chosen)
    observed = np.flatnonzero((patterns == codes[joint.variable_idx[known]]).all(axis=1))
    return _observed_first(np.asarray(rows, dtype=np.float64), int(observed[0]))


def _summarize(outcomes: list[Floats], n_chosen: int) -> Typicality:
    """Add up log likelihood, mean, variance and the exponent of Chernoff's bound over the variables."""
    log_likelihood, expected, variance = np.zeros((3, n_chosen))
    growth = np.zeros((len(EXPONENTS), n_chosen))  # K(t)
    for rows in outcomes:
        probability = np.exp(rows)
        values = np.where(probability > 0, rows, 0.0)
        mean = (probability * values).sum(axis=0)
        log_likelihood += rows[0]
        expected += mean
        variance += (probability * (values - mean) ** 2).sum(axis=0)
        powers = np.exp((1.0 + EXPONENTS)[:, None, None] * values) * (probability > 0)
        growth += np.log(powers.sum(axis=1))
    bound = (growth - EXPONENTS[:, None] * log_likelihood).min(axis=0)
    return Typicality(log_likelihood, expected, np.sqrt(variance), np.exp(np.minimum(bound, 0.0)))

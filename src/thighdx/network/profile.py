"""What a cause looks like: its findings and contexts against the rest, and the causes that look like it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.network.build import Network
from thighdx.network.spec import FindingSpec, Floats
from thighdx.network.tables import SettingTables, setting_tables

__all__ = [
    "ContextFact",
    "Discriminator",
    "FindingFact",
    "LookAlike",
    "context_facts",
    "find_look_alikes",
    "finding_facts",
    "likelihood_ratios",
]


@dataclass(frozen=True, slots=True)
class FindingFact:
    """How much one finding, in a state or a higher one, speaks for a cause that is alone.

    Attributes
    ----------
    probability : float
        P(finding >= state | the cause alone).
    background : float
        The same when no cause has anything to do with it.
    others : float
        The same among patients of the setting who do not have the cause.
    lr_present, lr_absent : float
        Likelihood ratios, against the other patients, of the finding being there and not there.
    """

    variable: str
    state: str
    is_last_state: bool
    probability: float
    background: float
    others: float
    lr_present: float
    lr_absent: float


@dataclass(frozen=True, slots=True)
class ContextFact:
    """How a context or pathology goes with a cause.

    Attributes
    ----------
    odds_ratio : float
        Against the reference state of the variable.
    frequency : float
        P(state | complaint, setting).
    frequency_with : float
        P(state | the cause is present, setting).
    """

    variable: str
    state: str
    odds_ratio: float
    frequency: float
    frequency_with: float


@dataclass(frozen=True, slots=True)
class Discriminator:
    """A finding that tells two causes apart, each taken alone.

    Attributes
    ----------
    probability, other_probability : float
        P(finding >= state) with the one and with the other; of contexts P(context = state).
    separation : float
        Bhattacharyya distance between the two distributions of the variable, >= 0.
    """

    variable: str
    state: str
    is_last_state: bool
    probability: float
    other_probability: float
    lr_present: float
    lr_absent: float
    separation: float


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A cause whose patients look like those of another.

    Attributes
    ----------
    distance : float
        Bhattacharyya distance between the joint distributions of everything that can be known: 0 if no
        finding could ever tell the two apart.
    discriminators : tuple of Discriminator
        One per variable, the most telling first.
    """

    cause: str
    distance: float
    discriminators: tuple[Discriminator, ...]


def likelihood_ratios(probability: float, other: float) -> tuple[float, float]:
    """Return the likelihood ratios of a finding that is there and of one that is not.

    Examples
    --------
    >>> likelihood_ratios(0.5, 0.25)
    (2.0, 0.6666666666666666)
    >>> likelihood_ratios(0.5, 0.0)
    (inf, 0.5)
    """
    return _ratio(probability, other), _ratio(1.0 - probability, 1.0 - other)


def _ratio(above: float, below: float) -> float:
    """Divide; 0/0 tells nothing, so it is 1."""
    if below == 0.0:
        return 1.0 if above == 0.0 else np.inf
    return above / below


def finding_facts(network: Network, cause: str, *, setting_idx: int) -> list[FindingFact]:
    """Return every elicited finding of a cause, the largest likelihood ratio first."""
    position = network.spec.causes.index(cause)
    prior = np.exp(network.log_prior(setting_idx))
    without = prior * (1.0 - network.membership[:, position])
    without /= without.sum()
    first = network.n_contexts
    facts = []
    for index, finding in enumerate(network.spec.findings):
        start = network.state_offset[first + index]
        rows = np.exp(network.finding_rows[start : start + len(finding.states)])
        others = _at_least(rows @ without)
        for step, state in enumerate(finding.states[1:]):
            probability = float(finding.cumulative[position, step])
            if np.isnan(probability):
                continue
            background = float(finding.background[step])
            lr_present, lr_absent = likelihood_ratios(probability, float(others[step]))
            is_last = step == len(finding.states) - 2
            facts.append(
                FindingFact(
                    finding.id,
                    state,
                    is_last,
                    probability,
                    background,
                    float(others[step]),
                    lr_present,
                    lr_absent,
                )
            )
    return sorted(facts, key=lambda fact: -fact.lr_present)


def _at_least(states: Floats) -> Floats:
    """Turn P(state) into P(state or higher) for every state but the lowest."""
    return np.asarray(states[::-1].cumsum()[::-1][1:])


def context_facts(network: Network, cause: str, *, setting_idx: int) -> list[ContextFact]:
    """Return every context and pathology with an odds ratio for a cause, the largest first."""
    position = network.spec.causes.index(cause)
    prior = np.exp(network.log_prior(setting_idx))
    inside = prior * network.membership[:, position]
    inside /= inside.sum()
    with_cause = _state_probabilities(network, setting_idx, inside)
    facts = []
    for index, context in enumerate(network.spec.contexts):
        odds = context.odds_ratio[position]
        facts += [
            ContextFact(
                context.id,
                state,
                float(odds[s]),
                float(context.frequency[setting_idx, s]),
                float(with_cause[index][s]),
            )
            for s, state in enumerate(context.states)
            if odds[s] != 1.0
        ]
    return sorted(facts, key=lambda fact: -fact.odds_ratio)


def _state_probabilities(network: Network, setting_idx: int, weights: Floats) -> list[Floats]:
    """Return P(state) of every variable for given weights of the explanations."""
    tables = setting_tables(network, setting_idx)
    found = [np.zeros(n) for n in network.n_states]
    for variable_idx, start in enumerate(tables.row_offset):
        if start >= 0:
            rows = tables.rows[start : start + network.n_states[variable_idx]]
            found[variable_idx] = np.exp(rows) @ weights
    for joint in tables.joints:
        cells = joint.probability @ weights
        for member, variable_idx in enumerate(joint.variable_idx):
            size = int(network.n_states[variable_idx])
            found[variable_idx] = np.bincount(joint.cells[:, member], weights=cells, minlength=size)
    return found


def find_look_alikes(
    network: Network, cause: str, *, setting_idx: int, n: int = 3, without: str = ""
) -> list[LookAlike]:
    """Return the `n` causes hardest to tell from a cause, the hardest first.

    Parameters
    ----------
    without : str
        A cause left out, such as the residual one.

    Notes
    -----
    Given one cause alone all findings are independent, so the Bhattacharyya distance [1]_ between the
    patients of two causes is the sum of the distances of their findings and contexts. It bounds how often
    the best reader, who knows everything, would take one for the other.

    References
    ----------
    .. [1] Kailath T. The divergence and Bhattacharyya distance measures in signal selection. IEEE
       Transactions on Communication Technology 1967;15(1):52-60.
    """
    tables = setting_tables(network, setting_idx)
    position = network.spec.causes.index(cause)
    distances = np.zeros(len(network.spec.causes))
    for _, rows in _alone(network, tables):
        distances += _distance(rows[:, position : position + 1], rows)
    for joint in tables.joints:
        cells = joint.probability[:, : len(distances)]
        distances += _distance(cells[:, position : position + 1], cells)
    order = [i for i in np.argsort(distances, kind="stable") if i != position]
    nearest = [i for i in order if network.spec.causes[i] != without][:n]
    return [
        LookAlike(
            network.spec.causes[i],
            float(distances[i]),
            tuple(_discriminators(network, tables, position, int(i))),
        )
        for i in nearest
    ]


def _alone(network: Network, tables: SettingTables) -> Iterator[tuple[int, Floats]]:
    """Yield index and (n_states, n_causes) probabilities of every variable with one cause alone."""
    n_causes = len(network.spec.causes)  # explanations of one cause come first
    for variable_idx, start in enumerate(tables.row_offset):
        if start >= 0:
            rows = tables.rows[start : start + network.n_states[variable_idx], :n_causes]
            yield variable_idx, np.exp(rows)


def _distance(one: Floats, others: Floats) -> Floats:
    """Return the Bhattacharyya distance between distributions down the first axis."""
    overlap = np.sqrt(one * others).sum(axis=0)
    return np.asarray(-np.log(np.clip(overlap, 1e-300, 1.0)))


def _discriminators(network: Network, tables: SettingTables, one: int, other: int) -> list[Discriminator]:
    """Describe every variable that is not the same for two causes, the most telling first."""
    found = []
    for variable_idx, rows in _alone(network, tables):
        separation = float(_distance(rows[:, one], rows[:, other]))
        if separation < 1e-9:
            continue
        if variable_idx >= network.n_contexts:
            finding = network.spec.findings[variable_idx - network.n_contexts]
            found.append(_of_finding(finding, rows, one, other, separation))
        else:
            s = int(np.argmax(np.abs(rows[:, one] - rows[:, other])[1:])) + 1
            p, q = float(rows[s, one]), float(rows[s, other])
            context = network.spec.contexts[variable_idx]
            ratios = likelihood_ratios(p, q)
            found.append(Discriminator(context.id, context.states[s], True, p, q, *ratios, separation))
    return sorted(found, key=lambda item: -item.separation)


def _of_finding(finding: FindingSpec, rows: Floats, one: int, other: int, separation: float) -> Discriminator:
    """Describe a finding at the state where splitting it separates two causes best."""
    p, q = _at_least(rows[:, one]), _at_least(rows[:, other])
    split: npt.NDArray[np.float64] = np.array(
        [float(_distance(np.array([a, 1 - a]), np.array([b, 1 - b]))) for a, b in zip(p, q, strict=True)]
    )
    best = int(np.argmax(split))
    ratios = likelihood_ratios(float(p[best]), float(q[best]))
    is_last = best == len(p) - 1
    return Discriminator(
        finding.id, finding.states[best + 1], is_last, float(p[best]), float(q[best]), *ratios, separation
    )

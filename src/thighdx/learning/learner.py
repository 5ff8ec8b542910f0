"""The learner: all judgements of a model that records bear on, in units, and a network for their values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from thighdx.elicitation.distribution import from_working
from thighdx.kb.records import KnowledgeBase
from thighdx.learning.beliefs import stack_beliefs
from thighdx.learning.contexts import ContextUnit, Met, context_numbers
from thighdx.learning.counts import Counts
from thighdx.learning.findings import FindingUnit, finding_unit
from thighdx.learning.posterior import State, start
from thighdx.learning.shares import SharesUnit, shares_unit
from thighdx.learning.unit import Unit
from thighdx.network.assemble import assemble_spec
from thighdx.network.build import Network, SolvedParameters, build_network, solve_parameters
from thighdx.network.spec import Floats, NetworkSpec
from thighdx.network.tables import setting_tables
from thighdx.reasoning.intervals.layout import JudgementLayout

__all__ = ["Learner", "Place", "network_of", "with_new_shares"]

Place = tuple[str, int]  # ("shares", 0), ("context", block) or ("finding", position)


@dataclass(slots=True)
class Learner:
    """The units of a model, and how far learning has come.

    Attributes
    ----------
    x : (n_judgements,) float64
        Present values on the working scale.
    states : mapping of place to State
        Of the units that have been looked at.
    """

    kb: KnowledgeBase
    network: Network
    layout: JudgementLayout
    x: Floats
    states: dict[Place, State] = field(default_factory=dict)
    _findings: dict[int, FindingUnit] = field(default_factory=dict)

    def units(self, counts: Counts) -> dict[Place, Unit]:
        """Arrange what was met; shares first, because contexts rest on them."""
        sets = {s: part.sets.sum(axis=0) for s, part in counts.settings.items() if part.sets.any()}
        if not sets:
            return {}
        layout, network = self.layout, self.network
        units: dict[Place, Unit] = {
            ("shares", 0): shares_unit(network, layout.shares, layout.pairs, point=layout.point, counts=sets)
        }
        for place in range(len(network.blocks)):
            context = self._context(place, counts)
            if context is not None:
                units["context", place] = context
        total = np.sum([part.rows.sum(axis=0) for part in counts.settings.values()], axis=0)
        offset = setting_tables(network, next(iter(sets))).row_offset
        for position, finding in enumerate(network.spec.findings):
            first = int(offset[network.n_contexts + position])
            own = total[first : first + len(finding.states)]
            if own.any():
                units["finding", position] = self._finding(position, own)
        return units

    def _finding(self, position: int, counts: Floats) -> FindingUnit:
        """Return the unit of one finding, whose classes of sets are found once."""
        if position not in self._findings:
            self._findings[position] = finding_unit(
                self.layout.links[position],
                backgrounds=self.layout.backgrounds[position],
                point=self.layout.point,
                membership=self.network.membership,
            )
        return self._findings[position].with_counts(counts)

    def _context(self, place: int, counts: Counts) -> ContextUnit | None:
        """Return the unit of one block; None where nothing was met, or nothing can move."""
        block, layout = self.network.blocks[place], self.layout
        met = {}
        for setting, part in counts.settings.items():
            own = self._met(place, setting, part.rows.sum(axis=0), part.patterns)
            if own is not None:
                met[setting] = own
        numbers, features, slots = context_numbers(
            self.network,
            block,
            sorted(met),
            frequencies=layout.frequencies,
            effects=layout.effects,
            dependencies=layout.dependencies,
            point=layout.point,
        )
        if not met or not numbers:
            return None
        return ContextUnit(self.network, block, numbers, features, len(slots), slots, met)

    def _met(
        self, place: int, setting: int, rows: Floats, patterns: Mapping[tuple[int, tuple[int, ...]], Floats]
    ) -> Met | None:
        """Return what was met of one block in one setting."""
        block = self.network.blocks[place]
        prior = np.exp(self.network.log_prior(setting))
        if len(block.context_idx) == 1:
            first = int(setting_tables(self.network, setting).row_offset[block.context_idx[0]])
            counts = rows[first + block.cells[:, 0]]
            return Met(np.eye(len(counts)), counts, prior) if counts.any() else None
        joint = sum(len(b.context_idx) > 1 for b in self.network.blocks[:place])
        own = sorted(
            (pattern, value) for (j, pattern), value in patterns.items() if j == joint and value.any()
        )
        if not own:
            return None
        known = np.array([pattern for pattern, _ in own])
        agree = ((known[:, None, :] < 0) | (known[:, None, :] == block.cells)).all(axis=2)
        return Met(agree.astype(np.float64), np.array([value.sum(axis=0) for _, value in own]), prior)

    def state(self, place: Place, unit: Unit) -> State:
        """Return where a unit is: at the model's values in the beginning."""
        if place not in self.states or len(self.states[place].x) != len(unit.judgement_idx):
            mixtures = [self.layout.mixtures[i] for i in unit.judgement_idx]
            self.states[place] = start(self.x[unit.judgement_idx], stack_beliefs(mixtures))
        return self.states[place]

    def keep(self, place: Place, unit: Unit, state: State) -> None:
        """Note where a unit has got to."""
        self.states[place] = state
        self.x[unit.judgement_idx] = state.x

    def rebuild(self, settings: Collection[int]) -> None:
        """Build the network of the present values; only some settings are solved again."""
        spec = spec_of(self.kb, self.layout, self.x, self.network.spec.max_causes)
        theta, factors = self.network.solved.theta.copy(), list(self.network.solved.factors)
        for setting in settings:
            contexts = tuple(replace(c, frequency=c.frequency[[setting]].copy()) for c in spec.contexts)
            alone = replace(
                spec,
                settings=(spec.settings[setting],),
                shares=spec.shares[[setting]].copy(),
                contexts=contexts,
            )
            solved = solve_parameters(alone)
            theta[setting], factors[setting] = solved.theta[0], solved.factors[0]
        self.network = build_network(spec, SolvedParameters(theta, tuple(factors)))


def network_of(kb: KnowledgeBase, layout: JudgementLayout, x: Floats, max_causes: int) -> Network:
    """Build the network of some values on the working scale, base rates solved."""
    return build_network(spec_of(kb, layout, x, max_causes))


def spec_of(kb: KnowledgeBase, layout: JudgementLayout, x: Floats, max_causes: int) -> NetworkSpec:
    """Arrange values on the working scale as the numbers of a network."""
    values = np.where(layout.is_odds_ratio, from_working(x, "odds_ratio"), from_working(x, "probability"))
    points = dict(zip(layout.keys, values.tolist(), strict=True))
    return assemble_spec(kb, points, max_causes=max_causes)


def with_new_shares(unit: Unit, shares: SharesUnit, x: Floats) -> Unit:
    """Let contexts rest on the present shares."""
    if not isinstance(unit, ContextUnit):
        return unit
    priors = {}
    for setting in unit.met:
        log_prior = shares.log_prior(x, shares.settings.index(setting))
        assert log_prior is not None
        priors[setting] = np.exp(log_prior)
    return unit.with_priors(priors)

"""Log weights of one case under other values of the judgements, base rates solved again.

What is known falls into terms that are independent given the set of causes: the prior, every finding, every block of
contexts with a known member. A term none of whose judgements has another value keeps its row of the network.
Unknown variables drop out whatever their values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from thighdx.evidence.batch import EvidenceBatch
from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.spec import FindingSpec, Floats
from thighdx.reasoning.intervals.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.intervals.margins import block_cells
from thighdx.reasoning.intervals.other_values import JudgementValues, block_plan
from thighdx.reasoning.intervals.pieces import cell_likelihoods, on_causes, state_likelihoods

__all__ = ["CaseUnderValues", "FindingTerm", "Weights"]

# Stand in for log 0 and 0: results keep finite numbers, and these are nothing next to anything possible.
LOWEST = -745.0
TINY = 1e-300
# Cumulative probabilities closer than this are equal up to rounding.
ROUNDING = 1e-12
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Log weights of explanations under several sets of values.

    Attributes
    ----------
    log : (n, n_explanations) float64
        log P(H, evidence) up to a constant per set of values.
    crossed : (n, n_explanations) bool
        The known state of an ordered finding has no probability left, because cumulative rows that are ordered for
        single causes crossed for several.
    error : (n,) float64
        How far the worst margin is off.
    """

    log: Floats
    crossed: Flags
    error: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Term(ABC):
    """One factor of P(H, evidence).

    Attributes
    ----------
    judgements : (n,) intp
        What it is about; what it depends on by way of base rates comes on top.
    own : (n_explanations,) float64
        Its logarithm at the values of the model.
    """

    judgements: Indices
    own: Floats

    @abstractmethod
    def add(self, values: JudgementValues, out: Weights) -> None:
        """Add its logarithm under other values."""


class CaseUnderValues:
    """One case whose log weights can be asked for under any values of the judgements.

    Parameters
    ----------
    batch : EvidenceBatch
        One case.
    chosen : (n_chosen,) intp, optional
        The explanations to weigh; all by default.

    Attributes
    ----------
    terms : tuple of Term
        The prior, blocks of contexts, findings.
    log_given : (n_chosen,) float64
        log P(evidence on causes | H), which no judgement moves.
    """

    def __init__(
        self, network: Network, layout: JudgementLayout, batch: EvidenceBatch, chosen: Indices | None = None
    ) -> None:
        setting = int(batch.setting_idx[0])
        chosen = np.arange(network.explanations.n_explanations) if chosen is None else chosen
        self.chosen, self.log_given = chosen, on_causes(network, batch)[0, chosen]
        terms: list[Term] = [PriorTerm.of(network, layout, setting, chosen)]
        for block in network.blocks:
            seen = [state_likelihoods(network, batch, context) for context in block.context_idx]
            if any(own is not None for own in seen):
                cells = cell_likelihoods(block, seen)
                terms.append(BlockTerm.of(network, layout, setting, block, cells, chosen))
        for position in range(len(network.spec.findings)):
            own = state_likelihoods(network, batch, network.n_contexts + position)
            if own is not None:
                terms.append(FindingTerm.of(network, layout, position, own, chosen))
        self.terms = tuple(terms)

    def without(self, term: Term | None) -> Floats:
        """Return log P(H, everything but one term) at the values of the model, (n_chosen,)."""
        return np.asarray(sum((t.own for t in self.terms if t is not term), start=self.log_given))

    def weights(self, values: JudgementValues) -> Weights:
        """Return the log weights of the chosen explanations under other values."""
        shape = (len(values.natural), len(self.chosen))
        out = Weights(np.zeros(shape) + self.log_given, np.zeros(shape, dtype=bool), np.zeros(shape[0]))
        are_base_rates_moved = values.change(self.terms[0].judgements)
        for term in self.terms:
            if values.change(term.judgements) or (are_base_rates_moved and isinstance(term, BlockTerm)):
                term.add(values, out)
            else:
                out.log[:] += term.own
        return out


@dataclass(frozen=True, slots=True, eq=False)
class PriorTerm(Term):
    """log P(H): shares and effects of causes on causes."""

    setting: int
    chosen: Indices

    @classmethod
    def of(cls, network: Network, layout: JudgementLayout, setting: int, chosen: Indices) -> Self:
        """Take the prior of one setting."""
        shares = layout.shares[setting]
        judgements = np.concatenate([shares[shares != NO_JUDGEMENT], layout.pairs[:, 2]])
        return cls(judgements, network.log_prior(setting)[chosen], setting, chosen)

    def add(self, values: JudgementValues, out: Weights) -> None:
        """Add log P(H) for theta solved again."""
        out.log[:] += values.log_prior(self.setting, self.chosen)
        np.maximum(out.error, values.theta(self.setting)[1], out=out.error)


@dataclass(frozen=True, slots=True, eq=False)
class BlockTerm(Term):
    """log P(what is known of a block of contexts | H): effects, frequencies, dependencies, and base rates."""

    setting: int
    chosen: Indices
    block: Block
    seen: Floats

    @classmethod
    def of(
        cls,
        network: Network,
        layout: JudgementLayout,
        setting: int,
        block: Block,
        seen: Floats,
        chosen: Indices,
    ) -> Self:
        """Take what is known of a block: the likelihood of every cell."""
        with np.errstate(divide="ignore"):
            own = np.log(seen @ block_cells(network, setting, block)[:, chosen])
        judgements = block_plan(network, layout, setting, block).judgements
        return cls(judgements, own, setting, chosen, block, seen)

    def add(self, values: JudgementValues, out: Weights) -> None:
        """Add the logarithm for factors solved again."""
        solved = values.block(self.setting, self.block)
        out.log[:] += solved.log_known(self.seen, self.chosen)
        error = np.maximum(solved.error, values.theta(self.setting, elicited=True)[1])
        np.maximum(out.error, error, out=out.error)


@dataclass(frozen=True, slots=True, eq=False)
class FindingTerm(Term):
    """log P(what is known of a finding | H): links and backgrounds.

    Attributes
    ----------
    position : int
        Among the findings.
    seen : (n_states,) float64
        Likelihood of every state.
    members : (n_causes, n_chosen) float64
    """

    finding: FindingSpec
    position: int
    seen: Floats
    members: Floats

    @classmethod
    def of(
        cls, network: Network, layout: JudgementLayout, position: int, seen: Floats, chosen: Indices
    ) -> Self:
        """Take what is known of a finding: the likelihood of every state."""
        finding, first = network.spec.findings[position], network.state_offset[network.n_contexts + position]
        rows = network.finding_rows[first : first + len(seen), chosen]
        with np.errstate(divide="ignore"):
            own = rows[np.argmax(seen)] if seen.sum() == seen.max() == 1 else np.log(seen @ np.exp(rows))
        judged = np.append(layout.links[position], layout.backgrounds[position])
        judgements = judged[judged != NO_JUDGEMENT]
        return cls(judgements, own, finding, position, seen, network.membership[chosen].T.copy())

    def add(self, values: JudgementValues, out: Weights) -> None:
        """Add the logarithm for other links and backgrounds, and mark where rows crossed."""
        background, rows = self._numbers(values)
        if not self.seen[1:].any():  # the lowest state: nothing but the logs themselves
            out.log[:] += np.log(self.seen[0]) + self._log_below(background, rows, 0)
            return
        total: Floats | float = 0.0
        lower: Floats | None = None  # log P(X < s)
        for state, weight in enumerate(self.seen):
            is_last = state == len(self.seen) - 1
            upper = np.zeros(out.log.shape) if is_last else self._log_below(background, rows, state)
            if weight > 0 and lower is None:
                total = total + weight * np.exp(upper)
            elif weight > 0 and lower is not None:
                step = lower - upper
                out.crossed[:] |= step > ROUNDING
                total = total + weight * np.exp(upper) * -np.expm1(np.minimum(step, 0.0))
            lower = upper
        out.log[:] += np.log(np.maximum(total, TINY))

    def _numbers(self, values: JudgementValues) -> tuple[Floats, Floats]:
        """Return backgrounds, (n, n_states - 1), and rows, (n, n_causes, n_states - 1); missing ones are background."""
        at, links = values.layout.backgrounds[self.position], values.layout.links[self.position]
        background = np.where(at == NO_JUDGEMENT, self.finding.background, values.natural[:, at])
        rows = np.where(links == NO_JUDGEMENT, self.finding.cumulative, values.natural[:, links])
        return background, np.where(np.isnan(rows), background[:, None, :], rows)

    def _log_below(self, background: Floats, rows: Floats, step: int) -> Floats:
        """Return log P(X < s | H), (n, n_chosen); see `thighdx.network.gates`."""
        b, own = background[:, [step]], rows[:, :, step]
        with np.errstate(divide="ignore"):
            kept = np.clip(np.log(own) - np.log(b), LOWEST, 0.0)
            not_caused = np.clip(np.log1p(-own) - np.log1p(-b), LOWEST, 0.0)
        return np.asarray(np.log1p(-b * np.exp(kept @ self.members)) + not_caused @ self.members)

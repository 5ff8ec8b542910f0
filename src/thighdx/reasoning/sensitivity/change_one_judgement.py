"""One case under a model in which one judgement has another value, base rates solved again.

Only what the judgement touches is worked out anew: a finding's table for its links and backgrounds; a block
of contexts for its effects, frequencies and dependencies; the prior, and then every known block of contexts,
for shares and for effects of a cause on a cause. Shares that a user put in place of the elicited ones stay,
and contexts keep the tables that were solved under the elicited shares, as in `rebase_parameters`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from thighdx.compiled.case import Case
from thighdx.elicitation.judgements import PooledKey
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.kb.records import Key
from thighdx.network.blocks import Block
from thighdx.network.build import Network, log_prior, pair_log_odds, solve_shares
from thighdx.network.gates import find_crossings, log_state_probabilities
from thighdx.network.spec import FindingSpec, Floats
from thighdx.reasoning.evidence_terms import evidence_terms
from thighdx.reasoning.sensitivity.base_rate_problem import BaseRateProblem, base_rate_problem

__all__ = ["Recomputation", "touching_judgements"]


def touching_judgements(case: Case) -> tuple[PooledKey, ...]:
    """Return the judgements on which the posteriors of one case depend, in the order of the model's.

    Every share of the setting and every effect of a cause on a cause; links and backgrounds of the findings
    known; effects, frequencies of the setting and dependencies of the blocks of contexts with a known member.
    Not: judgements of never, which have no other value, and shares that a user replaced.
    """
    network, pooled, batch = case.compiled.network, case.compiled.pooled, case.evidence.batch
    spec, setting_idx = network.spec, int(batch.setting_idx[0])
    setting = spec.settings[setting_idx]
    known = _known_names(network, batch)
    for block in network.blocks:
        names = {network.variable_ids[i] for i in block.context_idx}
        known |= names if names & known else set()
    contexts = {context.id for context in spec.contexts}

    def touches(table: str, key: Key) -> bool:
        if table == "shares":
            replaced = spec.shares[setting_idx, spec.causes.index(key[0])] != pooled["shares", key].point
            return key[1] == setting and not replaced
        if table == "frequencies":
            return key[0] in known and key[2] == setting
        if table == "effects":
            return key[2] in spec.causes and (
                key[0] in known if key[0] in contexts else key[0] in spec.causes
            )
        return key[1 if table == "links" else 0] in known

    return tuple(place for place, item in pooled.items() if item.point > 0 and touches(*place))


def _known_names(network: Network, batch: EvidenceBatch) -> set[str]:
    """Return the variables about which there is evidence of any kind."""
    known = {network.variable_ids[i] for i in np.flatnonzero(batch.codes[0] != UNKNOWN)}
    return known | {network.variable_ids[item.variable_idx] for item in batch.likelihoods}


@dataclass(frozen=True, slots=True)
class _KnownBlock:
    """A block of contexts with a known member: its solved table and which cells agree with the case."""

    block: Block
    margins: BaseRateProblem
    places: tuple[tuple[int, int], ...]  # member and state of every parameter
    fits: Floats  # (n_cells,) likelihood of what is known


class Recomputation:
    """Log weights of one case with one judgement changed; keeps the parts that stay the same."""

    def __init__(self, case: Case) -> None:
        self.network, self.pooled, self.batch = (
            case.compiled.network,
            case.compiled.pooled,
            case.evidence.batch,
        )
        network, pooled, batch = self.network, self.pooled, self.batch
        self.setting_idx = int(batch.setting_idx[0])
        self.terms = evidence_terms(network, batch)
        self._log_without = self.terms.leave_one_out()  # (n_items, n_explanations)
        spec = network.spec
        self.setting = spec.settings[self.setting_idx]
        self._elicited = np.array([pooled["shares", (c, self.setting)].point for c in spec.causes])
        self._is_replaced = spec.shares[self.setting_idx] != self._elicited
        theta = network.solved.theta[self.setting_idx]
        self._shares = self._share_margins(theta, spec.shares[self.setting_idx])
        self._base_shares = self._shares
        if self._is_replaced.any():
            theta = solve_shares(spec, network.explanations, self._elicited)[0]
            self._base_shares = self._share_margins(theta, self._elicited)
        prior = np.exp(log_prior(spec, network.explanations, theta))
        self._blocks = [
            block for item in network.blocks if (block := self._known_block(item, prior)) is not None
        ]
        self._block_rows = [block.margins.log_mean(block.fits) for block in self._blocks]
        self._no_block = self._log_likelihood_without_blocks()
        self.log_weights_now = self._assemble(self._shares, self._block_rows)

    def finding(self, variable: str) -> tuple[FindingSpec, Floats, Floats]:
        """Return a known finding, its likelihood per state, and log P(H, all other evidence)."""
        position = next(i for i, item in enumerate(self.terms.items) if item.name == variable)
        item = self.terms.items[position]
        finding = self.network.spec.findings[item.position - self.network.n_contexts]
        likelihood = (
            np.array(item.likelihood) if item.likelihood else np.eye(len(finding.states))[item.state_idx]
        )
        return finding, likelihood, self.terms.log_prior + self._log_without[position]

    def log_weights(self, place: PooledKey, value: float) -> Floats | None:
        """Return log P(H, evidence) with one judgement changed, up to a constant.

        Parameters
        ----------
        place : (table, key)
            One of `touching_judgements`.
        value : float
            A probability in (0, 1) or an odds ratio above 0.

        Returns
        -------
        (n_explanations,) float64, or None
            None where no base rates reproduce the changed judgement, or ordered rows would cross.
        """
        table, key = place
        if table in ("links", "backgrounds"):
            return self._with_finding(place, value)
        if table == "shares" or (table == "effects" and key[0] in self.network.spec.causes):
            return self._with_prior(place, value)
        return self._with_block(place, value)

    def _assemble(self, shares: BaseRateProblem, rows: list[Floats]) -> Floats:
        """Add prior, blocks and everything else."""
        total: Floats = shares.log_cells()[0] + self._no_block
        for row in rows:
            total = total + row
        return total

    def _log_likelihood_without_blocks(self) -> Floats:
        """Return log P(findings and evidence on causes | H)."""
        total = np.zeros(self.network.explanations.n_explanations)
        for item, row in zip(self.terms.items, self.terms.log_alone, strict=True):
            if item.is_cause or item.position >= self.network.n_contexts:
                total = total + row
        return total

    def _share_margins(self, theta: Floats, shares: Floats) -> BaseRateProblem:
        """Set the problem of the shares up around its solution."""
        offset = self.network.explanations.sum_over_pairs(pair_log_odds(self.network.spec))[None, :]
        return base_rate_problem(offset, self.network.membership, np.ones(1), shares, theta)

    def _known_block(self, block: Block, prior: Floats) -> _KnownBlock | None:
        """Set the problem of a block up around its solution; None where no member is known."""
        codes = self.batch.codes[0]
        fits = np.ones(len(block.cells))
        virtual = {item.variable_idx: item.weights[0] for item in self.batch.likelihoods}
        for slot, variable_idx in enumerate(block.context_idx):
            if codes[variable_idx] != UNKNOWN:
                fits = fits * (block.cells[:, slot] == codes[variable_idx])
            elif variable_idx in virtual:
                fits = fits * virtual[variable_idx][block.cells[:, slot]]
        if not _known_names(self.network, self.batch) & {
            self.network.variable_ids[i] for i in block.context_idx
        }:
            return None
        offset = np.zeros((self.network.explanations.n_explanations, len(block.cells))) + block.log_dependency
        columns, wanted, theta, places = [], [], [], []
        for slot, variable_idx in enumerate(block.context_idx):
            context = self.network.spec.contexts[variable_idx]
            with np.errstate(divide="ignore"):
                log_odds = self.network.explanations.sum_over_members(np.log(context.odds_ratio.T))
            factor = self.network.solved.factors[self.setting_idx][variable_idx]
            frequency = context.frequency[self.setting_idx]
            offset += log_odds[block.cells[:, slot]].T
            # a state that never occurs stays impossible; the most frequent one carries no factor
            offset[:, np.isneginf(factor)[block.cells[:, slot]]] = -np.inf
            for state in range(len(frequency)):
                if frequency[state] > 0 and state != int(np.argmax(frequency)):
                    columns.append((block.cells[:, slot] == state).astype(np.float64))
                    wanted.append(frequency[state])
                    theta.append(factor[state])
                    places.append((slot, state))
        features = np.stack(columns, axis=1) if columns else np.zeros((len(block.cells), 0))
        margins = base_rate_problem(offset, features, prior, np.array(wanted), np.array(theta))
        return _KnownBlock(block, margins, tuple(places), fits)

    def _with_finding(self, place: PooledKey, value: float) -> Floats | None:
        """Change a link or a background."""
        table, key = place
        variable, state = key[-2:]
        finding, likelihood, rest = self.finding(variable)
        column = finding.states.index(state) - 1
        if table == "backgrounds":
            background = finding.background.copy()
            background[column] = value
            finding = replace(finding, background=background)
        else:
            cumulative = finding.cumulative.copy()
            cumulative[self.network.spec.causes.index(key[0]), column] = value
            finding = replace(finding, cumulative=cumulative)
        if len(finding.states) > 2 and find_crossings(finding, self.network.explanations):
            return None
        rows = log_state_probabilities(finding, self.network.explanations)
        with np.errstate(divide="ignore"):
            return np.asarray(rest + np.log(likelihood @ np.exp(rows)))

    def _with_prior(self, place: PooledKey, value: float) -> Floats | None:
        """Change a share or an effect of a cause on a cause: the prior, then every known block under it."""
        new = self._changed_shares(self._shares, place, value)
        base = (
            new
            if self._base_shares is self._shares
            else self._changed_shares(self._base_shares, place, value)
        )
        if new is None or base is None:
            return None
        prior = np.exp(base.log_cells()[0])
        rows = []
        for block in self._blocks:
            margins = replace(block.margins, weights=prior).solve()
            if margins is None:
                return None
            rows.append(margins.log_mean(block.fits))
        return self._assemble(new, rows)

    def _changed_shares(
        self, margins: BaseRateProblem, place: PooledKey, value: float
    ) -> BaseRateProblem | None:
        """Solve the shares with one share or one pair of causes changed."""
        table, key = place
        spec = self.network.spec
        cause_idx = spec.causes.index(key[0])
        if table == "shares":
            wanted = margins.wanted.copy()
            wanted[cause_idx] = value
            if not 1.0 < wanted.sum() < spec.max_causes:
                return None
            return margins.with_wanted(wanted).solve()
        both = self.network.membership[:, cause_idx] * self.network.membership[:, spec.causes.index(key[2])]
        return replace(margins, factor=margins.factor * (value / self.pooled[place].point) ** both).solve()

    def _with_block(self, place: PooledKey, value: float) -> Floats | None:
        """Change an effect, a frequency or a dependency of one known block."""
        variable_idx = self.network.variable_ids.index(place[1][0])
        where = next(i for i, item in enumerate(self._blocks) if variable_idx in item.block.context_idx)
        block = self._blocks[where]
        margins = self._changed_block(block, place, value).solve()
        if margins is None:
            return None
        rows = list(self._block_rows)
        rows[where] = margins.log_mean(block.fits)
        return self._assemble(self._shares, rows)

    def _changed_block(self, known: _KnownBlock, place: PooledKey, value: float) -> BaseRateProblem:
        """Return the problem of a block with one number changed."""
        table, key = place
        if table == "frequencies":
            return known.margins.with_wanted(self._changed_frequencies(known, key, value))
        change = value / self.pooled[place].point
        cells = self._cells_in(known.block, key[0], key[1])
        if table == "dependencies":
            both = cells & self._cells_in(known.block, key[2], key[3])
            return replace(known.margins, factor=known.margins.factor * np.where(both, change, 1.0))
        members = self.network.membership[:, self.network.spec.causes.index(key[2])]
        touched = np.outer(members > 0, cells)
        return replace(known.margins, factor=known.margins.factor * np.where(touched, change, 1.0))

    def _cells_in(self, block: Block, variable: str, state: str) -> npt.NDArray[np.bool_]:
        """Return which cells have a member in a state."""
        variable_idx = self.network.variable_ids.index(variable)
        slot = block.context_idx.index(variable_idx)
        return np.asarray(block.cells[:, slot] == self.network.states[variable_idx].index(state))

    def _changed_frequencies(self, known: _KnownBlock, key: Key, value: float) -> Floats:
        """Return the margins with one frequency changed; the state nobody rated takes the rest."""
        variable_idx = self.network.variable_ids.index(key[0])
        states = self.network.states[variable_idx]
        frequency = self.network.spec.contexts[variable_idx].frequency[self.setting_idx].copy()
        frequency[states.index(key[1])] = value
        rest = [
            i for i, s in enumerate(states) if ("frequencies", (key[0], s, self.setting)) not in self.pooled
        ]
        frequency[rest] = 1.0 - np.delete(frequency, rest).sum()
        wanted = known.margins.wanted.copy()
        slot = known.block.context_idx.index(variable_idx)
        for column, (member, state) in enumerate(known.places):
            if member == slot:
                wanted[column] = frequency[state]
        return wanted

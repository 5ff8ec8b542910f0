"""An explanation of a posterior, as data and as a table to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from thighdx.display import Shown
from thighdx.plain import Plain, table_of
from thighdx.reasoning.explain.comparison import Named, Verdict
from thighdx.reasoning.explain.provenance import Basis
from thighdx.text import percent, printable, signed
from thighdx.words import Labels, say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DECIBANS_PER_NAT", "Conditioning", "Explanation", "ExplanationLine", "Swing", "Via", "via_words"]

Via: TypeAlias = Literal["", "rules_out_other", "points_to_other", "companion"]

DECIBANS_PER_NAT = 10.0 / math.log(10.0)

BAR_WIDTH = 12


@dataclass(frozen=True, slots=True)
class ExplanationLine(Plain):
    """What one piece of evidence does for or against a cause.

    Attributes
    ----------
    variable, label : str
        Id and name; the id of a cause for uncertain evidence about a cause.
    state : str
        The known state; empty for uncertain evidence.
    likelihood : mapping of str to float
        Uncertain evidence: likelihood per state; empty where the state is known.
    decibans : float
        Contribution to 10 log10 of the odds (of the ratio of two probabilities in a contrast).
    direct_decibans : float or None
        10 log10 of the likelihood ratio of the cause alone against no cause at work (a contrast: of one
        cause alone against the other alone), competition between causes left out. None if infinite.
    via : {"", "rules_out_other", "points_to_other", "companion"}
        Not empty where the contribution does not come from the cause itself, see `explain_cause`.
    other : str
        The other cause it comes from most, where one can be named.
    judgements : tuple of Basis
        What the line rests on.
    """

    variable: str
    label: str
    state: str
    likelihood: Mapping[str, float]
    decibans: float
    direct_decibans: float | None
    via: Via
    other: str
    judgements: tuple[Basis, ...]
    _worked_out: ClassVar[dict[str, str]] = {
        "direction": "decibans",
        "explaining_away": "direct_decibans",
        "sources": "judgements",
    }

    @property
    def direction(self) -> Literal["for", "against", "neither"]:
        """Whether it speaks for the cause, against it, or neither (nothing but rounding)."""
        if abs(self.decibans) < 1e-9:
            return "neither"
        return "for" if self.decibans > 0 else "against"

    @property
    def explaining_away(self) -> bool:
        """Whether it speaks for or against the cause only by way of a competing cause."""
        return self.via in ("rules_out_other", "points_to_other")

    @property
    def sources(self) -> tuple[str, ...]:
        """Ids of every source behind the line, each once."""
        return tuple(dict.fromkeys(source for basis in self.judgements for source in basis.sources))

    @property
    def shown(self) -> str:
        """The evidence in a few words."""
        if self.state:
            return f"{self.variable} = {self.state}"
        return f"{self.variable} = " + " | ".join(f"{s} x{w:g}" for s, w in self.likelihood.items())


@dataclass(frozen=True, slots=True)
class Conditioning(Plain):
    """What is settled before anything is weighed: causes given as evidence, and sets of causes ruled out.

    Attributes
    ----------
    given : tuple of (cause, state)
    excluding : tuple of (variable, state)
        Evidence under which some sets of causes are impossible; state "" for uncertain evidence.
    decibans : float or None
        What leaving only the possible explanations does to the log-odds; None where it settles the
        question.
    """

    given: Named
    excluding: Named
    decibans: float | None

    @property
    def shown(self) -> str:
        """The conditions in a few words."""
        items = [*self.given, *self.excluding]
        return ", ".join(f"{name} = {state}" if state else name for name, state in items)


@dataclass(frozen=True, slots=True)
class Swing(Plain):
    """What the answers to a question still open could do.

    Attributes
    ----------
    highest, lowest : str
        The answers that move the log-odds (log ratio) furthest up and down.
    highest_decibans, lowest_decibans : float
        By how much, from where it stands now.
    """

    variable: str
    label: str
    highest: str
    highest_decibans: float
    lowest: str
    lowest_decibans: float


@dataclass(frozen=True, slots=True)
class Explanation(Shown, Plain):
    """Why a cause is as probable as it is, or why one cause is more probable than another.

    `prior_decibans`, the conditioning and the lines add up to `posterior_decibans` within 1e-9. A
    deciban is a tenth of the decimal logarithm of the odds (Good 1950 [1]_): 10 decibans multiply the
    odds by 10.

    Attributes
    ----------
    cause : str
    against : str
        The cause it is contrasted with; empty: the cause itself, present or not.
    prior, posterior : float
        P(cause present), before and after the evidence.
    against_prior, against_posterior : float or None
        The same for the other cause of a contrast.
    prior_decibans : float
    posterior_decibans : float or None
        None where the posterior (one of the two) is exactly 0 or 1.
    verdict : {"open", "impossible", "certain", "other_impossible", "both_impossible"}
        Anything but ``open``: settled by `settled_by` alone; there is nothing to weigh and no line.
    settled_by : tuple of (name, state)
    conditioning : Conditioning or None
    lines : tuple of ExplanationLine
        Largest contribution first.
    unknown : tuple of Swing
        What is still unknown and could move it most.
    prior_judgements : tuple of Basis
    citations : mapping of str to str
        What the ids of sources stand for.
    n_nodes : int
        Nodes of the quadrature.
    closing_error_decibans : float
        What is missing from the sum.
    labels : mapping of str to str
        Names of causes and findings for pictures; where there are none, ids are put in words.

    References
    ----------
    .. [1] Good IJ. Probability and the Weighing of Evidence. London: Griffin, 1950.
    """

    cause: str
    against: str
    setting: str
    prior: float
    posterior: float
    against_prior: float | None
    against_posterior: float | None
    prior_decibans: float
    posterior_decibans: float | None
    verdict: Verdict
    settled_by: Named
    conditioning: Conditioning | None
    lines: tuple[ExplanationLine, ...]
    unknown: tuple[Swing, ...]
    prior_judgements: tuple[Basis, ...]
    citations: Mapping[str, str]
    n_nodes: int
    closing_error_decibans: float
    labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    _worked_out: ClassVar[dict[str, str]] = {"statement": "setting"}

    @property
    def statement(self) -> str:
        """The outcome in a sentence."""
        by = ", ".join(f"{name} = {state}" if state else name for name, state in self.settled_by)
        if self.verdict != "open":
            key = f"explain.{self.verdict}"
            return say(key, self.labels, cause=self.cause, other=self.against, by=by)
        causes = [(self.cause, self.prior, self.posterior)]
        if self.against_prior is not None and self.against_posterior is not None:
            causes.append((self.against, self.against_prior, self.against_posterior))
        return "; ".join(
            say("explain.moved", self.labels, cause=cause, before=percent(before), now=percent(now))
            for cause, before, now in causes
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per line: what speaks for and against, with judgements and sources."""
        table = table_of(self.lines, ExplanationLine).drop(columns="likelihood")
        table["judgements"] = [";".join(basis.name for basis in line.judgements) for line in self.lines]
        table["sources"] = [";".join(line.sources) for line in self.lines]
        return table

    def __repr__(self) -> str:
        """Return an aligned table with bars, for on the right and against on the left."""
        if self.verdict != "open" or self.posterior_decibans is None:
            return self.statement
        labels = self.labels
        rows = [(say("result.before", labels), self.prior_decibans, "", False)]
        if self.conditioning is not None and self.conditioning.decibans is not None:
            given = say("explain.given", labels, findings=self.conditioning.shown)
            rows.append((given, self.conditioning.decibans, "", True))
        rows += [
            (line.shown, line.decibans, via_words(line.via, line.other, labels), True) for line in self.lines
        ]
        rows.append((say("plot.now", labels), self.posterior_decibans, "", False))
        largest = max([abs(row[1]) for row in rows if row[3]], default=0.0)
        width = max(len(row[0]) for row in rows)
        title = say("explain.decibans", labels, statement=self.statement)
        table = [_table_row(row, width, largest) for row in rows]
        return "\n".join([title, *table, *(f"  {_still_unknown(swing, labels)}" for swing in self.unknown)])


def via_words(via: Via, other: str, labels: Labels | None) -> str:
    """Say by way of which other cause, as it is named, a piece of evidence works; empty where it works by itself."""
    return say(f"via.{via}", labels, cause=other or say("via.others", labels)) if via else ""


def _still_unknown(swing: Swing, labels: Labels) -> str:
    """Say what the answers to an open question could do."""
    ends = ((swing.highest, swing.highest_decibans), (swing.lowest, swing.lowest_decibans))
    answers = ", ".join(f"{state} {signed(decibans)}" for state, decibans in ends)
    return say("explain.unknown", labels, finding=swing.variable, answers=answers)


def _table_row(row: tuple[str, float, str, bool], width: int, largest: float) -> str:
    """Write one row; a bar of `BAR_WIDTH` stands for the largest contribution."""
    text, decibans, note, has_bar = row
    length = round(BAR_WIDTH * abs(decibans) / largest) if has_bar and largest else 0
    bar = printable("█", "#") * length
    left, right = (bar, "") if decibans < 0 else ("", bar)
    middle = "|" if has_bar else " "
    bars = f"{left:>{BAR_WIDTH}}{middle}{right:<{BAR_WIDTH}}"
    return f"  {text:<{width}} {decibans:>+7.1f}  {bars} {note}".rstrip()

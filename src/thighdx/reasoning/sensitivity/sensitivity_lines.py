"""Sensitivities as data: how each judgement moves the answer, and how far it may move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from thighdx.display import Shown
from thighdx.kb.records import JudgementTable, Key
from thighdx.plain import Plain, plain
from thighdx.reasoning.sensitivity.admissible_deviation import TurningPoint
from thighdx.text import percent, span

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Influence", "Sensitivities", "Sensitivity"]


@dataclass(frozen=True, slots=True)
class Influence:
    """How strongly one judgement moves the posterior of the cause, to first order.

    Attributes
    ----------
    table, key
        Which number, in the words of the knowledge base.
    point : float
        The value the model uses: linear; an odds ratio in effects and dependencies.
    gradient : float
        d log odds of the posterior / d log odds of the judgement (d log of an odds ratio).
    swing : float
        Size of the gradient times the judgement's own standard deviation: nats of log odds.
    """

    table: JudgementTable
    key: Key
    point: float
    gradient: float
    swing: float


@dataclass(frozen=True, slots=True)
class Sensitivity(Plain):
    """One judgement followed over its range.

    Attributes
    ----------
    method : {"exact", "recomputed"}
        ``exact``: the closed form for links. ``recomputed``: the model solved again at every value.
    low, high : float
        The judgement's own 5 and 95 % quantiles.
    at_low, at_high : float
        Posterior of the cause there; at the nearest possible value where a quantile is not possible (it
        would put ordered rows out of order, or no base rates reproduce it).
    smallest, largest : float
        Range of the posterior over the interval in between; for ``recomputed`` over its ends and the point.
    turn_below, turn_above : TurningPoint or None
        Where the leading cause or the urgency first changes; None where it does not.
    searched : (float, float)
        Values looked at: for links all that keep ordered rows in order, else up to 5 in log odds either
        way, as far as base rates exist.
    """

    influence: Influence
    method: Literal["exact", "recomputed"]
    low: float
    high: float
    at_low: float
    at_high: float
    smallest: float
    largest: float
    turn_below: TurningPoint | None
    turn_above: TurningPoint | None
    searched: tuple[float, float]
    _renamed: ClassVar[dict[str, str]] = {"influence": "", "searched": ""}
    _worked_out: ClassVar[dict[str, str]] = {"admissible": "searched", "is_decisive": "searched"}

    @property
    def admissible(self) -> tuple[float, float]:
        """Values between which neither the leading cause nor the urgency changes."""
        below = self.searched[0] if self.turn_below is None else self.turn_below.value
        above = self.searched[1] if self.turn_above is None else self.turn_above.value
        return below, above

    @property
    def is_decisive(self) -> bool:
        """Whether the answer changes within the judgement's own 5 to 95 % interval."""
        below = self.turn_below is not None and self.turn_below.value >= self.low
        return below or (self.turn_above is not None and self.turn_above.value <= self.high)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, what is said of the influence first."""
        return {**plain(self.influence), **Plain.to_dict(self)}


@dataclass(frozen=True, slots=True, repr=False)
class Sensitivities(Shown):
    """What moves one cause's posterior; a sequence of the judgements followed, the strongest first.

    Attributes
    ----------
    cause : str
    posterior : float
        P(present | evidence).
    leader : str
        The most probable cause, whose lead the admissible deviations are about.
    lines : tuple of Sensitivity
    ranking : tuple of Influence
        Every judgement that touches the case, also those not followed.
    labels : mapping of str to str
        Names of causes and findings for pictures; where there are none, ids are put in words.
    """

    cause: str
    posterior: float
    leader: str
    lines: tuple[Sensitivity, ...]
    ranking: tuple[Influence, ...]
    labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __iter__(self) -> Iterator[Sensitivity]:
        """Go through the judgements followed."""
        return iter(self.lines)

    def __len__(self) -> int:
        """Return the number of judgements followed."""
        return len(self.lines)

    def __getitem__(self, place: int) -> Sensitivity:
        """Return one of the judgements followed."""
        return self.lines[place]

    def to_dict(self) -> dict[str, Any]:
        """Return the judgements followed as plain data."""
        return {
            "cause": self.cause,
            "posterior": self.posterior,
            "leader": self.leader,
            "n_judgements": len(self.ranking),
            "lines": plain(self.lines),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the judgements followed as a table, one row each."""
        import pandas as pd

        rows = []
        for line in self.lines:
            row = line.to_dict()
            row["key"] = "|".join(row["key"])
            row["admissible_low"], row["admissible_high"] = row.pop("admissible")
            for side in ("turn_below", "turn_above"):
                turn = row.pop(side)
                row[side] = "" if turn is None else f"{turn['kind']}: {turn['becomes']}"
            rows.append(row)
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        """Return one line per judgement followed."""
        lines = [
            f"{self.cause} {percent(self.posterior)}; leading: {self.leader}; "
            f"{len(self.ranking)} judgements touch it"
        ]
        for line in self.lines:
            turns = [
                f"{t.becomes} at {t.value:.3g}" for t in (line.turn_below, line.turn_above) if t is not None
            ]
            lines.append(
                f"  {line.influence.table} {'|'.join(line.influence.key)} {line.influence.point:.3g} "
                f"({line.low:.3g} to {line.high:.3g}): {span(line.at_low, line.at_high)}; "
                f"{', '.join(turns) or 'changes nothing by itself'} [{line.method}]"
            )
        return "\n".join(lines)

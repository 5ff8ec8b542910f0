"""Credible intervals as data: how sure each posterior of a case is, as an object, a table, JSON or a picture."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
from scipy import special

from thighdx.display import Shown
from thighdx.errors import UnknownNameError, nearest_hint
from thighdx.plain import Plain
from thighdx.text import exact_percent, percent, span

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AGREEMENT", "CredibleInterval", "CredibleIntervals", "IntervalMethod"]

IntervalMethod: TypeAlias = Literal["auto", "delta", "draws"]
AGREEMENT = 1.10
"""Draws are used where an end point by the delta method differs by more than this factor in odds."""
COLUMNS = ("posterior", "lower", "upper", "log_odds_sd", "method", "disagrees")


@dataclass(frozen=True, slots=True)
class CredibleInterval(Plain):
    """How sure one posterior is.

    Attributes
    ----------
    name : str
        A cause or a group of causes.
    posterior, lower, upper : float
        Probabilities; lower <= posterior <= upper.
    sd : float
        Standard deviation of the posterior log odds (natural logarithm).
    method : {"delta", "draws", "certain"}
        Where the end points come from; ``certain`` where the evidence makes it impossible or certain, and
        then both end points are the posterior.
    delta, draws : tuple of (lower, upper), or None
        End points by either method, where it was asked for.
    is_moved : bool
        An end point was moved to the posterior: the posterior at the medians of all judgements can lie
        outside a narrow central interval of its distribution.
    """

    name: str
    posterior: float
    lower: float
    upper: float
    sd: float
    method: Literal["delta", "draws", "certain"]
    delta: tuple[float, float] | None = None
    draws: tuple[float, float] | None = None
    is_moved: bool = False
    _renamed: ClassVar[dict[str, str]] = {"name": "", "sd": "log_odds_sd"}
    _worked_out: ClassVar[dict[str, str]] = {"disagrees": "draws"}

    @property
    def disagrees(self) -> bool:
        """Whether delta and draws differ by more than `AGREEMENT` in odds at an end point."""
        if self.delta is None or self.draws is None:
            return False
        gap = special.logit(np.array(self.delta)) - special.logit(np.array(self.draws))
        return bool(np.abs(gap).max() > np.log(AGREEMENT))


@dataclass(frozen=True, slots=True, repr=False)
class CredibleIntervals(Shown, Plain):
    """Central credible intervals of every cause and group.

    Attributes
    ----------
    level : float
        Probability that a posterior recomputed with other plausible judgements lies inside.
    method : {"auto", "delta", "draws"}
        What was asked for.
    n_draws, seed : int
        0 draws for the delta method.
    causes, groups : mapping of str to CredibleInterval
        In the model's order.
    redrawn : mapping of str to int
        Draws in which contradicting values were drawn again, by reason.
    crossed_mass : float
        See `thighdx.reasoning.intervals.montecarlo.PosteriorDraws`; 0 without draws.
    labels : mapping of str to str
        Names of causes for pictures; where there are none, ids are put in words.

    Examples
    --------
    >>> import thighdx
    >>> found = thighdx.load_model().diagnose({"bruising": True}).interval(0.9, method="delta")
    >>> strain = found["hamstring_strain"]
    >>> strain.lower < strain.posterior < strain.upper
    True
    >>> list(found.to_frame().columns)
    ['posterior', 'lower', 'upper', 'log_odds_sd', 'method', 'disagrees']
    """

    level: float
    method: IntervalMethod
    n_draws: int
    seed: int
    causes: Mapping[str, CredibleInterval]
    groups: Mapping[str, CredibleInterval]
    redrawn: Mapping[str, int]
    crossed_mass: float
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        """Return the number of causes."""
        return len(self.causes)

    def __iter__(self) -> Iterator[str]:
        """Return the causes, in the model's order."""
        return iter(self.causes)

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a cause or group."""
        return name in self.causes or name in self.groups

    def __getitem__(self, name: str) -> CredibleInterval:
        """Return the interval of a cause or group.

        Raises
        ------
        UnknownNameError
            If there is no such cause or group.
        """
        if not isinstance(name, str) or name in COLUMNS:
            return self._as_frame(f"[{name!r}]")[name]  # type: ignore[return-value]  # of an earlier version
        found = self.causes.get(name) or self.groups.get(name)
        if found is None:
            names = [*self.causes, *self.groups]
            hint = nearest_hint(name, names) or f"expected one of {', '.join(names)}"
            raise UnknownNameError(f"unknown cause or group {name!r}; {hint}")
        return found

    if not TYPE_CHECKING:  # so that a type checker still finds misspelt names

        def __getattr__(self, name: str) -> Any:
            """Return what a table has: `Result.interval` returned one until version 0.1."""
            import pandas as pd

            if name.startswith("_") or not (name in COLUMNS or hasattr(pd.DataFrame, name)):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return getattr(self._as_frame(f".{name}"), name)

    def _as_frame(self, used: str) -> pd.DataFrame:
        """Return the table in place of the object, with a warning."""
        message = (
            f"Result.interval returns an object, whose table is to_frame(): write .to_frame(){used}; "
            f"the object itself will lose {used} in the next version"
        )
        warnings.warn(message, DeprecationWarning, stacklevel=3)
        return self.to_frame()

    def to_frame(self, *, groups: bool = False) -> pd.DataFrame:
        """Return one row per cause (or group), most probable first.

        Returns
        -------
        pandas.DataFrame
            posterior, lower, upper (linear), log_odds_sd, method ("delta", "draws" or "certain") and disagrees:
            whether delta and draws differ by more than 10 % in odds.
        """
        import pandas as pd

        items = self.groups if groups else self.causes
        rows = [(i.posterior, i.lower, i.upper, i.sd, i.method, i.disagrees) for i in items.values()]
        index = pd.Index(list(items), name="group" if groups else "cause")
        frame = pd.DataFrame(rows, columns=list(COLUMNS), index=index)
        return frame.sort_values("posterior", ascending=False, kind="stable")

    def __repr__(self) -> str:
        """Return the leading causes with their intervals."""
        leading = sorted(self.causes.values(), key=lambda item: -item.posterior)[:5]
        width = max(len(item.name) for item in leading)
        head = f"{exact_percent(self.level)} credible intervals from the uncertainty of the judgements"
        lines = [
            f"  {i.name:<{width}}  {percent(i.posterior):>7}  ({span(i.lower, i.upper)}, {i.method})"
            for i in leading
        ]
        return "\n".join([head, *lines])

"""The answer about one case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.errors import UnknownNameError, nearest_hint
from thighdx.inference.engine import marginals
from thighdx.inference.evidence import CaseEvidence, CaseWarning
from thighdx.inference.groups import group_sets
from thighdx.network.build import Network
from thighdx.network.spec import Floats

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RESULT_FORMAT", "ModelCard", "RankedExplanation", "Result"]

RESULT_FORMAT = 1


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Which model gave an answer."""

    name: str
    version: str
    digest: str
    max_causes: int
    residual_cause: str
    groups: Mapping[str, tuple[str, ...]]
    rebased: Mapping[str, Mapping[str, float]]
    disclaimer: str


@dataclass(frozen=True, slots=True)
class RankedExplanation:
    """A set of causes that may be behind the complaint together, and P(exactly this set | evidence)."""

    causes: tuple[str, ...]
    probability: float


@dataclass(frozen=True, eq=False)
class Result:
    """Posteriors of every cause for one case; made by `Model.diagnose`.

    Attributes
    ----------
    evidence : mapping of str to str
        What was known, in the model's own words; virtual evidence as a mapping of state to likelihood.
    setting : str
    log_evidence : float
        Natural log of P(evidence | complaint, setting); 0 without evidence.
    warnings : tuple of CaseWarning
    """

    model: ModelCard
    setting: str
    log_evidence: float
    warnings: tuple[CaseWarning, ...]
    _case: CaseEvidence = field(repr=False)
    _network: Network = field(repr=False)
    _weights: Floats = field(repr=False)  # (n_explanations,) P(H | evidence)
    _prior: Floats = field(repr=False)  # (n_explanations,) P(H | setting)

    @property
    def evidence(self) -> dict[str, str | dict[str, float]]:
        """What is known about the case, as plain data."""
        virtual = {name: dict(weights) for name, weights in self._case.likelihoods.items()}
        return {**self._case.states, **virtual}

    @property
    def posterior(self) -> pd.Series[float]:
        """P(present | evidence) of every cause, linear, most probable first.

        Several causes may be present at once, so the sum exceeds 1.
        """
        return self._series(self._of_causes(self._weights), "posterior").sort_values(
            ascending=False, kind="stable"
        )

    @property
    def prior(self) -> pd.Series[float]:
        """P(present | complaint, setting) of every cause before any evidence, in the order of `posterior`."""
        return self._series(self._of_causes(self._prior), "prior")[self.posterior.index]

    @property
    def groups(self) -> pd.Series[float]:
        """P(any member present | evidence) of every group of causes, in the model's order."""
        import pandas as pd

        members = [
            [self._network.spec.causes.index(c) for c in group] for group in self.model.groups.values()
        ]
        sets = group_sets(self._network.membership, members)
        inside = self._weights @ sets
        outside = self._weights @ (1.0 - sets)
        return pd.Series(
            inside / (inside + outside), index=pd.Index(self.model.groups, name="group"), name="posterior"
        )

    def top(self, n: int = 3) -> pd.Series[float]:
        """Return the `n` most probable causes; what is not in the list of causes is never ranked.

        Parameters
        ----------
        n : int
            1 or more; fewer come back where the model has fewer.
        """
        if n < 1:
            raise ValueError(f"n: got {n}, expected 1 or more")
        return self.posterior.drop(self.model.residual_cause, errors="ignore").head(n)

    def explanations(self, n: int = 5) -> tuple[RankedExplanation, ...]:
        """Return the `n` most probable sets of causes, most probable first.

        Parameters
        ----------
        n : int
            1 or more; fewer come back where the model has fewer.
        """
        if n < 1:
            raise ValueError(f"n: got {n}, expected 1 or more")
        best = np.argsort(-self._weights, kind="stable")[:n]
        explanations = self._network.explanations
        return tuple(
            RankedExplanation(
                tuple(
                    self._network.spec.causes[c] for c in explanations.members[i] if c < explanations.n_causes
                ),
                float(self._weights[i]),
            )
            for i in best
        )

    def probabilities(self, variable: str) -> pd.Series[float]:
        """Return P(state | evidence) of any context, pathology, finding or test.

        Parameters
        ----------
        variable : str
            A variable that was given has probability 1 at its state.

        Raises
        ------
        UnknownNameError
            If there is no such variable.
        """
        import pandas as pd

        ids = self._network.variable_ids
        if variable not in ids:
            hint = nearest_hint(variable, ids) or "see model.variables; causes are in result.posterior"
            raise UnknownNameError(f"unknown variable {variable!r}; {hint}")
        position = ids.index(variable)
        values = marginals(self._network, self._case.batch, self._weights)[position]
        return pd.Series(values, index=pd.Index(self._network.states[position], name="state"), name=variable)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data: dicts, lists, strings and floats."""
        return {
            "format": "thighdx.result",
            "format_version": RESULT_FORMAT,
            "model": {
                "name": self.model.name,
                "version": self.model.version,
                "digest": self.model.digest,
                "max_causes": self.model.max_causes,
                "rebased": {setting: dict(shares) for setting, shares in self.model.rebased.items()},
            },
            "setting": self.setting,
            "evidence": self.evidence,
            "warnings": [{"code": item.code, "message": item.message} for item in self.warnings],
            "log_evidence": self.log_evidence,
            "posterior": {str(cause): float(value) for cause, value in self.posterior.items()},
            "prior": {str(cause): float(value) for cause, value in self.prior.items()},
            "groups": {str(group): float(value) for group, value in self.groups.items()},
            "explanations": [
                {"causes": list(item.causes), "probability": item.probability}
                for item in self.explanations(5)
            ],
            "disclaimer": self.model.disclaimer,
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def __repr__(self) -> str:
        """Return a small table of the leading causes."""
        width = max(len(str(cause)) for cause in self.top(5).index)
        known = ", ".join(f"{k}={v}" if isinstance(v, str) else f"{k}=?" for k, v in self.evidence.items())
        lines = [f"{self.model.name} {self.model.version}, {self.setting}; known: {known or 'nothing'}"]
        before = self.prior.to_dict()
        for cause, value in self.top(5).items():
            bar = "█" * round(20 * value)
            lines.append(
                f"  {cause!s:<{width}}  {_percent(value):>7}  {bar:<20} (before: {_percent(before[cause])})"
            )
        lines.extend(f"  note: {item.message}" for item in self.warnings)
        return "\n".join([*lines, f"  {self.model.disclaimer}"])

    def _of_causes(self, weights: Floats) -> Floats:
        """Sum explanation weights over members; a / (a + b) stays in [0, 1] in floating point."""
        inside = weights @ self._network.membership
        outside = weights @ (1.0 - self._network.membership)
        return np.asarray(inside / (inside + outside), dtype=np.float64)

    def _series(self, values: Floats, name: str) -> pd.Series[float]:
        """Label one number per cause."""
        import pandas as pd

        return pd.Series(values, index=pd.Index(self._network.spec.causes, name="cause"), name=name)


def _percent(value: float) -> str:
    """Write a probability for reading: never 0 % or 100 % for what is neither."""
    if value in (0.0, 1.0):
        return f"{value:.0%}"
    if value < 0.001:
        return "<0.1%"
    if value > 0.999:
        return ">99.9%"
    return f"{value:.1%}"

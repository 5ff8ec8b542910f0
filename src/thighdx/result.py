"""The answer about one case."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import thighdx
from thighdx import later
from thighdx.atomic_files import write_text
from thighdx.compiled.case import Case, RankedExplanation, open_case
from thighdx.compiled.compiled_model import ModelCard, ModelFacts
from thighdx.display import Day, Shown, page_of
from thighdx.errors import OptionError, UnknownNameError, choice_fault, nearest_hint
from thighdx.evidence.one_case import CaseWarning
from thighdx.kb.records import Cost
from thighdx.notice import notice_if_slow
from thighdx.plain import plain
from thighdx.reasoning.answers import state_chances
from thighdx.text import percent, printable

if TYPE_CHECKING:
    import pandas as pd

    from thighdx.reasoning.explain.explanation import Explanation
    from thighdx.reasoning.fit.evidence_fit import EvidenceFit
    from thighdx.reasoning.intervals.interval_lines import CredibleIntervals, IntervalMethod
    from thighdx.reasoning.questions.question_lines import Goal, Questions
    from thighdx.reasoning.sensitivity.sensitivity_lines import Sensitivities
    from thighdx.reasoning.urgency.management import Management
    from thighdx.reasoning.urgency.triage import Triage

__all__ = ["RESULT_FORMAT", "ModelCard", "RankedExplanation", "Result"]

RESULT_FORMAT = 2  # 1 had intervals in the urgency and four levels
MODEL_KEYS = ("name", "version", "digest", "max_causes", "rebased")
SHOWN_LEVEL = 0.9  # of the credible intervals in pictures and reports


@dataclass(frozen=True, eq=False)
class Result(Shown):
    """Posteriors of every cause for one case; made by `Model.diagnose`.

    A pickled result carries its model, about 5 MB, so that every method works wherever it is loaded. Results that
    are pickled together carry it once; `to_dict` has the answers alone.
    """

    _case: Case = field(repr=False)

    @property
    def model(self) -> ModelCard:
        """Which model gave the answer."""
        return self._case.compiled.card

    @property
    def setting(self) -> str:
        """Where the patient was seen."""
        return self._case.setting

    @property
    def log_evidence(self) -> float:
        """Natural log of P(evidence | complaint, setting); 0 without evidence."""
        return self._case.log_evidence

    @property
    def warnings(self) -> tuple[CaseWarning, ...]:
        """What the reader should know of the evidence: doubtful values, answers at odds, another complaint."""
        return self._case.warnings

    @property
    def evidence(self) -> dict[str, str | dict[str, float]]:
        """What is known about the case, as plain data."""
        virtual = {name: dict(weights) for name, weights in self._case.evidence.likelihoods.items()}
        return {**self._case.states, **virtual}

    @property
    def posterior(self) -> pd.Series[float]:
        """P(present | evidence) of every cause, linear, most probable first.

        Several causes may be present at once, so the sum exceeds 1.
        """
        return _series(self._ordered(self._case.posterior), "posterior")

    @property
    def prior(self) -> pd.Series[float]:
        """P(present | complaint, setting) of every cause before any evidence, in the order of `posterior`."""
        return _series(self._ordered(self._case.prior), "prior")

    @property
    def groups(self) -> pd.Series[float]:
        """P(any member present | evidence) of every group of causes, in the model's order."""
        return _series(self._case.groups, "posterior", "group")

    def top(self, n: int = 3) -> pd.Series[float]:
        """Return the `n` most probable causes; what is not in the list of causes is never ranked.

        Parameters
        ----------
        n : int
            1 or more; fewer come back where the model has fewer.
        """
        if n < 1:
            raise OptionError(f"n: got {n}, expected 1 or more")
        return self.posterior.drop(self.model.residual_cause, errors="ignore").head(n)

    def explanations(self, n: int = 5) -> tuple[RankedExplanation, ...]:
        """Return the `n` most probable sets of causes, most probable first.

        Parameters
        ----------
        n : int
            1 or more; fewer come back where the model has fewer.
        """
        return self._case.explanations(n)

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
        ids = self._case.vocabulary.index
        if variable not in ids:
            hint = nearest_hint(variable, ids) or "see model.variables; causes are in result.posterior"
            raise UnknownNameError(f"unknown variable {variable!r}; {hint}")
        return _series(self._case.once(state_chances)[variable], variable, "state")

    def interval(
        self, level: float = 0.9, *, method: IntervalMethod = "auto", n_draws: int = 200, seed: int = 0
    ) -> CredibleIntervals:
        """Return credible intervals of every posterior from the elicited uncertainty of all judgements.

        Cards, reports, the explorer and tables show those of ``method="delta"``, which are quick and need no
        draws; the default corrects them by draws where the two differ, so its ends may lie elsewhere. The first
        call with draws in a setting takes some seconds, later ones tenths. See
        `thighdx.reasoning.intervals.credible_intervals.credible_intervals`.

        Parameters
        ----------
        level : float
            Probability inside, in (0, 1); 0.9 runs from the 5 % to the 95 % quantile.
        method : {"auto", "delta", "draws"}
            By derivatives ("delta"), by draws, or the first unless the second differs by more than 10 % in odds.
        n_draws : int
            Of the judgements, where they are drawn.
        seed : int
            Of the draws; the same seed gives the same intervals.

        Raises
        ------
        OptionError
            If an argument is out of range.
        """
        with notice_if_slow("thighdx: drawing judgements, once per setting ..."):
            found = later.credible_intervals(self._case, level, method=method, n_draws=n_draws, seed=seed)
        return replace(found, labels=self._case.compiled.labels)

    def explain(self, cause: str) -> Explanation:
        """Return how every known variable moved the log odds of a cause, in decibans.

        See `thighdx.reasoning.explain.contributions.explain_cause`.

        Parameters
        ----------
        cause : str
            Id of the cause.

        Raises
        ------
        UnknownNameError
            If there is no such cause.
        """
        return later.explain_cause(self._case, cause)

    def contrast(self, a: str, b: str) -> Explanation:
        """Return how every known variable moved ln P(a | evidence) - ln P(b | evidence), in decibans.

        Parameters
        ----------
        a, b : str
            Ids of two causes.

        Raises
        ------
        UnknownNameError
            If there is no such cause.
        """
        return later.contrast_causes(self._case, a, b)

    @cached_property
    def fit(self) -> EvidenceFit:
        """Whether the evidence fits together, and whether it fits any listed cause."""
        return later.evidence_fit(self._case)

    @property
    def conflict(self) -> float:
        """Jensen's conflict measure in bits: positive where findings fit badly together; see `fit`."""
        return self.fit.conflict_bits

    def next_questions(self, n: int = 5, *, max_cost: Cost | None = None, goal: Goal = "causes") -> Questions:
        """Return what to ask or examine next; see `thighdx.reasoning.questions.next_questions.next_questions`.

        Alarm questions of the likely causes come first. Without `max_cost` only what can be asked or examined in
        the setting is named, and nothing in an emergency.

        Parameters
        ----------
        n : int
            At most so many.
        max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}, optional
            The dearest that may be named.
        goal : {"causes", "urgency"}
            What the answers should make clearer.
        """
        return later.next_questions(self._case, n, max_cost=max_cost, goal=goal)

    def sensitivity(self, cause: str, *, n: int = 20) -> Sensitivities:
        """Return which judgements move a cause most, and how far each may move before the answer changes.

        See `thighdx.reasoning.sensitivity.one_way.sensitivity`; the answer is the leading cause and the urgency.

        Parameters
        ----------
        cause : str
            Id of the cause.
        n : int
            At most so many judgements.
        """
        idx = self._case.vocabulary.cause_idx(cause)
        found = later.sensitivity(self._case, idx, n=n, urgency=later.urgency_after(self._case))
        return replace(found, labels=self._case.compiled.labels)

    @property
    def triage(self) -> Triage:
        """How urgent the case is, why, and which safety questions are still open.

        Red-flag rules and findings that alarm by themselves, and harm thresholds on the posterior; below
        ``emergency`` a cause that must not be missed counts at a multiple of its odds. See
        `thighdx.reasoning.urgency.triage.triage`.
        """
        return self._case.once(later.triage)

    @cached_property
    def management(self) -> Management:
        """What to do: advice for the causes that carry most of the probability, safest first."""
        return later.management(self._case, self.triage)

    @cached_property
    def _quick_intervals(self) -> CredibleIntervals:
        """Credible intervals that need no draws."""
        return self.interval(SHOWN_LEVEL, method="delta")

    def to_dict(self, include: Collection[str] | None = None) -> dict[str, Any]:
        """Return the result as plain data: dicts, lists, strings and floats.

        Parameters
        ----------
        include : str or collection of str, optional
            Which of ``posterior``, ``prior``, ``groups``, ``explanations``, ``triage``, ``management``, ``fit`` and
            ``warnings``; all by default. What says which case and model it is, and the disclaimer, is always there.

        Raises
        ------
        OptionError
            If there is no such part.

        Notes
        -----
        All of it takes 8 ms for the shipped model, ``include=["posterior"]`` 0.1 ms. Of the rest ``triage`` and
        ``management``, which needs it, take 6 ms, ``fit`` and ``groups`` 0.6 ms each.

        Within one `format_version` keys are only ever added: a program that reads the keys it knows goes on
        working. What changes the meaning of a key, or takes one away, raises the version. `thighdx.schemas` has it
        as a JSON Schema.

        Examples
        --------
        >>> import thighdx
        >>> result = thighdx.load_model().diagnose({"bruising": True})
        >>> [name for name in result.to_dict(include=["triage"]) if name in PARTS]
        ['triage']
        """
        include = (include,) if isinstance(include, str) else include
        for name in () if include is None else include:
            if name not in PARTS:
                raise OptionError(choice_fault("include", name, [*PARTS]))
        return {
            "format": "thighdx.result",
            "format_version": RESULT_FORMAT,
            "thighdx_version": thighdx.__version__,
            "model": {name: plain(getattr(self.model, name)) for name in MODEL_KEYS},
            "setting": self.setting,
            "evidence": self.evidence,
            "log_evidence": self.log_evidence,
            **{name: plain(of(self)) for name, of in PARTS.items() if include is None or name in include},
            "disclaimer": self.model.disclaimer,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], model: ModelFacts) -> Result:
        """Return the result that `to_dict` was made of: the same evidence, diagnosed again by the same model.

        Parameters
        ----------
        data : mapping
            Any parts of it will do.
        model : Model
            The model that it is from, by its digest, shares and `max_causes`.

        Raises
        ------
        OptionError
            If it is no result, of another format, or from another model.

        Examples
        --------
        >>> import thighdx
        >>> model = thighdx.load_model()
        >>> data = model.diagnose({"bruising": True}).to_dict(include=[])
        >>> thighdx.Result.from_dict(data, model).evidence
        {'bruising': 'present'}
        """
        if not isinstance(data, Mapping):
            raise OptionError(f"data: got {type(data).__name__}, expected the mapping of to_dict")
        if data.get("format") != "thighdx.result" or data.get("format_version") != RESULT_FORMAT:
            got = f"{data.get('format')!r} version {data.get('format_version')!r}"
            raise OptionError(f"data: got {got}, expected 'thighdx.result' version {RESULT_FORMAT}")
        again = cls(open_case(model.compiled, data["evidence"], setting=data["setting"]))
        own = again.to_dict(include=[])["model"]
        for name in ("name", "digest", "max_causes", "rebased"):
            if (got := data["model"][name]) != own[name]:
                raise OptionError(
                    f"data: is from a model with the {name} {got}, expected {own[name]}; give that model"
                )
        return again

    def _ordered(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return one number per cause in the order of `posterior`: ties stay in order."""
        posterior = self._case.posterior
        return {cause: values[cause] for cause in sorted(values, key=lambda cause: -posterior[cause])}

    def to_json(self, include: Collection[str] | None = None, *, indent: int | None = None) -> str:
        """Return `to_dict` as JSON text.

        Parameters
        ----------
        include : collection of str, optional
            As for `to_dict`.
        indent : int, optional
            Spaces per level; default all on one line.
        """
        return json.dumps(self.to_dict(include), indent=indent, allow_nan=False)

    def report(
        self,
        path: str | Path,
        *,
        title: str | None = None,
        case_id: str | None = None,
        date: Day | None = None,
        method: IntervalMethod = "delta",
    ) -> Path:
        """Write the case as a page of HTML to hand on or print: one file that loads nothing.

        The first page on A4 has the urgency, what to do first, five causes with 90 % intervals, the findings that
        decide, open safety questions and the disclaimer; the rest is an appendix. The same case gives the same bytes.

        Parameters
        ----------
        path : str or Path
            File to write; an older one is replaced once the new one is complete.
        title : str, optional
            Heading; default "Case report".
        case_id : str, optional
            Whose case it is, in your own words.
        date : str or datetime.date, optional
            Shown as given; no day is named without it.
        method : {"delta", "auto", "draws"}
            Of the intervals; anything but ``delta`` draws judgements, which takes some seconds the first time.

        Raises
        ------
        OSError
            If the file cannot be written; an older one stays as it was.
        """
        return write_text(self.to_html(title=title, case_id=case_id, date=date, method=method), path)

    def to_html(
        self,
        *,
        title: str | None = None,
        case_id: str | None = None,
        date: Day | None = None,
        method: IntervalMethod = "delta",
    ) -> str:
        """Return the page that `report` writes, as text.

        Parameters
        ----------
        title, case_id, date, method
            As for `report`.
        """
        intervals = self._quick_intervals if method == "delta" else self.interval(SHOWN_LEVEL, method=method)
        return page_of(self, intervals=intervals, title=title, case_id=case_id, date=date)

    def __repr__(self) -> str:
        """Return how urgent the case is, and a small table of the leading causes."""
        width = max(len(str(cause)) for cause in self.top(5).index)
        known = ", ".join(f"{k}={v}" if isinstance(v, str) else f"{k}=?" for k, v in self.evidence.items())
        lines = [f"{self.model.name} {self.model.version}, {self.setting}; known: {known or 'nothing'}"]
        lines.append(f"  {self.triage.words}")
        before, block = self.prior.to_dict(), printable("█", "#")
        for cause, value in self.top(5).items():
            bar = block * round(20 * value)
            lines.append(
                f"  {cause!s:<{width}}  {percent(value):>7}  {bar:<20} (before: {percent(before[cause])})"
            )
        lines.extend(f"  note: {item.message}" for item in self.warnings)
        return "\n".join([*lines, f"  {self.model.disclaimer}"])


# What `Result.to_dict` may have, besides which case and model it is.
PARTS: Mapping[str, Callable[[Result], Any]] = {
    "warnings": lambda result: result.warnings,
    "posterior": lambda result: result._ordered(result._case.posterior),
    "prior": lambda result: result._ordered(result._case.prior),
    "groups": lambda result: result._case.groups,
    "explanations": lambda result: result.explanations(),
    "triage": lambda result: result.triage,
    "management": lambda result: result.management,
    "fit": lambda result: result.fit,
}


def _series(values: Mapping[str, float], name: str, index: str = "cause") -> pd.Series[float]:
    """Return numbers by name as a series."""
    import pandas as pd

    return pd.Series([*values.values()], index=pd.Index([*values], name=index), name=name)

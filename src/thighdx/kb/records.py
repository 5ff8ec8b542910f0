"""Frozen records of a knowledge base: what the tables say, before any number is worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from thighdx.text import short_labels as shortened
from thighdx.words import Labels

__all__ = [
    "COST_TIERS",
    "LAYERS",
    "LEVELS",
    "MAX_ODDS_FACTOR",
    "Action",
    "Advice",
    "AdviceKind",
    "Code",
    "Cost",
    "Expert",
    "Group",
    "Harm",
    "Judgement",
    "JudgementTable",
    "Key",
    "KnowledgeBase",
    "Layer",
    "Level",
    "ListedQuestion",
    "Manifest",
    "Notice",
    "NoticeKind",
    "QuestionList",
    "RedFlag",
    "Role",
    "Row",
    "Scope",
    "Setting",
    "Source",
    "Variable",
]

Layer: TypeAlias = Literal["context", "pathology", "cause", "finding", "test"]
Cost: TypeAlias = Literal["ask", "examine", "cheap_test", "imaging_or_invasive"]
Level: TypeAlias = Literal["emergency", "urgent", "soon", "routine", "self_care"]
AdviceKind: TypeAlias = Literal[
    "self_care", "exercise", "treatment", "prevention", "caution", "how_to", "course", "visit", "safety_net"
]
NoticeKind: TypeAlias = Literal["contradiction", "outside_scope"]
Role: TypeAlias = Literal["pooled", "alone", "correction", "records"]
JudgementTable: TypeAlias = Literal[
    "shares", "frequencies", "effects", "links", "backgrounds", "dependencies"
]
Key: TypeAlias = tuple[str, ...]
Scope: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
Row: TypeAlias = Mapping[str, str]

LAYERS: tuple[Layer, ...] = ("context", "pathology", "cause", "finding", "test")
COST_TIERS: tuple[Cost, ...] = ("ask", "examine", "cheap_test", "imaging_or_invasive")
LEVELS: tuple[Level, ...] = ("self_care", "routine", "soon", "urgent", "emergency")  # rising urgency
MAX_ODDS_FACTOR = 100.0  # caution beyond it would call everything urgent


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the vocabulary; the first state is the reference.

    `alarms` holds the states that alarm by themselves: whoever is in one is never told to wait for weeks.
    """

    id: str
    layer: Layer
    label: str
    states: tuple[str, ...]
    question: str = ""
    asked_if: str = ""
    cost: Cost | Literal[""] = ""
    aliases: tuple[str, ...] = ()
    note: str = ""
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expert:
    """A panel or a correcting reading, and what it was asked.

    `role` says how its rows are used: ``pooled`` experts are mixed with equal weights over everything
    outside the scope of the experts that stand alone; an expert who stands ``alone`` is the only one
    heard on `variables` and `causes`, and on those numbers of what it `revises` for which it has a row;
    experts who stand alone with the same scope are mixed with one another, and the later one of the
    manifest holds where scopes overlap; a ``correction`` replaces the pooled value row by row, a later
    expert of the manifest winning over an earlier one; ``records`` do the same, but were counted: they are
    what became of the pooled value in the light of patients.
    """

    id: str
    role: Role
    label: str
    variables: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    revises: tuple[str, ...] = ()

    @property
    def scope(self) -> Scope:
        """Return what an expert who stands alone is heard on; who shares it is pooled with it."""
        return self.variables, self.causes, self.revises

    @property
    def replaces(self) -> bool:
        """Whether its rows replace the pooled value."""
        return self.role in ("correction", "records")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the patient was seen, and the dearest kind of question that can be answered there."""

    id: str
    label: str
    max_cost: Cost = "examine"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One expert's belief about one number: one row of a judgement table.

    `key` names the number: (cause, setting) in shares, (variable, state, setting) in frequencies,
    (parent, parent_state, child) in effects, (cause, variable, state) in links, (variable, state) in
    backgrounds, (variable_a, state_a, variable_b, state_b) in dependencies. Either `quantiles` (5, 50 and
    95 % belief) or `statement` is given, never both.
    """

    table: JudgementTable
    key: Key
    expert: str
    quantiles: tuple[float, float, float] | None
    statement: str
    date: str
    sources: tuple[str, ...]
    note: str
    row: int


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a cause in a public classification."""

    cause: str
    system: str
    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of causes; its probability is that of any member."""

    id: str
    label: str
    members: tuple[str, ...]
    rows: tuple[int, ...] = field(default=(), compare=False, repr=False)  # of the file, one per member


@dataclass(frozen=True, slots=True)
class ListedQuestion:
    """A variable as one line of a list of questions.

    `alarm_for` names causes and findings: once one of these leads or is present, this is asked before the
    rest.
    """

    variable: str
    words: str
    alarm_for: tuple[str, ...]
    row: int = field(default=0, compare=False, repr=False)  # of the file


@dataclass(frozen=True, slots=True)
class QuestionList:
    """Questions put together ("any of these?"); "none of these" answers all of them."""

    id: str
    title: str
    members: tuple[ListedQuestion, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader of a result should know: answers at odds, or a complaint outside the model."""

    id: str
    kind: NoticeKind
    when: str
    words: str


@dataclass(frozen=True, slots=True)
class RedFlag:
    """A triage rule: an expression over variables and the level it calls for.

    `reason` is a note for those who maintain the rule, `words` what people are told.
    """

    id: str
    when: str
    level: Level
    suspect: str
    reason: str
    words: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Harm:
    """What missing a cause does, and from which probability on a level of urgency is due.

    `reason` is a note for those who maintain the table, `words` what people are told.
    Below ``emergency`` the probability counts at `odds_factor` times its odds; None leaves that to the
    manifest, which has one factor for the causes that must not be missed. `odds_reason` says why a cause
    has its own.
    """

    cause: str
    harm_of_missing: float
    level_if_likely: Level
    threshold_emergency: float | None
    threshold_urgent: float | None
    threshold_soon: float | None
    reason: str
    words: str
    sources: tuple[str, ...]
    threshold_routine: float | None = None
    odds_factor: float | None = None
    odds_reason: str = ""

    def threshold(self, level: Level) -> float | None:
        """Return the probability from which on a level is due; None if none is."""
        limits: dict[Level, float | None] = {
            "emergency": self.threshold_emergency,
            "urgent": self.threshold_urgent,
            "soon": self.threshold_soon,
            "routine": self.threshold_routine,
        }
        return limits.get(level)


@dataclass(frozen=True, slots=True)
class Action:
    """Something that advice can tell people to do or not to do, and the levels at which it may be advised.

    `words` are what a text calls it; they serve a check that no text speaks of an action without a code.
    """

    id: str
    label: str
    words: tuple[str, ...]
    lowest_level: Level
    highest_level: Level


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of management advice for a cause.

    `advises` and `forbids` are ids of actions; `lowest_level` and `highest_level` say at which urgency its
    words may be shown.
    """

    id: str
    cause: str
    kind: str
    advice: str
    when: str
    caution: str
    priority: int
    sources: tuple[str, ...]
    advises: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    lowest_level: Level = "self_care"
    highest_level: Level = "emergency"


@dataclass(frozen=True, slots=True)
class Source:
    """Something a number can be traced to: a published figure, a seed statement or a citation."""

    id: str
    kind: str
    citation: str
    verified: bool
    note: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `model.yaml` says about a knowledge base as a whole.

    `complaints` are what people come with: interviews ask for them first, and a case in which all are absent
    is outside the population. Urgency below ``emergency`` counts the causes of `must_not_miss_group` at
    `must_not_miss_odds` times their odds. All that the tables say to people is in `language`.
    """

    name: str
    version: str
    title: str
    format: int
    max_causes: int
    default_setting: str
    disclaimer: str
    settings: tuple[Setting, ...]
    experts: tuple[Expert, ...]
    residual_cause: str
    fit_tolerance: float = 0.05
    complaints: tuple[str, ...] = ()
    must_not_miss_group: str = ""
    must_not_miss_odds: float = 3.0
    rebased: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    language: str = "en"


@dataclass(frozen=True)
class KnowledgeBase:
    """Every table of one model, as text turned into records; holds no computed number.

    One that `thighdx.kb.opened.open_knowledge_base` returns reads a table when its records are first asked for.
    `row_numbers` says in which row of its file each record of a table stands.
    """

    manifest: Manifest
    variables: tuple[Variable, ...]
    judgements: tuple[Judgement, ...]
    groups: tuple[Group, ...]
    codes: tuple[Code, ...]
    red_flags: tuple[RedFlag, ...]
    harms: tuple[Harm, ...]
    advice: tuple[Advice, ...]
    sources: Mapping[str, Source]
    digest: str
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    row_numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict, repr=False)
    evidence_rows: tuple[Row, ...] = field(default=(), repr=False)
    seed_rows: tuple[Row, ...] = field(default=(), repr=False)
    coverage_rows: tuple[Row, ...] = field(default=(), repr=False)
    actions: tuple[Action, ...] = ()
    question_lists: tuple[QuestionList, ...] = ()
    notices: tuple[Notice, ...] = ()
    conflict_rows: tuple[Row, ...] = field(default=(), repr=False)
    agreement_rows: tuple[Row, ...] = field(default=(), repr=False)
    words: Labels = field(default_factory=dict, repr=False)

    @cached_property
    def labels(self) -> Labels:
        """What things are called and sentences in the language of the model; see `thighdx.words`."""
        named: tuple[Group | Setting | Variable, ...] = (
            *self.groups,
            *self.manifest.settings,
            *self.variables,
        )
        return {item.id: item.label for item in named} | dict(self.words)

    @cached_property
    def short_labels(self) -> Labels:
        """The same, with the names of causes and findings as short as they can be told apart."""
        return {**self.labels, **shortened({item.id: item.label for item in self.variables})}

    def levels_of(self, advice: Advice) -> tuple[Level, ...]:
        """Return the levels of urgency at which a piece of advice and all it advises may be shown."""
        limits: list[Advice | Action] = [
            advice,
            *(action for action in self.actions if action.id in advice.advises),
        ]
        lowest = max(LEVELS.index(item.lowest_level) for item in limits)
        highest = min(LEVELS.index(item.highest_level) for item in limits)
        return LEVELS[lowest : highest + 1]

    @property
    def must_not_miss(self) -> tuple[str, ...]:
        """The causes that must not be missed; none where the manifest names no group of them."""
        named = self.manifest.must_not_miss_group
        return next((group.members for group in self.groups if group.id == named), ())

    def variable(self, variable_id: str) -> Variable:
        """Return one variable by id."""
        return next(item for item in self.variables if item.id == variable_id)

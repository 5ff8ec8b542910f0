"""The check of what the tables of a knowledge base say about one another, all problems in one pass.

Names, states, keys, quantiles, sources and expressions; what the numbers add up to is checked when the
network is built.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import count
from typing import TypeVar, get_args

from thighdx.errors import Problem, nearest_hint
from thighdx.kb.check_advice import check_advice
from thighdx.kb.check_questions import check_question_lists
from thighdx.kb.check_words import check_words
from thighdx.kb.expressions import atoms, parse_expression
from thighdx.kb.load import JUDGEMENT_TABLES, key_columns
from thighdx.kb.records import (
    LEVELS,
    MAX_ODDS_FACTOR,
    AdviceKind,
    Harm,
    Judgement,
    Key,
    KnowledgeBase,
    Variable,
)

__all__ = ["check_knowledge_base"]

_Record = TypeVar("_Record")

_ID = re.compile(r"[a-z][a-z0-9_]*")
_STATE = re.compile(r"[a-z0-9][a-z0-9_+-]*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_RESERVED = frozenset({"age", "setting", "status", "log_evidence", "triage", "explanation"})
# An empty cell may be written out like this in a table of patients, so no state can be called so.
_UNKNOWN_WORDS = frozenset({"na", "nan", "null"})
_CHILD_LAYERS = ("cause", "pathology")
ADVICE_KINDS: tuple[AdviceKind, ...] = get_args(AdviceKind)


def check_knowledge_base(kb: KnowledgeBase) -> list[Problem]:
    """Return every inconsistency of names and text; an empty list means none was found."""
    checker = _Checker(kb)
    parts = [
        checker.variables(),
        checker.manifest(),
        checker.judgements(),
        checker.completeness(),
        checker.groups_and_codes(),
        checker.rules(),
        checker.harms_and_advice(),
        checker.notices(),
        check_advice(kb),
        check_question_lists(kb),
        check_words(kb),
        checker.notes_on_evidence(),
    ]
    return [problem for part in parts for problem in part]


class _Checker:
    """One knowledge base and the look-ups its checks share."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self.kb = kb
        self.by_id = {variable.id: variable for variable in kb.variables}
        self.causes = [v.id for v in kb.variables if v.layer == "cause"]
        self.settings = [setting.id for setting in kb.manifest.settings]
        self.experts = [expert.id for expert in kb.manifest.experts]

    def ids(self, *layers: str) -> list[str]:
        """Return the ids of some layers, or all of them."""
        return [v.id for v in self.kb.variables if not layers or v.layer in layers]

    def numbered(self, table: str, records: Sequence[_Record]) -> Iterator[tuple[int, _Record]]:
        """Pair the records of a table with their rows in the file."""
        return zip(self.kb.row_numbers.get(table) or count(2), records, strict=False)

    @staticmethod
    def unknown(where: tuple[str, int | None, str], got: str, valid: Iterable[str], what: str) -> Problem:
        """Report a name that is not among the valid ones."""
        file, row, column = where
        return Problem(file, row, column, f"got {got!r}, expected {what}", nearest_hint(got, valid))

    def variables(self) -> Iterator[Problem]:
        """Ids are unique identifiers, states are distinct, labels exist, conditions parse."""
        file = "variables.csv"
        counts = Counter(variable.id for variable in self.kb.variables)
        if not self.causes:
            yield Problem(file, None, "layer", "no variable of layer 'cause'")
        for row, v in self.numbered("variables", self.kb.variables):
            if not _ID.fullmatch(v.id) or v.id in _RESERVED or v.id.startswith(("given_", "true_", "group_")):
                yield Problem(file, row, "id", f"got {v.id!r}, expected a free name of a-z, 0-9 and _")
            if counts[v.id] > 1:
                yield Problem(file, row, "id", f"{v.id!r} given {counts[v.id]} times")
            if not v.label:
                yield Problem(file, row, "label", "empty")
            yield from self._states(file, row, v)
            yield from self._alarms(file, row, v)
            if v.asked_if:
                yield from self._expression(file, row, "asked_if", v.asked_if)

    @staticmethod
    def _states(file: str, row: int, v: Variable) -> Iterator[Problem]:
        """States are at least two distinct names; causes and pathologies are absent or present."""
        if len(v.states) < 2 or len(set(v.states)) < len(v.states) or len(v.states) > 20:
            yield Problem(
                file, row, "states", f"got {'|'.join(v.states)!r}, expected 2 to 20 distinct states"
            )
        for state in v.states:
            if not _STATE.fullmatch(state):
                yield Problem(file, row, "states", f"got {state!r}, expected a name of a-z, 0-9, _, + and -")
            elif state in _UNKNOWN_WORDS:
                yield Problem(
                    file, row, "states", f"got {state!r}, which means unknown in a table of patients"
                )
        if v.layer in ("cause", "pathology") and v.states != ("absent", "present"):
            yield Problem(file, row, "states", f"got {'|'.join(v.states)!r}, expected 'absent|present'")

    def _alarms(self, file: str, row: int, v: Variable) -> Iterator[Problem]:
        """States that alarm are states of what can be found, and not the one in which nothing is the matter."""
        if v.alarms and v.layer == "cause":
            hint = "causes have thresholds in harms.csv"
            yield Problem(file, row, "alarms", f"{v.id} is a cause, expected an empty cell", hint)
        for state in v.alarms:
            if state not in v.states[1:]:
                expected = f"states that alarm by themselves, of {', '.join(v.states[1:])}"
                yield self.unknown((file, row, "alarms"), state, v.states[1:], expected)

    def manifest(self) -> Iterator[Problem]:
        """Names in the manifest exist."""
        manifest = self.kb.manifest
        groups = [group.id for group in self.kb.groups]
        if manifest.must_not_miss_group and manifest.must_not_miss_group not in groups:
            where = ("model.yaml", None, "must_not_miss_group")
            yield self.unknown(where, manifest.must_not_miss_group, groups, "a group of groups.csv")
        if manifest.residual_cause and manifest.residual_cause not in self.causes:
            where = ("model.yaml", None, "residual_cause")
            yield self.unknown(where, manifest.residual_cause, self.causes, "a cause")
        if self.causes and manifest.max_causes > len(self.causes):
            got = f"got {manifest.max_causes}, expected at most the {len(self.causes)} causes"
            yield Problem("model.yaml", None, "max_causes", got)
        findings = self.ids("finding")
        for name in manifest.complaints:
            if name not in findings:
                yield self.unknown(("model.yaml", None, "complaints"), name, findings, "a finding")
        for setting in manifest.rebased:
            for name in manifest.rebased[setting]:
                if name not in self.causes:
                    yield self.unknown(
                        ("model.yaml", None, f"rebased.{setting}"), name, self.causes, "a cause"
                    )
        for expert in manifest.experts:
            for name in expert.variables:
                if name not in self.by_id:
                    where = ("model.yaml", None, f"experts.{expert.id}.variables")
                    yield self.unknown(where, name, self.by_id, "a variable")
            for name in expert.causes:
                if name not in self.causes:
                    where = ("model.yaml", None, f"experts.{expert.id}.causes")
                    yield self.unknown(where, name, self.causes, "a cause")
            for name in expert.revises:
                if name not in self.by_id:
                    where = ("model.yaml", None, f"experts.{expert.id}.revises")
                    yield self.unknown(where, name, self.by_id, "a variable or a cause")

    def judgements(self) -> Iterator[Problem]:
        """Every row names things that exist, once per expert, with ordered quantiles and a source."""
        seen: dict[tuple[str, tuple[str, ...], str], int] = {}
        keys = {(item.table, item.key) for item in self.kb.judgements}
        for item in self.kb.judgements:
            file = f"{item.table}.csv"
            yield from self._key(file, item)
            if item.table in ("effects", "dependencies"):
                yield from self._pair(file, item, keys)
            place = (item.table, item.key, item.expert)
            if place in seen:
                message = f"{'|'.join(item.key)} of {item.expert} is already in row {seen[place]}"
                yield Problem(file, item.row, "expert", message, "keep one of them")
            seen.setdefault(place, item.row)
            if item.expert not in self.experts:
                where = (file, item.row, "expert")
                yield self.unknown(where, item.expert, self.experts, "an expert of model.yaml")
            if not _DATE.fullmatch(item.date):
                yield Problem(file, item.row, "date", f"got {item.date!r}, expected a date like 2026-01-31")
            yield from self._sources(file, item.row, item.sources)
            yield from self._quantiles(file, item)
            if item.statement == "never" and not item.note:
                yield Problem(file, item.row, "note", "empty", "`never` needs its reason")

    def _key(self, file: str, item: Judgement) -> Iterator[Problem]:
        """Each part of a key is a known id, state or setting of the right kind."""
        columns = key_columns(item.table)
        layers = {
            "shares": ("cause",),
            "frequencies": ("context", "pathology"),
            "backgrounds": ("finding", "test"),
            "dependencies": ("context",),
        }
        owner: Variable | None = None
        for column, value in zip(columns, item.key, strict=True):
            where = (file, item.row, column)
            if column == "setting":
                if value not in self.settings:
                    yield self.unknown(where, value, self.settings, "a setting of model.yaml")
            elif "state" in column:
                if owner is not None and value not in owner.states:
                    yield self.unknown(where, value, owner.states, f"one of {', '.join(owner.states)}")
                if owner is not None and item.table in ("links", "backgrounds") and value == owner.states[0]:
                    message = f"got the lowest state {value!r}; a row says 'in this state or a higher one'"
                    yield Problem(file, item.row, column, message, f"expected {', '.join(owner.states[1:])}")
            else:
                allowed = self.ids(*self._layers(item.table, column, layers))
                owner = self.by_id.get(value)
                if value not in allowed:
                    kinds = " or ".join(self._layers(item.table, column, layers))
                    yield self.unknown(where, value, allowed, f"the id of a {kinds}")
                    owner = None

    def _pair(self, file: str, item: Judgement, keys: Set[tuple[str, Key]]) -> Iterator[Problem]:
        """Check that what ties two variables together ties two different ones, once."""
        columns = key_columns(item.table)
        if item.table == "dependencies":
            first, state, second, other = item.key
            mirrored: Key = (second, other, first, state)
        else:
            first, state, second = item.key
            mirrored = (second, "present", first)
        layers = [self.by_id[name].layer if name in self.by_id else "" for name in (first, second)]
        if first == second:
            yield Problem(file, item.row, columns[2], f"{first} on itself, expected two different variables")
        elif (item.table, mirrored) in keys:
            yield Problem(
                file, item.row, columns[2], f"{first} and {second} in both directions, expected one"
            )
        if item.table == "effects" and layers[0] == "cause":
            if state == "absent":
                yield Problem(file, item.row, columns[1], f"{first}: got 'absent', expected 'present'")
            if layers[1] == "pathology":
                message = f"got the pathology {second!r}, expected a cause"
                yield Problem(file, item.row, columns[2], message, f"state the effect of {second} on {first}")

    @staticmethod
    def _layers(table: str, column: str, layers: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Return the layers a column may name."""
        if table == "links":
            return ("cause",) if column == "cause" else ("finding", "test")
        if table == "effects":
            return _CHILD_LAYERS if column == "child" else ("context", "pathology", "cause")
        return layers[table]

    @staticmethod
    def _quantiles(file: str, item: Judgement) -> Iterator[Problem]:
        """Quantiles rise and lie inside (0, 1), or above 0 for odds ratios."""
        if item.quantiles is None:
            return
        low, mid, high = item.quantiles
        is_odds = item.table in ("effects", "dependencies")
        for column, value in zip(("q05", "q50", "q95"), item.quantiles, strict=True):
            if math.isnan(value):  # a number that could not be read is reported where it was read
                return
            if value <= 0 or (value >= 1 and not is_odds):
                hint = f"did you mean {value / 100:g} (per cent)?" if not is_odds and 1 < value < 100 else ""
                wanted = "an odds ratio above 0" if is_odds else "a frequency in (0, 1)"
                yield Problem(file, item.row, column, f"got {value:g}, expected {wanted}", hint)
        if not low < mid < high:
            yield Problem(file, item.row, "q50", f"got {low:g}, {mid:g}, {high:g}, expected rising quantiles")

    def _sources(self, file: str, row: int | None, sources: tuple[str, ...]) -> Iterator[Problem]:
        """At least one source, and every one exists."""
        if not sources:
            hint = "cite a source, or desk_elicitation for a judgement of your own"
            yield Problem(file, row, "sources", "empty", hint)
        for source in sources:
            if source not in self.kb.sources:
                yield self.unknown((file, row, "sources"), source, self.kb.sources, "a source id")

    def completeness(self) -> Iterator[Problem]:
        """No cause without share or findings, no finding without cause or background, no gap in settings."""
        keys = {table: {j.key for j in self.kb.judgements if j.table == table} for table in JUDGEMENT_TABLES}
        linked_causes = {key[0] for key in keys["links"]}
        linked_findings = {key[1] for key in keys["links"]}
        for cause in self.causes:
            if cause not in linked_causes:
                yield Problem("links.csv", None, "cause", f"{cause} has no finding")
            for setting in self.settings:
                if (cause, setting) not in keys["shares"]:
                    yield Problem("shares.csv", None, "setting", f"{cause} has no share in {setting}")
        for variable in self.kb.variables:
            if variable.layer in ("finding", "test"):
                if variable.id not in linked_findings:
                    yield Problem("links.csv", None, "variable", f"{variable.id} has no cause")
                for state in variable.states[1:]:
                    if (variable.id, state) not in keys["backgrounds"]:
                        message = f"{variable.id}={state} has no background"
                        yield Problem("backgrounds.csv", None, "state", message)
            elif variable.layer in ("context", "pathology"):
                yield from self._frequencies(variable, keys["frequencies"])

    def _frequencies(self, variable: Variable, keys: set[tuple[str, ...]]) -> Iterator[Problem]:
        """In every setting all states but exactly one have a frequency; that one takes the rest."""
        for setting in self.settings:
            rated = [s for s in variable.states if (variable.id, s, setting) in keys]
            if len(rated) != len(variable.states) - 1:
                message = (
                    f"{variable.id} in {setting}: got a frequency for {', '.join(rated) or 'no state'}, "
                    f"expected all of {', '.join(variable.states)} but one (which takes the rest)"
                )
                yield Problem("frequencies.csv", None, "state", message)

    def groups_and_codes(self) -> Iterator[Problem]:
        """Check that groups and codes name causes, and no member twice."""
        for group in self.kb.groups:
            seen = set[str]()
            for row, cause in zip(group.rows or count(2), group.members, strict=False):
                if cause not in self.causes:
                    where = ("groups.csv", row, "cause")
                    yield self.unknown(where, cause, self.causes, f"a cause in group {group.id}")
                if cause in seen:
                    yield Problem("groups.csv", row, "cause", f"{cause} is twice in {group.id}")
                seen.add(cause)
        for row, code in self.numbered("codes", self.kb.codes):
            if code.cause not in self.causes:
                yield self.unknown(("codes.csv", row, "cause"), code.cause, self.causes, "a cause")
            if not code.code:
                yield Problem("codes.csv", row, "code", f"{code.cause}: empty")

    def rules(self) -> Iterator[Problem]:
        """Red-flag rules parse, name things that exist, and have a reason and a source."""
        counts = Counter(rule.id for rule in self.kb.red_flags)
        for row, rule in self.numbered("red_flags", self.kb.red_flags):
            file = "red_flags.csv"
            if counts[rule.id] > 1 or not rule.id:
                yield Problem(file, row, "rule_id", f"got {rule.id!r}, expected a unique id")
            yield from self._expression(file, row, "when", rule.when)
            if rule.suspect and rule.suspect not in self.causes:
                yield self.unknown((file, row, "suspect"), rule.suspect, self.causes, "a cause or nothing")
            for column in ("reason", "words"):
                if not getattr(rule, column):
                    yield Problem(file, row, column, "empty")
            yield from self._sources(file, row, rule.sources)

    def _expression(self, file: str, row: int, column: str, text: str) -> Iterator[Problem]:
        """Check that an expression parses and every variable=state in it exists."""
        try:
            expression = parse_expression(text)
        except ValueError as error:
            yield Problem(file, row, column, str(error))
            return
        for atom in atoms(expression):
            variable = self.by_id.get(atom.variable)
            if variable is None:
                yield self.unknown((file, row, column), atom.variable, self.by_id, "the id of a variable")
            elif atom.state not in variable.states:
                what = f"{atom.variable} to be one of {', '.join(variable.states)}"
                yield self.unknown((file, row, column), atom.state, variable.states, what)

    def harms_and_advice(self) -> Iterator[Problem]:
        """Harm thresholds fall with falling urgency; advice names causes and sources."""
        for row, harm in self.numbered("harms", self.kb.harms):
            file = "harms.csv"
            if harm.cause not in self.causes:
                yield self.unknown((file, row, "cause"), harm.cause, self.causes, "a cause")
            yield from self._limits(file, row, harm)
            if not harm.words:
                yield Problem(file, row, "words", "empty, expected what people are told")
            yield from self._sources(file, row, harm.sources)
        counts = Counter(advice.id for advice in self.kb.advice)
        for row, advice in self.numbered("management", self.kb.advice):
            file = "management.csv"
            if counts[advice.id] > 1 or not advice.id:
                yield Problem(file, row, "id", f"got {advice.id!r}, expected a unique id")
            if advice.cause not in (*self.causes, "any"):
                yield self.unknown((file, row, "cause"), advice.cause, self.causes, "a cause or 'any'")
            if advice.kind not in ADVICE_KINDS:
                yield self.unknown((file, row, "kind"), advice.kind, ADVICE_KINDS, ", ".join(ADVICE_KINDS))
            if advice.when:
                yield from self._expression(file, row, "when", advice.when)
            yield from self._sources(file, row, advice.sources)

    @staticmethod
    def _limits(file: str, row: int, harm: Harm) -> Iterator[Problem]:
        """Thresholds are probabilities that rise with urgency; an odds factor of a cause's own has its reason."""
        limits = {level: harm.threshold(level) for level in reversed(LEVELS) if level != "self_care"}
        given = {level: limit for level, limit in limits.items() if limit is not None}
        if not all(0 < limit < 1 for limit in given.values()) or list(given.values()) != sorted(
            given.values(), reverse=True
        ):
            got = ", ".join(f"{level} {limit:g}" for level, limit in given.items())
            expected = "probabilities in (0, 1), the more urgent the higher"
            yield Problem(file, row, f"threshold_{[*given][-1]}", f"got {got}, expected {expected}")
        factor = harm.odds_factor
        if factor is not None and not 1 <= factor <= MAX_ODDS_FACTOR and not math.isnan(factor):
            expected = f"1 to {MAX_ODDS_FACTOR:g}: how many times its odds a cause counts below emergency"
            yield Problem(file, row, "odds_factor", f"got {factor:g}, expected {expected}")
        if (factor is None) != (not harm.odds_reason):
            empty = "odds_reason" if factor is not None else "odds_factor"
            hint = "a factor of a cause's own needs its reason; without both the manifest decides"
            yield Problem(file, row, empty, f"{harm.cause}: empty", hint)

    def notices(self) -> Iterator[Problem]:
        """Notices have a unique id, a condition that can be read, and words."""
        counts = Counter(notice.id for notice in self.kb.notices)
        for row, notice in self.numbered("notices", self.kb.notices):
            file = "notices.csv"
            if counts[notice.id] > 1 or not notice.id:
                yield Problem(file, row, "id", f"got {notice.id!r}, expected a unique id")
            yield from self._expression(file, row, "when", notice.when)
            if not notice.words:
                yield Problem(file, row, "words", "empty")

    def notes_on_evidence(self) -> Iterator[Problem]:
        """Check that the accounts of seeds and published figures point at things that exist."""
        for row, cells in self.numbered("seed_coverage", self.kb.coverage_rows):
            if cells["seed"] not in self.kb.sources:
                where = ("seed_coverage.csv", row, "seed")
                yield self.unknown(where, cells["seed"], self.kb.sources, "a seed id")
        for row, cells in self.numbered("evidence_agreement", self.kb.agreement_rows):
            if cells["evidence_id"] not in self.kb.sources:
                where = ("evidence_agreement.csv", row, "evidence_id")
                yield self.unknown(where, cells["evidence_id"], self.kb.sources, "an evidence id")

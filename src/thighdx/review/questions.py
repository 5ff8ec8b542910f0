"""What an expert is asked about a cause: every number, rule and piece of advice, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from thighdx.elicitation.pool import pooled_quantiles
from thighdx.kb.records import Advice, JudgementTable, Key, RedFlag
from thighdx.network.profile import context_facts
from thighdx.text import Labels, condition_name, graded_name, in_words, level_name, of_hundred, state_name

if TYPE_CHECKING:
    from thighdx.elicitation.judgements import PooledJudgement
    from thighdx.model import Model

__all__ = ["Kind", "ReviewItem", "denominator", "review_items"]

Kind: TypeAlias = Literal["number", "rule", "advice"]
LEVELS = (0.05, 0.5, 0.95)
DENOMINATORS = (100, 1_000, 10_000, 100_000, 1_000_000)
_PLACES: Mapping[str, tuple[int, ...]] = {"shares": (0,), "links": (0,), "effects": (0, 2)}


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One thing to be confirmed, changed or struck.

    Attributes
    ----------
    table, key : str, tuple of str
        A judgement table and the number; ``red_flags`` or ``management`` and the id of a row.
    words : str
        The question, or what the rule or advice says.
    of : int
        Of how many patients the numbers are; 0: they are odds ratios; 1: there are no numbers.
    now : tuple of float
        What the model uses: 5, 50 and 95 %, of so many patients; empty for what is impossible, and for text.
    said : tuple of str
        Who said what before.
    published : tuple of str
        Published figures on the same number.
    """

    table: str
    key: Key
    words: str
    of: int = 1
    now: tuple[float, ...] = ()
    said: tuple[str, ...] = ()
    published: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """Whether it is a number, a rule or a piece of advice."""
        kinds: dict[str, Kind] = {"red_flags": "rule", "management": "advice"}
        return kinds.get(self.table, "number")

    @property
    def id(self) -> str:
        """Table and key in one word, as the workbook holds it."""
        return "|".join((self.table, *self.key))

    @property
    def unit(self) -> str:
        """What the numbers are, in words."""
        return {0: "times the odds", 1: ""}.get(self.of, f"of {self.of:,}")


def denominator(value: float) -> int:
    """Return of how many patients a frequency is easily said.

    Examples
    --------
    >>> denominator(0.3), denominator(0.0004)
    (100, 10000)
    """
    return next((of for of in DENOMINATORS if value * of >= 1), DENOMINATORS[-1])


def review_items(model: Model, cause: str) -> tuple[ReviewItem, ...]:
    """Return everything to be reviewed about a cause: shares, findings, circumstances, rules, advice.

    Parameters
    ----------
    model : Model
    cause : str
        Its id.

    Raises
    ------
    UnknownNameError
        If there is no such cause.
    """
    model.vocabulary.cause_idx(cause)
    asked = _Asked(model, cause)
    kb = model.compiled.kb
    flags = [rule for rule in kb.red_flags if rule.suspect == cause]
    rules = [ReviewItem("red_flags", (rule.id,), _rule_words(rule, asked.labels)) for rule in flags]
    advice = [
        ReviewItem("management", (item.id,), _advice_words(item, asked.labels))
        for item in kb.advice
        if item.cause == cause
    ]
    return (*asked.numbers(), *rules, *advice)


def _rule_words(rule: RedFlag, labels: Labels) -> str:
    return f"{level_name(rule.level, labels).lower()}, if {condition_name(rule.when, labels)}. {rule.reason}"


def _advice_words(item: Advice, labels: Labels) -> str:
    parts = [
        f"{in_words(item.kind)}: {item.advice}",
        f"Only if {condition_name(item.when, labels)}." if item.when else "",
        f"Caution: {item.caution}" if item.caution else "",
    ]
    return " ".join(part for part in parts if part)


class _Asked:
    """Words for the numbers about one cause."""

    def __init__(self, model: Model, cause: str) -> None:
        self.model, self.cause = model, cause
        self.kb = model.compiled.kb
        self.labels = model.compiled.labels

    def numbers(self) -> list[ReviewItem]:
        """Return the numbers, in the order of the tables."""
        items = [
            item
            for (table, key), item in self.model.compiled.pooled.items()
            if any(key[place] == self.cause for place in _PLACES.get(table, ()))
        ]
        quantiles = pooled_quantiles([item.distribution for item in items], LEVELS).tolist()
        return [self._number(item, tuple(found)) for item, found in zip(items, quantiles, strict=True)]

    def _number(self, item: PooledJudgement, quantiles: tuple[float, ...]) -> ReviewItem:
        of = 0 if item.scale == "odds_ratio" else denominator(item.point) if item.point else 100
        scale = of or 1
        now = tuple(scale * value for value in quantiles) if item.point else ()
        said = tuple(
            f"{row.expert}: {_said(row.quantiles, row.statement, scale)}. {row.note}".strip()
            for row in item.rows
        )
        words = {"shares": self._share, "links": self._link, "effects": self._effect}[item.table](
            item.key, of
        )
        return ReviewItem(item.table, item.key, words, of, now, said, self._published(item.table, item.key))

    def _share(self, key: Key, of: int) -> str:
        return (
            f"{self.labels[key[1]]}: of {of:,} patients who come because of the back of the thigh, how many "
            f"have this, alone or with something else?"
        )

    def _link(self, key: Key, of: int) -> str:
        variable = self.model.variables[key[1]]
        words = f"Of {of:,} patients who have this alone, how many have: {self._named(variable.id, key[2])}?"
        only_if = condition_name(variable.asked_if, self.labels)
        return words + (f" Asked only if {only_if}." if only_if else "")

    def _effect(self, key: Key, of: int) -> str:
        del of
        parent, state, child = key
        if child != self.cause:
            return f"How many times as great are the odds of {self.labels[child]} where this is there?"
        words = f"How many times as great are the odds of this: {self._named(parent, state)}?"
        known = self.model.variables.get(parent)
        if known is not None:
            words = words[:-1] + f", against {state_name(parent, known.states[0], self.labels)}?"
        fact = self._facts.get((parent, state))
        if fact is not None:
            words += f" (At present {fact[0]} of 100 with it are so, and {fact[1]} of 100 of all.)"
        return words

    @cached_property
    def _facts(self) -> dict[tuple[str, str], tuple[str, str]]:
        """How many of 100 with the cause, and of all, are in a state, in the default setting."""
        setting_idx = self.model.vocabulary.setting_code(self.model.default_setting)
        facts = context_facts(self.model.network, self.cause, setting_idx=setting_idx)
        return {(f.variable, f.state): (of_hundred(f.frequency_with), of_hundred(f.frequency)) for f in facts}

    def _named(self, variable: str, state: str) -> str:
        """Name a variable in a state, or in this or a higher one, as findings are judged."""
        known = self.model.variables.get(variable)
        if known is None:
            return self.labels[variable]
        or_more = known.layer in ("finding", "test") and state != known.states[-1]
        return graded_name(variable, state, known.states, self.labels, or_more=or_more)

    def _published(self, table: JudgementTable, key: Key) -> tuple[str, ...]:
        """Return published figures that were compared with the number."""
        rows = {row["evidence_id"]: row for row in self.kb.evidence_rows}
        found = []
        for link in self.kb.agreement_rows:
            if link["table"] == table and link["key"] == "|".join(key) and link["evidence_id"] in rows:
                row = rows[link["evidence_id"]]
                span = f" ({row['low']} to {row['high']})" if row["low"] and row["high"] else ""
                checked = "" if row["verified"] == "yes" else ", not verified"
                found.append(
                    f"{in_words(row['finding'])}, {in_words(row['metric'])} {row['value']}{span}; "
                    f"{row['source']} {row['year']}{checked} [{row['evidence_id']}, {in_words(link['verdict'])}]"
                )
        return tuple(found)


def _said(quantiles: tuple[float, float, float] | None, statement: str, scale: int) -> str:
    """Write what an expert said, of as many patients."""
    return statement if quantiles is None else " / ".join(f"{scale * value:.3g}" for value in quantiles)

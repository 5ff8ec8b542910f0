"""Turn the text of a knowledge base into records, noting every cell that cannot be understood."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, cast, get_args

from thighdx.errors import Problem, nearest_hint
from thighdx.kb.records import (
    COST_TIERS,
    LAYERS,
    LEVELS,
    Action,
    Advice,
    Code,
    Cost,
    Group,
    Harm,
    Judgement,
    JudgementTable,
    Layer,
    Level,
    ListedQuestion,
    Notice,
    NoticeKind,
    QuestionList,
    RedFlag,
    Row,
    Source,
    Variable,
)
from thighdx.kb.tables import COLUMNS

__all__ = ["JUDGEMENT_TABLES", "PARTS", "Reader", "key_columns"]

JUDGEMENT_TABLES: tuple[JudgementTable, ...] = get_args(JudgementTable)
_KEY_COLUMNS = {table: COLUMNS[table][: COLUMNS[table].index("expert")] for table in JUDGEMENT_TABLES}

Rows: TypeAlias = Callable[[str], Sequence[tuple[int, Row]]]
"""The rows of a table, with their numbers in the file, by the name of the table."""


def key_columns(table: JudgementTable) -> tuple[str, ...]:
    """Return the columns that name the number a row of a judgement table is about."""
    return _KEY_COLUMNS[table]


def _plain(rows: Sequence[tuple[int, Row]]) -> tuple[Row, ...]:
    """Drop the row numbers."""
    return tuple(row for _, row in rows)


@lru_cache(maxsize=1_024)  # the same sources stand in many rows
def _split(cell: str, separator: str = ";") -> tuple[str, ...]:
    """Split a list inside a cell."""
    return tuple(part.strip() for part in cell.split(separator) if part.strip())


def _groups(rows: Sequence[tuple[int, Row]]) -> tuple[Group, ...]:
    """Gather the members of every group, in file order."""
    found = dict[str, list[tuple[int, Row]]]()
    for number, row in rows:
        found.setdefault(row["group"], []).append((number, row))
    return tuple(
        Group(
            name,
            own[0][1]["label"],
            tuple(row["cause"] for _, row in own),
            tuple(number for number, _ in own),
        )
        for name, own in found.items()
    )


def _question_lists(rows: Sequence[tuple[int, Row]]) -> tuple[QuestionList, ...]:
    """Gather the questions of every list, in file order."""
    titles: dict[str, str] = {}
    found = dict[str, list[ListedQuestion]]()
    for number, row in rows:
        titles.setdefault(row["list"], row["title"])
        line = ListedQuestion(row["variable"], row["words"], _split(row["alarm_for"]), number)
        found.setdefault(row["list"], []).append(line)
    return tuple(QuestionList(name, titles[name], tuple(lines)) for name, lines in found.items())


def _sources(reader: Reader, rows: Rows) -> dict[str, Source]:
    """Gather everything a number may cite: published figures, seed statements and own citations."""
    found: dict[str, Source] = {}
    cited = [
        *(("evidence", n, r["evidence_id"], _evidence_source(r)) for n, r in rows("evidence")),
        *(("seeds", n, r["id"], _seed_source(r)) for n, r in rows("seeds")),
        *(("sources", n, r["id"], _own_source(r)) for n, r in rows("sources")),
    ]
    for table, number, source_id, source in cited:
        if source_id in found:
            reader.note(table, number, COLUMNS[table][0], f"source {source_id!r} given twice")
        found[source_id] = source
    return found


def _evidence_source(row: Row) -> Source:
    """Read a published or elicited figure as a source."""
    locator = f" {row['url_or_locator']}" if row["url_or_locator"] not in ("", "none") else ""
    kind = "elicited_figure" if "elicit" in row["source"].lower() else "published_figure"
    text = f"{row['source']} ({row['year']}): {row['finding']} {row['metric']} {row['value']}.{locator}"
    return Source(row["evidence_id"], kind, text, row["verified"] == "yes", row["note"])


def _seed_source(row: Row) -> Source:
    """Read a seed statement as a source."""
    return Source(row["id"], "seed_statement", row["statement"], False, row["quantity"])


def _own_source(row: Row) -> Source:
    """Read a citation of the model's own."""
    text = " ".join(part for part in (row["citation"], row["year"], row["locator"]) if part)
    return Source(row["id"], row["kind"], text, row["verified"] == "yes", row["note"])


class Reader:
    """Turns rows into records and notes the cells it cannot read."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def note(self, file: str, row: int, column: str, message: str, hint: str = "") -> None:
        """Note what is wrong with a cell."""
        self.problems.append(Problem(f"{file}.csv", row, column, message, hint))

    def one_of(self, file: str, row: int, column: str, value: str, allowed: Sequence[str]) -> str:
        """Return `value` if it is allowed; otherwise note it and return the first that is."""
        if value in allowed:
            return value
        self.note(
            file,
            row,
            column,
            f"got {value!r}, expected one of {', '.join(allowed)}",
            nearest_hint(value, allowed),
        )
        return allowed[0]

    def number(self, file: str, row: int, column: str, cell: str) -> float:
        """Return a finite number; otherwise note it and return NaN."""
        try:
            value = float(cell)
        except ValueError:
            hint = "write decimals with a point" if "," in cell else ""
            self.note(file, row, column, f"got {cell!r}, expected a number", hint)
            return math.nan
        if not math.isfinite(value) or "_" in cell:
            self.note(file, row, column, f"got {cell!r}, expected a finite number")
            return math.nan
        return value

    def variable(self, row: int, cells: Row) -> Variable:
        """Read one row of variables.csv."""
        layer, cost = cells["layer"], cells["cost"]
        if layer in LAYERS and (layer != "cause" or cost):
            cost = self.one_of("variables", row, "cost", cost, COST_TIERS)
        return Variable(
            id=cells["id"],
            layer=cast(Layer, self.one_of("variables", row, "layer", layer, LAYERS)),
            label=cells["label"],
            states=_split(cells["states"], "|"),
            question=cells["question"],
            asked_if=cells["asked_if"],
            cost=cast(Cost, cost),
            aliases=_split(cells["aliases"]),
            note=cells["note"],
            alarms=_split(cells["alarms"], "|"),
        )

    def judgement(self, table: JudgementTable, row: int, cells: Row) -> Judgement:
        """Read one row of a judgement table: three quantiles or a statement."""
        given = [name for name in ("q05", "q50", "q95") if cells[name]]
        quantiles = None
        if given and cells["statement"]:
            self.note(table, row, "statement", "got quantiles and a statement, expected only one of them")
        elif len(given) in (1, 2):
            missing = ", ".join(name for name in ("q05", "q50", "q95") if not cells[name])
            self.note(table, row, missing, "got no number, expected all of q05, q50 and q95")
        elif given:
            low, mid, high = (self.number(table, row, name, cells[name]) for name in given)
            quantiles = (low, mid, high)
        elif not cells["statement"]:
            self.note(table, row, "q50", "got neither quantiles nor a statement")
        return Judgement(
            table=table,
            key=tuple(cells[name] for name in key_columns(table)),
            expert=cells["expert"],
            quantiles=quantiles,
            statement=cells["statement"],
            date=cells["date"],
            sources=_split(cells["sources"]),
            note=cells["note"],
            row=row,
        )

    def red_flag(self, row: int, cells: Row) -> RedFlag:
        """Read one row of red_flags.csv."""
        level = self.one_of("red_flags", row, "level", cells["level"], LEVELS)
        sources = _split(cells["sources"])
        return RedFlag(
            cells["rule_id"],
            cells["when"],
            cast(Level, level),
            cells["suspect"],
            cells["reason"],
            cells["words"],
            sources,
        )

    def harm(self, row: int, cells: Row) -> Harm:
        """Read one row of harms.csv; an empty threshold is never reached."""
        level = self.one_of("harms", row, "level_if_likely", cells["level_if_likely"], LEVELS)

        def number(name: str) -> float | None:
            return self.number("harms", row, name, cells[name]) if cells[name] else None

        return Harm(
            cause=cells["cause"],
            harm_of_missing=self.number("harms", row, "harm_of_missing", cells["harm_of_missing"]),
            level_if_likely=cast(Level, level),
            threshold_emergency=number("threshold_emergency"),
            threshold_urgent=number("threshold_urgent"),
            threshold_soon=number("threshold_soon"),
            threshold_routine=number("threshold_routine"),
            odds_factor=number("odds_factor"),
            odds_reason=cells["odds_reason"],
            reason=cells["reason"],
            words=cells["words"],
            sources=_split(cells["sources"]),
        )

    def notice(self, row: int, cells: Row) -> Notice:
        """Read one row of notices.csv."""
        kind = self.one_of("notices", row, "kind", cells["kind"], get_args(NoticeKind))
        return Notice(cells["id"], cast(NoticeKind, kind), cells["when"], cells["words"])

    def levels(self, file: str, row: int, cells: Row) -> tuple[Level, Level]:
        """Read the lowest and the highest level; an empty cell is no limit."""
        low, high = (
            cast(Level, self.one_of(file, row, name, cells[name] or end, LEVELS))
            for name, end in (("lowest_level", LEVELS[0]), ("highest_level", LEVELS[-1]))
        )
        if LEVELS.index(low) > LEVELS.index(high):
            self.note(
                file, row, "lowest_level", f"got {low!r}, expected no more than highest_level, {high!r}"
            )
        return low, high

    def action(self, row: int, cells: Row) -> Action:
        """Read one row of actions.csv."""
        low, high = self.levels("actions", row, cells)
        return Action(cells["id"], cells["label"], _split(cells["words"]), low, high)

    def advice(self, row: int, cells: Row) -> Advice:
        """Read one row of management.csv."""
        priority = cells["priority"]
        if not (priority.isdecimal() and len(priority) <= 2):
            self.note("management", row, "priority", f"got {priority!r}, expected a whole number")
            priority = "0"
        low, high = self.levels("management", row, cells)
        return Advice(
            id=cells["id"],
            cause=cells["cause"],
            kind=cells["kind"],
            advice=cells["advice"],
            when=cells["when"],
            caution=cells["caution"],
            priority=int(priority),
            sources=_split(cells["sources"]),
            advises=_split(cells["advises"]),
            forbids=_split(cells["forbids"]),
            lowest_level=low,
            highest_level=high,
        )


PARTS: Mapping[str, Callable[[Reader, Rows], Any]] = {
    "variables": lambda reader, rows: tuple(reader.variable(n, r) for n, r in rows("variables")),
    "judgements": lambda reader, rows: tuple(
        reader.judgement(table, n, r) for table in JUDGEMENT_TABLES for n, r in rows(table)
    ),
    "groups": lambda _, rows: _groups(rows("groups")),
    "codes": lambda _, rows: tuple(
        Code(r["cause"], r["system"], r["code"], r["title"]) for _, r in rows("codes")
    ),
    "red_flags": lambda reader, rows: tuple(reader.red_flag(n, r) for n, r in rows("red_flags")),
    "harms": lambda reader, rows: tuple(reader.harm(n, r) for n, r in rows("harms")),
    "actions": lambda reader, rows: tuple(reader.action(n, r) for n, r in rows("actions")),
    "question_lists": lambda _, rows: _question_lists(rows("question_lists")),
    "notices": lambda reader, rows: tuple(reader.notice(n, r) for n, r in rows("notices")),
    "advice": lambda reader, rows: tuple(reader.advice(n, r) for n, r in rows("management")),
    "sources": _sources,
    "row_numbers": lambda _, rows: {name: tuple(number for number, _ in rows(name)) for name in COLUMNS},
    "evidence_rows": lambda _, rows: _plain(rows("evidence")),
    "seed_rows": lambda _, rows: _plain(rows("seeds")),
    "coverage_rows": lambda _, rows: _plain(rows("seed_coverage")),
    "conflict_rows": lambda _, rows: _plain(rows("conflicts")),
    "agreement_rows": lambda _, rows: _plain(rows("evidence_agreement")),
    "words": lambda _, rows: {r["key"]: r["words"] for _, r in rows("words")},
}
"""What the tables of a knowledge base become, by the name of the field."""

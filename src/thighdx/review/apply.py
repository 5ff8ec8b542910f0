"""From what experts said to a new model: rows of their own, rules and advice as they want them."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thighdx.compiled.case_difference import ComparedCase
from thighdx.compiled.compilation import compile_model, save_model
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.compiled.difference import ModelDifference, diff_models
from thighdx.elicitation.distribution import Distribution
from thighdx.elicitation.fit import LEVELS, fit_quantiles
from thighdx.elicitation.judgements import shifted_quantiles
from thighdx.elicitation.pool import Mixture, pooled_quantiles
from thighdx.elicitation.report import overlaps
from thighdx.elicitation.rows import table_scale
from thighdx.errors import KnowledgeBaseError, Problem, TableError
from thighdx.kb.load import key_columns
from thighdx.kb.manifest import with_experts
from thighdx.kb.records import Expert
from thighdx.kb.tables import MANIFEST_FILE, with_rows
from thighdx.review.questions import ReviewItem
from thighdx.review.reading import Place, Verdict
from thighdx.text import percent

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["Disagreement", "ReviewOutcome", "Reviewer", "apply_reviews"]

REVIEWS_FILE = "reviews.csv"
REVIEW_COLUMNS = ("expert", "role", "date", "table", "key", "verdict", "q05", "q50", "q95", "text", "comment")
_INITIALS = re.compile(r"[a-z][a-z0-9]{0,15}")
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who reviewed: initials, what they are ("sports physician"), the day, and what they said."""

    initials: str
    role: str
    date: str
    verdicts: tuple[Verdict, ...]

    @property
    def id(self) -> str:
        """Id of the expert in the manifest."""
        return f"review_{self.initials.lower()}"

    @property
    def label(self) -> str:
        """What the expert is called on pages."""
        role = f", {self.role}" if self.role else ""
        return f"Review by {self.initials}{role}, {self.date}"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something on which reviewers differ.

    `overlap` is that of their distributions (1: the same, 0: nothing in common); None for rules and advice, which
    then stay as they were.
    """

    item: ReviewItem
    said: Mapping[str, str]
    overlap: float | None


@dataclass(frozen=True, slots=True)
class ReviewOutcome:
    """What became of a review.

    Attributes
    ----------
    compiled : CompiledModel
        The new model, as it was saved.
    counts : dict
        Reviewer to verdict to how many.
    edited : tuple of str
        Rules and advice that changed or went.
    disagreements : tuple of Disagreement
        The widest first.
    difference : ModelDifference
        Judgements and cases that moved.
    """

    compiled: CompiledModel
    counts: Mapping[str, Mapping[str, int]]
    edited: tuple[str, ...]
    disagreements: tuple[Disagreement, ...]
    difference: ModelDifference

    def __repr__(self) -> str:
        """Return a summary to read."""
        lines = []
        for name, counts in self.counts.items():
            said = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
            lines.append(f"{name}: {said or 'said nothing'}")
        lines += self.edited
        for found in self.disagreements:
            shown = "; ".join(f"{name}: {words}" for name, words in found.said.items())
            overlap = "kept as it was" if found.overlap is None else f"overlap {percent(found.overlap, 0)}"
            lines.append(f"disagreement on {found.item.id} ({overlap}): {shown}")
        return "\n".join([*lines, repr(self.difference)])


def apply_reviews(
    model: Model,
    reviewers: Sequence[Reviewer],
    path: str | Path,
    *,
    cases: Sequence[ComparedCase] = (),
    earlier: str = "",
) -> ReviewOutcome:
    """Write a model with what reviewers said, and compare it with the one they read.

    A changed number is a row of the reviewer, in the role of a *correction*: it replaces the pooled value. (As one
    more pooled expert, a reviewer of five causes would count as "nothing special" on all others.) A number that is
    struck is set to the background (odds ratio 1) with the spread it had, as for an expert who gave no row. Where
    several reviewers judged one number and not all left it as it is, each has a row, and one more correction holds
    their mixture with equal weights. Rules and advice change where all who judged them agree. What is confirmed
    moves nothing; everything said is in ``reviews.csv`` of the new folder.

    Parameters
    ----------
    model : Model
        The one that was read.
    reviewers : sequence of Reviewer
        With what `read_review` found.
    path : path
        A new or empty folder.
    cases : sequence of ComparedCase
        Asked of both models.
    earlier : str
        Text of the ``reviews.csv`` of the model that was read, which the new one goes on with.

    Raises
    ------
    TableError
        If initials cannot be used.
    KnowledgeBaseError
        With every problem of what was said together, by sheet and row where it comes from one.
    FileExistsError
        If `path` exists and is not an empty folder.
    """
    _check_initials(model, reviewers)
    numbers = _Numbers(model, reviewers)
    texts = _Texts(model, reviewers)
    with tempfile.TemporaryDirectory() as scratch:
        folder = save_model(model.compiled, Path(scratch) / "model")
        places = numbers.write(folder)
        texts.write(folder)
        manifest = folder / MANIFEST_FILE
        text = with_experts(manifest.read_text(encoding="utf-8"), numbers.experts)
        manifest.write_text(text, encoding="utf-8")
        try:
            compiled = compile_model(folder)
        except KnowledgeBaseError as error:
            problems = [_placed(problem, places) for problem in error.problems]
            raise KnowledgeBaseError("what was said, put together", problems) from None
        saved = save_model(compiled, path)
    _write_log(saved / REVIEWS_FILE, reviewers, earlier)
    return ReviewOutcome(
        compiled,
        {item.label: _counts(item) for item in reviewers},
        texts.edited,
        tuple(sorted((*numbers.disagreements, *texts.disagreements), key=lambda item: item.overlap or 0.0)),
        diff_models(model.compiled, compiled, cases),
    )


def _check_initials(model: Model, reviewers: Sequence[Reviewer]) -> None:
    """Refuse initials that are none, or that somebody has already."""
    taken = {expert.id for expert in model.compiled.kb.manifest.experts}
    for reviewer in reviewers:
        if not _INITIALS.fullmatch(reviewer.initials.lower()):
            raise TableError(
                f"initials: got {reviewer.initials!r}, expected 1 to 16 letters and digits, such as 'AB'"
            )
        if reviewer.id in taken:
            hint = f"use others, such as '{reviewer.initials}2'"
            raise TableError(f"initials: {reviewer.initials!r} has reviewed this model before; {hint}")
        taken.add(reviewer.id)


def _counts(reviewer: Reviewer) -> dict[str, int]:
    words = [verdict.word for verdict in reviewer.verdicts]
    names = {"confirm": "confirmed", "change": "changed", "strike": "struck"}
    return {name: words.count(word) for word, name in names.items()}


class _Numbers:
    """Rows for the numbers that reviewers changed or struck."""

    def __init__(self, model: Model, reviewers: Sequence[Reviewer]) -> None:
        self.model = model
        self.sources = {item.id: item.label for item in reviewers}
        self.experts = [Expert(item.id, "correction", item.label) for item in reviewers]
        self.disagreements: list[Disagreement] = []
        self.rows: list[tuple[str, dict[str, str], Place]] = []
        problems: list[Problem] = []
        for verdicts in _by_item(reviewers, "number").values():
            if any(verdict.word != "confirm" for _, verdict in verdicts):
                self._judge(verdicts, problems)
        if problems:
            raise KnowledgeBaseError("what was struck", problems)

    def _judge(self, verdicts: list[tuple[Reviewer, Verdict]], problems: list[Problem]) -> None:
        """Make a row of everybody who judged a number, and of them all together."""
        said: dict[str, Triple] = {}
        for reviewer, verdict in verdicts:
            found = self._quantiles(verdict)
            if isinstance(found, Problem):
                problems.append(found)
                continue
            said[reviewer.id] = found
            note = f"{verdict.word}: {verdict.comment}" if verdict.comment else verdict.word
            self._add(reviewer.id, verdict, found, reviewer.date, note)
        if len(said) > 1:
            self._pool(verdicts, said)

    def _pool(self, verdicts: list[tuple[Reviewer, Verdict]], said: Mapping[str, Triple]) -> None:
        """Mix what several said with equal weights, and note how far they are apart."""
        item, last = verdicts[0][1].item, verdicts[-1][0]
        scale = table_scale(item.table)  # type: ignore[arg-type]  # a number is of a judgement table
        fits = fit_quantiles(list(said.values()), scale=scale)
        beliefs: list[Distribution] = [fit.distribution for fit in fits]
        pooled = pooled_quantiles([Mixture(tuple(beliefs))], LEVELS)[0].tolist()
        name = "pooled_" + "_".join(said)
        if name not in self.sources:
            together = " and ".join(self.sources[who] for who in said)
            self.sources[name] = f"With equal weights: {together}"
            self.experts.append(Expert(name, "correction", self.sources[name]))
        self._add(name, verdicts[-1][1], tuple(pooled), last.date, "reviewers pooled with equal weights")
        scaled = item.of or 1
        shown = {who: " / ".join(f"{scaled * value:.3g}" for value in found) for who, found in said.items()}
        if len(set(said.values())) > 1:
            overlap = float(overlaps([beliefs])[0])
            self.disagreements.append(
                Disagreement(item, {k: f"{v} {item.unit}" for k, v in shown.items()}, overlap)
            )

    def _quantiles(self, verdict: Verdict) -> Triple | Problem:
        """Return the three numbers that a verdict amounts to."""
        if verdict.quantiles:
            low, middle, high = verdict.quantiles
            return low, middle, high
        item = verdict.item
        if not item.now and verdict.word == "confirm":
            return verdict.place.problem(
                "verdict", "others changed what you confirm as impossible", "change it too"
            )
        key, scale = item.key, item.of or 1
        now = [value / scale for value in item.now]
        if verdict.word == "confirm":
            return now[0], now[1], now[2]
        middle = 1.0
        if item.table == "links":
            background = self.model.compiled.pooled.get(("backgrounds", key[1:]))
            middle = 0.0 if background is None else background.point
            if background is None or not middle:
                return verdict.place.problem(
                    "verdict", "cannot be struck: it has no background above 0", "change it"
                )
            now = now or background.distribution.quantile(LEVELS).tolist()
        kind = table_scale(item.table)  # type: ignore[arg-type]  # a number is of a judgement table
        fits = fit_quantiles([now or [0.5, 1.0, 2.0]], scale=kind)
        low, middle, high = shifted_quantiles(fits, kind, middle)
        return low, middle, high

    def _add(self, expert: str, verdict: Verdict, quantiles: Sequence[float], date: str, note: str) -> None:
        item = verdict.item
        cells = dict(zip(key_columns(item.table), item.key, strict=True))  # type: ignore[arg-type]  # as above
        cells |= {name: f"{value:.6g}" for name, value in zip(("q05", "q50", "q95"), quantiles, strict=True)}
        cells |= {"expert": expert, "date": date, "sources": expert, "note": note}
        self.rows.append((item.table, cells, verdict.place))

    def write(self, folder: Path) -> dict[tuple[str, int], Place]:
        """Append the rows to their tables and return where each comes from."""
        used = {cells["expert"] for _, cells, _ in self.rows}
        self.experts = [expert for expert in self.experts if expert.id in used]
        about = [
            {"id": item.id, "kind": "review", "citation": item.label, "verified": "no"}
            for item in self.experts
        ]
        _append(folder / "sources.csv", about)
        places: dict[tuple[str, int], Place] = {}
        for table in dict.fromkeys(table for table, _, _ in self.rows):
            file = folder / f"{table}.csv"
            own = [(cells, place) for owner, cells, place in self.rows if owner == table]
            first = _append(file, [cells for cells, _ in own])
            places |= {(file.name, first + i): place for i, (_, place) in enumerate(own)}
        return places


def _append(file: Path, rows: Sequence[Mapping[str, str]]) -> int:
    """Append rows to a table and return the number of the first."""
    text = file.read_text(encoding="utf-8-sig")
    file.write_text(with_rows(text, rows), encoding="utf-8", newline="")
    return len(list(csv.reader(io.StringIO(text, newline="")))) + 1


class _Texts:
    """Rules and advice that reviewers changed or struck."""

    def __init__(self, model: Model, reviewers: Sequence[Reviewer]) -> None:
        self.model = model
        self.disagreements: list[Disagreement] = []
        self.agreed: list[Verdict] = []
        both = {**_by_item(reviewers, "rule"), **_by_item(reviewers, "advice")}
        for verdicts in both.values():
            said = {reviewer.id: f"{v.word} {v.text}".strip() for reviewer, v in verdicts}
            if len(set(said.values())) > 1:
                self.disagreements.append(Disagreement(verdicts[0][1].item, said, None))
            elif verdicts[0][1].word != "confirm":
                self.agreed.append(verdicts[0][1])

    @property
    def edited(self) -> tuple[str, ...]:
        """What changed, in words."""
        words = {"red_flags": "rule", "management": "advice"}
        return tuple(
            f"{words[v.item.table]} {v.item.key[0]} "
            f"{'struck' if v.word == 'strike' else 'changed to ' + repr(v.text)}: {v.comment}"
            for v in self.agreed
        )

    def write(self, folder: Path) -> None:
        """Edit the tables."""
        edits = {(v.item.table, v.item.key[0]): v for v in self.agreed}
        for table, id_column, column in (("red_flags", "rule_id", "level"), ("management", "id", "advice")):
            file = folder / f"{table}.csv"
            if not any(owner == table for owner, _ in edits):
                continue
            rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))
            kept = []
            for row in rows:
                verdict = edits.get((table, row[id_column].strip()))
                if verdict is None or verdict.word == "change":
                    kept.append(row | ({column: verdict.text} if verdict else {}))
            stream = io.StringIO()
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)
            file.write_text(stream.getvalue(), encoding="utf-8", newline="")


def _by_item(reviewers: Sequence[Reviewer], kind: str) -> dict[str, list[tuple[Reviewer, Verdict]]]:
    """Bring together what was said on one thing."""
    found: dict[str, list[tuple[Reviewer, Verdict]]] = {}
    for reviewer in reviewers:
        for verdict in reviewer.verdicts:
            if verdict.item.kind == kind:
                found.setdefault(verdict.item.id, []).append((reviewer, verdict))
    return found


def _placed(problem: Problem, places: Mapping[tuple[str, int], Place]) -> Problem:
    """Say in which line of which workbook a problem of a new row was made."""
    place = places.get((problem.file, problem.row or 0))
    return problem if place is None else replace(problem, file=place.file, row=place.row)


def _write_log(path: Path, reviewers: Sequence[Reviewer], earlier: str) -> None:
    """Write everything that was said."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if not earlier:
        writer.writerow(REVIEW_COLUMNS)
    for line in _log_lines(reviewers):
        writer.writerow(line)
    path.write_text(earlier + stream.getvalue(), encoding="utf-8", newline="")


def _log_lines(reviewers: Sequence[Reviewer]) -> Iterator[list[Any]]:
    for reviewer in reviewers:
        for v in reviewer.verdicts:
            numbers = [f"{value:.6g}" for value in v.quantiles] or ["", "", ""]
            where = [v.item.table, "|".join(v.item.key), v.word]
            yield [reviewer.id, reviewer.role, reviewer.date, *where, *numbers, v.text, v.comment]

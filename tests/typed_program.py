"""A program of a user that calls everything public; `test_typing` checks its types and never runs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, assert_type

import pandas as pd
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

import thighdx


def application(model: thighdx.Model) -> dict[str, Any]:
    """Ask about one case, and about several."""
    result = model.diagnose({"onset": "sudden", "age": 34, "bruising": {"absent": 0.2, "present": 0.8}})
    row = pd.DataFrame({"bruising": ["yes"]}).iloc[0]
    assert_type(model.diagnose(row, setting="primary_care", ignore_unknown=True), thighdx.Result)
    for item in model.diagnose_many([{"bruising": True}, {}]):
        if isinstance(item, thighdx.Result):
            assert_type(item, thighdx.Result)
        else:
            assert_type(item, thighdx.ThighdxError)
    level: str = result.triage.level
    texts: list[str] = [
        level,
        str(result.management),
        repr(result.fit),
        result.to_html(),
        result.to_json(indent=1),
    ]
    numbers: list[float] = [result.log_evidence, result.conflict, float(result.posterior.iloc[0])]
    tables = [result.posterior, result.prior, result.groups, result.top(3), result.probabilities("onset")]
    shown = [result.interval(0.9), result.explain("hamstring_strain"), result.sensitivity("hamstring_strain")]
    more = [
        result.contrast("hamstring_strain", "lumbar_radiculopathy"),
        result.next_questions(5, goal="urgency"),
    ]
    found = result.interval(0.9, method="delta")
    ends: tuple[float, float] = (found["hamstring_strain"].lower, found["hamstring_strain"].upper)
    assert_type(found.to_frame(), pd.DataFrame)
    sets = [item.causes for item in result.explanations(5)]
    again = thighdx.Result.from_dict(result.to_dict(include=["posterior", "triage"]), model)
    assert_type(again, thighdx.Result)
    return {"all": [texts, numbers, ends, tables, shown, more, sets, [w.code for w in result.warnings]]}


class Relation:
    """What other libraries give, such as a query of DuckDB: a stream of Arrow batches."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        raise NotImplementedError


def analyst(model: thighdx.Model, patients: pd.DataFrame, table: pa.Table) -> Iterator[object]:
    """Score tables: the same kind comes back, of a stream a table of pyarrow, which has no types."""
    scored = model.score(
        patients, interval=0.9, triage=True, groups=True, status_detail=True, on_error="unknown", n_threads=1
    )
    assert_type(scored, pd.DataFrame)
    assert_type(model.score(pl.DataFrame({"bruising": ["yes"]})), pl.DataFrame)
    yield model.score(table, columns={"q7": "onset"}, setting="primary_care").schema
    yield model.score(Relation(), reference_date=date(2026, 3, 31)).schema
    assert_type(model.explain_columns(patients, columns={"q7": "onset"}), pd.DataFrame)
    found = thighdx.evaluate(model, patients, setting="primary_care")
    yield found.log_score, found.left_out, found.to_frame()
    scorer = thighdx.Scorer(
        model, top=3, reference_date="2026-03-31", column_map={"format": 1, "columns": {}}
    )
    assert_type(scorer(patients), pd.DataFrame)
    assert_type(scorer(pl.DataFrame()), pl.DataFrame)
    yield from scorer.stream(table.to_batches())
    yield scorer(table), scorer.output_schema(table.schema), scorer.setting, scorer.options.interval
    yield from model.score_batches(table.to_batches(), triage=True, top=2, on_error="raise")
    yield thighdx.score_files(["in.csv"], "out.parquet", scorer=scorer, on_earlier="resume")


def others(model: thighdx.Model) -> list[object]:
    """Ask, simulate, rebase, trace, check."""
    interview = thighdx.Interview(model, {"age": 34})
    interview.answer("don't know")
    rebased = model.rebase({"hamstring_strain": 0.3}, exclusive=True)
    patients = rebased.simulate(10, seed=1)
    model.warm("primary_care")
    learned = model.learn(patients, name="ten", truth="diagnosis", folds=5, progress=print)
    assert_type(learned.model, thighdx.Model)
    assert_type(learned.model.rebased["primary_care"]["hamstring_strain"], float)
    names = [
        model.name,
        model.version,
        model.digest,
        model.settings,
        model.causes,
        model.variables,
        model.groups,
    ]
    tables = [model.trace("hamstring_strain"), model.template(), model.check(), model.save("folder")]
    path = thighdx.data_path("published_cases.csv")
    return [interview, learned.model, names, tables, path, thighdx.read_model("folder", max_causes=2)]

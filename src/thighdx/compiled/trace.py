"""From a cause back to every judgement about it, and empty tables for new judgements."""

from __future__ import annotations

import pandas as pd

from thighdx.compiled.compiled_model import CompiledModel
from thighdx.elicitation.judgements import PooledJudgement
from thighdx.errors import UnknownNameError, nearest_hint
from thighdx.kb.load import JUDGEMENT_TABLES, key_columns
from thighdx.kb.records import JudgementTable
from thighdx.kb.tables import COLUMNS

__all__ = ["empty_table", "trace_cause"]


def trace_cause(compiled: CompiledModel, cause: str) -> pd.DataFrame:
    """Return every judgement about a cause, one row per number.

    Returns
    -------
    pandas.DataFrame
        table, key : which number, in the words of the tables;
        point : the value the model uses, the median of the pooled distribution (linear; an odds ratio in
        effects); q05, q95 : its 5 and 95 % quantiles;
        experts : how many were heard, those overruled included; corrected_by : the correcting expert, or "";
        file_rows : the rows of the table behind it; sources : ids; citations : what they stand for;
        notes : the experts' reasons.
    """
    rows = [_row(compiled, item) for item in _about(compiled, cause)]
    return pd.DataFrame(rows)


def _about(compiled: CompiledModel, cause: str) -> list[PooledJudgement]:
    """Return the judgements whose key names a cause."""
    places: dict[JudgementTable, tuple[int, ...]] = {"shares": (0,), "links": (0,), "effects": (0, 2)}
    return [
        item
        for (table, key), item in compiled.pooled.items()
        if any(key[place] == cause for place in places.get(table, ()))
    ]


def _row(compiled: CompiledModel, item: PooledJudgement) -> dict[str, object]:
    """Describe one number."""
    low, high = item.distribution.quantile([0.05, 0.95]) if item.point else (0.0, 0.0)
    citations = [compiled.kb.sources[source].citation for source in item.sources]
    return {
        "table": item.table,
        "key": "|".join(item.key),
        "point": item.point,
        "q05": float(low),
        "q95": float(high),
        "experts": len(item.experts),
        "corrected_by": item.corrected_by or "",
        "file_rows": ";".join(str(row.row) for row in item.rows),
        "sources": ";".join(item.sources),
        "citations": " | ".join(citations),
        "notes": " | ".join(f"{row.expert}: {row.note}" for row in item.rows if row.note),
    }


def empty_table(compiled: CompiledModel, table: str) -> pd.DataFrame:
    """Return a table to fill in: ``"evidence"`` of one row, or the keys of a judgement table with empty quantiles.

    Raises
    ------
    UnknownNameError
        If there is no such table.
    """
    if table == "evidence":
        row = {v.id: pd.Categorical([None], categories=v.states) for v in compiled.vocabulary.variables}
        return pd.DataFrame(row)
    if table not in JUDGEMENT_TABLES:
        choices = ("evidence", *JUDGEMENT_TABLES)
        hint = nearest_hint(table, choices) or f"expected one of {', '.join(choices)}"
        raise UnknownNameError(f"unknown table {table!r}; {hint}")
    keys = [key for (owner, key) in compiled.pooled if owner == table]
    frame = pd.DataFrame(keys, columns=list(key_columns(table)))
    return frame.reindex(columns=list(COLUMNS[table]), fill_value="")

"""A file of resources, one per line (NDJSON), as a table: one row per patient, ready to be scored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import EvidenceError
from thighdx.evidence.columns import AGE, SETTING
from thighdx.evidence.vocabulary import GIVEN_PREFIX
from thighdx.fhir.evidence import EvidenceReader

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["UNREADABLE", "UNUSED_COLUMN", "resource_batches", "resource_schema"]

UNUSED_COLUMN = "fhir_unused"
# No setting is called so: the row keeps its place, and has a status in the place of probabilities.
UNREADABLE = "not a readable resource"
BATCH_ROWS = 1_024


def resource_schema(model: Model) -> pa.Schema:
    """Return the columns: id, subject, what was not used, and everything that can be known.

    Uncertain evidence (pregnant, but not how far along) has one column per state, ``pregnancy:none``.
    """
    reader = EvidenceReader(model)
    names = ["id", "subject", UNUSED_COLUMN, SETTING, *model.variables]
    names += [GIVEN_PREFIX + cause for cause in model.causes if cause in reader.variables]
    fields = [(name, pa.string()) for name in names]
    virtual = [f"{name}:{state}" for name in reader.uncertain for state in model.variables[name].states]
    ages = [AGE] if model.vocabulary.age_starts else []
    return pa.schema([*fields, *((name, pa.float64()) for name in (*ages, *virtual))])


def resource_batches(lines: Iterable[str], model: Model) -> Iterator[pa.RecordBatch]:
    """Yield resources, one per line, as record batches of `resource_schema`.

    A line that cannot be read is a row that says so in ``fhir_unused`` and in its setting.
    """
    schema, reader = resource_schema(model), EvidenceReader(model)
    rows = (_row(line, reader, model) for line in lines if line.strip())
    while batch := list(islice(rows, BATCH_ROWS)):
        yield pa.RecordBatch.from_pylist(batch, schema=schema)


def _row(line: str, reader: EvidenceReader, model: Model) -> dict[str, Any]:
    """Return one row."""
    resource: Any = None
    try:
        resource = json.loads(line)
        found = reader.read(resource)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, EvidenceError) else "not JSON"
        name = resource.get("id") if isinstance(resource, dict) else None
        return {"id": None if name is None else str(name), SETTING: UNREADABLE, UNUSED_COLUMN: reason}
    row: dict[str, Any] = {
        "id": None if resource.get("id") is None else str(resource["id"]),
        "subject": (found.subject or {}).get("reference"),
        UNUSED_COLUMN: "; ".join(map(str, found.unused)) or None,
    }
    for name, value in found.findings.items():
        if isinstance(value, dict):
            row |= {f"{name}:{state}": weight for state, weight in value.items()}
        else:
            row[GIVEN_PREFIX + name if name in model.causes else name] = value
    return row

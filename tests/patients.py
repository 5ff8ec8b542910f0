"""A network small enough to read, with every kind of variable, and tables of its patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from thighdx.evidence.columns import ColumnPlan
from thighdx.evidence.frames import encode_table
from thighdx.evidence.table_rows import STATUSES, EncodedRows
from thighdx.evidence.vocabulary import make_vocabulary
from thighdx.kb.records import Variable
from thighdx.network.build import build_network
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec
from thighdx.scoring.options import ScoreOptions
from thighdx.scoring.score import score_table

__all__ = [
    "BANDS",
    "CAUSES",
    "FRAMES",
    "GROUPS",
    "NETWORK",
    "SETTINGS",
    "SPEC",
    "VOCABULARY",
    "codes",
    "column",
    "encoded",
    "evidence_ids",
    "onset_columns",
    "planned",
    "scored",
    "scored_with_losses",
    "status",
]

SETTINGS = ("primary_care", "sports_clinic")
CAUSES = ("strain", "cramp", "clot")
GROUPS = {"muscle": ("strain", "cramp"), "alone": ("clot",)}

PRESENCE = ("absent", "present")
BANDS = ("18-39", "40-64", "65+")

VOCABULARY = make_vocabulary(
    (
        Variable("age_band", "context", "Age", BANDS),
        Variable("pregnancy", "context", "Pregnancy", PRESENCE),
        Variable("smoking", "context", "Smoking", PRESENCE),
        *(Variable(cause, "cause", cause, PRESENCE) for cause in CAUSES),
        Variable("onset", "finding", "Onset", ("gradual", "subacute", "sudden")),
        Variable("bruising", "finding", "Bruising", PRESENCE),
        Variable("d_dimer", "test", "D-dimer", ("negative", "positive")),
    ),
    SETTINGS,
)

SPEC = NetworkSpec(
    causes=CAUSES,
    max_causes=2,
    settings=SETTINGS,
    shares=np.array([[0.5, 0.4, 0.2], [0.8, 0.25, 0.05]]),
    pair_odds_ratio={("cramp", "clot"): 2.0},
    contexts=(
        ContextSpec(
            "age_band",
            "context",
            BANDS,
            np.array([[0.4, 0.35, 0.25], [0.7, 0.25, 0.05]]),
            np.array([[1, 0.8, 0.4], [1, 1.5, 2], [1, 2, 4]]),
        ),
        ContextSpec(
            "pregnancy",
            "context",
            PRESENCE,
            np.array([[0.95, 0.05], [0.99, 0.01]]),
            np.array([[1, 1], [1, 3], [1, 4.0]]),
        ),
        ContextSpec(
            "smoking",
            "context",
            PRESENCE,
            np.array([[0.8, 0.2], [0.9, 0.1]]),
            np.array([[1, 1], [1, 1], [1, 2.5]]),
        ),
    ),
    findings=(
        FindingSpec(
            "onset",
            "finding",
            ("gradual", "subacute", "sudden"),
            np.array([0.4, 0.1]),
            np.array([[0.9, 0.7], [0.8, 0.6], [0.6, 0.2]]),
        ),
        FindingSpec(
            "bruising",
            "finding",
            PRESENCE,
            np.array([0.02]),
            np.array([[0.4], [0.0], [np.nan]]),  # only a strain bruises a patient with a cramp
        ),
        FindingSpec(
            "d_dimer",
            "test",
            ("negative", "positive"),
            np.array([0.2]),
            np.array([[np.nan], [np.nan], [0.97]]),
        ),
    ),
    dependencies={(("age_band", "65+"), ("pregnancy", "present")): 0.0},
)
NETWORK = build_network(SPEC)

# How to make a table of each kind from a pandas one.
FRAMES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


def column(table: Any, name: str) -> list[Any]:
    """The values of a column of any kind of table."""
    values = table[name]
    return values.to_pylist() if isinstance(table, pa.Table) else values.to_list()


def evidence_ids() -> list[str]:
    """Every variable, in order."""
    return [variable.id for variable in VOCABULARY.variables]


def encoded(table: Any, **options: Any) -> EncodedRows:
    """The table as read with the small vocabulary."""
    return encode_table(VOCABULARY, table, **{"setting": "primary_care"} | options)[0]


def planned(table: Any, **options: Any) -> ColumnPlan:
    """What its columns are with the small vocabulary."""
    return encode_table(VOCABULARY, table, **{"setting": "primary_care"} | options)[1]


def codes(found: EncodedRows, name: str) -> list[int]:
    """State of a variable in every row."""
    return found.batch.codes[:, VOCABULARY.index[name]].tolist()


def status(found: EncodedRows) -> list[str]:
    """Status of every row, by name."""
    return [STATUSES[code] for code in found.status]


def onset_columns(rows: list[tuple[Any, Any, Any]]) -> dict[str, list[Any]]:
    """Columns of likelihoods from rows of them."""
    names = ("onset:gradual", "onset:subacute", "onset:sudden")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def scored(table: Any, *, groups: Any = False, **options: Any) -> Any:
    """The table as scored with the small network."""
    wanted = ScoreOptions(**{"setting": "primary_care", "groups": bool(groups)} | options)
    return score_table(small_model(GROUPS if groups is True else groups or {}), wanted, table)


def scored_with_losses(table: Any, **options: Any) -> Any:
    """The table as scored, where some rows cannot be, which is said."""
    with pytest.warns(UserWarning, match="rows have no probabilities .*; see the column status"):
        return scored(table, **options)


def small_model(groups: Mapping[str, Sequence[str]]) -> Any:
    """What scoring asks a model for."""
    return SimpleNamespace(network=NETWORK, vocabulary=VOCABULARY, groups=groups, residual_cause="")

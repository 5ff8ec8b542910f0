"""The standard cohort: patients drawn in primary care, with part of what is known hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from thighdx.frames import encode_table
from thighdx.inference.batch import EvidenceBatch
from thighdx.model import Model

__all__ = ["COHORTS", "SETTING", "Known", "as_strings", "cohort", "encode", "findings_of"]

SETTING = "primary_care"


@dataclass(frozen=True)
class Known:
    """Share of values that are known, by layer; the rest is missing at random."""

    finding: float = 0.3
    test: float = 0.05
    context: float = 0.8


COHORTS = {
    "standard": Known(),
    "55 % of findings missing": Known(finding=0.45),
    "everything known": Known(1.0, 1.0, 1.0),
    "all contexts unknown": Known(context=0.0),
}


def cohort(
    model: Model, n_rows: int, *, known: Known = COHORTS["standard"], seed: int = 20_260_101
) -> pd.DataFrame:
    """Draw patients and hide values at random; columns are categories, as `simulate` returns them."""
    table = model.simulate(n_rows, seed=seed, setting=SETTING)
    rng = np.random.default_rng(seed)
    share = {
        "finding": known.finding,
        "test": known.test,
        "context": known.context,
        "pathology": known.context,
    }
    for variable in (*model.network.spec.contexts, *model.network.spec.findings):
        is_hidden = rng.random(n_rows) >= share[variable.layer]
        table[variable.id] = table[variable.id].mask(is_hidden)
    return table


def as_strings(model: Model, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with evidence as Python strings in columns of objects, as a CSV file used to be read."""
    names = [name for name in table.columns if name in model.variables]
    return table.assign(**{name: table[name].astype(object) for name in names})


def findings_of(model: Model, table: pd.DataFrame, row: int) -> dict[str, str]:
    """Return what is known about one patient, as `diagnose` takes it."""
    names = [name for name in table.columns if name in model.variables]
    return {name: str(value) for name, value in table.loc[row, names].dropna().items()}


def encode(model: Model, table: pd.DataFrame) -> EvidenceBatch:
    """Turn a table into what the engines read."""
    encoded, _ = encode_table(model.vocabulary, table, setting=SETTING)
    assert not encoded.status.any()
    return encoded.batch

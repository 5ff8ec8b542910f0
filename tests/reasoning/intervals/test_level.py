"""A level of an interval that makes no sense is one error, whatever the door it comes in by."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import thighdx
from places import SMALL
from thighdx import fhir, plots
from thighdx.cli import app
from thighdx.compiled.case import open_case
from thighdx.errors import OptionError
from thighdx.evidence.one_case import encode_case
from thighdx.reasoning.intervals.credible_intervals import credible_intervals
from thighdx.reasoning.intervals.level import check_level
from thighdx.reasoning.intervals.table_intervals import table_intervals
from thighdx.scoring.options import ScoreOptions

ROWS = pd.DataFrame({"bruising": ["yes"]})
DOORS: dict[str, Callable[[thighdx.Model, Any], object]] = {
    "level: Result.interval": lambda model, level: model.diagnose({}).interval(level),
    "level: Result.interval by delta": lambda model, level: model.diagnose({}).interval(
        level, method="delta"
    ),
    "level: plot_posterior": lambda model, level: plots.plot_posterior(model.diagnose({}), level=level),
    "level: credible_intervals": lambda model, level: credible_intervals(
        open_case(model.compiled, {}, setting=model.default_setting), level
    ),
    "interval: check_level": lambda _model, level: check_level(level),
    "interval: Model.score": lambda model, level: model.score(ROWS, interval=level),
    "interval: Model.score of Arrow": lambda model, level: model.score(pa.table({"a": [1]}), interval=level),
    "interval: Model.score_batches": lambda model, level: list(model.score_batches([ROWS], interval=level)),
    "interval: Scorer": lambda model, level: thighdx.Scorer(model, interval=level),
    "interval: score_files": lambda model, level: thighdx.score_files(
        "missing.csv", "out.csv", scorer=thighdx.Scorer(model, interval=level)
    ),
    "interval: ScoreOptions": lambda model, level: ScoreOptions(model.default_setting, interval=level),
    "interval: table_intervals": lambda model, level: table_intervals(
        model.network,
        model.compiled.pooled,
        encode_case(model.vocabulary, {}, setting=model.default_setting).batch,
        level,
    ),
    "interval: risk_assessment": lambda model, level: fhir.risk_assessment(
        model.diagnose({}), interval=level
    ),
}
NONSENSE = ("x", "0.9", 0, 1, 1.0, True, float("nan"), float("inf"), Decimal("sNaN"), 90, -0.1)
COMMANDS = {
    "diagnose": ("diagnose", "bruising=yes"),
    "score": ("score", "missing.csv", "-o", "out.csv"),
    "fhir": ("fhir", "risk", "missing.json"),
}


@pytest.mark.parametrize("level", NONSENSE)
@pytest.mark.parametrize("door", DOORS)
def test_a_bad_level_is_the_same_error_at_every_door(
    small_model: thighdx.Model, door: str, level: object
) -> None:
    name = door.partition(":")[0]
    message = f"{name}: got {level!r}, expected a level between 0 and 1, such as 0.9"
    with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
        DOORS[door](small_model, level)


@pytest.mark.parametrize("level", ["90", "0", "1", "-0.1", "nan"])
@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line_says_so_before_it_reads_anything(
    monkeypatch: pytest.MonkeyPatch, command: str, level: str
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    words = (*COMMANDS[command], "--model", str(SMALL), "--interval", level)
    result = CliRunner().invoke(app, words, prog_name="thighdx")
    assert result.exit_code == 2
    expected = f"--interval: got {float(level)!r}, expected a level between 0 and 1, such as 0.9"
    assert expected in " ".join(result.stderr.split())


def test_a_number_of_numpy_is_a_level(small_model: thighdx.Model) -> None:
    result = small_model.diagnose({})
    found = [result.interval(level, method="delta") for level in (0.5, np.float32(0.5))]
    assert found[0] == found[1]

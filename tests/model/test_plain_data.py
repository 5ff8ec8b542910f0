"""Results as plain data: parts of them, their schema, and back again; how they look in a terminal."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import jsonschema
import numpy as np
import pytest

import thighdx
from thighdx import Interview, Result
from thighdx.errors import OptionError
from thighdx.model import Model
from thighdx.plain import Plain, plain, table_of
from thighdx.result import PARTS
from thighdx.schemas import evidence_schema, result_schema

CASES: list[dict[str, Any]] = [
    {},
    {"bruising": True, "age": 34, "muscle_weakness": "none", "hamstring_strain": None},
    {"onset": {"gradual": 0, "subacute": 0.3, "sudden": 0.7}, "given_lumbar_radiculopathy": "present"},
    {
        "date_of_birth": "1950-03-31",
        "reference_date": "2026-03-31",
        "bruising:absent": 1,
        "bruising:present": 2,
    },
]


@pytest.mark.parametrize("case", CASES)
def test_cases_and_results_fit_their_schemas(model: Model, case: dict[str, Any]) -> None:
    schema = evidence_schema(model)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(case, schema)
    result = model.diagnose(case)
    jsonschema.Draft202012Validator.check_schema(result_schema())
    jsonschema.validate(json.loads(result.to_json()), result_schema())
    jsonschema.validate(result.to_dict(include=[]), result_schema())
    jsonschema.validate(result.evidence, schema)


@pytest.mark.parametrize(
    "case",
    [
        {"brusing": True},
        {"bruising": "blue"},
        {"onset": True},
        {"age": 130},
        {"onset": {"sudden": 1}},
        {"age": "old"},
    ],
)
def test_what_the_schema_refuses_cannot_be_diagnosed(model: Model, case: dict[str, Any]) -> None:
    assert not jsonschema.Draft202012Validator(evidence_schema(model)).is_valid(case)
    with pytest.raises(thighdx.EvidenceError, match=r"expected|unknown finding"):
        model.diagnose(case)


def test_every_field_of_a_result_is_in_its_schema(model: Model) -> None:
    data = model.diagnose(CASES[1]).to_dict()
    assert set(data) == set(result_schema()["properties"])
    assert data["thighdx_version"] == thighdx.__version__
    assert data["model"]["digest"] == model.digest
    for broken in ({"format_version": 3}, {"posterior": {"hamstring_strain": 1.2}}, {"model": {}}):
        assert not jsonschema.Draft202012Validator(result_schema()).is_valid(data | broken)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_result_is_what_the_whole_has(model: Model, part: str) -> None:
    result = model.diagnose(CASES[1])
    whole, some = result.to_dict(), result.to_dict(include=[part])
    assert result.to_dict(include=part) == some
    assert set(PARTS) & set(some) == {part}
    assert some[part] == whole[part]


def test_a_part_that_does_not_exist_is_an_error(model: Model) -> None:
    with pytest.raises(OptionError, match=r"include: got 'posteriors', .*did you mean 'posterior'"):
        model.diagnose({}).to_dict(include=["posteriors"])


@pytest.mark.parametrize("case", CASES)
def test_a_result_comes_back_from_its_data(model: Model, case: dict[str, Any]) -> None:
    result = model.diagnose(case, setting="sports_clinic")
    data = json.loads(result.to_json())
    assert Result.from_dict(data, model).to_dict() == result.to_dict()


def test_data_of_another_model_or_format_are_refused(model: Model) -> None:
    data = model.diagnose({}).to_dict()
    other = model.rebase({"hamstring_strain": 0.3})
    with pytest.raises(OptionError, match="is from a model with the rebased"):
        Result.from_dict(data, other)
    with pytest.raises(OptionError, match=r"expected 'thighdx\.result' version 2"):
        Result.from_dict({}, model)
    with pytest.raises(OptionError, match="data: got list, expected the mapping of to_dict"):
        Result.from_dict([], model)  # type: ignore[arg-type]  # what is being tested


@pytest.mark.parametrize(("encoding", "locale"), [("ascii", None), ("utf-8", "C"), ("utf-8", "POSIX")])
def test_answers_are_shown_where_there_is_only_ascii(
    model: Model, monkeypatch: pytest.MonkeyPatch, encoding: str, locale: str | None
) -> None:
    result = model.diagnose(CASES[1])
    first, second = result.posterior.index[:2]
    found = [result, result.explain(first), result.contrast(first, second), result.sensitivity(first)]
    found += [result.next_questions(3), result.triage, result.management, result.interval(0.9), result.fit]
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    monkeypatch.delenv("LC_ALL", raising=False)
    assert sum("\N{FULL BLOCK}" in repr(item) for item in found) == 3
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    if locale is not None:
        monkeypatch.setenv("LC_ALL", locale)
    assert sum("###" in repr(item) for item in found) == 3
    for item in found:
        repr(item).encode("ascii")


def test_an_interview_says_how_far_it_is(model: Model) -> None:
    interview = Interview(model, {"age": 34}, as_lists=False)
    assert interview.question is not None
    asks = interview.question.variable
    assert (
        repr(interview)
        == f"<thighdx.Interview in primary_care: 0 answered, {interview.triage.level}; asks {asks}>"
    )
    interview.stop()
    assert repr(interview).endswith(f"; {interview.finished_because}>")


def test_the_package_can_be_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "thighdx", "--version"], capture_output=True, text=True, check=True
    )
    assert thighdx.__version__ in done.stdout


@dataclass(frozen=True, slots=True)
class Part:
    """A dataclass that says nothing of plain data."""

    ends: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line(Plain):
    """One with exceptions."""

    id: str
    words: str
    sd: float
    part: Part | None = None
    labels: dict[str, str] = field(default_factory=dict, compare=False)
    _renamed: ClassVar = {"words": "question", "id": ""}
    _worked_out: ClassVar = {"length": "words"}

    @property
    def length(self) -> int:
        return len(self.words)


def test_a_dataclass_is_plain_data_by_its_fields() -> None:
    line = Line("L1", "Where?", np.float64(0.5), Part((0.0, float("nan"))), {"a": "A"})
    data = line.to_dict()
    assert data == {"question": "Where?", "length": 6, "sd": 0.5, "part": {"ends": [0.0, None]}}
    assert list(data) == ["question", "length", "sd", "part"]
    assert type(data["sd"]) is float
    assert list(table_of([], Line).columns) == list(data)
    assert table_of([line], ["sd", "question"]).to_dict("list") == {"sd": [0.5], "question": ["Where?"]}


def test_arrays_and_mappings_become_lists_and_dicts() -> None:
    found = plain({"a": np.array([[1, 2]]), "b": MappingProxyType({"c": np.int64(3), "d": np.bool_(True)})})
    assert found == {"a": [[1, 2]], "b": {"c": 3, "d": True}}
    assert json.loads(json.dumps(found)) == found


def plain_kinds() -> list[type[Plain]]:
    """Every class of the package that is plain data by its fields."""
    package = Path(thighdx.__file__).parent
    files = [path for path in package.rglob("*.py") if "Plain):" in path.read_text(encoding="utf-8")]
    names = [".".join(path.relative_to(package.parent).with_suffix("").parts) for path in files]
    found = [vars(importlib.import_module(name)).values() for name in names]
    return [kind for kinds in found for kind in kinds if isinstance(kind, type) and Plain in kind.__mro__[1:]]


@pytest.mark.parametrize("kind", sorted(set(plain_kinds()), key=lambda kind: kind.__name__))
def test_exceptions_name_fields_and_properties_that_exist(kind: type[Plain]) -> None:
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]  # all are dataclasses
    assert {*kind._renamed, *kind._worked_out.values()} <= known
    assert all(isinstance(getattr(kind, name), property) for name in kind._worked_out)

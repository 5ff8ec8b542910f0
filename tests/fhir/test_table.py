"""A file of resources as a table to be scored."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

import thighdx
from cli.terminal import refused
from fhir_resources import bundle, concept, condition, observation, response
from thighdx.errors import TableError

SOME = {"onset": "sudden", "bruising": "present", "numbness": "absent", "sex": "male", "age_band": "18-39"}


def write(path: Path, *lines: object) -> Path:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize("name", ["in.ndjson", "in.ndjson.gz"])
def test_a_row_is_scored_as_its_resource_alone(model: thighdx.Model, tmp_path: Path, name: str) -> None:
    pregnant = bundle(observation("82810-3", valueCodeableConcept=concept("snomed", "77386006"))) | {
        "id": "two"
    }
    no_clot = bundle(condition("snomed", "128053003", verified="refuted"), condition("icd10", "Q99.9"))
    sent = write(tmp_path / name, response(model, SOME) | {"id": "one"}, pregnant, no_clot)
    out = tmp_path / "out.csv"
    thighdx.score_files(sent, out, scorer=thighdx.Scorer(model))
    scored = pd.read_csv(out)
    assert scored["id"].fillna("").tolist() == ["one", "two", ""]
    assert scored["status"].tolist() == ["ok"] * 3
    evidence = [
        SOME,
        {"pregnancy": {"none": 0, "first_trimester": 1, "second_or_third_trimester": 1}},
        {"deep_vein_thrombosis": False},
    ]
    for row, states in enumerate(evidence):
        alone = model.diagnose(states).posterior
        for cause in model.causes:
            assert scored.loc[row, cause] == pytest.approx(alone[cause], abs=1e-5)
    assert "Q99.9" in scored["fhir_unused"][2]


def test_a_line_that_cannot_be_read_keeps_its_place_and_says_why(
    model: thighdx.Model, tmp_path: Path
) -> None:
    lines = (
        response(model, SOME),
        "{not json",
        {"resourceType": "Encounter", "id": "e"},
        "[" * 5000,
        "1",
        "",
    )
    sent = write(tmp_path / "in.ndjson", *lines)
    out = tmp_path / "out.csv"
    with pytest.warns(UserWarning, match="4 rows have no probabilities"):
        thighdx.score_files(sent, out, scorer=thighdx.Scorer(model))
    scored = pd.read_csv(out)
    assert scored["status"].tolist() == ["ok", *["no_such_state"] * 4]
    assert scored["hamstring_strain"].isna().tolist() == [False, True, True, True, True]
    assert scored["fhir_unused"][1] == "not JSON"
    assert scored["fhir_unused"][2].startswith("resourceType: got 'Encounter'")


def test_resources_are_read_and_never_written(model: thighdx.Model, tmp_path: Path) -> None:
    table = write(tmp_path / "in.csv", "bruising", "yes")
    with pytest.raises(TableError, match=r"got the ending '.ndjson', expected .csv"):
        thighdx.score_files(table, tmp_path / "out.ndjson", scorer=thighdx.Scorer(model))


def test_the_commands_exchange_resources(
    model: thighdx.Model, tmp_path: Path, run: Callable[..., Result]
) -> None:
    sent = write(tmp_path / "sent.json", response(model, SOME))
    form = run("fhir", "questionnaire", "--check")
    assert json.loads(form.stdout)["resourceType"] == "Questionnaire"
    read = run("fhir", "evidence", str(sent), "--check")
    assert json.loads(read.stdout)["findings"] == {
        name: SOME[name] for name in model.variables if name in SOME
    }
    done = run("fhir", "risk", str(sent), "--check", "--on", "2026-11-30", "-o", "risk.json")
    assert done.exit_code == 0
    assert json.loads(Path("risk.json").read_text())["occurrenceDateTime"] == "2026-11-30"


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("{", [], "not JSON"),
        ("[]", [], "got a list, expected a resource"),
        ('{"resourceType": "Bundle"}', ["--on", "soon"], "--on: got 'soon', expected a date"),
        ('{"resourceType": "Bundle"}', ["--check"], "Bundle: 1 problem"),
        ('{"resourceType": "Buncle"}', ["--check"], "got 'Buncle', expected a type of FHIR R4"),
    ],
)
def test_a_command_says_what_is_wrong(
    run: Callable[..., Result], content: str, options: list[str], message: str
) -> None:
    Path("sent.json").write_text(content)
    refused(run("fhir", "evidence", "sent.json", *options), message)

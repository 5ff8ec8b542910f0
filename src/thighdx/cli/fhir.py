"""`thighdx fhir`: the questionnaire, the evidence and the result as FHIR R4 resources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thighdx.cli.options import MaxCostOption, ModelOption, SettingOption, open_model, read_day
from thighdx.cli.output import read_bytes, say, write_output
from thighdx.errors import EvidenceError
from thighdx.files.formats import STANDARD_STREAM
from thighdx.reasoning.intervals.level import check_level

if TYPE_CHECKING:
    from thighdx.fhir.evidence import FhirEvidence
    from thighdx.model import Model

__all__ = ["fhir_app"]

MAX_BYTES = 64_000_000

fhir_app = typer.Typer(
    help="Exchange with hospital systems as FHIR R4 resources.", no_args_is_help=True, rich_markup_mode=None
)

Resource = Annotated[
    str,
    typer.Argument(
        metavar="RESOURCE", help="JSON file of one patient: a QuestionnaireResponse or Bundle; or -."
    ),
]
Output = Annotated[
    str, typer.Option("--output", "-o", metavar="JSON", help="File to write, or - .", show_default=False)
]
Codes = Annotated[
    Path | None,
    typer.Option(
        "--codes", metavar="CSV", help="Codes of your own, before the shipped ones.", show_default=False
    ),
]
Day = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="DATE", help="Day on which age is worked out.", show_default="of the resource"
    ),
]
Check = Annotated[
    bool, typer.Option("--check", help="Also check what is read and written with fhir.resources.")
]


@fhir_app.command("questionnaire")
def write_questionnaire(
    max_cost: MaxCostOption = "ask",
    model: ModelOption = None,
    output: Output = STANDARD_STREAM,
    check: Check = False,
) -> None:
    """Write everything that can be asked as a Questionnaire, the safety questions first."""
    from thighdx.fhir import questionnaire

    _write(questionnaire(open_model(model), max_cost), output, check=check)


@fhir_app.command("evidence")
def read_evidence(
    resource: Resource,
    model: ModelOption = None,
    codes: Codes = None,
    on: Day = None,
    output: Output = STANDARD_STREAM,
    check: Check = False,
) -> None:
    """Read a resource and write what it says, where from, and what could not be used and why."""
    found = _evidence(resource, open_model(model), codes, on, check=check)
    _write(found.to_dict(), output)


@fhir_app.command("risk")
def write_risk(
    resource: Resource,
    setting: SettingOption = None,
    model: ModelOption = None,
    codes: Codes = None,
    on: Day = None,
    interval: Annotated[
        float | None,
        typer.Option(help="Give ranges: credible intervals of this level, such as 0.9.", show_default=False),
    ] = None,
    output: Output = STANDARD_STREAM,
    check: Check = False,
) -> None:
    """Read a resource and write the causes and the urgency as a RiskAssessment."""
    from thighdx.fhir import risk_assessment

    if interval is not None:
        check_level(interval, "--interval")
    loaded = open_model(model)
    found = _evidence(resource, loaded, codes, on, check=check)
    result = loaded.diagnose(found.findings, setting=setting)
    assessment = risk_assessment(result, evidence=found, interval=interval, on=read_day(on, "--on"))
    _write(assessment, output, check=check)


def _evidence(name: str, model: Model, codes: Path | None, on: str | None, *, check: bool) -> FhirEvidence:
    """Read the evidence of a file and say how much was not used."""
    from thighdx.fhir import evidence, validate

    resource = _load(name)
    if check:
        validate(resource)
    found = evidence(resource, model, codes=codes, on=read_day(on, "--on"))
    if found.unused:
        say(
            f"thighdx: {len(found.unused)} of what was sent is not evidence; see unused, or the notes of the result"
        )
    return found


def _load(name: str) -> dict[str, Any]:
    """Read a JSON object."""
    content, shown = read_bytes(name, MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise EvidenceError(
            f"{shown}: larger than {MAX_BYTES // 1_000_000} MB; for many patients, score .ndjson"
        )
    try:
        resource = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{shown}: not JSON: {str(error)[:200]}") from None
    if not isinstance(resource, dict):
        raise EvidenceError(
            f'{shown}: got a {type(resource).__name__}, expected a resource: {{"resourceType": ...}}'
        )
    return resource


def _write(content: dict[str, Any], output: str, *, check: bool = False) -> None:
    """Write JSON to a file or to standard output."""
    from thighdx.fhir import validate

    if check:
        validate(content)
    write_output(json.dumps(content, ensure_ascii=False, indent=2) + "\n", output)

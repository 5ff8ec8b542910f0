"""The answer about one case as a FHIR R4 `RiskAssessment`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from thighdx import __version__
from thighdx.errors import OptionError
from thighdx.fhir.evidence import FhirEvidence
from thighdx.fhir.findings import check_day
from thighdx.fhir.names import BASE, SYSTEMS, Json, own_system, questionnaire_version
from thighdx.kb.records import Code
from thighdx.reasoning.intervals.level import check_level
from thighdx.text import exact_percent, finding_name, percent
from thighdx.words import say

if TYPE_CHECKING:
    from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
    from thighdx.result import Result

__all__ = ["risk_assessment"]

_SYSTEM_NAMES = {"ICD-10": SYSTEMS["icd10"], "SNOMED-CT": SYSTEMS["snomed"]}
NO_SUBJECT: Json = {"display": "not stated"}


def risk_assessment(
    result: Result,
    *,
    evidence: FhirEvidence | None = None,
    subject: Mapping[str, Any] | None = None,
    interval: float | None = None,
    on: datetime.date | None = None,
) -> Json:
    """Return a result as a FHIR R4 `RiskAssessment`: a prediction per cause, the likeliest first.

    Parameters
    ----------
    result : Result
        Of `Model.diagnose`.
    evidence : FhirEvidence, optional
        Where the findings came from: the resources that were used become `basis`, and what was not used a note.
    subject : mapping, optional
        Reference to the patient, such as ``{"reference": "Patient/1"}``; by default that of `evidence`.
    interval : float, optional
        Level of credible intervals, such as 0.9: every prediction then has a range in the place of a number.
    on : date, optional
        The day of the assessment; left out by default, as nothing here looks at the clock.

    Returns
    -------
    dict
        JSON. Probabilities are **percentages**, 0 to 100, as R4 demands of ``prediction.probability``. A cause has
        the model's own code, and that of a public classification where there is exactly one for it. The urgency is
        an extension and a note, the disclaimer a note, model and digest are in ``method``. The status is
        ``preliminary``: nobody has reviewed it.

    Raises
    ------
    OptionError
        If the level is no number between 0 and 1, `subject` no mapping or `on` no date.

    Examples
    --------
    >>> import thighdx
    >>> result = thighdx.load_model().diagnose({"onset": "sudden", "bruising": True})
    >>> found = risk_assessment(result)
    >>> found["status"], found["prediction"][0]["outcome"]["text"]
    ('preliminary', 'Hamstring strain')
    """
    check_day(on)
    if interval is not None:
        check_level(interval)
    if not isinstance(subject, Mapping | None):
        raise OptionError(
            f"subject: got {subject!r}, expected a reference such as {{'reference': 'Patient/1'}}"
        )
    card = result.model
    found: Json = {
        "resourceType": "RiskAssessment",
        "extension": [{"url": f"{BASE}/StructureDefinition/urgency", "valueCode": result.triage.level}],
        "status": "preliminary",
        "method": {
            "coding": [
                {"system": f"{BASE}/method", "version": questionnaire_version(card), "code": card.name}
            ],
            "text": f"thighdx {__version__}, model {card.name} {card.version}, SHA-256 {card.digest}, "
            f"setting {result.setting}",
        },
        "code": {"text": say("fhir.causes", result.triage.labels)},
        "subject": dict(subject or (evidence.subject if evidence else None) or NO_SUBJECT),
        "basis": _basis(result, evidence),
        "prediction": _predictions(result, interval),
        "mitigation": result.triage.words,
        "note": [{"text": text} for text in _notes(result, evidence, interval)],
    }
    if on is not None:
        found["occurrenceDateTime"] = on.isoformat()
    return found


def _predictions(result: Result, level: float | None) -> list[Json]:
    """Return one prediction per cause, what is not in the list of causes last."""
    posterior, prior = result.posterior, result.prior
    limits = None if level is None else result.interval(level)
    residual = result.model.residual_cause
    ordered = [cause for cause in posterior.index if cause != residual]
    found = []
    for cause in [*ordered, *([residual] if residual in posterior.index else [])]:
        now, before = float(posterior[cause]), float(prior[cause])
        found.append(
            {
                "outcome": _outcome(result, cause),
                **_probability(now, cause, limits),
                "rationale": say(
                    "fhir.moved", result.triage.labels, now=percent(now), before=percent(before)
                ),
            }
        )
    return found


def _probability(now: float, cause: str, limits: CredibleIntervals | None) -> Json:
    """Return a probability as a percentage, or as the range in which it lies."""
    if limits is None:
        return {"probabilityDecimal": _percentage(now)}
    unit = {"unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
    ends = {
        side: {"value": _percentage(end), **unit}
        for side, end in (("low", limits[cause].lower), ("high", limits[cause].upper))
    }
    point = {"url": f"{BASE}/StructureDefinition/probability", "valueDecimal": _percentage(now)}
    return {"extension": [point], "probabilityRange": ends}


def _percentage(value: float) -> float:
    """Write six significant digits, without an exponent where that can be."""
    return float(f"{100.0 * value:.6g}")


def _outcome(result: Result, cause: str) -> Json:
    """Return a cause with its codes."""
    label = result._case.kb.variable(cause).label
    own = {"system": own_system(result.model.name), "code": cause, "display": label}
    by_system: dict[str, list[Code]] = {}
    for code in result._case.kb.codes:
        if code.cause == cause and code.system in _SYSTEM_NAMES:
            by_system.setdefault(code.system, []).append(code)
    public = [
        {"system": _SYSTEM_NAMES[system], "code": codes[0].code, "display": codes[0].title}
        for system, codes in by_system.items()
        if len(codes) == 1  # several are forms of the cause, not names of the same thing
    ]
    return {"coding": [own, *public], "text": label}


def _basis(result: Result, evidence: FhirEvidence | None) -> list[Json]:
    """Return the resources that were used, or the findings in words."""
    if evidence is not None and evidence.origins:
        origins = dict.fromkeys(where.partition(".")[0] for where in evidence.origins.values())
        return [{"display": where} if "#" in where else {"reference": where} for where in origins]
    labels = result._case.kb.labels
    found = [finding_name(name, value, labels) for name, value in result.evidence.items()]
    return [{"display": text} for text in found or [say("fhir.nothing", labels)]]


def _notes(result: Result, evidence: FhirEvidence | None, level: float | None) -> list[str]:
    """Return the disclaimer, the urgency and its reasons, and what was not used."""
    labels = result.triage.labels
    notes = [result.model.disclaimer, say("fhir.urgency", labels, urgency=result.triage.words)]
    notes += [say("fhir.because", labels, reason=reason.words) for reason in result.triage.deciding]
    about = [say("fhir.percentages", labels)]
    about += [] if level is None else [say("fhir.ranges", labels, level=exact_percent(level))]
    notes.append(" ".join(about))
    notes += [warning.message for warning in result.warnings]
    if evidence is not None:
        notes += [say("fhir.not_used", labels, item=item) for item in evidence.unused]
    return notes

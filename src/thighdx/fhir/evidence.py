"""From a FHIR R4 resource to evidence; what could not be used is listed, never dropped."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from thighdx.errors import EvidenceError
from thighdx.evidence.vocabulary import AGE_VARIABLE, Vocabulary, is_missing
from thighdx.fhir.codes import AGE, CodeMap, read_code_map
from thighdx.fhir.findings import (
    Context,
    Finding,
    Unused,
    cause_codes,
    check_day,
    condition,
    day_of,
    items,
    medication,
    observation,
)
from thighdx.fhir.names import Json, questionnaire_url, questionnaire_version
from thighdx.model import Model, load_model
from thighdx.plain import Plain

__all__ = ["EvidenceReader", "FhirEvidence", "Unused", "evidence"]

READ = ("QuestionnaireResponse", "Bundle", "Observation", "Condition", "MedicationStatement", "Patient")
BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
UNKNOWN_ANSWERS = ("unknown", "asked-unknown", "asked-declined", "261665006")  # the last: SNOMED CT, unknown


@dataclass(frozen=True, slots=True)
class FhirEvidence(Plain):
    """Evidence of one patient, ready for `Model.diagnose`.

    Attributes
    ----------
    findings : dict
        Variable to state, or to a likelihood per state; ``age`` in years.
    origins : dict
        Variable to the resource it comes from.
    unused : tuple of Unused
        Everything sent that is not evidence, with the reason.
    subject : dict or None
        Reference to the patient.
    """

    findings: dict[str, Any]
    origins: dict[str, str]
    unused: tuple[Unused, ...]
    subject: Json | None = None

    def __repr__(self) -> str:
        """Return one line per finding and per thing that was not used."""
        lines = [f"{name}: {value} ({self.origins[name]})" for name, value in self.findings.items()]
        return "\n".join([*lines, *(f"not used: {item}" for item in self.unused)])


def evidence(
    resource: Mapping[str, Any],
    model: Model | None = None,
    *,
    codes: CodeMap | str | Path | None = None,
    on: datetime.date | None = None,
) -> FhirEvidence:
    """Read what a patient's resources say about the questions of a model.

    A `QuestionnaireResponse`, `Observation`, `Condition`, `MedicationStatement` or `Patient`, or a `Bundle` of
    them.

    Parameters
    ----------
    resource : mapping
        JSON of FHIR R4, of one patient.
    model : Model, optional
        The shipped one by default.
    codes : CodeMap or path, optional
        A table of codes, or a file that extends the shipped one (`read_code_map`).
    on : date, optional
        The day on which age is worked out, and from which it is counted how old a finding is. By default that of
        the bundle or response, or the last on which anything in it was found; never the clock, so that the same
        resource always gives the same.

    Returns
    -------
    FhirEvidence
        What is not sent is unknown. Of several Observations on one variable the last counts; resources that
        contradict one another without saying which is newer count for nothing and are listed.

    Raises
    ------
    EvidenceError
        If it is no such resource, or of several patients.
    OptionError
        If `on` is no date.

    Examples
    --------
    >>> import thighdx
    >>> sent = {"resourceType": "Condition", "code": {"coding": [
    ...     {"system": "http://snomed.info/sct", "code": "73211009"}]}}
    >>> evidence(sent, thighdx.load_model()).findings
    {'diabetes': 'present'}
    """
    return EvidenceReader(load_model() if model is None else model, codes).read(resource, on=on)


class EvidenceReader:
    """Reads resources of one patient after the other; see `evidence`.

    Raises
    ------
    KnowledgeBaseError
        If a table of the user's own names what the model does not have.
    """

    def __init__(self, model: Model, codes: CodeMap | str | Path | None = None) -> None:
        table = codes if isinstance(codes, CodeMap) else read_code_map(codes)
        shipped = read_code_map()
        own = tuple(row for row in table.rows if row not in shipped.rows) if codes is not None else ()
        CodeMap(own, table.source).check(model.vocabulary)
        known = {**model.variables, **model.causes}
        causes = cause_codes(model.compiled.kb.codes)
        version = questionnaire_version(model)
        self._context = Context(model.name, version, model.vocabulary, known, causes, table, None)
        self._order = {name: place for place, name in enumerate((AGE, *known))}

    @property
    def variables(self) -> frozenset[str]:
        """What the table of codes can be evidence on."""
        return frozenset(row.variable for row in self._context.codes.rows)

    @property
    def uncertain(self) -> tuple[str, ...]:
        """Variables on which a code may leave open which of several states it is."""
        rows = self._context.codes.rows
        names = {row.variable for row in rows if len(row.states) > 1}
        return tuple(name for name in self._context.known if name in names)

    def read(self, resource: Mapping[str, Any], *, on: datetime.date | None = None) -> FhirEvidence:
        """Read one resource.

        Raises
        ------
        EvidenceError
            If it is none that can be read, or of several patients.
        OptionError
            If `on` is no date.
        """
        kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
        if kind not in READ:
            raise EvidenceError(f"resourceType: got {kind!r}, expected one of {', '.join(READ)}")
        check_day(on)
        parts = list(_parts(dict(resource)))
        context = replace(self._context, on=on or _latest(dict(resource), parts))
        try:
            said = [found for where, part in parts for found in _read(part, where, context, dict(parts))]
        except RecursionError:
            raise EvidenceError(f"{kind}: nested too deeply, expected some levels of items") from None
        merged = _merged([item for item in said if isinstance(item, Finding)])
        merged = _one_age(merged, context.vocabulary)
        used = [item for item in merged if isinstance(item, Finding)]
        used.sort(key=lambda item: self._order[item.variable])
        return FhirEvidence(
            {item.variable: item.value for item in used},
            {item.variable: item.where for item in used},
            tuple(item for item in (*said, *merged) if isinstance(item, Unused)),
            _subject(dict(resource), parts),
        )


def _parts(resource: Json) -> Iterator[tuple[str, Json]]:
    """Yield the resources of a bundle by the name they are referred to, or the one there is."""
    if resource["resourceType"] != "Bundle":
        yield _name(resource, 0), resource
        return
    for number, entry in enumerate(items(resource.get("entry"))):
        part = entry.get("resource")
        if isinstance(part, dict):
            yield _name(part, number), part


def _name(resource: Json, number: int) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id') or f'#{number}'}"


def _latest(resource: Json, parts: list[tuple[str, Json]]) -> datetime.date | None:
    """Return the day a bundle or response was made, or the last on which anything in it was found."""
    stamped = day_of(resource.get("timestamp"), resource.get("authored"))
    names = ("authored", "effectiveDateTime", "effectivePeriod", "issued", "recordedDate", "dateAsserted")
    days = [day_of(*(part.get(name) for name in names)) for _, part in parts]
    return stamped or max((day for day in days if day is not None), default=None)


def _subject(resource: Json, parts: list[tuple[str, Json]]) -> Json | None:
    """Return the one patient a bundle is about.

    Raises
    ------
    EvidenceError
        If there are several.
    """
    named = {
        str(entry.get("fullUrl")): _name(part, number)
        for number, entry in enumerate(items(resource.get("entry")))
        if isinstance(part := entry.get("resource"), dict)
    }
    subjects = [part.get("subject") for _, part in parts]
    sent = [str(item["reference"]) for item in subjects if isinstance(item, dict) and "reference" in item]
    # a reference may be relative, absolute, or what the entry of the patient calls itself
    patients = {named.get(name, "/".join(name.split("/")[-2:])) for name in sent}
    patients |= {name for name, part in parts if part.get("resourceType") == "Patient" and "#" not in name}
    if len(patients) > 1:
        found = ", ".join(sorted(patients))
        raise EvidenceError(f"Bundle: got resources of several patients ({found}), expected one")
    return {"reference": patients.pop()} if patients else None


def _read(part: Json, where: str, context: Context, others: Mapping[str, Json]) -> Iterator[Finding | Unused]:
    """Read one resource."""
    kind = part.get("resourceType")
    if kind == "Observation":
        yield from observation(part, where, context)
    elif kind == "Condition":
        yield from condition(part, where, context)
    elif kind == "MedicationStatement":
        concept = part.get("medicationCodeableConcept")
        if concept is None and isinstance(part.get("medicationReference"), dict):
            name = str(part["medicationReference"].get("reference"))
            contained = {f"#{item.get('id')}": item for item in items(part.get("contained"))}
            concept = {**others, **contained}.get(name, {}).get("code")
        yield from medication(part, where, context, concept)
    elif kind == "Patient":
        yield from _patient(part, where, context)
    elif kind == "QuestionnaireResponse":
        yield from _response(part, where, context)
    elif kind != "Medication":  # read where a statement refers to it
        yield Unused(where, str(kind), f"this type is not read, expected one of {', '.join(READ)}")


def _patient(part: Json, where: str, context: Context) -> Iterator[Finding | Unused]:
    """Read age and sex; the sex recorded at birth first, if it is there."""
    sexes = context.known.get("sex")
    birth = [item.get("valueCode") for item in items(part.get("extension")) if item.get("url") == BIRTH_SEX]
    sex = {"M": "male", "F": "female"}.get(str(birth[0])) if birth else part.get("gender")
    if sexes is not None and sex in sexes.states:
        yield Finding("sex", str(sex), where, None)
    elif sex or birth:
        yield Unused(where, f"gender {sex}", "expected male or female, the sex recorded at birth")
    if (born := part.get("birthDate")) is None or not context.vocabulary.age_starts:
        return
    earliest, latest = (day_of(f"{born}{end}"[:10]) for end in ("-01-01", "-12-31"))
    whole = day_of(born)
    if len(str(born)) == 7:
        earliest, latest = day_of(f"{born}-01"), day_of(f"{born}-28")
    first, last = (whole, whole) if whole else (earliest, latest)
    if context.on is None or first is None or last is None:
        yield Unused(where, f"birthDate {born}", "no day to work the age out on: give one")
        return
    ages = {_years(first, context.on), _years(last, context.on)}
    if not all(0 <= age <= 120 for age in ages):
        yield Unused(where, f"birthDate {born}", f"gives an age of {min(ages)} on {context.on}")
    elif len({context.vocabulary.age_code(age) for age in ages}) > 1:
        yield Unused(where, f"birthDate {born}", "too coarse to tell the age band")
    else:
        yield Finding(AGE, min(ages), where, None)


def _years(born: datetime.date, on: datetime.date) -> int:
    """Return an age in whole years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _response(part: Json, where: str, context: Context) -> Iterator[Finding | Unused]:
    """Read the answers to the questionnaire of the model."""
    asked = str(part.get("questionnaire") or "")
    own = questionnaire_url(context.model_name)
    if part.get("status") == "entered-in-error":
        yield Unused(where, "all answers", "status entered-in-error")
    elif asked and asked.partition("|")[0] != own:
        yield Unused(where, "all answers", f"answers another questionnaire ({asked}), expected {own}")
    else:
        version = asked.partition("|")[2]
        if version and version != context.version:
            why = f"not that of this model ({context.version}); its answers were read all the same"
            yield Unused(where, f"version {version} of the questionnaire", why)
        day = day_of(part.get("authored"))
        for item in items(part.get("item")):
            yield from _answers(item, where, day, context)


def _answers(
    item: Json, where: str, day: datetime.date | None, context: Context
) -> Iterator[Finding | Unused]:
    """Read an item, and those inside it and its answers."""
    link, answers = str(item.get("linkId")), items(item.get("answer"))
    for inner in [*items(item.get("item")), *(i for answer in answers for i in items(answer.get("item")))]:
        yield from _answers(inner, where, day, context)
    if not answers:
        return
    value = _answered(answers[0])
    what = f"{link} = {value}"
    if len(answers) > 1:
        yield Unused(where, link, f"got {len(answers)} answers, expected one")
    elif value is None or is_missing(value) or value in UNKNOWN_ANSWERS:
        return
    elif link == AGE and context.vocabulary.age_starts:
        is_age = isinstance(value, int | float) and 0 <= value <= 120
        yield (
            Finding(AGE, float(value), where, day)
            if is_age
            else Unused(where, what, "expected 0 to 120 years")
        )
    elif link not in context.known:
        yield Unused(where, what, "the model has no such question")
    else:
        variable = context.known[link]
        code = Vocabulary.find_code(variable, value)
        if code is None:
            yield Unused(where, what, f"expected one of {', '.join(variable.states)}")
        else:
            yield Finding(link, variable.states[code], where, day)


def _answered(answer: Json) -> Any:
    """Return the value of an answer: the code of a coding, or what it is."""
    for name, value in answer.items():
        if name == "valueCoding":
            return value.get("code") if isinstance(value, dict) else None
        if name.startswith("value"):
            return value
    return None


def _merged(findings: list[Finding]) -> list[Finding | Unused]:
    """Keep one finding per variable: the newest, or the only one that all agree on."""
    by_variable: dict[str, list[Finding]] = {}
    for item in findings:
        by_variable.setdefault(item.variable, []).append(item)
    merged: list[Finding | Unused] = []
    for variable, found in by_variable.items():
        days = [item.day for item in found]
        newest = max((day for day in days if day is not None), default=None)
        kept = found if None in days else [item for item in found if item.day == newest]
        if any(item.value != kept[0].value for item in kept):
            others = ", ".join(dict.fromkeys(item.where for item in kept))
            merged += [
                Unused(item.where, f"{variable} = {item.value}", f"contradicted: {others} do not agree")
                for item in kept
            ]
        else:
            merged.append(kept[0])
        merged += [
            Unused(item.where, f"{variable} = {item.value}", f"older than {kept[0].where}")
            for item in found
            if item not in kept and item.value != kept[0].value
        ]
    return merged


def _one_age(findings: list[Finding | Unused], vocabulary: Vocabulary) -> list[Finding | Unused]:
    """Leave out an age and an age band that do not go together."""
    ages = {
        item.variable: item
        for item in findings
        if isinstance(item, Finding) and item.variable in (AGE, AGE_VARIABLE)
    }
    if len(ages) < 2:
        return findings
    years, band = ages[AGE], ages[AGE_VARIABLE]
    states = vocabulary.variables[vocabulary.index[AGE_VARIABLE]].states
    if band.value == states[vocabulary.age_code(float(str(years.value)))]:
        return findings
    why = f"contradicted: {years.where} and {band.where} do not agree"
    return [
        Unused(item.where, f"{item.variable} = {item.value}", why) if item in (years, band) else item
        for item in findings
    ]

"""One case as a YAML 1.2 file: what is known, where the patient was seen, what to call the case."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from thighdx.cli.output import read_bytes
from thighdx.errors import EvidenceError, UnknownNameError, nearest_hint
from thighdx.kb.yaml_text import load_yaml

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["CaseFile", "read_case_file"]

MAX_CHARACTERS = 100_000
Line = Annotated[str, Field(min_length=1, max_length=200)]
Likelihoods = dict[str | bool, Annotated[float, Field(ge=0, allow_inf_nan=False)]]


class _Case(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    title: Line | None = None
    id: Line | None = None
    date: datetime.date | Line | None = None
    setting: Line | None = None
    max_causes: Annotated[int, Field(ge=1, le=10)] | None = None
    evidence: dict[str, str | bool | int | float | Likelihoods | None] = {}


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What a file says about one case; see docs/pages/reference/files.md for its keys."""

    name: str
    title: str | None
    case_id: str | None
    date: datetime.date | str | None
    setting: str | None
    max_causes: int | None
    evidence: dict[str, Any]
    problems: tuple[str, ...] = ()  # of the form; what they are about is left out above

    def check(self, model: Model, *, setting: str | None = None) -> None:
        """Compare with the vocabulary of a model; problems of the form are raised here too.

        Parameters
        ----------
        setting : str, optional
            Takes the place of the file's.

        Raises
        ------
        EvidenceError
            With everything that cannot be read, at once.
        """
        problems = list(self.problems)
        problems += list(self._problems(model, self.setting if setting is None else setting))
        if problems:
            raise _refusal(self.name, problems)

    def _problems(self, model: Model, setting: str | None) -> Iterator[str]:
        """Try every piece of evidence alone, so that one mistake does not hide another."""
        from thighdx.evidence.one_case import encode_case

        if setting is not None:
            try:
                model.vocabulary.setting_code(setting)
            except (EvidenceError, UnknownNameError) as error:
                yield str(error)
        for name, value in self.evidence.items():
            try:
                encode_case(model.vocabulary, {name: value}, setting=model.default_setting)
            except EvidenceError as error:
                yield f"evidence, {error}"


def read_case_file(name: str) -> CaseFile:
    """Read a file, or standard input for ``-``; its evidence is compared with a model by `CaseFile.check`.

    Raises
    ------
    EvidenceError
        If it is not a mapping in YAML at all; what is wrong in it is in `CaseFile.problems`.
    OSError
        If it cannot be read.
    """
    content, shown = read_bytes(name)
    try:
        data = load_yaml(_text(content, shown))
    except EvidenceError:
        raise
    except ValueError as error:
        raise _refusal(shown, [f"not valid YAML 1.2: {error}"]) from None
    if data is None:
        raise _refusal(shown, ["is empty, expected at least: evidence: {bruising: present}"])
    if not isinstance(data, dict):
        raise _refusal(shown, [f"got a {type(data).__name__}, expected keys such as setting and evidence"])
    case, problems = _validated(data, shown)
    evidence = dict(case.evidence)
    return CaseFile(
        shown, case.title, case.id, case.date, case.setting, case.max_causes, evidence, tuple(problems)
    )


def _text(content: bytes, shown: str) -> str:
    """Return the text of a file."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal(shown, ["is not UTF-8 text; save it as UTF-8"]) from None
    if len(text) > MAX_CHARACTERS:
        raise _refusal(shown, [f"longer than {MAX_CHARACTERS:,} characters, expected one case"])
    return text


def _refusal(name: str, problems: list[str]) -> EvidenceError:
    """Put all problems into one error."""
    if len(problems) == 1:
        return EvidenceError(f"{name}: {problems[0]}")
    return EvidenceError(
        "\n".join([f"{name}: {len(problems)} problems", *(f"  {item}" for item in problems)])
    )


def _validated(data: dict[Any, Any], shown: str) -> tuple[_Case, list[str]]:
    """Check the form; what is wrong is left out of the case and listed, so that the rest is checked too."""
    kept, problems = _with_names(data, "")
    if isinstance(kept.get("evidence"), dict):
        kept["evidence"], nameless = _with_names(kept["evidence"], "evidence, ")
        problems += nameless
    try:
        return _Case.model_validate(kept), problems
    except RecursionError:
        raise _refusal(shown, ["nested too deeply, expected keys such as setting and evidence"]) from None
    except ValidationError as error:
        for place, item in _by_place(error).items():
            problems.append(f"{', '.join(place)}: {_expected(place, item)}")
            (kept if len(place) == 1 else kept["evidence"]).pop(place[-1])
        return _Case.model_validate(kept), problems


def _with_names(data: dict[Any, Any], where: str) -> tuple[dict[str, Any], list[str]]:
    """Leave out and list what is not under a name: YAML takes 1, true and null for no text."""
    kept = {key: value for key, value in data.items() if isinstance(key, str)}
    return kept, [f"{where}{str(key)[:80]}: expected a name" for key in data if not isinstance(key, str)]


def _by_place(error: ValidationError) -> dict[tuple[str, ...], Any]:
    """Return the first problem of every place; a value that fits no type has one per type."""
    found: dict[tuple[str, ...], Any] = {}
    for item in error.errors():
        loc = tuple(map(str, item["loc"]))
        found.setdefault(loc[:2] if loc[0] == "evidence" else loc[:1], item)
    return found


def _expected(place: tuple[str, ...], item: Any) -> str:
    """Say what was got and expected at one place."""
    got = item["input"]
    kind = "mapping" if isinstance(got, dict) else type(got).__name__
    shown = f"got {str(got)[:80]!r}" if isinstance(got, str | int | float) else f"got a {kind}"
    if item["type"] == "extra_forbidden":
        keys = list(_Case.model_fields)
        return "unknown key; " + (nearest_hint(place[0], keys) or f"expected one of {', '.join(keys)}")
    if place[0] == "date":
        return f"{shown}, expected a day such as 2026-01-31, or a text"
    if place[0] in ("id", "title", "setting"):
        return f'{shown}, expected a text of 1 to 200 characters; put numbers in quotes: {place[0]}: "007"'
    if place[0] == "max_causes":
        return f"{shown}, expected a whole number from 1 to 10"
    if len(place) == 2:
        return f"{shown}, expected a state, yes or no, a number, or a likelihood of 0 or more for every state"
    return f"{shown}, expected findings and their values, such as bruising: present"

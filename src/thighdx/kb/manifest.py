"""The manifest of a knowledge base: `model.yaml`, YAML 1.2, validated as a whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML

from thighdx.errors import Problem, nearest_hint
from thighdx.kb.records import MAX_ODDS_FACTOR, Cost, Expert, Manifest, Role, Setting
from thighdx.kb.tables import MANIFEST_FILE
from thighdx.kb.yaml_text import load_yaml

__all__ = ["MANIFEST_FORMAT", "parse_manifest", "with_changes", "with_experts"]

MANIFEST_FORMAT = 1
MAX_MANIFEST_CHARACTERS = 200_000

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
Text = Annotated[str, Field(min_length=1, max_length=10_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Setting(_Strict):
    id: Name
    label: Text
    max_cost: Cost = "examine"


class _Expert(_Strict):
    id: Annotated[str, Field(pattern=r"^(records:)?[a-z][a-z0-9_]*$", max_length=100)]
    role: Role
    label: Text
    variables: list[Name] = []
    causes: list[Name] = []
    revises: list[Name] = []


class _Manifest(_Strict):
    format: Literal[1]  # MANIFEST_FORMAT
    name: Name
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+([a-z0-9_.+-]*)$", max_length=500)]
    title: Text
    max_causes: Annotated[int, Field(ge=1, le=10)]
    default_setting: Name
    residual_cause: str = ""
    fit_tolerance: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    complaints: list[Name] = []
    must_not_miss_group: str = ""
    must_not_miss_odds: Annotated[float, Field(ge=1, le=MAX_ODDS_FACTOR)] = 3.0
    disclaimer: Text
    settings: Annotated[list[_Setting], Field(min_length=1, max_length=50)]
    experts: Annotated[list[_Expert], Field(min_length=1, max_length=50)]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$", max_length=20)] = "en"
    rebased: dict[Name, dict[Name, Annotated[float, Field(gt=0, lt=1)]]] = {}


def parse_manifest(text: str, problems: list[Problem]) -> Manifest | None:
    """Return the manifest, or None after noting what is wrong with it."""
    if not text.strip():
        if not any(problem.file == MANIFEST_FILE for problem in problems):
            problems.append(Problem(MANIFEST_FILE, None, None, "the file is empty"))
        return None
    if len(text) > MAX_MANIFEST_CHARACTERS:
        problems.append(
            Problem(MANIFEST_FILE, None, None, f"longer than {MAX_MANIFEST_CHARACTERS:,} characters")
        )
        return None
    try:
        parsed = _Manifest.model_validate(load_yaml(text))
    except ValueError as error:
        problems.extend(_problems(error))
        return None
    return _checked(parsed, problems)


def _problems(error: Exception) -> list[Problem]:
    """Say where a YAML or validation error is and what was expected."""
    if not isinstance(error, ValidationError):
        return [Problem(MANIFEST_FILE, None, None, f"not valid YAML 1.2: {error}")]
    found = []
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"])
        hint = nearest_hint(place, _Manifest.model_fields) if item["type"] == "extra_forbidden" else ""
        got = "" if isinstance(item["input"], Mapping) else f" (got {_shown(item['input'])})"
        found.append(Problem(MANIFEST_FILE, None, place, item["msg"] + got, hint))
    return found


def _shown(value: object) -> str:
    """Write what was got in a few words; aliases can make a short file's value too long to write out."""
    if isinstance(value, str | int | float | bool | None):
        return repr(str(value)[:80])
    return f"a {type(value).__name__}"


def _checked(parsed: _Manifest, problems: list[Problem]) -> Manifest:
    """Check what one field says about another and freeze the result."""
    settings = [setting.id for setting in parsed.settings]
    experts = [expert.id for expert in parsed.experts]
    for place, names in (("settings", settings), ("experts", experts)):
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        problems.extend(Problem(MANIFEST_FILE, None, place, f"{name!r} given twice") for name in twice)
    named = [("default_setting", parsed.default_setting), *(("rebased", name) for name in parsed.rebased)]
    for place, name in named:
        if name not in settings:
            message = f"got {name!r}, expected one of {', '.join(settings)}"
            problems.append(Problem(MANIFEST_FILE, None, place, message, nearest_hint(name, settings)))
    return Manifest(
        name=parsed.name,
        version=parsed.version,
        title=parsed.title,
        format=parsed.format,
        max_causes=parsed.max_causes,
        default_setting=parsed.default_setting,
        disclaimer=parsed.disclaimer.strip(),
        settings=tuple(Setting(item.id, item.label, item.max_cost) for item in parsed.settings),
        experts=tuple(
            Expert(
                item.id, item.role, item.label, tuple(item.variables), tuple(item.causes), tuple(item.revises)
            )
            for item in parsed.experts
        ),
        residual_cause=parsed.residual_cause,
        fit_tolerance=parsed.fit_tolerance,
        complaints=tuple(parsed.complaints),
        must_not_miss_group=parsed.must_not_miss_group,
        must_not_miss_odds=float(parsed.must_not_miss_odds),
        rebased=parsed.rebased,
        language=parsed.language,
    )


def with_changes(text: str, *, max_causes: int, rebased: Mapping[str, Mapping[str, float]]) -> str:
    """Return the text of a manifest with another `max_causes` and rebased shares; comments and order stay."""
    changes: dict[str, object] = {"max_causes": max_causes}
    if rebased:
        changes["rebased"] = {setting: dict(shares) for setting, shares in rebased.items()}
    return _edited(text, lambda data: data.update(changes))


def with_experts(text: str, experts: Sequence[Expert], *, version: str | None = None) -> str:
    """Return the text of a manifest with more experts behind the others; comments and order stay."""
    added = [{"id": item.id, "role": item.role, "label": item.label} for item in experts]

    def edit(data: Any) -> None:
        data["experts"].extend(added)
        data["version"] = version or data["version"]

    return _edited(text, edit)


def _edited(text: str, edit: Callable[[Any], None]) -> str:
    """Return YAML with what an edit changes; the same text where it changes nothing."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 120
    data, before = yaml.load(text), yaml.load(text)
    edit(data)
    if data == before:
        return text
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()

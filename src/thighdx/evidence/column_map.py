"""A map from a hospital's own column names and codes to the vocabulary, as a YAML file.

::

    format: 1
    unknown: ["-9", "."]              # words that mean unknown in every mapped column
    columns:
      PAT_AGE_MONTHS: {read_as: age, divide: 12}
      bruise_yn: bruising             # short for {read_as: bruising}
      ONSET_CD:
        read_as: onset
        values: {1: gradual, 2: sudden, 9: null}   # null: unknown
      ssn: {drop: true}               # is not written to the output

A mapped column is read under its new name and not passed through. Columns that are not named are read by
their own names, as everywhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from thighdx.errors import KnowledgeBaseError, Problem, TableError, nearest_hint
from thighdx.evidence.columns import AGE, SETTING, Translators, evidence_names
from thighdx.evidence.vocabulary import AGE_VARIABLE, GIVEN_PREFIX, Vocabulary, is_missing
from thighdx.kb.yaml_text import load_yaml
from thighdx.plain import Plain

__all__ = ["ColumnMap", "MappedColumn", "as_word", "read_column_map"]

MAX_CHARACTERS = 1_000_000
_WHOLE = re.compile(r"^(-?(?:0|[1-9][0-9]*))\.0+$")  # as a column of whole numbers with gaps is written out

_FORM = "'format: 1', and 'columns:' with one line per column"
_MESSAGES = {"extra_forbidden": "there is no such key here"}  # where pydantic speaks of its own classes

Scalar = str | int | float | bool
Factor = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class MappedColumn(BaseModel):
    """How one column of a hospital's table is to be read.

    Attributes
    ----------
    read_as : str, optional
        A variable, ``age``, ``setting``, ``given_<cause>`` or ``<variable>:<state>``; of a column in a map that
        is not dropped, by default the column's own name.
    values : mapping
        Code to the state it stands for, None for unknown; codes that are not listed are read as they are.
    unknown : list
        Codes that mean unknown.
    multiply, divide : float
        For numbers: from the column's unit to years.
    drop : bool
        Neither read nor passed through.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    read_as: str | None = None
    values: dict[Scalar, Scalar | None] = {}
    unknown: list[Scalar] = []
    multiply: Factor = 1.0
    divide: Factor = 1.0
    drop: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, data: Any) -> Any:
        """Take a bare name for what the column is read as."""
        return {"read_as": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _is_read_or_dropped(self) -> MappedColumn:
        """Refuse a column that is both read as something and dropped."""
        if self.drop and self.read_as is not None:
            raise ValueError("expected either read_as or drop: true")
        return self

    @property
    def factor(self) -> float:
        """What numbers are multiplied by."""
        return self.multiply / self.divide

    @property
    def changes_values(self) -> bool:
        """Whether cells are to be read as something else than they are."""
        return bool(self.values or self.unknown) or self.factor != 1.0


class _MapFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    unknown: list[Scalar] = []
    columns: dict[str, MappedColumn] = {}


@dataclass(frozen=True, slots=True)
class ColumnMap(Plain):
    """Columns of a hospital's table by their own names; made by `read_column_map`."""

    columns: Mapping[str, MappedColumn]
    source: str = "column map"

    @property
    def renamed(self) -> dict[str, str]:
        """Column to what it is read as."""
        return {name: item.read_as for name, item in self.columns.items() if item.read_as is not None}

    @property
    def dropped(self) -> frozenset[str]:
        """Columns that are left out."""
        return frozenset(name for name, item in self.columns.items() if item.drop)

    @property
    def translators(self) -> Translators:
        """Column to what turns its cells into words of the vocabulary, where they do not stay as they are."""
        made = {name: self.translator(name) for name in self.columns}
        return {name: translate for name, translate in made.items() if translate is not None}

    def translator(self, name: str) -> Callable[[object], str | None] | None:
        """Return what says what a cell of a column stands for, None for unknown; None if cells stay as they are."""
        item = self.columns.get(name)
        if item is None or not item.changes_values:
            return None
        words: dict[str, str | None] = {as_word(code): None for code in item.unknown}
        for code, value in item.values.items():
            words[as_word(code)] = None if is_missing(value) else as_word(value)

        def translate(value: object) -> str | None:
            word = None if value is None else as_word(value)
            if word is None or word in words:
                return None if word is None else words[word]
            try:
                return word if item.factor == 1.0 else repr(float(word) * item.factor)
            except ValueError:
                return word

        return translate

    def to_dict(self) -> dict[str, Any]:
        """Return what the map says, as plain data."""
        return {name: item.model_dump(mode="json") for name, item in sorted(self.columns.items())}

    def check(self, vocabulary: Vocabulary) -> None:
        """Refuse names and states that the model does not have.

        Raises
        ------
        KnowledgeBaseError
            With every problem.
        """
        problems = [
            problem
            for name, item in self.columns.items()
            if item.read_as is not None
            for problem in _check_column(vocabulary, self.source, name, item)
        ]
        if problems:
            raise KnowledgeBaseError(self.source, problems)


def as_word(value: object) -> str:
    """Write a code as one word, however it stands in a table: 1, 1.0 and "1.0" are ``1``.

    Examples
    --------
    >>> as_word(2.0), as_word("2.0"), as_word(" 07 "), as_word(True), as_word("TRUE")
    ('2', '2', '07', 'true', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    word = str(value).strip()
    if word.lower() in ("true", "false"):
        return word.lower()
    return _WHOLE.sub(r"\1", word)


def read_column_map(source: str | Path | Mapping[str, Any] | ColumnMap) -> ColumnMap:
    """Read a map of columns from a YAML file, or take it as a mapping of the same form.

    Raises
    ------
    TableError
        If there is no such file.
    KnowledgeBaseError
        With every problem of the file's form; `ColumnMap.check` looks at what it says.

    Examples
    --------
    >>> read_column_map({"format": 1, "columns": {"bruise_yn": "bruising"}}).renamed
    {'bruise_yn': 'bruising'}
    """
    if isinstance(source, ColumnMap):
        return source
    if not isinstance(source, str | Path | Mapping):
        raise TableError(f"column map: got {type(source).__name__}, expected a path or a mapping")
    name = "column map" if isinstance(source, Mapping) else str(source)
    try:
        data = source if isinstance(source, Mapping) else _load(Path(source))
        if not isinstance(data, Mapping):
            raise TableError(f"{name}: {'is empty' if data is None else 'is no mapping'}, expected {_FORM}")
        parsed = _MapFile.model_validate(data)
    except ValidationError as error:
        raise KnowledgeBaseError(name, [_problem(name, item) for item in error.errors()]) from None
    except TableError:
        raise
    except ValueError as error:
        raise KnowledgeBaseError(name, [Problem(name, None, None, f"not valid YAML: {error}")]) from None
    columns = {
        column: item.model_copy(
            update={
                "unknown": [*parsed.unknown, *item.unknown],
                "read_as": column if item.read_as is None and not item.drop else item.read_as,
            }
        )
        for column, item in parsed.columns.items()
    }
    return ColumnMap(columns, name)


def _load(path: Path) -> Any:
    """Return what is in a YAML file."""
    if path.is_dir():
        raise TableError(f"{path}: is a folder, expected a map of columns (YAML)")
    if not path.is_file():
        raise TableError(f"{path}: no such file, expected a map of columns (YAML)")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise TableError(f"{path}: is not UTF-8 text; save the map as UTF-8") from None
    if len(text) > MAX_CHARACTERS:
        raise TableError(f"{path}: longer than {MAX_CHARACTERS:,} characters, too long for a map of columns")
    return load_yaml(text)


def _problem(source: str, item: Any) -> Problem:
    """Say where the form of the file is wrong."""
    place = ".".join(str(part) for part in item["loc"]) or None
    key = str(item["loc"][-1]) if item["loc"] else ""
    known = (*_MapFile.model_fields, *MappedColumn.model_fields)
    hint = nearest_hint(key, known) if item["type"] == "extra_forbidden" else ""
    got = item["input"]
    if item["type"] == "missing":
        return Problem(source, None, place, "is missing", "begin with 'format: 1'" if key == "format" else "")
    if key == "[key]" and item["type"] == "string_type":
        place, hint = ".".join(map(str, item["loc"][:-1])), f"put it in quotes: '{got}'"
        return Problem(source, None, place, "got a number, expected the name of a column", hint)
    message = _MESSAGES.get(item["type"], item["msg"].removeprefix("Value error, "))
    shown = f" (got {str(got)[:80]!r})" if isinstance(got, str | int | float | bool) else ""
    return Problem(source, None, place, message + shown, hint)


def _check_column(vocabulary: Vocabulary, source: str, name: str, item: MappedColumn) -> list[Problem]:
    """Return what is wrong with one column of the map."""
    read_as = vocabulary.find_name(item.read_as)
    place = f"columns.{name}"
    if read_as is None:
        wanted = f"expected a variable, age, setting, {GIVEN_PREFIX}<cause> or <variable>:<state>"
        hint = nearest_hint(item.read_as or "", evidence_names(vocabulary, item.read_as or ""))
        return [Problem(source, None, f"{place}.read_as", f"got {item.read_as!r}, {wanted}", hint)]
    if read_as in vocabulary.cause_index:
        message = f"a cause cannot be read from a table; got {read_as!r}"
        hint = f"to condition on it, read it as {GIVEN_PREFIX + read_as!r}"
        return [Problem(source, None, f"{place}.read_as", message, hint)]
    problems = []
    if item.factor != 1.0 and read_as != AGE:
        message = f"only age has a unit, {read_as!r} has none"
        option = "multiply" if item.multiply != 1.0 else "divide"
        problems.append(Problem(source, None, f"{place}.{option}", message))
    for word, count in Counter(map(as_word, item.values)).items():
        if count > 1:
            message = f"the code {word!r} is given {count} times, expected once; codes are compared as text"
            problems.append(Problem(source, None, f"{place}.values", message))
    expected = _expected_states(vocabulary, read_as)
    for code, value in item.values.items() if expected is not None else ():
        if is_missing(value) or _is_state(vocabulary, read_as, value):
            continue
        hint = nearest_hint(str(value), expected or ()) or f"to keep age bands, read it as {AGE_VARIABLE}"
        message = f"got {value!r}, expected {', '.join(expected or ())}, or null for unknown"
        problems.append(Problem(source, None, f"{place}.values.{code}", message, hint if expected else ""))
    return problems


def _expected_states(vocabulary: Vocabulary, read_as: str) -> tuple[str, ...] | None:
    """Return the words a column may hold; None where it holds numbers."""
    if read_as == SETTING:
        return vocabulary.settings
    if read_as in vocabulary.index:
        return vocabulary.variables[vocabulary.index[read_as]].states
    cause = read_as.removeprefix(GIVEN_PREFIX)
    return (
        vocabulary.causes[vocabulary.cause_index[cause]].states if cause in vocabulary.cause_index else None
    )


def _is_state(vocabulary: Vocabulary, read_as: str, value: object) -> bool:
    """Whether a word is one that the column may hold."""
    if read_as == SETTING:
        return vocabulary.find_setting(value) is not None
    if read_as in vocabulary.index:
        variable = vocabulary.variables[vocabulary.index[read_as]]
    else:
        variable = vocabulary.causes[vocabulary.cause_index[read_as.removeprefix(GIVEN_PREFIX)]]
    return Vocabulary.find_code(variable, value) is not None

"""The questions of a model as a REDCap data dictionary, and the map that reads an export of it back."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from thighdx.columns import SETTING
from thighdx.forms.plan import FormSection, asked_expression, form_sections
from thighdx.html.render import begun, in_words
from thighdx.kb.expressions import AllOf, Expression, Is
from thighdx.kb.records import Variable

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["RECORD_ID", "RedcapForm", "field_names", "redcap_form"]

LONGEST_NAME = 26  # REDCap takes up to 100 characters, and warns from 27 on
SHORTEST_WORD = 3
RECORD_ID = "record_id"
HEADER = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)",
    "Required Field?", "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name",
    "Matrix Ranking?", "Field Annotation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RedcapForm:
    """A form for REDCap; made by `redcap_form`.

    Attributes
    ----------
    dictionary : str
        The data dictionary, as CSV.
    column_map : dict
        What `read_column_map` takes: reads an export (raw values) of the form.
    """

    dictionary: str
    column_map: dict[str, Any]

    def map_text(self) -> str:
        """Return the map as a YAML file."""
        stream = io.StringIO()
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = None
        yaml.width = 110
        yaml.dump(self.column_map, stream)
        return f"# Reads an export (raw values) of the REDCap form: thighdx score --map\n{stream.getvalue()}"


def redcap_form(model: Model, max_cost: str = "ask") -> RedcapForm:
    """Return the questionnaire of a model as a REDCap data dictionary, the safety questions first.

    Yes-or-no questions are of the type ``yesno``, others ``radio`` with numbered states; nothing is required, and a
    field without an answer is unknown. Conditions become branching logic.

    Parameters
    ----------
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}
        What is dearer is left out.

    Examples
    --------
    >>> import thighdx
    >>> form = redcap_form(thighdx.load_model())
    >>> form.column_map["columns"]["sex"]
    {'read_as': 'sex', 'values': {'1': 'female', '2': 'male'}}
    """
    sections = form_sections(model, max_cost)
    variables = [variable for section in sections for variable in section.variables]
    names = field_names([variable.id for variable in variables])
    by_id = {variable.id: variable for variable in variables}
    rows = [_row(model, RECORD_ID, "text", "Record"), _setting_row(model)]
    for section in sections:
        rows += _section_rows(model, section, names, by_id)
    columns: dict[str, Any] = {SETTING: {"read_as": SETTING, "values": _numbered(model.settings)}}
    columns |= {names[variable.id]: _mapped(variable) for variable in variables}
    stream = io.StringIO()
    writer = csv.DictWriter(stream, HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return RedcapForm(stream.getvalue(), {"format": 1, "columns": columns})


def field_names(ids: Collection[str]) -> dict[str, str]:
    """Return a field name of at most 26 letters, digits and underscores for every id, each once.

    Examples
    --------
    >>> field_names(["sex", "facial_or_arm_weakness_or_speech"])
    {'sex': 'sex', 'facial_or_arm_weakness_or_speech': 'faci_or_arm_weakn_or_speec'}
    """
    taken = {RECORD_ID, SETTING}
    names = {}
    for name in ids:
        words = name.split("_")
        while len("_".join(words)) > LONGEST_NAME:
            longest = max(range(len(words)), key=lambda i: len(words[i]))
            if len(words[longest]) <= SHORTEST_WORD:
                words.pop()
            else:
                words[longest] = words[longest][:-1]
        short, number = "_".join(words), 2
        while short in taken:
            short, number = f"{'_'.join(words)[: LONGEST_NAME - 3]}_{number}", number + 1
        taken.add(short)
        names[name] = short
    return names


def _row(model: Model, name: str, kind: str, label: str) -> dict[str, str]:
    """Begin a row; markup would be taken as such."""
    text = label.replace("&", "&amp;").replace("<", "&lt;")
    return dict(zip(HEADER[:5], (name, model.name, "", kind, text), strict=True))


def _setting_row(model: Model) -> dict[str, str]:
    labels = [setting.label for setting in model.compiled.kb.manifest.settings]
    row = _row(model, SETTING, "dropdown", "Where was the patient seen?")
    return row | {HEADER[5]: _choices(labels)}


def _section_rows(
    model: Model, section: FormSection, names: Mapping[str, str], by_id: Mapping[str, Variable]
) -> list[dict[str, str]]:
    """Return one row per question; the first has the heading."""
    rows: list[dict[str, str]] = []
    for variable in section.variables:
        if variable.states == ("absent", "present"):
            row = _row(model, names[variable.id], "yesno", variable.question)
        else:
            row = _row(model, names[variable.id], "radio", variable.question)
            row[HEADER[5]] = _choices([begun(in_words(state)) for state in variable.states])
        condition = asked_expression(variable, by_id)
        if condition is not None:
            row[HEADER[11]] = _logic(condition, names, by_id)
        rows.append(row | ({HEADER[2]: section.title} if not rows else {}))
    return rows


def _choices(labels: Collection[str]) -> str:
    return " | ".join(f"{code}, {label}" for code, label in enumerate(labels, start=1))


def _numbered(states: Collection[str]) -> dict[str, str]:
    return {str(code): state for code, state in enumerate(states, start=1)}


def _mapped(variable: Variable) -> dict[str, Any]:
    """Say how a field is read back."""
    if variable.states == ("absent", "present"):
        return {"read_as": variable.id, "values": {"0": "absent", "1": "present"}}
    return {"read_as": variable.id, "values": _numbered(variable.states)}


def _logic(expression: Expression, names: Mapping[str, str], by_id: Mapping[str, Variable]) -> str:
    """Write a condition as branching logic."""
    if isinstance(expression, Is):
        values = _mapped(by_id[expression.variable])["values"]
        code = next(code for code, state in values.items() if state == expression.state)
        return f"[{names[expression.variable]}] = '{code}'"
    word = " and " if isinstance(expression, AllOf) else " or "
    parts = [_logic(part, names, by_id) for part in expression.parts]
    return f"({word.join(parts)})"

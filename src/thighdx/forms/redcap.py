"""The questions of a model as a REDCap data dictionary, and the map that reads an export of it back."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from thighdx.evidence.columns import SETTING
from thighdx.forms.plan import asked_expression, form_sections
from thighdx.kb.expressions import AllOf, Expression, Is
from thighdx.kb.records import ListedQuestion, QuestionList, Variable
from thighdx.text import begun, state_name
from thighdx.words import say

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
CHOICES = HEADER[5]


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
    field without an answer is unknown. Conditions become branching logic. A list of questions is one ``checkbox``
    with the choice "none of these". REDCap exports every box of an untouched form as 0, so each question of the list
    has a hidden calculated field besides, which stays empty until any box is ticked; that one is read.

    Parameters
    ----------
    model : Model
        Whose questions they are.
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}
        What is dearer is left out.

    Examples
    --------
    >>> import thighdx
    >>> form = redcap_form(thighdx.load_model())
    >>> form.column_map["columns"]["sex"]
    {'read_as': 'sex', 'values': {'1': 'female', '2': 'male'}}
    """
    form = _Form(model, max_cost)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(form.rows())
    return RedcapForm(stream.getvalue(), {"format": 1, "columns": form.columns()})


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


class _Form:
    """Fields of a form, with the lists of questions in it."""

    def __init__(self, model: Model, max_cost: str) -> None:
        self.model = model
        self.sections = form_sections(model, max_cost)
        self.asked = {v.id: v for section in self.sections for v in section.variables}
        self.lists: dict[str, tuple[QuestionList, tuple[ListedQuestion, ...]]] = {}
        for listed in model.compiled.kb.question_lists:
            members = tuple(item for item in listed.members if self._is_box(item.variable))
            self.lists |= {item.variable: (listed, members) for item in members if len(members) > 1}
        listed_ids = dict.fromkeys(f"{listed.id}_list" for listed, _ in self.lists.values())
        self.names = field_names([*self.asked, *listed_ids])

    def _is_box(self, name: str) -> bool:
        """Whether a question can be a box among others: a yes or no that is asked of everybody."""
        variable = self.asked.get(name)
        return variable is not None and variable.states == ("absent", "present") and not variable.asked_if

    def rows(self) -> Iterator[dict[str, str]]:
        """Yield one row per field; the first of a section has its heading."""
        yield self._row(RECORD_ID, "text", say("form.record", self.model.compiled.labels))
        settings = [setting.label for setting in self.model.compiled.kb.manifest.settings]
        where = say("form.where", self.model.compiled.labels)
        yield self._row(SETTING, "dropdown", where) | {CHOICES: _choices(settings)}
        done: set[str] = set()
        for section in self.sections:
            heading = {HEADER[2]: section.title}
            for variable in section.variables:
                for row in self._fields(variable) if variable.id not in done else ():
                    yield row | heading
                    heading = {}
                done |= {variable.id, *(item.variable for item in self.lists.get(variable.id, (None, ()))[1])}

    def columns(self) -> dict[str, Any]:
        """Say how every column of an export is read."""
        found: dict[str, Any] = {SETTING: {"read_as": SETTING, "values": _numbered(self.model.settings)}}
        for variable in self.asked.values():
            found[self.names[variable.id]] = {"read_as": variable.id, "values": _codes(variable)}
        for listed, members in self.lists.values():
            boxes = f"{self.names[f'{listed.id}_list']}___"
            found |= {f"{boxes}{code}": {"drop": True} for code in range(len(members) + 1)}
        return found

    def _row(self, name: str, kind: str, label: str) -> dict[str, str]:
        """Begin a row; markup would be taken as such."""
        text = label.replace("&", "&amp;").replace("<", "&lt;")
        return dict(zip(HEADER[:5], (name, self.model.name, "", kind, text), strict=True))

    def _fields(self, variable: Variable) -> Iterator[dict[str, str]]:
        """Yield the field of a question, or those of the list it stands in."""
        if variable.id in self.lists:
            yield from self._list_fields(*self.lists[variable.id])
            return
        labels = self.model.compiled.kb.labels
        if variable.states == ("absent", "present"):
            row = self._row(self.names[variable.id], "yesno", variable.question)
        else:
            row = self._row(self.names[variable.id], "radio", variable.question)
            row[CHOICES] = _choices(
                [begun(state_name(variable.id, state, labels)) for state in variable.states]
            )
        condition = asked_expression(variable, self.asked)
        yield row | ({} if condition is None else {HEADER[11]: self._logic(condition)})

    def _list_fields(
        self, listed: QuestionList, members: tuple[ListedQuestion, ...]
    ) -> Iterator[dict[str, str]]:
        """Yield the boxes of a list, and what is read: each answer, empty until any box is ticked."""
        name = self.names[f"{listed.id}_list"]
        boxes = _choices([begun(item.words) for item in members])
        row = self._row(name, "checkbox", listed.title)
        none = say("form.none_of_these", self.model.compiled.labels)
        yield row | {CHOICES: f"{boxes} | 0, {none}", HEADER[17]: "@NONEOFTHEABOVE='0'"}
        ticked = " or ".join(f"[{name}({code})] = '1'" for code in range(len(members) + 1))
        for code, item in enumerate(members, start=1):
            calculated = f"if({ticked}, if([{name}({code})] = '1', 1, 0), \"\")"
            row = self._row(self.names[item.variable], "calc", self.asked[item.variable].label)
            yield row | {CHOICES: calculated, HEADER[17]: "@HIDDEN"}

    def _logic(self, expression: Expression) -> str:
        """Write a condition as branching logic."""
        if isinstance(expression, Is):
            codes = _codes(self.asked[expression.variable])
            code = next(code for code, state in codes.items() if state == expression.state)
            return f"[{self.names[expression.variable]}] = '{code}'"
        word = " and " if isinstance(expression, AllOf) else " or "
        return f"({word.join(map(self._logic, expression.parts))})"


def _choices(labels: Collection[str]) -> str:
    return " | ".join(f"{code}, {label}" for code, label in enumerate(labels, start=1))


def _numbered(states: Collection[str]) -> dict[str, str]:
    return {str(code): state for code, state in enumerate(states, start=1)}


def _codes(variable: Variable) -> dict[str, str]:
    """Return what the codes of a field stand for."""
    is_yes_no = variable.states == ("absent", "present")
    return {"0": "absent", "1": "present"} if is_yes_no else _numbered(variable.states)

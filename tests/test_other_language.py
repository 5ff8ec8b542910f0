"""A model in another language speaks it wherever a patient or clinician reads: the code adds no word in English."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

import thighdx
from other_language import foreign, latin, translated, visible
from quiet import without_warnings
from thighdx import plots
from thighdx.cli.app import app
from thighdx.cli.interview import run_interview
from thighdx.explorer.state import Session
from thighdx.explorer.view import catalog, detail, view
from thighdx.explorer.widget import SCRIPTS
from thighdx.fhir import questionnaire, risk_assessment
from thighdx.forms import redcap_form, write_template
from thighdx.model import Model
from thighdx.reasoning.interview.interview import Interview
from thighdx.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from playwright.sync_api import Browser

CASE = {"pain": "severe", "bruising": True, "d_dimer": "positive", "tingling": False}
UNSURE = {"pain": "mild", "bruising": {"present": 0.7, "absent": 0.3}, "strain": True}
EMERGENCY = {"d_dimer": "positive", "tingling": False, "clot": True}
DOUBTFUL = {"age": 15, "pain": "none", "tingling": False, "tingling_spreads": True}
CASES = {"some": CASE, "unsure": UNSURE, "nothing": {}, "emergency": EMERGENCY, "doubtful": DOUBTFUL}
REPORTED = {"SHA", "desk", "result", "interval"}  # the digest, the id of a source, result.interval()
NAMES = {"small", "thighdx", "rebased"}  # the model, the library, the version of a model with other shares
NOT_SHOWN = {
    "id",
    "variable",
    "state",
    "search",
    "code",
    "setting",
    "evidence",
    "max_cost",
    "level",
    "not_applicable",
}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return thighdx.read_model(translated(tmp_path_factory.mktemp("xx")))


def ids(model: Model) -> set[str]:
    """What a terminal names as one types it."""
    states = {state for variable in model.variables.values() for state in variable.states}
    return {*model.variables, *model.causes, *model.settings, *states, *NAMES}


def left(model: Model, html: str) -> set[str]:
    """Words in English on a page."""
    return latin(visible(html).replace(model.digest, "").replace(model.digest[:12], ""), NAMES)


PARTS: Mapping[str, Callable[[Result], Any]] = {
    "card": lambda result: result,
    "urgency": lambda result: result.triage,
    "advice": lambda result: result.management,
    "questions": lambda result: result.next_questions(3, max_cost="imaging_or_invasive"),
    "questions on urgency": lambda result: result.next_questions(3, max_cost="cheap_test", goal="urgency"),
    "fit": lambda result: result.fit,
    "intervals": lambda result: result.interval(method="delta"),
    "explanation": lambda result: result.explain("clot"),
    "explanation of what is given": lambda result: result.explain("strain"),
    "contrast": lambda result: result.contrast("strain", "nerve"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("part", PARTS)
def test_a_card_has_no_word_of_english(other: Model, part: str, case: str) -> None:
    found = PARTS[part](other.diagnose(CASES[case]))
    assert left(other, found._repr_html_()) == set()


def test_judgements_that_move_a_cause_are_told_in_the_language(other: Model) -> None:
    found = other.diagnose(CASE).sensitivity("clot")
    assert left(other, found._repr_html_()) == set()


@pytest.mark.parametrize("case", CASES)
def test_a_report_has_no_word_of_english(other: Model, case: str) -> None:
    page = other.diagnose(CASES[case]).to_html(case_id="7", date="2026-01-02")
    assert left(other, page) <= REPORTED
    assert '<html lang="xx">' in page


def test_a_report_with_shares_of_ones_own_has_no_word_of_english(other: Model) -> None:
    own = other.rebase({"strain": 0.4, "nerve": 0.4, "clot": 0.1, "other_cause": 0.2}, setting="clinic")
    result = own.diagnose(CASE)
    assert left(own, result.to_html()) <= REPORTED | {"clinic"}
    assert left(own, result._repr_html_()) == set()


def test_an_explanation_in_a_terminal_has_no_word_of_english(other: Model) -> None:
    for case in (CASE, UNSURE, {}):
        result = other.diagnose(case)
        for found in (*map(result.explain, other.causes), result.contrast("strain", "nerve")):
            assert latin(repr(found), ids(other)) == set()


@pytest.mark.parametrize("more", [[], ["--all", "--advice", "--interval", "0.9", "--explain", "clot"]])
def test_diagnose_has_no_word_of_english(other: Model, tmp_path: Path, more: list[str]) -> None:
    findings = [f"{name}={value}" for name, value in CASE.items()]
    arguments = ["diagnose", *findings, "--model", str(translated(tmp_path)), *more]
    found = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"}).output
    assert latin(found.replace(other.digest[:12], ""), ids(other)) == set()


@pytest.mark.parametrize(
    "lines",
    ["?\nwhy\nback\nback\nnine\n99\n1\nwhy\n" + "1\nwhy\n" * 9, "stop\n", "none\n" * 9],
    ids=["all", "stop", "none"],
)
def test_an_interview_has_no_word_of_english(other: Model, lines: str) -> None:
    out = io.StringIO()
    run_interview(
        other, io.StringIO(lines), Console(file=out, width=200, color_system=None), max_cost="cheap_test"
    )
    typed = {"nine", "got"}
    assert latin(out.getvalue().replace(other.digest[:12], ""), ids(other)) <= typed


def test_an_interview_says_why_in_the_language(other: Model) -> None:
    for known, most in ((CASE, 0), ({}, 1), (EMERGENCY, 9)):
        interview = Interview(other, known, max_questions=most)
        while interview.question is not None:
            assert latin(interview.why()) == set()
            interview.answer(None)
        assert latin(interview.finished_because) == set()


def shown(data: object) -> Iterator[str]:
    """Every text in what the explorer sends that people read."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for name, value in data.items():
            if name not in NOT_SHOWN:
                yield from shown(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from shown(value)


@pytest.mark.parametrize("case", CASES)
def test_the_explorer_has_no_word_of_english(other: Model, case: str) -> None:
    session = Session.start(other, CASES[case])
    session.act({"do": "max_cost", "value": "imaging_or_invasive"})
    sent = view(session)
    del sent["urgency"]["causes"]  # ids
    texts = [*shown(catalog(other)), *shown(sent), *shown(detail(session))]
    assert latin(re.sub(r"\{\w+\}", "", " ".join(texts)), NAMES) == set()


def test_what_cannot_be_true_together_is_told_in_the_language(other: Model) -> None:
    session = Session.start(other, {"age_band": "65+"})
    session.act({"do": "set", "variable": "pregnancy", "value": "yes"})
    assert session.fault is not None
    assert latin(session.fault.message) == set()


def test_scripts_of_the_explorer_have_no_words_of_their_own() -> None:
    folder = Path(thighdx.__file__).parent / "explorer"
    for name in SCRIPTS:
        source = re.sub(r"\$\{.*?\}", "", (folder / name).read_text(encoding="utf-8"))
        said = re.findall(
            r"""(?:text|title|placeholder|"aria-label"|textContent)\s*[:=]\s*["`]([^"`]*)""", source
        )
        assert [words for words in said if latin(words)] == [], name


@pytest.mark.browser
def test_the_explorer_in_a_browser_has_no_word_of_english(other: Model, browser: Browser) -> None:
    session = Session.start(other, UNSURE)
    data = {"_catalog": catalog(other), "_view": view(session), "_detail": detail(session)}
    folder = Path(thighdx.__file__).parent / "explorer"
    script = "\n".join((folder / name).read_text(encoding="utf-8") for name in SCRIPTS)
    script = script.replace("export default { render };", "globalThis.render = render;")
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_content(f"<div id='el'></div><script>{script}</script>")
    page.evaluate(
        """data => render({
             model: {get: name => data[name], on() {}, off() {}, send() {}},
             el: document.getElementById("el"),
           })""",
        json.loads(json.dumps(data)),
    )
    assert faults == []
    html = page.locator("#el").inner_html()
    assert left(other, html) == set()
    assert foreign("Causes, most probable first") in html
    assert foreign("how strongly it points to") in html


def test_forms_have_no_word_of_english(other: Model, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(redcap_form(other, "imaging_or_invasive").dictionary)))
    shown_columns = ("Section Header", "Field Label", "Choices, Calculations, OR Slider Labels")
    read = " ".join(row[name] for row in rows if row["Field Type"] != "calc" for name in shown_columns)
    assert latin(read) == set()
    form = questionnaire(other)
    texts = [form["description"], *(text for item in form["item"] for text in _texts(item))]
    assert latin(" ".join(texts)) == set()
    book = openpyxl.load_workbook(write_template(other, tmp_path / "form.xlsx"))
    cells = [str(cell.value) for row in book["questions"] for cell in row if cell.value]
    typed = ids(other) | {"CSV", "UTF", "SHA", "age", "setting", "yes", "no"}  # what a table is filled with
    assert latin(" ".join(cells).replace(other.digest, ""), typed) == set()
    comments = [cell.comment.text for cell in book["patients"][1] if cell.comment]
    assert latin(" ".join(comments)) == set()


def _texts(item: Mapping[str, Any]) -> Iterator[str]:
    """What a question of a FHIR questionnaire and its answers are called."""
    yield item.get("text", "")
    yield from (option["valueCoding"]["display"] for option in item.get("answerOption", ()))
    for inner in item.get("item", ()):
        yield from _texts(inner)


def test_a_risk_assessment_has_no_word_of_english(other: Model) -> None:
    for case in CASES.values():
        found = risk_assessment(other.diagnose(case), interval=0.9)
        read = [note["text"] for note in found["note"]]
        read += [found["code"]["text"], found["mitigation"], *(basis["display"] for basis in found["basis"])]
        read += [item["rationale"] for item in found["prediction"]]
        assert latin(" ".join(read)) == set()


OF_A_CASE: Mapping[str, Callable[[Result], Axes]] = {
    "posterior": lambda result: plots.plot_posterior(result, method="delta"),
    "posterior on log odds": lambda result: plots.plot_posterior(result, scale="log_odds", level=None),
    "intervals": lambda result: plots.plot_intervals(result.interval(method="delta")),
    "weights": lambda result: plots.plot_weights(result.explain("clot"), n=1),
    "weights of what is given": lambda result: plots.plot_weights(result.explain("strain")),
    "contrast": lambda result: plots.plot_contrast(result.contrast("strain", "nerve")),
    "fit": lambda result: plots.plot_fit(result.fit),
    "sensitivity": lambda result: plots.plot_sensitivity(result.sensitivity("clot")),
}
OF_A_MODEL: Mapping[str, Callable[[Model], Axes]] = {
    "history": lambda model: plots.plot_history([model.diagnose(CASES[name]) for name in CASES]),
    "history elsewhere": lambda model: plots.plot_history(
        [model.diagnose(CASE), model.diagnose(CASE), model.diagnose({"pain": "none"}, setting="hospital")]
    ),
    "network": lambda model: plots.plot_network(model, "clot"),
    "share": lambda model: plots.plot_judgement(model, ("shares", "strain|clinic")),
    "link": lambda model: plots.plot_judgement(model, ("links", "strain|pain|mild")),
    "background": lambda model: plots.plot_judgement(model, ("backgrounds", "pain|mild")),
    "frequency": lambda model: plots.plot_judgement(model, ("frequencies", "pregnancy|yes|clinic")),
    "effect": lambda model: plots.plot_judgement(model, ("effects", "pregnancy|yes|clot")),
    "dependency": lambda model: plots.plot_judgement(model, ("dependencies", "age_band|65+|pregnancy|yes")),
    "calibration": lambda model: plots.plot_calibration(
        thighdx.evaluate(model, model.simulate(50, seed=1)), model=model
    ),
    "cohort": lambda model: plots.plot_cohort(
        model.score(model.simulate(50, seed=1), triage=True, groups=True), model, n=2
    ),
    "cohort with faults": lambda model: plots.plot_cohort(
        without_warnings(model.score, pd.DataFrame({"pain": ["mild", "midl"], "age": [30, 900]})), model
    ),
    "learning": lambda model: plots.plot_learning(
        model.learn(model.simulate(50, seed=1), name="few", folds=0), "strain"
    ),
}


def written(ax: Axes) -> str:
    """Every word of a picture."""
    from matplotlib.text import Text

    return " ".join(text.get_text() for text in ax.figure.findobj(Text))


@pytest.mark.parametrize("name", OF_A_CASE)
@pytest.mark.parametrize("case", CASES)
def test_a_picture_of_a_case_has_no_word_of_english(other: Model, name: str, case: str) -> None:
    assert latin(written(OF_A_CASE[name](other.diagnose(CASES[case])))) <= {"clinic"}


@pytest.mark.parametrize("name", OF_A_MODEL)
def test_a_picture_of_a_model_has_no_word_of_english(other: Model, name: str) -> None:
    assert latin(written(OF_A_MODEL[name](other))) <= {"clinic", "hospital"}

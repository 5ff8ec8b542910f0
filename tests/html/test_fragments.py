"""Pictures for notebooks: readable without color, script or network, and nothing said in them is markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import kb_builder
import thighdx
from pages import HOSTILE, read_page
from thighdx.display import Shown
from thighdx.files.summary import Summary
from thighdx.html.case_parts import given_rows
from thighdx.html.fragments import PICTURES, fragment
from thighdx.model import Model
from thighdx.result import Result

CASE = {"onset": "sudden", "sprint_or_overstretch": True, "bruising": True, "numbness": False, "age": 34}
CASES = {
    "emergency": {"saddle_anesthesia": True, "low_back_pain": True, "age": 45},
    "urgent": {"one_leg_swollen": True, "leg_swelling": True, "age": 70},
    "soon": {"bruising": True, "numbness": False, "age": 34},
    "self_care": {"tingling": False, "pain": "mild", "bruising": True},  # of the small model
}


class RunReport(SimpleNamespace, Shown):
    """What a picture of a scored table needs of its report; pictures go by the name of a class."""


def run_report(summary: Summary, *, words: str = "") -> RunReport:
    """The report of a small table, with one text wherever there is any."""
    kb = SimpleNamespace(labels={"strain": words or "Strain"})
    facts = {"name": "small", "version": "0.1.0", "digest": "0" * 64, "disclaimer": "Invented."}
    model = SimpleNamespace(kb=kb, **facts | ({"name": words, "disclaimer": words} if words else {}))
    return RunReport(
        n_rows=summary.n_rows,
        n_scored=summary.statuses["ok"],
        summary=summary,
        scorer=SimpleNamespace(model=model, setting=words or "clinic"),
        urgency={"urgent": 1, "self_care": 1},
        problems=[{"file": words, "row": 3, "message": words}] if words else [],
        remarks=[words or "One column was not read."],
        output=words or "out.csv",
        seconds=1.5,
        rows_per_second=2.0,
    )


def summary_of(small_model: Model, **counts: Any) -> Summary:
    """What was counted in a table."""
    return Summary(small_model.vocabulary, "other", 3, **counts)


COUNTS: dict[str, Any] = {
    "n_rows": 3,
    "statuses": Counter(ok=2, no_such_state=1),
    "n_truth": 2,
    "n_first": 1,
    "n_among": 2,
    "n_leads": Counter(strain=2),
    "p_leads": {"strain": 1.6},
}

SHOWN: dict[str, Callable[[Model, Result], object]] = {
    "model": lambda model, _result: model,
    "result": lambda _model, result: result,
    "explanation": lambda _model, result: result.explain("hamstring_strain"),
    "contrast": lambda _model, result: result.contrast("hamstring_strain", "lumbar_radiculopathy"),
    "questions": lambda _model, result: result.next_questions(3),
    "questions of urgency": lambda _model, result: result.next_questions(2, goal="urgency"),
    "triage": lambda _model, result: result.triage,
    "management": lambda _model, result: result.management,
    "sensitivities": lambda _model, result: result.sensitivity("hamstring_strain", n=3),
    "intervals": lambda _model, result: result.interval(0.8, method="delta"),
    "fit": lambda _model, result: result.fit,
    "learned": lambda model, _result: model.learn(model.simulate(40, seed=2), name="forty"),
    "evaluation": lambda model, _result: thighdx.evaluate(
        model, model.simulate(30, seed=1).assign(urgency="soon"), triage=True
    ),
    "run report": lambda model, _result: run_report(summary_of(model, **COUNTS)),
}


def html_of(shown: object) -> str:
    """What a notebook shows."""
    found: str = shown._repr_html_()  # type: ignore[attr-defined]
    return found


@pytest.fixture(scope="module")
def result(model: Model) -> Result:
    return model.diagnose(CASE, setting="sports_clinic")


@pytest.mark.parametrize("name", SHOWN)
def test_every_picture_is_one_block_of_named_tables_that_loads_nothing(
    model: Model, result: Result, name: str
) -> None:
    html = html_of(SHOWN[name](model, result)).strip()
    page = read_page(html)
    assert page.tags[0] == ("div", {"class": "thighdx"})
    assert html.endswith("</div>")
    assert page.ids == []  # any number of them on one page
    assert page.tables or name == "management"


@pytest.mark.parametrize("name", SHOWN)
def test_styles_reach_nothing_outside_the_block(model: Model, result: Result, name: str) -> None:
    styles = read_page(html_of(SHOWN[name](model, result))).styles
    rules = re.sub(r"@(media|container) \([a-z-]+:[a-z0-9]+\)\{", "", styles)
    selectors = [rule.split("{")[0].strip("} \n") for rule in rules.split("}") if "{" in rule]
    assert len(selectors) > 20
    for selector in selectors:
        assert all(part.strip().startswith(".thighdx.thighdx") for part in selector.split(",")), selector


def test_urgency_comes_before_causes_and_the_disclaimer_last(model: Model, result: Result) -> None:
    text = read_page(html_of(result)).text
    places = [
        text.index(part)
        for part in ("Soon", "Leading causes", "Hamstring strain", "Known:", model.disclaimer[:40])
    ]
    assert places == sorted(places)
    assert "Sports medicine clinic" in text
    assert f"posterior_thigh {model.version}" in text


def test_a_result_shows_figures_with_their_intervals(result: Result) -> None:
    text = read_page(html_of(result)).text
    interval = result.interval(0.9, method="delta")["hamstring_strain"]
    assert f"{result.posterior['hamstring_strain']:.1%}" in text
    assert f"{interval.lower:.1%} to {interval.upper:.1%}" in text


def test_the_picture_of_a_result_needs_no_draws(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("judgements were drawn")

    monkeypatch.setattr("thighdx.reasoning.intervals.credible_intervals.draw_log_odds", refuse)
    assert "Leading causes" in html_of(model.diagnose(CASE))


@pytest.mark.parametrize("level", CASES)
def test_a_level_is_told_by_word_and_shape(model: Model, small_model: Model, level: str) -> None:
    asked = small_model if level == "self_care" else model
    result = asked.diagnose(CASES[level])
    assert result.triage.level == level
    page = read_page(html_of(result))
    assert page.text.startswith({"self_care": "Self-care"}.get(level, level.capitalize()))
    shapes = {
        named["class"]
        for tag, named in page.tags
        if tag in ("path", "rect", "circle") and "paint" in named.get("class", "")
    }
    assert shapes == {f"tx-paint-{level}"}


def test_what_must_not_be_missed_is_marked_in_words(model: Model) -> None:
    text = read_page(html_of(model.diagnose(CASES["emergency"]))).text
    assert "Cauda equina syndrome ◆ must not be missed" in text


def test_what_is_not_in_the_list_of_causes_stands_apart_without_a_rank(model: Model) -> None:
    result = model.diagnose({"other_cause": True})
    text = read_page(html_of(result)).text
    assert "(A cause not in this list; never ranked) 100%" in text


def test_warnings_and_evidence_that_fits_nothing_are_shown(model: Model) -> None:
    young = model.diagnose({**CASE, "age": 15})
    assert young.warnings[0].message in read_page(html_of(young)).text
    signs = ("stocking_sensory_loss", "tense_compartment", "femoral_bruit", "noble_or_ober_test")
    odd = model.diagnose(dict.fromkeys(signs, True))
    assert "acute_limb_ischemia comes closest" in odd.fit.statement
    text = read_page(html_of(odd)).text
    assert "Acute limb ischemia comes closest" in text
    assert "acute_limb_ischemia" not in text


@pytest.mark.parametrize("name", ["explanation", "contrast", "questions", "management", "sensitivities"])
def test_causes_are_called_alike_wherever_they_are_shown(model: Model, result: Result, name: str) -> None:
    """Ids put in words called the lumbar radiculopathy of one picture by another name in the next."""
    text = read_page(html_of(SHOWN[name](model, result))).text
    assert "Hamstring strain" in text
    assert not re.search("(?<!Proximal )hamstring strain", text)


def test_findings_behind_a_reason_are_called_alike(model: Model) -> None:
    result = model.diagnose({"bruising": True, "ischial_tenderness": True})
    for shown in (result, result.triage):
        assert "Tender sitting bone: present" in read_page(html_of(shown)).text


def test_what_is_given_is_named_like_the_findings(small_model: Model) -> None:
    result = small_model.diagnose({"bruising": True, "strain": True})
    labels = {"nerve": "Nerve root", "strain": "Strained muscle", "bruising": "Bruise"}
    html = fragment(replace(result.explain("nerve"), labels=labels))
    assert "Given: Strained muscle: present" in read_page(html).text


def test_a_percentage_is_written_the_same_everywhere(model: Model) -> None:
    triage = model.diagnose({"leg_swelling": True, "calf_pain": True}).triage
    assert any(re.search(r"\d%", reason.words) for reason in triage.reasons)
    html = html_of(triage)
    assert re.search(r"\d%", html)
    assert not re.search("\\d[ \N{NO-BREAK SPACE}]%", html)


def test_numbers_of_a_list_have_room_for_two_digits(model: Model) -> None:
    advice = model.diagnose({"onset": "gradual", "course": "improving", "numbness": False}).management
    assert ".thighdx.thighdx ol{padding-left:2em}" in read_page(html_of(advice)).styles


def test_nothing_known_is_said_so(model: Model) -> None:
    assert "Known: nothing" in read_page(html_of(model.diagnose({}))).text


def test_uncertain_evidence_is_shown_with_its_likelihoods(model: Model) -> None:
    result = model.diagnose({"muscle_weakness": {"none": 0.1, "mild": 0.6, "marked": 0.3}})
    words = "Leg weakness: uncertain (likelihoods none 0.1, mild 0.6, marked 0.3)"
    assert words in read_page(html_of(result)).text
    assert words in read_page(html_of(result.explain("lumbar_radiculopathy"))).text


def test_what_matters_is_shown_what_is_there_first_and_the_rest_is_folded(model: Model) -> None:
    absent = [name for name, v in model.variables.items() if v.states == ("absent", "present")][40:80]
    result = model.diagnose({**dict.fromkeys(absent, False), "onset": "gradual"})
    card = html_of(result)
    shown, _, _ = card.partition("Known:</span> ")[2].partition("<summary>26 more that are known")
    assert shown.startswith("Onset: gradual; ")
    known = [item["label"] for item in given_rows(result)]
    assert all(f"{label}: absent" in read_page(card).text for label in known[1:])
    assert [label for label in known if f"{label}: absent" in shown] == known[1:15]

    found = result.explain("lumbar_radiculopathy")
    picture = html_of(found)
    shown, _, folded = picture.partition("<details>")
    assert shown.count('scope="row"') == 1 + 15 + 2  # before, the findings, the others together, now
    assert "26 other findings together" in shown
    assert folded.count('scope="row"') == 26
    read_page(picture)


def test_a_case_with_much_to_note_notes_two_things_and_folds_the_rest(model: Model) -> None:
    nothing = {name: variable.states[0] for name, variable in model.variables.items()}
    result = model.diagnose(nothing)
    assert len(result.warnings) > 2
    assert html_of(result).count("! note") == 2
    text = read_page(html_of(result)).text
    assert all(" ".join(item.message.split()) in text for item in result.warnings)


def test_every_kind_of_picture_is_drawn_by_its_name() -> None:
    drawn = {kind.__name__ for kind in Shown.__subclasses__() if kind.__module__.startswith("thighdx.")}
    assert set(PICTURES) >= drawn


def test_for_and_against_are_told_by_word_sign_and_place(model: Model) -> None:
    found = model.diagnose({"straight_leg_raise": True, "bruising": True}).explain("lumbar_radiculopathy")
    page = read_page(html_of(found))
    assert "▲ for" in page.text
    assert "▼ against" in page.text
    assert "\N{MINUS SIGN}" in page.text
    bars = [bar for bar in page.having("rect") if bar.get("class") in ("tx-for", "tx-against")]
    assert len(bars) == len(found.lines)
    assert all(float(bar["x"]) >= 0 and float(bar["x"]) + float(bar["width"]) <= 100.5 for bar in bars)


def test_what_is_settled_beforehand_is_said_in_place_of_a_table(small_model: Model) -> None:
    result = small_model.diagnose({"strain": True})
    page = read_page(html_of(result.explain("strain")))
    assert page.text.endswith("Strain is certain under this model, given Strain: present.")
    assert page.tables == []


def test_a_model_without_groups_of_dangers_has_a_picture_too(small_model: Model) -> None:
    result = small_model.diagnose({"bruising": True})
    for shown in (small_model, result, result.triage, result.management, result.next_questions(9)):
        read_page(html_of(shown))


def test_a_rebased_model_says_so(small_model: Model) -> None:
    rebased = small_model.rebase({"strain": 0.4})
    assert "Shares replaced in clinic" in read_page(html_of(rebased)).text
    assert "with shares of your own" in read_page(html_of(rebased.diagnose({}))).text


def test_the_report_of_a_run_says_what_became_of_the_rows(small_model: Model) -> None:
    none = run_report(summary_of(small_model))
    assert read_page(html_of(none)).text.startswith("0 of 0 rows scored")
    text = read_page(html_of(run_report(summary_of(small_model, **COUNTS)))).text
    assert "2 of 3 rows scored" in text
    assert "first in 1 of 2 cases and among the first 3 in 2" in text


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model whose every text tries to be markup."""
    folder = kb_builder.write_model(tmp_path_factory.mktemp("hostile"))
    quoted = HOSTILE.replace("'", "''")
    for old, new in (
        ("title: A small model for tests", f"title: '{quoted}'"),
        ("disclaimer: Invented numbers; not a medical device.", f"disclaimer: '{quoted}'"),
        ("label: A clinic", f"label: '{quoted}'"),
    ):
        kb_builder.edit(folder, "model.yaml", old, new)
    for file, old in (
        ("variables.csv", "Strain,absent"),
        ("variables.csv", "Bruising,absent"),
        ("variables.csv", "Does it tingle?,"),
        ("variables.csv", "What was the D-dimer?,"),
        ("red_flags.csv", "It may be a clot.,"),
        ("management.csv", "Rest it.,"),
        ("groups.csv", "Serious,clot"),
        ("sources.csv", "Judged at a desk,"),
    ):
        kb_builder.edit(folder, file, old, f"{HOSTILE},{old.split(',')[1]}")
    kb_builder.edit(folder, "groups.csv", "Serious,nerve", f"{HOSTILE},nerve")
    return thighdx.read_model(folder)


def test_every_text_of_a_model_is_text_and_no_markup(hostile: Model) -> None:
    result = hostile.diagnose({"d_dimer": True, "tingling": False, "bruising": True})
    assert result.triage.fired == ("R1",)
    shown = [
        hostile,
        result,
        result.explain("strain"),
        result.contrast("strain", "clot"),
        result.next_questions(9),
        hostile.diagnose({}).triage,
        result.triage,
        result.management,
        result.sensitivity("strain", n=2),
    ]
    for item in shown:
        read_page(html_of(item))
    for item in (hostile, result, result.triage, result.management):
        assert HOSTILE in read_page(html_of(item)).text


def test_every_text_of_a_report_page_is_text_and_no_markup(hostile: Model) -> None:
    result = hostile.diagnose({"d_dimer": True, "tingling": False, "bruising": True})
    page = read_page(result.to_html(title=HOSTILE, case_id=HOSTILE, date=HOSTILE))
    assert page.text.count(HOSTILE) > 10


def test_every_text_of_a_run_report_is_text_and_no_markup(small_model: Model) -> None:
    counts = COUNTS | {"statuses": Counter({HOSTILE: 1})}
    report = run_report(summary_of(small_model, **counts), words=HOSTILE)
    assert read_page(html_of(report)).text.count(HOSTILE) == 9


def test_a_template_that_names_what_is_not_there_is_an_error() -> None:
    from jinja2 import UndefinedError

    from thighdx.html.render import render

    with pytest.raises(UndefinedError, match="'title' is undefined"):
        render("model", {})


def test_templates_travel_with_the_package() -> None:
    folder = Path(thighdx.__file__).parent / "html" / "templates"
    assert {path.suffix for path in folder.iterdir()} == {".html", ".css"}

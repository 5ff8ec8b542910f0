"""A case as a page: complete, in order, the same every time, and written whole or not at all."""

from __future__ import annotations

import datetime
import itertools
import re
from pathlib import Path

import pytest

import thighdx
from pages import Page, read_page
from thighdx.model import Model
from thighdx.result import Result

CASE = {
    "onset": "sudden",
    "sprint_or_overstretch": True,
    "bruising": True,
    "numbness": False,
    "age": 34,
    "muscle_weakness": {"none": 0.1, "mild": 0.6, "marked": 0.3},
}
DANGER = {"saddle_anesthesia": True, "bladder_dysfunction": True, "low_back_pain": True, "age": 45}


@pytest.fixture(scope="module")
def result(model: Model) -> Result:
    return model.diagnose(CASE, setting="sports_clinic")


@pytest.fixture(scope="module")
def page(result: Result) -> Page:
    return read_page(result.to_html(case_id="007"))


@pytest.fixture(scope="module")
def danger(model: Model) -> Page:
    return read_page(model.diagnose(DANGER).to_html())


def test_the_page_has_a_language_a_title_landmarks_and_headings_in_steps(page: Page) -> None:
    assert page.having("html") == [{"lang": "en"}]
    assert [tag for tag, _ in page.tags if tag in ("title", "header", "main", "footer")] == [
        "title",
        "header",
        "main",
        "footer",
    ]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.having("meta")


def test_ids_are_unique_and_every_section_is_named_by_its_heading(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert [section["aria-labelledby"] for section in page.having("section")] == [
        "urgency",
        "do",
        "causes",
        "findings",
        "open",
        "why",
        "next",
        "advice",
        "sources",
        "known",
        "model",
    ]
    assert page.ids == [section["aria-labelledby"] for section in page.having("section")]


def test_the_first_sheet_leads_to_every_part_of_the_appendix(page: Page) -> None:
    assert {link["href"].removeprefix("#") for link in page.having("a")} == {
        "why",
        "next",
        "advice",
        "sources",
        "known",
        "model",
    }


def test_no_page_may_load_or_run_anything_even_if_it_tried(page: Page) -> None:
    policy = next(meta for meta in page.having("meta") if meta.get("http-equiv"))
    assert policy["content"].startswith("default-src 'none';")


def test_the_first_sheet_says_how_urgent_what_to_do_what_it_may_be_and_what_to_ask(
    page: Page, danger: Page, result: Result
) -> None:
    sheet = page.text[: page.text.index("Appendix:")]
    told = [
        "Soon Make an appointment with a clinician within days.",
        result.triage.deciding[0].words,
        "What to do first " + result.management.advice[0].words,
        "Possible causes",
        "Findings that decide",
        "▲\N{NO-BREAK SPACE}Injury while sprinting, kicking, slipping or over-stretching: present",
        "Given: Age band: 18-39;",
        "Open safety questions Is one of these so: (1) you cannot put any weight on the leg",
        "(up to Emergency)",
        " ".join(result.model.disclaimer.split()),
    ]
    places = [
        sheet.replace("\N{NO-BREAK SPACE}", " ").index(part.replace("\N{NO-BREAK SPACE}", " "))
        for part in told
    ]
    assert places == sorted(places)
    assert "Emergency Call an ambulance or go to an emergency department now." in danger.text
    assert "(Numb or changed feeling in the saddle area: present)" in danger.text


def test_in_an_emergency_the_first_sheet_asks_nothing_more(danger: Page) -> None:
    said = "Open safety questions It is an emergency, and nothing more is asked before help comes."
    assert said in danger.text


def test_causes_have_credible_intervals(page: Page, result: Result) -> None:
    interval = result.interval(0.9, method="delta")["proximal_hamstring_avulsion"]
    assert f"{interval.lower:.1%} to {interval.upper:.1%}" in page.text
    assert "90% credible intervals" in page.text
    assert "Proximal hamstring avulsion or complete rupture ◆ must not be missed" in page.text


def test_reasons_are_given_for_leading_causes_and_for_those_that_decide_the_urgency(
    page: Page, danger: Page, result: Result
) -> None:
    captions = [table.caption for table in (*page.tables, *danger.tables)]
    for cause in (
        "Hamstring strain",
        "Proximal hamstring avulsion or complete rupture",
        "Cauda equina syndrome",
    ):
        assert any(caption.startswith(f"For and against: {cause}") for caption in captions)
    strongest = max(line.decibans for line in result.explain("hamstring_strain").lines)
    assert f"{strongest:+.1f}" in page.text


def test_questions_are_in_plain_words_and_those_that_settle_nothing_are_left_out(page: Page) -> None:
    assert "Do you have pain right on the sitting bone" in page.text
    assert "0.00 bits" not in page.text


def test_advice_comes_with_its_cautions(page: Page, danger: Page, result: Result) -> None:
    first = next(line for line in result.management.advice if line.cause != "any")
    assert f"{first.words} (Hamstring strain) {first.caution}" in page.text
    later = result.management.advice[3]
    assert f"{later.words} (Hamstring strain) Caution: {later.caution}" in page.text
    assert "Not advised here. Nothing that could delay care" in danger.text


def test_sources_say_whether_anyone_checked_them(page: Page) -> None:
    section = page.text[page.text.index("Sources behind the leading figures") :]
    assert re.search(
        r"K121 \(✓ checked\) Woods C et al\. .*?\(published figure\) Cited for: Hamstring strain: ", section
    )
    assert re.search(
        r"desk_ elicitation \(not checked\) Figure or statement judged at a desk .*?\(elicitation\) Cited",
        section,
    )


def test_what_was_given_and_what_is_unknown_is_listed(page: Page, model: Model) -> None:
    section = page.text[page.text.index("What was given, and what is unknown") :]
    assert "Leg weakness: uncertain (likelihoods none 0.1, mild 0.6, marked 0.3)" in section
    assert "Given as not there (1): Numbness" in section
    counts = [int(number) for number in re.findall(r"Unknown: [a-z ]+ \((\d+)\)", section)]
    assert sum(counts) == len(model.variables) - len(CASE)


def test_the_page_names_model_library_and_disclaimer(page: Page, model: Model) -> None:
    assert model.digest in page.text
    assert f"posterior_thigh {model.version}" in page.text
    assert f"thighdx {thighdx.__version__}" in page.text
    assert page.text.count(" ".join(model.disclaimer.split())) == 2
    assert "Case 007" in page.text


def test_the_same_case_gives_the_same_bytes(result: Result) -> None:
    again = thighdx.load_model().diagnose(dict(reversed(CASE.items())), setting="sports_clinic")
    assert again.to_html() == result.to_html()


def test_a_day_is_named_only_when_one_is_given(result: Result) -> None:
    assert "Date" not in read_page(result.to_html()).text
    day = datetime.date(2026, 1, 31)
    assert result.to_html(date=day) == result.to_html(date="2026-01-31")
    assert "Date 2026-01-31" in read_page(result.to_html(date=day)).text


def test_a_report_of_nothing_known_is_a_page_too(model: Model, small_model: Model) -> None:
    for asked in (model, small_model):
        page = read_page(asked.diagnose({}).to_html())
        assert "Nothing was given." in page.text
    everything = {"bruising": True, "tingling": False, "pain": "mild", "d_dimer": False, "age_band": "65+"}
    known = {**everything, "onset": "gradual", "disc_lesion": False, "pregnancy": "no"}
    assert "Nothing is left to ask." in read_page(small_model.diagnose(known).to_html()).text


def test_a_settled_cause_is_told_by_name(small_model: Model) -> None:
    assert (
        "Strain is certain under this model"
        in read_page(small_model.diagnose({"strain": True}).to_html()).text
    )


def test_intervals_from_draws_are_named(small_model: Model) -> None:
    found = small_model.diagnose({"bruising": True})
    assert "from 200 draws" in read_page(found.to_html(method="auto")).text
    assert "draws of the judgements" not in read_page(found.to_html()).text


def test_shares_of_a_users_own_are_shown_and_cited_as_such(small_model: Model) -> None:
    page = read_page(small_model.rebase({"strain": 0.42}).diagnose({"bruising": True}).to_html())
    assert "Shares of causes put in place of the elicited ones: clinic" in [t.caption for t in page.tables]
    assert "Strain 42.0%" in page.text
    assert "A share put in place of the elicited one (own figure)" in page.text


def test_the_file_is_the_page(result: Result, tmp_path: Path) -> None:
    path = result.report(tmp_path / "case.html", title="A sprinter")
    assert path == tmp_path / "case.html"
    assert path.read_bytes() == result.to_html(title="A sprinter").encode()
    assert read_page(path.read_text(encoding="utf-8")).text.startswith("A sprinter A sprinter")


def test_an_older_page_stays_when_writing_fails(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(28, f"No space left on device {descriptor}")

    path = tmp_path / "case.html"
    path.write_text("older")
    monkeypatch.setattr("thighdx.atomic_files.os.fsync", refuse)
    with pytest.raises(OSError, match="No space left"):
        result.report(path)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nowhere/case.html", FileNotFoundError, "nowhere/case.html: no such folder .*; create it first"),
        (".", IsADirectoryError, "is a folder, expected the name of a file to write"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_named(
    result: Result,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: type[OSError],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        result.report(name)


def test_much_that_is_known_does_not_make_the_reasons_endless(model: Model) -> None:
    absent = [name for name, v in model.variables.items() if v.states == ("absent", "present")][40:80]
    result = model.diagnose({**dict.fromkeys(absent, False), "onset": "gradual"})
    page = read_page(result.to_html())
    n_waterfalls = sum(table.caption.startswith("For and against") for table in page.tables)
    assert page.text.count("33 other findings together") == n_waterfalls > 0
    found = result.explain(str(result.top(1).index[0]))
    rest = sum(line.decibans for line in found.lines[8:])
    assert f"33 other findings together {rest:+.1f}".replace("-", "\N{MINUS SIGN}") in page.text
    assert "What weighs less" not in page.text

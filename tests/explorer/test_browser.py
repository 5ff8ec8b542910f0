"""The explorer as a person uses it: in a real JupyterLab, in a headless Chromium, by mouse and by keyboard."""

from __future__ import annotations

import ast
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chromium import CONTRASTS, MIN_CONTRAST, PATIENCE, expect, window
from thighdx.model import Model
from thighdx.text import percent

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

VIEWPORT = {"width": 1500, "height": 2600}
CELL = "import thighdx\nwidget = thighdx.explore(setting='sports_clinic')\nwidget"
# The kernel of an earlier window may still be there, with an `act` that is slow already.
SLOW_CELL = f"""
import functools, time
from thighdx.explorer.state import Session
act = getattr(Session.act, "__wrapped__", Session.act)
@functools.wraps(act)
def slow(self, message):
    time.sleep(0.25)
    act(self, message)
Session.act = slow
{CELL}"""
SECOND_CELL = "print(widget.evidence, widget.setting)\nwidget.evidence = {'fever': True}\nthighdx.explore()"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from explorer.lab import running_lab

    with running_lab(tmp_path_factory.mktemp("lab") / "jupyter") as found:
        yield found


@pytest.fixture
def page(browser: Browser, lab: Any) -> Iterator[Page]:
    """A window with the explorer on it."""
    with window(browser, viewport=VIEWPORT) as found:
        run_first_cell(lab, found, "case.ipynb", CELL, SECOND_CELL)
        yield found


@pytest.fixture
def slow_page(browser: Browser, lab: Any) -> Iterator[Page]:
    """The same with a Python that takes longer than a person from one key to the next."""
    with window(browser, viewport=VIEWPORT) as found:
        run_first_cell(lab, found, "slow.ipynb", SLOW_CELL)
        yield found


def run_first_cell(lab: Any, page: Page, name: str, *cells: str) -> None:
    """Open a new notebook, run its first cell, and wait until JupyterLab has done all it does then."""
    lab.write_notebook(name, *cells)  # whatever JupyterLab saved of an earlier window
    lab.open(page, name)
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    settled(page, 0)
    expect(page.locator(".jp-InputPrompt").first).to_have_text(re.compile(r"\[\d+\]:"))
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()


def settled(page: Page, n_known: int) -> None:
    """Wait until so many things are known and the whole answer is there."""
    expect(page.locator(".te-chip")).to_have_count(n_known)
    expect(page.locator(".te-answer")).to_have_attribute("aria-busy", "false")


def choose(page: Page, variable: str, label: str) -> None:
    """Click a state of a finding, where a person would: on its word."""
    row = page.locator(f".te-findings [data-variable={variable}]")
    row.locator(".te-radios label", has_text=re.compile(f"^{label}$")).click()


def shown_probability(page: Page, cause: str) -> str:
    return str(page.locator(f"tr[data-cause={cause}] td.te-number").first.inner_text())


def focused(page: Page) -> Locator:
    return page.locator("*:focus")


def screenshot(page: Page, name: str) -> None:
    """Keep a picture for the eye, where the environment names a folder for them."""
    folder = os.environ.get("THIGHDX_SCREENSHOTS")
    picture = page.locator(".te").screenshot()
    assert len(picture) > 10_000
    if folder:
        theme = "light" if page.locator("body[data-jp-theme-light=true]").count() else "dark"
        Path(folder, f"{name}_{theme}.png").write_bytes(picture)


# Keeps all that the explorer says beside its buttons.
HEAR = """() => {
    window.heard = [];
    const said = document.querySelector('.te-said');
    new MutationObserver(() => window.heard.push(said.textContent)).observe(said, {childList: true});
}"""


def test_a_case_is_clicked_typed_undone_and_copied(page: Page, model: Model) -> None:
    page.locator(".te-search input").fill("bruis")
    choose(page, "bruising", "present")
    settled(page, 1)
    page.locator(".te-search input").fill("")
    page.locator(".te-age input").fill("34")
    settled(page, 2)
    page.locator(".te-findings [data-variable=onset] select").select_option("sudden")
    settled(page, 3)
    screenshot(page, "case")

    expected = model.diagnose({"bruising": True, "age": 34, "onset": "sudden"}, setting="sports_clinic")
    for cause, value in expected.top(5).items():
        assert shown_probability(page, str(cause)) == percent(float(value))
    interval = expected.interval(0.9, method="delta")["hamstring_strain"]
    words = f"{percent(interval.lower)} to {percent(interval.upper)}"
    assert page.locator("tr[data-cause=hamstring_strain] .te-interval").inner_text() == words
    assert page.locator(".te-level").inner_text() == expected.triage.words
    assert percent(float(expected.top(1).iloc[0]), 0) in page.locator(".te-spoken").inner_text()

    page.get_by_role("button", name="Undo the last change").click()
    settled(page, 2)
    page.get_by_role("button", name="Redo what was undone").click()
    settled(page, 3)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(HEAR)  # what is said goes away after three seconds
    page.get_by_role("button", name="Copy the case as Python").click()
    page.wait_for_function("heard.includes('Copied')")
    (call,) = ast.parse(page.evaluate("navigator.clipboard.readText()")).body
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert ast.unparse(call.value.func) == "model.diagnose"
    assert ast.literal_eval(call.value.args[0]) == {"bruising": "present", "age": 34, "onset": "sudden"}
    assert ast.literal_eval(call.value.keywords[0].value) == "sports_clinic"


def test_the_urgency_stays_in_sight_and_causes_that_must_not_be_missed_are_marked(
    page: Page, model: Model
) -> None:
    page.keyboard.press("Control+b")  # JupyterLab's list of files leaves no room on a phone
    page.locator("#jp-left-stack").wait_for(state="hidden")
    page.locator(".te-search input").fill("saddle")
    choose(page, "saddle_anesthesia", "present")
    settled(page, 1)
    result = model.diagnose({"saddle_anesthesia": True}, setting="sports_clinic")
    for width in (1600, 800, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(
            "width => document.querySelector('.te').getBoundingClientRect().right <= width", arg=width
        )
        page.locator(".te-disclaimer").scroll_into_view_if_needed()
        expect(page.locator(".te-disclaimer")).to_be_in_viewport()
        expect(page.locator(".te-level")).to_be_in_viewport(ratio=1)
        shown = page.locator(".te-pinned p").all_inner_texts()
        assert shown == [result.triage.words, result.management.advice[0].words]
        assert_nothing_is_cut_off(page)
    marked = page.locator("tr[data-cause=cauda_equina_syndrome] .te-mark").inner_text()
    assert marked == "◆ must not be missed"
    assert page.locator(".te-questions").inner_text() == (
        "It is an emergency, and nothing more is asked before help comes."
    )


def test_a_link_skips_to_the_answer(page: Page) -> None:
    assert page.locator(".te button").first.inner_text() == "Skip to the answer"
    page.locator(".te-skip").focus()
    expect(page.locator(".te-skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator(".te-answer[aria-label=Answer]")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".te-answer *:focus")).to_have_count(1)
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 2


def test_the_keyboard_is_enough(page: Page, model: Model) -> None:
    page.locator(".te-search input").focus()
    page.keyboard.type("bruising")
    page.keyboard.press("Enter")
    assert focused(page).get_attribute("type") == "radio"
    page.keyboard.press("ArrowRight")  # absent
    page.keyboard.press("ArrowRight")  # present
    settled(page, 1)
    assert focused(page).get_attribute("value") == "present"
    assert focused(page).get_attribute("name") is not None
    expected = model.diagnose({"bruising": True}, setting="sports_clinic").posterior
    assert shown_probability(page, "hamstring_strain") == percent(float(expected["hamstring_strain"]))

    page.keyboard.press("ArrowRight")  # unsure
    page.locator(".te-findings [data-variable=bruising] input[type=range]").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.locator(".te-chip", has_text="unsure (absent 25%, present 75%)").wait_for()
    settled(page, 1)
    expected = model.diagnose(
        {"bruising": {"absent": 0.25, "present": 0.75}}, setting="sports_clinic"
    ).posterior
    assert shown_probability(page, "hamstring_strain") == percent(float(expected["hamstring_strain"]))
    page.keyboard.press("Control+z")
    page.locator(".te-chip", has_text="Bruising: present").wait_for()
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 2  # no shortcut of the notebook was pressed


def test_late_answers_do_not_put_back_what_was_pressed_since(slow_page: Page, model: Model) -> None:
    row = slow_page.locator(".te-findings [data-variable=bruising]")
    row.locator("input[value='']").focus()
    for _ in range(3):
        slow_page.keyboard.press("ArrowRight")  # absent, present, unsure
        slow_page.wait_for_timeout(100)
    slow_page.locator(".te-chip", has_text="Bruising: unsure").wait_for()
    row.locator("input[type=range]").focus()
    for _ in range(10):
        slow_page.keyboard.press("ArrowRight")
        slow_page.wait_for_timeout(100)
    slow_page.locator(".te-chip", has_text="unsure (absent 20%, present 80%)").wait_for()
    settled(slow_page, 1)
    assert row.locator("input[type=range]").input_value() == "80"
    expected = model.diagnose(
        {"bruising": {"absent": 0.2, "present": 0.8}}, setting="sports_clinic"
    ).posterior
    assert shown_probability(slow_page, "hamstring_strain") == percent(float(expected["hamstring_strain"]))


def test_an_age_typed_just_now_stays_and_is_copied(slow_page: Page) -> None:
    slow_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    slow_page.evaluate(HEAR)
    age = slow_page.locator(".te-age input")
    age.focus()
    slow_page.keyboard.type("34")
    slow_page.get_by_role("button", name="Copy the case as Python").click()
    assert age.input_value() == "34"
    slow_page.wait_for_function("heard.includes('Copied')")
    copied = slow_page.evaluate("navigator.clipboard.readText()")
    assert copied == 'model.diagnose({"age": 34}, setting="sports_clinic")'


def test_the_focus_stays_on_what_is_known(slow_page: Page) -> None:
    for variable in ("posterior_thigh_pain", "bruising"):
        choose(slow_page, variable, "present")
    settled(slow_page, 2)
    slow_page.locator(".te-chip button", has_text="Bruising: present").focus()
    slow_page.keyboard.press("Control+z")  # the chip goes, and with it the focus to the one that is left
    settled(slow_page, 1)
    expect(slow_page.locator(".te-chip button").first).to_be_focused()
    slow_page.keyboard.press("Control+y")
    settled(slow_page, 2)
    expect(slow_page.locator(".te-chip button").first).to_be_focused()


def test_letters_in_the_explorer_are_no_shortcuts_of_the_notebook(page: Page) -> None:
    page.locator(".te-findings [data-variable=bruising] input[value='']").focus()
    for key in ("d", "d", "a", "b", "x", "Enter"):
        page.keyboard.press(key)
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 2
    assert focused(page).get_attribute("type") == "radio"


def test_questions_are_answered_where_they_stand_and_focus_goes_on(page: Page, model: Model) -> None:
    safety = page.locator(".te-questions ul").first.locator("li").all()
    asked = {item.get_attribute("data-variable") for item in safety}
    ranking = model.diagnose({}, setting="sports_clinic").next_questions(20, max_cost="ask").ranking
    expected = next(question.variable for question in ranking if question.variable not in asked)
    first = page.locator(".te-questions ul").last.locator("li").first
    assert first.get_attribute("data-variable") == expected
    first.locator("button").first.focus()
    page.keyboard.press("Enter")
    settled(page, 1)
    assert page.locator(f".te-questions [data-variable={expected}]").count() == 0
    expect(page.locator(".te-questions *:focus")).to_have_count(1)
    skipped = page.locator(".te-questions li").first.get_attribute("data-variable")
    page.locator(".te-questions li").first.locator("button", has_text="don't know").click()
    page.locator(f".te-questions [data-variable={skipped}]").wait_for(state="detached")
    settled(page, 1)


def test_impossible_evidence_is_refused_in_place(page: Page) -> None:
    page.locator(".te-search input").fill("sex recorded")
    choose(page, "sex", "male")
    settled(page, 1)
    page.locator(".te-search input").fill("pregnancy")
    page.locator(".te-findings [data-variable=pregnancy] select").select_option("first_trimester")
    page.get_by_role("alert").filter(has_text="cannot be true together").wait_for()
    settled(page, 1)
    assert page.locator(".te-findings [data-variable=pregnancy] select").input_value() == ""
    assert page.locator(".te-findings [data-variable=pregnancy] .te-fault").is_visible()
    screenshot(page, "refused")


def test_without_a_clipboard_the_code_can_be_selected(page: Page) -> None:
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')); }")
    page.get_by_role("button", name="Copy the case as Python").click()
    text = page.locator(".te-code textarea")
    text.wait_for()
    assert text.input_value() == 'model.diagnose({}, setting="sports_clinic")'
    assert text.evaluate("area => area.selectionEnd - area.selectionStart") == len(text.input_value())
    page.get_by_role("button", name="Close the text").click()
    text.wait_for(state="hidden")


def test_python_reads_what_was_clicked_and_moves_the_view(page: Page) -> None:
    choose(page, "posterior_thigh_pain", "present")
    settled(page, 1)
    page.locator(".jp-Cell .cm-content").nth(1).click()
    page.keyboard.press("Shift+Enter")
    page.locator(".te-chip", has_text="Fever: present").wait_for()
    printed = page.locator(".jp-OutputArea-output pre").last
    expect(printed).to_have_text("{'posterior_thigh_pain': 'present'} sports_clinic")
    page.locator(".te").nth(1).wait_for()
    names = page.evaluate(
        "() => [...document.querySelectorAll('[data-variable=fever] input')].map((e) => e.name)"
    )
    assert len(names) == 8  # of two explorers, whose radio buttons must not exclude one another
    assert len(set(names)) == 2


def assert_readable(page: Page) -> None:
    contrasts = page.evaluate(CONTRASTS, ".te")
    assert len(contrasts) > 100
    assert [(round(ratio, 2), text) for ratio, text in contrasts if ratio < MIN_CONTRAST] == []


def test_every_text_can_be_read_in_the_dark_too(browser: Browser, page: Page, tmp_path: Path) -> None:
    from explorer.lab import running_lab

    assert_readable(page)
    with (
        running_lab(tmp_path / "jupyter", theme="JupyterLab Dark") as dark,
        window(browser, viewport=VIEWPORT) as night,
    ):
        run_first_cell(dark, night, "case.ipynb", CELL)
        night.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
        choose(night, "posterior_thigh_pain", "unsure")
        settled(night, 1)
        night.locator(".te-age input").fill("130")
        night.get_by_role("alert").filter(has_text="expected 0 to 120").wait_for()
        settled(night, 1)
        screenshot(night, "case")
        assert_readable(night)


# What ends to the right of the room it has: the explorer without its padding, the list where it is in there.
CUT_OFF = """() => {
    const inner = (e) => e.getBoundingClientRect().right - parseFloat(getComputedStyle(e).paddingRight) + 0.5;
    return [...document.querySelectorAll('.te *')]
        .filter((e) => e.getClientRects().length && !e.closest('.te-spoken') && !e.matches('.te-list'))
        .filter((e) => e.getBoundingClientRect().right > inner(e.closest('.te-list') ?? e.closest('.te')))
        .map((e) => `${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`);
}"""


def assert_nothing_is_cut_off(page: Page) -> None:
    """Check it once JupyterLab has given everything its place."""
    last = time.monotonic() + PATIENCE
    while (found := page.evaluate(CUT_OFF)) and time.monotonic() < last:
        page.wait_for_timeout(100)
    assert found == [], page.locator(".te").bounding_box()


def test_nothing_is_cut_off_however_little_room_there_is(page: Page) -> None:
    page.locator(".te-findings [data-variable=onset] select").select_option(label="unsure")
    choose(page, "posterior_thigh_pain", "unsure")
    settled(page, 2)
    for width in (300, 420, 620, 780, 900, 1000):
        page.evaluate(f"document.querySelector('.te').style.maxWidth = '{width}px'")
        screenshot(page, f"narrow_{width}")
        assert_nothing_is_cut_off(page)

"""The page of a case in Chromium: on a phone, in the dark, and on paper."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chromium import CONTRASTS, MIN_CONTRAST, window
from thighdx.model import Model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
CASES = {
    "emergency": {"saddle_anesthesia": True, "bladder_dysfunction": True, "low_back_pain": True, "age": 45},
    "soon": {
        "bruising": True,
        "numbness": False,
        "muscle_weakness": {"none": 0.1, "mild": 0.6, "marked": 0.3},
    },
    "nothing": {},
    "strain": {
        "onset": "sudden",
        "sprint_or_overstretch": True,
        "bruising": True,
        "numbness": False,
        "age": 34,
    },
    # Many reasons, notes of doubt, and long words of advice.
    "much": {
        "one_leg_swollen": True,
        "cancer_history": True,
        "low_back_pain": True,
        "numbness": True,
        "anticoagulant_use": True,
        "kidney_or_liver_disease": True,
        "fever": True,
        "pregnancy": "first_trimester",
        "age": 15,
    },
}
NAMES = (*CASES, "everything")


@pytest.fixture(scope="module")
def folder(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of some cases."""
    made = tmp_path_factory.mktemp("pages")
    everything = {name: variable.states[0] for name, variable in model.variables.items()}
    for name, case in {**CASES, "everything": everything}.items():
        model.diagnose(case).report(
            made / f"{name}.html", case_id="A case id without a place to break: " + "x" * 60
        )
    return made


@contextmanager
def opened(
    browser: Browser, path: Path, *, scheme: str = "light", width: int = PHONE["width"]
) -> Iterator[Page]:
    """Open a page; whatever it asks for or complains about fails the test."""
    viewport = {"width": width, "height": PHONE["height"]}
    asked: list[str] = []
    with window(browser, viewport=viewport, color_scheme=scheme) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: asked.append(message.text))
        page.goto(path.as_uri())
        yield page
    assert asked == [path.as_uri()]


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs_over_the_edge(browser: Browser, folder: Path, name: str, width: int) -> None:
    with opened(browser, folder / f"{name}.html", width=width) as page:
        beyond = page.evaluate(
            "width => [...document.querySelectorAll('body *')]"
            ".filter(e => e.getBoundingClientRect().right > width + 0.5)"
            ".map(e => `${e.tagName} ${e.textContent.slice(0, 50)}`)",
            width,
        )
        assert beyond == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_every_text_stands_out_from_what_is_behind_it(
    browser: Browser, folder: Path, name: str, scheme: str
) -> None:
    with opened(browser, folder / f"{name}.html", scheme=scheme) as page:
        contrasts = page.evaluate(CONTRASTS, "body")
        assert len(contrasts) > 100
        assert [(round(value, 2), text) for value, text in contrasts if value < MIN_CONTRAST] == []
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (dark == "rgb(255, 255, 255)") == (scheme == "light")


def test_urgency_is_on_the_first_screen_of_a_phone(browser: Browser, folder: Path) -> None:
    with opened(browser, folder / "emergency.html") as page:
        box = page.locator(".tx-banner").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < PHONE["height"]


@pytest.mark.parametrize("name", NAMES)
def test_the_first_sheet_is_one_page_and_no_heading_stands_alone(
    browser: Browser, folder: Path, tmp_path: Path, name: str
) -> None:
    with opened(browser, folder / f"{name}.html", width=1280) as page:
        pages = printed(page, tmp_path / f"{name}.pdf")
        assert len(pages) <= 6
        assert pages[0][0] == "Case report"
        assert pages[0][-2].startswith("Appendix: why")
        assert pages[1][0] == "Why"
        headings = page.locator("h2, h3, caption").all_inner_texts()
        for lines in pages:
            assert not any(heading.startswith(lines[-2]) for heading in headings), lines[-2]
        # fonts differ in their spaces
        numbers = [re.search(r"(\d+) ?/ ?(\d+)$", lines[-1]) for lines in pages]
        assert [found and found.groups() for found in numbers] == [
            (str(number), str(len(pages))) for number in range(1, len(pages) + 1)
        ]


def printed(page: Page, pdf: Path) -> list[list[str]]:
    """Print a page, and return the lines of every sheet."""
    page.pdf(path=str(pdf), format="A4", prefer_css_page_size=True)
    text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True)
    sheets = text.stdout.strip("\f\n").split("\f")
    return [[line.strip() for line in sheet.splitlines() if line.strip()] for sheet in sheets]


def test_the_page_prints_on_white_paper(browser: Browser, folder: Path, tmp_path: Path) -> None:
    with opened(browser, folder / "emergency.html", scheme="dark") as page:
        pdf = tmp_path / "emergency.pdf"
        assert "Emergency" in " ".join(printed(page, pdf)[0])
        picture = tmp_path / "first"
        subprocess.run(["pdftoppm", "-r", "20", "-f", "1", "-l", "1", str(pdf), str(picture)], check=True)
        (raw,) = tmp_path.glob("first*.ppm")
        assert raw.read_bytes()[-3:] == b"\xff\xff\xff"  # the last corner is paper

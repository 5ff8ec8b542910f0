"""`thighdx report`: a case file in, a page out; everything wrong with the file is said at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from cli import terminal
from pages import read_page
from places import SMALL

CASE = """\
id: "007"
title: Sprinter with a bruise
date: 2026-01-31
setting: hospital
evidence:
  bruising: yes
  tingling: no
  age: 70
  pain: {none: 0.1, mild: 0.6, severe: 0.3}
"""

Report = Callable[..., Result]


@pytest.fixture
def report(run: Callable[..., Result]) -> Report:
    """`thighdx report` with the small model."""
    return lambda *words, stdin="": run("report", *words, "--model", str(SMALL), stdin=stdin)


def refused(result: Result, *parts: str) -> None:
    """The same as of any command, and no page is written."""
    terminal.refused(result, *parts)
    assert not list(Path().glob("*.html"))


def test_a_case_file_becomes_a_page(report: Report) -> None:
    Path("case.yaml").write_text(CASE)
    done = report("case.yaml", "-o", "case.html")
    assert done.exit_code == 0, done.output
    assert done.stdout == "Written: case.html (urgent; strain 91.5%)\n"
    page = read_page(Path("case.html").read_text(encoding="utf-8"))
    assert page.text.startswith("007: Sprinter with a bruise")
    for part in ("Date 2026-01-31", "A hospital", "Age band: 65+", "likelihoods none 0.1"):
        assert part in page.text


def test_a_second_run_writes_the_same_bytes(report: Report) -> None:
    Path("case.yaml").write_text(CASE)
    first = report("case.yaml", "-o", "case.html")
    before = Path("case.html").read_bytes()
    assert report("case.yaml", "-o", "case.html", "--quiet").stdout == ""
    assert first.exit_code == 0
    assert Path("case.html").read_bytes() == before


def test_a_case_comes_through_a_pipe_and_a_page_leaves_through_one(report: Report) -> None:
    done = report("-", "-o", "-", stdin=CASE)
    assert done.exit_code == 0
    assert done.stdout.startswith("<!DOCTYPE html>")
    assert read_page(done.stdout).text.startswith("007: Sprinter")
    assert not list(Path().iterdir())


def test_options_take_the_place_of_what_the_file_says(report: Report) -> None:
    done = report("-", "-o", "-", "--setting", "clinic", "--date", "some day", stdin=CASE)
    text = read_page(done.stdout).text
    assert "A clinic" in text
    assert "Date some day" in text


def test_today_is_stamped_only_on_request(report: Report) -> None:
    bare = CASE.replace("date: 2026-01-31\n", "")
    assert "Date" not in read_page(report("-", "-o", "-", stdin=bare).stdout).text
    stamped = read_page(report("-", "-o", "-", "--date", "today", stdin=bare).stdout).text
    assert "Date 20" in stamped


def test_intervals_may_be_drawn(report: Report) -> None:
    done = report("-", "-o", "-", "--intervals", "auto", stdin=CASE)
    assert "200 draws" in read_page(done.stdout).text


def test_fewer_causes_at_once_may_be_asked_for(report: Report) -> None:
    done = report("-", "-o", "-", stdin=CASE + "max_causes: 1\n")
    assert done.exit_code == 2  # the shares of the small model add up to more than one cause
    assert "max_causes" in done.stderr
    assert "up to 2" in read_page(report("-", "-o", "-", stdin=CASE + "max_causes: 2\n").stdout).text


def test_everything_wrong_with_a_file_is_said_at_once(report: Report) -> None:
    Path("case.yaml").write_text(
        "id: 7\ntitel: x\nsetting: hospitl\nmax_causes: 20\n1: 2\n"
        "evidence: {brusing: yes, pain: awful, age: 200, tingling: [1], d_dimer: {negative: 1}, null: 1}\n"
    )
    done = report("case.yaml", "-o", "case.html")
    refused(
        done,
        "case.yaml: 11 problems",
        "id: got '7', expected a text of 1 to 200 characters; put numbers in quotes: id: \"007\"",
        "titel: unknown key; did you mean 'title'?",
        "expected one of clinic, hospital; did you mean 'hospital'?",
        "max_causes: got '20', expected a whole number from 1 to 10",
        "1: expected a name",
        "unknown finding 'brusing'",
        "pain: got 'awful', expected none, mild, severe",
        "age: got 200, expected 0 to 120 years",
        "evidence, tingling: got a list, expected a state, yes or no",
        "d_dimer: likelihood of 'positive': got None",
        "evidence, None: expected a name",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "standard input: is empty, expected at least: evidence: {bruising: present}"),
        ("- a", "standard input: got a list, expected keys such as setting and evidence"),
        ("evidence: {bruising: yes", "not valid YAML 1.2: while parsing a flow mapping"),
        ("id: '1'\nid: '2'", 'found duplicate key "id"'),
        ("evidence: " + "[" * 3000, "standard input: not valid YAML 1.2"),
        ("evidence: 3", "evidence: got '3', expected findings and their values, such as bruising: present"),
        ("date: 3", "date: got '3', expected a day such as 2026-01-31, or a text"),
        ("evidence: {age: 70, age_band: 18-39}", "age: got 70 years (band 65+) and age_band 18-39"),
        ("evidence: {age: 70, pregnancy: yes}", "impossible evidence: age_band=65+, pregnancy=yes"),
        ("x" * 100_001, "longer than 100,000 characters, expected one case"),
        (b"\xff\xfe", "standard input: is not UTF-8 text; save it as UTF-8"),
    ],
)
def test_a_file_that_is_no_case_is_refused(report: Report, text: str | bytes, message: str) -> None:
    refused(report("-", "-o", "case.html", stdin=text), message)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("case.pdf", "case.pdf: got the ending '.pdf', expected .html, or - for a pipe"),
        ("case", "case: got no ending, expected .html"),
        ("nowhere/case.html", "nowhere/case.html: no such folder"),
    ],
)
def test_an_output_that_is_no_page_is_refused(report: Report, output: str, message: str) -> None:
    refused(report("-", "-o", output, stdin=CASE), message)


def test_a_page_never_replaces_the_case_it_is_made_from(report: Report) -> None:
    Path("case.htm").write_text(CASE)
    refused(report("case.htm", "-o", "./case.htm"), "is the input too")
    assert Path("case.htm").read_text() == CASE


def test_a_missing_case_is_named(report: Report) -> None:
    refused(report("nofile.yaml", "-o", "case.html"), "nofile.yaml: no such file or directory")

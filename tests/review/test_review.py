"""The review kit from end to end: five causes, filled in by a script, with mistakes in it, read back, compared."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import thighdx
from cli.terminal import refused
from review.answers import CONFIRM, change, fill_in, strike
from thighdx.cli import app
from thighdx.errors import KnowledgeBaseError, TableError
from thighdx.review import read_review

FIVE = (
    "hamstring_strain",
    "deep_vein_thrombosis",
    "cauda_equina_syndrome",
    "lumbar_radiculopathy",
    "hip_joint_disease",
)
BRUISING = "links|hamstring_strain|bruising|present"
COUGH = "links|lumbar_radiculopathy|worse_with_cough_or_strain|present"
ROTATION = "links|hip_joint_disease|hip_rotation_pain|positive"
OBESITY = "effects|obesity|present|hip_joint_disease"
SHARE = "shares|cauda_equina_syndrome|primary_care"
ADVICE, OTHER_ADVICE = "management|M070", "management|M065"


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit for five causes, as the command writes it."""
    folder = tmp_path_factory.mktemp("review") / "kit"
    done = CliRunner().invoke(app, ["model", "review", *FIVE, "-o", str(folder)])
    assert done.exit_code == 0, done.stderr
    return folder


def test_the_kit_has_a_page_per_cause_and_one_workbook(model: thighdx.Model, kit: Path) -> None:
    assert {path.name for path in kit.iterdir()} == {"review.xlsx", *(f"{cause}.html" for cause in FIVE)}
    page = (kit / "hamstring_strain.html").read_text(encoding="utf-8")
    assert model.disclaimer in page
    assert "Of 100 patients who have this alone, how many have: Bruising?" in page
    assert "panel_a" in page
    assert "Published:" in page
    assert "<polygon" in page
    assert "Against Proximal hamstring avulsion" in page
    assert "http" not in page.partition("<main>")[0].replace("http-equiv", "")  # nothing is loaded


def test_what_is_left_empty_is_not_a_verdict(model: thighdx.Model, kit: Path) -> None:
    assert read_review(model, kit / "review.xlsx") == ()


MISTAKES = {
    BRUISING: change(50, 40, 70),  # do not rise
    COUGH: change(10, "20 %", None),  # a sign, and one is missing
    ROTATION: {"low": 1},  # a number without a verdict
    OBESITY: change("1,5", 2, 3),  # a comma
    SHARE: strike("too rare to matter"),  # every cause has a share
    "links|hamstring_strain|low_back_pain|present": {"verdict": "conform"},
    "links|hamstring_strain|onset|sudden": change(0.3, 0.5, 0.8),  # fractions where it says of 100
    "links|hamstring_strain|numbness|present": strike(None),  # no reason
    "links|hamstring_strain|tingling|present": CONFIRM | {"middle": 5},
    "links|hamstring_strain|sharp_pain|present": change("=1+1", 30, 140),
    ADVICE: {"verdict": "change", "comment": "wordy"},  # no words
    "red_flags|E02": {"verdict": "change", "text": "emergancy", "comment": "typo"},
}
EXPECTED = {
    BRUISING: ["got 50 / 40 / 70, expected three that rise"],
    COUGH: ["leave out the %: the numbers are of 100", "all three of 5, 50 and 95% are needed"],
    ROTATION: [
        "got an answer without a verdict, expected confirm, change, strike",
        "J (yours, 50%): got nothing",
        "K (yours, 95%): got nothing",
    ],
    OBESITY: ["got '1,5', expected a number above 0; did you mean 1.5?"],
    SHARE: ["how common a cause is cannot be struck"],
    "links|hamstring_strain|low_back_pain|present": ["got 'conform'", "did you mean 'confirm'?"],
    "links|hamstring_strain|onset|sudden": ["got 0.5 of 100 where it was", "say why in the comment"],
    "links|hamstring_strain|numbness|present": ["got nothing, expected the reason for 'strike'"],
    "links|hamstring_strain|tingling|present": ["numbers only go with a number that is to change"],
    "links|hamstring_strain|sharp_pain|present": [
        "type the number itself",
        "got 140, expected a number above 0",
    ],
    ADVICE: ["got nothing, expected the advice in your words"],
    "red_flags|E02": ["got 'emergancy'", "did you mean 'emergency'?"],
}


def test_every_mistake_of_every_cell_is_found_at_once(
    model: thighdx.Model, kit: Path, tmp_path: Path
) -> None:
    filled = tmp_path / "review.xlsx"
    places = fill_in(kit / "review.xlsx", filled, MISTAKES)
    with pytest.raises(KnowledgeBaseError, match="16 problems") as caught:
        read_review(model, filled)
    found = [str(problem) for problem in caught.value.problems]
    for name, words in EXPECTED.items():
        about = [text for text in found if f"sheet {places[name]}," in text]
        for part in words:
            assert any(part in text for text in about), (name, part, about)
    assert {text.split(",")[0] for text in found} == {
        f"review.xlsx sheet {place}" for place in places.values()
    }


FIRST = {
    BRUISING: change(30, 45, 60, "seen late they all bruise"),
    COUGH: strike("no better than chance in my patients"),
    ROTATION: CONFIRM,
    OBESITY: change(1.5, 2.2, 3.2),
    ADVICE: strike("nobody does them"),
    OTHER_ADVICE: {"verdict": "change", "text": "Rest the leg for two days.", "comment": "shorter"},
}
SECOND = {
    BRUISING: change(60, 75, 90),
    OBESITY: CONFIRM,
    OTHER_ADVICE: CONFIRM,
    ADVICE: strike("agreed"),
}


def test_two_experts_are_pooled_and_what_moved_is_shown(
    model: thighdx.Model, kit: Path, tmp_path: Path, run: Callable[..., Result]
) -> None:
    books = [tmp_path / "ab.xlsx", tmp_path / "cd.xlsx"]
    for book, answers in zip(books, (FIRST, SECOND), strict=True):
        fill_in(kit / "review.xlsx", book, answers)
    target = tmp_path / "my_model"
    experts = [("AB", "sports physician"), ("CD", "physiotherapist")]
    command = ["model", "review", "-o", str(target), "--date", "2026-11-30"]
    for book, (initials, role) in zip(books, experts, strict=True):
        command += ["--read", str(book), "--expert", initials, "--role", role]
    done = run(*command)
    assert done.exit_code == 0, done.stderr
    summary = " ".join(done.stdout.split())
    assert "Review by AB, sports physician, 2026-11-30: 1 confirmed, 3 changed, 2 struck" in summary
    assert "advice M070 struck: nobody does them" in summary
    assert "disagreement on management|M065 (kept as it was)" in summary
    assert f"disagreement on {BRUISING} (overlap " in summary
    assert "review_ab: 30 / 45 / 60 of 100; review_cd: 60 / 75 / 90 of 100" in summary
    assert "cases do not move" in summary

    new = thighdx.read_model(target)
    old, now = model.compiled.pooled, new.compiled.pooled
    key = ("links", tuple(BRUISING.split("|")[1:]))
    assert now[key].corrected_by == "pooled_review_ab_review_cd"
    assert 0.5 < now[key].point < 0.7  # between 45 and 75 of 100
    assert [row.note for row in now[key].rows if row.expert == "review_ab"] == [
        "change: seen late they all bruise"
    ]
    struck = ("links", tuple(COUGH.split("|")[1:]))
    background = old["backgrounds", struck[1][1:]].point
    assert now[struck].point == pytest.approx(background, rel=0.05)  # what a fit may miss
    confirmed = ("links", tuple(ROTATION.split("|")[1:]))
    assert now[confirmed].point == old[confirmed].point
    assert {item.id for item in new.compiled.kb.advice} == {i.id for i in model.compiled.kb.advice} - {"M070"}
    touched = {key for key in now if now[key].point != pytest.approx(old[key].point, rel=1e-6)}
    assert touched == {key, struck, ("effects", tuple(OBESITY.split("|")[1:]))}
    with (target / "reviews.csv").open(encoding="utf-8") as stream:
        log = list(csv.DictReader(stream))
    assert len(log) == len(FIRST) + len(SECOND)
    assert {row["role"] for row in log} == {"sports physician", "physiotherapist"}
    page = (target / "review.html").read_text(encoding="utf-8")
    assert page.count("<polygon") == 6  # three numbers, before and after

    words = ["--model", str(target), "--read", str(books[0]), "--expert", "EF", "-o", "x"]
    refused(run("model", "review", *words), "was made from another model")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "got 1 workbooks, expected as many --expert"),
        (["--expert", "A B"], "initials: got 'A B'"),
        (["--expert", "AB", "--date", "today"], "--date: got 'today'"),
    ],
)
def test_the_command_says_what_is_wrong(
    run: Callable[..., Result], kit: Path, options: list[str], message: str
) -> None:
    refused(run("model", "review", "--read", str(kit / "review.xlsx"), "-o", "new", *options), message)


def test_a_file_that_is_no_workbook_is_refused(model: thighdx.Model, tmp_path: Path) -> None:
    (tmp_path / "review.xlsx").write_text("no workbook")
    with pytest.raises(TableError, match=r"not an Excel workbook \(.xlsx\)"):
        read_review(model, tmp_path / "review.xlsx")

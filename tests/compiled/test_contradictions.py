"""Numbers that contradict one another are refused, and named as the tables have them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

import kb_builder
import thighdx
from thighdx.compiled.compilation import compile_model
from thighdx.errors import KnowledgeBaseError


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(KnowledgeBaseError, match="problem") as caught:
        compile_model(folder)
    return [str(problem) for problem in caught.value.problems]


def test_what_cannot_be_read_is_reported_before_what_follows_from_it(folder: Path) -> None:
    kb_builder.edit(folder, "shares.csv", "cause,setting,expert", "cause,seting,expert")
    found = problems_of(folder)
    assert found[0] == "shares.csv row 1, seting: unknown column; did you mean 'setting'?"
    assert "shares.csv, setting: strain has no share in clinic" in found[2:]


def test_names_and_statements_are_checked_in_the_same_pass(folder: Path) -> None:
    row = kb_builder.append(folder, "links.csv", "strain,tingling,present,review,,,,often,2026-01-31,desk,")
    kb_builder.append(folder, "groups.csv", "serious,Serious,colt,")
    found = problems_of(folder)
    assert found[0].startswith("groups.csv row 4, cause: got 'colt'")
    assert found[1].startswith(f"links.csv row {row}, statement: got statement 'often', expected a form like")


@pytest.mark.parametrize(
    ("table", "change", "start", "end"),
    [
        (
            "shares",
            ("strain,clinic", "0.1,0.2,0.3"),
            "q50: shares in clinic sum to 0.8",
            "expected more than 1 and less than max_causes = 2; every patient has at least one cause, listed or not",
        ),
        (
            "shares",
            "clot,clinic",
            "statement: clot never occurs in clinic, expected a frequency above 0",
            "give a very small one",
        ),
        (
            "frequencies",
            ("age_band,65+,clinic", "0.7,0.8,0.9"),
            "q50: age_band in clinic: frequencies sum to 1.1",
            "expected at most 1",
        ),
        (  # clots in hospital (15 %) would all be pregnant, but only 2 % are
            "effects",
            "pregnancy,no,clot",
            "setting: no parameters reproduce age_band, pregnancy in hospital",
            "compare them with odds ratios of `never` or far from 1 and with the dependencies",
        ),
        (
            "backgrounds",
            "tingling,present",
            "statement: tingling: got a background of 0, expected a frequency above 0",
            "",
        ),
        (
            "backgrounds",
            ("pain,severe", "0.5,0.6,0.7"),
            "q50: pain: backgrounds [0.29",
            "rise with the state; a row says 'in this state or a higher one'",
        ),
    ],
)
def test_a_number_that_contradicts_others_and_a_never_that_cannot_be_are_refused(
    folder: Path, table: str, change: tuple[str, str] | str, start: str, end: str
) -> None:
    if isinstance(change, str):
        kb_builder.append(folder, f"{table}.csv", f"{change},review,,,,never,2026-01-31,desk,a reason")
    else:
        kb_builder.judge(folder, table, *change)
    (line,) = problems_of(folder)
    assert line.startswith(f"{'frequencies' if table == 'effects' else table}.csv, {start}")
    assert line.endswith(end)


def test_shares_that_sum_to_more_than_max_causes_cannot_be_reproduced(folder: Path) -> None:
    for cause in ("strain", "nerve", "other_cause"):
        kb_builder.judge(folder, "shares", f"{cause},hospital", "0.7,0.8,0.9")
    (line,) = problems_of(folder)
    assert line.startswith("shares.csv, q50: shares in hospital sum to 2.5")


def test_gates_that_close_every_state_are_refused(folder: Path) -> None:
    for state in ("no", "yes"):
        kb_builder.append(
            folder, "effects.csv", f"pregnancy,{state},nerve,review,,,,never,2026-01-31,desk,closed"
        )
    found = problems_of(folder)
    assert [line.split(" (")[0] for line in found] == [
        "frequencies.csv, setting: no parameters reproduce age_band, pregnancy in clinic",
        "frequencies.csv, setting: no parameters reproduce age_band, pregnancy in hospital",
    ]


def test_dependencies_that_exclude_everything_are_refused(folder: Path) -> None:
    for age, pregnancy in itertools.product(["18-39", "40-64", "65+"], ["no", "yes"]):
        if (age, pregnancy) != ("65+", "yes"):
            line = f"age_band,{age},pregnancy,{pregnancy},panel,,,,never,2026-01-31,desk,closed"
            kb_builder.append(folder, "dependencies.csv", line)
    assert problems_of(folder) == [
        (
            "dependencies.csv: block of age_band, pregnancy: no joint state is possible; tie fewer "
            "contexts to one another"
        )
    ]


def test_a_row_whose_higher_state_is_likelier_is_named_with_its_cause(folder: Path) -> None:
    kb_builder.judge(folder, "links", "nerve,pain,severe", "0.85,0.9,0.95")
    found = problems_of(folder)
    assert found[0].startswith("links.csv, q50: pain: with nerve")
    assert "severe or higher is 0." in found[0]
    assert found[0].endswith("bring the cumulative rows into order")


def test_rows_that_only_cross_when_two_causes_meet_are_found(folder: Path) -> None:
    # Each row alone falls with the state. Together: mild is kept down by both (rows below its background of
    # 0.3: 0.3 x 0.2/0.3 x 0.2/0.3 = 0.133), severe is pushed up by both (1 - 0.95 (0.81/0.95)^2 = 0.31).
    for cause in ("strain", "nerve"):
        kb_builder.judge(folder, "links", f"{cause},pain,mild", "0.19,0.2,0.21")
        kb_builder.judge(folder, "links", f"{cause},pain,severe", "0.18,0.19,0.2")
    (line,) = problems_of(folder)
    assert line.startswith("links.csv, q50: pain: with strain, nerve, severe or higher is 0.1")


def test_too_many_explanations_are_a_problem_of_the_manifest(folder: Path) -> None:
    rows = {"variables": [], "shares": [], "links": []}  # type: dict[str, list[str]]
    for k in range(60):
        rows["variables"].append(f"extra_{k},cause,Extra,absent|present,,,,,")
        for setting in ("clinic", "hospital"):
            rows["shares"].append(f"extra_{k},{setting},panel,0.0001,0.0002,0.0003,,2026-01-31,desk,")
        rows["links"].append(f"extra_{k},bruising,present,panel,0.1,0.2,0.3,,2026-01-31,desk,")
    for table, lines in rows.items():
        kb_builder.append(folder, f"{table}.csv", "\n".join(lines))
    kb_builder.edit(folder, "model.yaml", "max_causes: 2", "max_causes: 4")
    (line,) = problems_of(folder)
    assert line.startswith(
        "model.yaml, max_causes: 4 of 64 causes make 679,120 explanations, expected at most 200,000"
    )


def test_causes_that_never_meet_never_meet(folder: Path) -> None:
    kb_builder.append(
        folder, "effects.csv", "strain,present,nerve,review,,,,never,2026-01-31,desk,by definition"
    )
    model = thighdx.read_model(folder)
    assert model.diagnose({"strain": True}).posterior["nerve"] == 0
    prior = model.diagnose({}).prior.to_dict()
    assert prior == pytest.approx(
        thighdx.read_model(kb_builder.write_model(folder)).diagnose({}).prior.to_dict(), abs=1e-9
    )

"""Files in, records out: everything unreadable is found in one pass and nothing is guessed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kb_builder import MANIFEST, TABLES, append, edit, load_knowledge_base, remove, write_model
from thighdx.errors import KnowledgeBaseError, Problem
from thighdx.kb import tables
from thighdx.kb.folder import read_knowledge_base


def problems_of(folder: Path) -> list[Problem]:
    """What loading reports; fails if it reports nothing."""
    with pytest.raises(KnowledgeBaseError, match="problem") as caught:
        load_knowledge_base(folder)
    return list(caught.value.problems)


def only_problem(folder: Path) -> str:
    (problem,) = problems_of(folder)
    return str(problem)


# ---- what a valid folder becomes -------------------------------------------------------------------


def test_a_valid_folder_reads_as_written(folder: Path) -> None:
    kb = load_knowledge_base(folder)
    assert [v.id for v in kb.variables if v.layer == "cause"] == ["strain", "nerve", "clot", "other_cause"]
    assert kb.variable("pain").states == ("none", "mild", "severe")
    assert kb.variable("bruising").aliases == ("bruise", "blue spot")
    assert kb.variable("tingling_spreads").asked_if == "tingling=present"
    first = kb.judgements[0]
    assert (first.table, first.key, first.quantiles) == ("shares", ("strain", "clinic"), (0.4, 0.5, 0.6))
    assert (first.expert, first.sources, first.row) == ("panel", ("desk",), 2)
    never = kb.judgements[-1]
    assert (never.table, never.statement, never.quantiles) == ("dependencies", "never", None)
    assert [(group.id, group.members) for group in kb.groups] == [("serious", ("clot", "nerve"))]
    assert kb.harms[0].threshold_soon == 0.02
    assert kb.advice[0].sources == ("desk", "S1")
    assert set(kb.sources) == {"desk", "survey", "K1", "S1"}
    assert kb.sources["K1"].verified
    assert not kb.sources["desk"].verified


def test_tables_a_small_model_can_do_without_may_be_missing(folder: Path) -> None:
    for name in tables.OPTIONAL_TABLES - {"seeds"}:  # management cites a seed
        (folder / f"{name}.csv").unlink()
    kb = load_knowledge_base(folder)
    assert (kb.groups, kb.codes, kb.red_flags, kb.harms, kb.advice) == ((), (), (), (), ())


def test_a_byte_order_mark_and_windows_line_ends_are_read_like_plain_text(folder: Path) -> None:
    plain = load_knowledge_base(folder)
    for file in TABLES:
        text = (folder / file).read_text(encoding="utf-8")
        (folder / file).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    marked = load_knowledge_base(folder)
    assert marked.judgements == plain.judgements
    assert marked.variables == plain.variables
    assert marked.digest == plain.digest


def test_the_digest_changes_with_any_cell_and_with_where_it_stands(folder: Path) -> None:
    before = load_knowledge_base(folder).digest
    edit(folder, "links.csv", "nerve,tingling,present,panel,0.6,", "nerve,tingling,present,panel,0.61,")
    after = load_knowledge_base(folder).digest
    edit(folder, "model.yaml", "A small model for tests", "A smaller model for tests")
    assert len({before, after, load_knowledge_base(folder).digest}) == 3


def test_blank_rows_are_passed_over_and_still_counted(folder: Path) -> None:
    edit(folder, "links.csv", "nerve,tingling,present", "\n,,,,,,,,,,\nnerve,tingling,present")
    row = append(folder, "links.csv", "nerve,bruising,present,panel,x,0.2,0.3,,2026-01-31,desk,")
    assert only_problem(folder) == f"links.csv row {row}, q05: got 'x', expected a number"


def test_a_quoted_cell_may_hold_commas_quotes_and_line_breaks(folder: Path) -> None:
    edit(folder, "red_flags.csv", "a clot is likely", '"a ""clot"",\nis likely"')
    assert load_knowledge_base(folder).red_flags[0].reason == 'a "clot",\nis likely'


# ---- files --------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        KnowledgeBaseError, match=r"nowhere: no such folder; give the folder that holds model\.yaml"
    ):
        load_knowledge_base(tmp_path / "nowhere")


def test_a_file_instead_of_a_folder_is_an_error(folder: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match=r"model\.yaml: no such folder"):
        load_knowledge_base(folder / "model.yaml")


@pytest.mark.parametrize(
    "file",
    sorted(
        {"model.yaml", *(f"{t}.csv" for t in tables.COLUMNS)}
        - {f"{name}.csv" for name in tables.OPTIONAL_TABLES}
    ),
)
def test_a_missing_file_that_every_model_needs_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    found = [str(problem) for problem in problems_of(folder)]
    assert any(
        re.match(rf"{re.escape(file)}: not found in .*; every model needs this file", line) for line in found
    )


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_an_empty_table_says_so(folder: Path, text: str) -> None:
    (folder / "groups.csv").write_text(text, encoding="utf-8")
    assert (
        only_problem(folder)
        == "groups.csv: the file is empty; expected group,label,cause,note in the first row"
    )


def test_a_file_that_is_not_utf_8_is_named_with_the_place(folder: Path) -> None:
    (folder / "groups.csv").write_bytes("group,label,cause,note\nserious,Früh,clot,\n".encode("latin-1"))
    assert only_problem(folder) == "groups.csv: not UTF-8 text (byte 33); save it as 'CSV UTF-8'"


def test_a_binary_file_with_a_csv_ending_is_refused(folder: Path) -> None:
    (folder / "groups.csv").write_bytes(b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\xff\xfe")
    assert "groups.csv: not UTF-8 text" in only_problem(folder)


def test_a_huge_file_is_not_read(folder: Path) -> None:
    with (folder / "groups.csv").open("r+b") as stream:
        stream.truncate(tables.MAX_FILE_BYTES + 1)
    assert only_problem(folder) == "groups.csv: got 20,000,001 bytes, expected at most 20,000,000"


def test_too_many_rows_are_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 3)
    assert "links.csv row 4: more than 3 rows" in [str(problem) for problem in problems_of(folder)]


def test_a_cell_may_not_be_a_book(folder: Path) -> None:
    row = append(folder, "groups.csv", f"serious,Serious,strain,{'x' * 10_001}")
    assert only_problem(folder) == f"groups.csv row {row}: a cell longer than 10,000"


def test_a_link_to_a_file_outside_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(TABLES["groups.csv"], encoding="utf-8")
    (folder / "groups.csv").unlink()
    (folder / "groups.csv").symlink_to(secret)
    assert only_problem(folder) == "groups.csv: is a link out of the model's folder; copy the file"


def test_a_link_to_nothing_is_not_taken_for_a_table_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / "groups.csv").unlink()
    (folder / "groups.csv").symlink_to(tmp_path / "gone.csv")
    assert "groups.csv: not found in" in only_problem(folder)


def test_a_folder_with_a_tables_name_is_refused(folder: Path) -> None:
    (folder / "shares.csv").unlink()
    (folder / "shares.csv").mkdir()
    assert "shares.csv: not found in" in only_problem(folder)


# ---- rows and columns ------------------------------------------------------------------------------


def test_semicolons_between_the_cells_are_recognized(folder: Path) -> None:
    text = (folder / "shares.csv").read_text(encoding="utf-8").replace(",", ";")
    (folder / "shares.csv").write_text(text, encoding="utf-8")
    expected = "columns are separated by semicolons, expected commas; save it with commas between the cells"
    assert only_problem(folder) == f"shares.csv row 1: {expected}"


def test_a_missing_and_a_misspelled_column_are_both_named(folder: Path) -> None:
    edit(folder, "shares.csv", "cause,setting,expert", "cause,seting,expert")
    found = [str(problem) for problem in problems_of(folder)]
    assert found[0].startswith("shares.csv row 1, seting: unknown column; did you mean 'setting'?")
    assert found[1].startswith("shares.csv row 1, setting: column missing; expected cause,setting,expert,q05")


def test_a_column_given_twice_is_named(folder: Path) -> None:
    edit(folder, "groups.csv", "group,label,cause,note", "group,label,cause,cause,note")
    assert only_problem(folder) == "groups.csv row 1, cause: column given twice"


def test_columns_may_stand_in_any_order(folder: Path) -> None:
    text = "note,cause,label,group\n,clot,Serious,serious\n,nerve,Serious,serious\n"
    (folder / "groups.csv").write_text(text, encoding="utf-8")
    assert load_knowledge_base(folder).groups[0].members == ("clot", "nerve")


@pytest.mark.parametrize(
    ("line", "count"),
    [("serious,Serious,strain,", 5), ("serious,Serious", 2), ("serious,Serious,strain,a,b", 5)],
)
def test_a_row_with_too_many_or_too_few_cells_is_named(folder: Path, line: str, count: int) -> None:
    row = append(folder, "groups.csv", line + ("," if line.endswith(",") else ""))
    expected = f'got {count} cells, expected 4; a comma inside a cell needs "quotes"'
    assert only_problem(folder) == f"groups.csv row {row}: {expected}"


def test_a_quote_that_is_never_closed_is_named(folder: Path) -> None:
    append(folder, "groups.csv", 'serious,"Serious,strain,')
    assert re.fullmatch(r"groups\.csv row \d+: not a CSV file: unexpected end of data", only_problem(folder))


def test_text_after_a_closed_quote_is_named(folder: Path) -> None:
    row = append(folder, "groups.csv", 'serious,"Serious" indeed,strain,')
    assert only_problem(folder).startswith(f"groups.csv row {row}: not a CSV file: ")


# ---- cells -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ('"0,55"', "got '0,55', expected a number; write decimals with a point"),
        ("about half", "got 'about half', expected a number"),
        ("nan", "got 'nan', expected a finite number"),
        ("inf", "got 'inf', expected a finite number"),
        ("1e999", "got '1e999', expected a finite number"),
        ("0_5", "got '0_5', expected a finite number"),
        ("50%", "got '50%', expected a number"),
    ],
)
def test_a_cell_that_is_no_number_is_named_and_not_guessed(folder: Path, cell: str, message: str) -> None:
    row = edit(folder, "shares.csv", "strain,clinic,panel,0.4,0.5,0.6", f"strain,clinic,panel,0.4,{cell},0.6")
    assert only_problem(folder) == f"shares.csv row {row}, q50: {message}"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("0.4,,0.6,", "q50: got no number, expected all of q05, q50 and q95"),
        ("0.4,,,", "q50, q95: got no number, expected all of q05, q50 and q95"),
        (",,,", "q50: got neither quantiles nor a statement"),
        ("0.4,0.5,0.6,k=3 n=20", "statement: got quantiles and a statement, expected only one of them"),
    ],
)
def test_a_judgement_is_three_quantiles_or_one_statement(folder: Path, cells: str, message: str) -> None:
    row = edit(folder, "shares.csv", "strain,clinic,panel,0.4,0.5,0.6,", f"strain,clinic,panel,{cells}")
    assert only_problem(folder) == f"shares.csv row {row}, {message}"


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "variables.csv",
            "strain,cause,",
            "strain,cuase,",
            "layer: got 'cuase', expected one of context, pathology, "
            "cause, finding, test; did you mean 'cause'?",
        ),
        (
            "variables.csv",
            ",ask,bruise",
            ",asked,bruise",
            "cost: got 'asked', expected one of ask, examine, "
            "cheap_test, imaging_or_invasive; did you mean 'ask'?",
        ),
        (
            "red_flags.csv",
            ",urgent,",
            ",urgnt,",
            "level: got 'urgnt', expected one of self_care, routine, soon, urgent, emergency; did you mean 'urgent'?",
        ),
        ("harms.csv", "clot,80,", "clot,high,", "harm_of_missing: got 'high', expected a number"),
        ("harms.csv", ",0.1,", ",often,", "threshold_urgent: got 'often', expected a number"),
        (
            "management.csv",
            ",1,,,,,desk;S1",
            ",first,,,,,desk;S1",
            "priority: got 'first', expected a whole number",
        ),
        (
            "management.csv",
            ",1,,,,,desk;S1",
            ",1,,,urgent,soon,desk;S1",
            "lowest_level: got 'urgent', expected no more than highest_level, 'soon'",
        ),
        (
            "management.csv",
            ",1,,,,,desk;S1",
            ",-1,,,,,desk;S1",
            "priority: got '-1', expected a whole number",
        ),
    ],
)
def test_a_word_outside_its_list_is_named_with_the_nearest(
    folder: Path, file: str, old: str, new: str, message: str
) -> None:
    row = edit(folder, file, old, new)
    assert only_problem(folder) == f"{file} row {row}, {message}"


def test_a_source_id_given_twice_is_named(folder: Path) -> None:
    row = append(folder, "sources.csv", "K1,citation,Another one,,,no,")
    assert only_problem(folder) == f"sources.csv row {row}, id: source 'K1' given twice"


def test_everything_is_reported_at_once_and_in_order_of_place(folder: Path) -> None:
    (folder / "frequencies.csv").unlink()
    row = edit(folder, "shares.csv", "strain,clinic,panel,0.4,", "strain,clinic,panel,lots,")
    append(folder, "groups.csv", "serious,Serious")
    edit(folder, "links.csv", "nerve,tingling,present,panel,0.6,0.7", "nerve,tingling,present,panel,,0.7")
    found = problems_of(folder)
    assert [problem.file for problem in found] == ["frequencies.csv", "groups.csv", "links.csv", "shares.csv"]
    with pytest.raises(KnowledgeBaseError, match=rf"4 problems\n(?:.*\n){{3}}.*shares\.csv row {row}, q05"):
        load_knowledge_base(folder)


def test_without_a_manifest_nothing_is_made_and_the_tables_are_still_read(folder: Path) -> None:
    (folder / "model.yaml").write_text(MANIFEST.replace("name: small", "name: 7"), encoding="utf-8")
    append(folder, "groups.csv", "serious")
    kb, problems = read_knowledge_base(folder)
    assert kb is None
    assert sorted(problem.file for problem in problems) == ["groups.csv", "model.yaml"]


def test_a_folder_without_any_table_lists_each_one_that_is_needed(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "bare", without=TABLES)
    assert [problem.file for problem in problems_of(folder)] == [
        "backgrounds.csv",
        "frequencies.csv",
        "links.csv",
        "shares.csv",
        "sources.csv",
        "variables.csv",
    ]


def test_only_the_first_fifty_problems_are_written_out_and_all_are_kept(folder: Path) -> None:
    for k in range(60):
        append(folder, "links.csv", f"strain,bruising,present,panel,a{k},0.2,0.3,,2026-01-31,desk,")
    with pytest.raises(KnowledgeBaseError, match=r"60 problems\n(?:.*\n){50}  \.\.\. and 10 more") as caught:
        load_knowledge_base(folder)
    assert len(caught.value.problems) == 60


def test_a_line_that_was_removed_is_gone(folder: Path) -> None:
    remove(folder, "links.csv", "clot,")
    assert all(j.key[0] != "clot" for j in load_knowledge_base(folder).judgements if j.table == "links")

"""What is checked in variables and judgements: every problem is named with its row, and all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb_builder import append, edit, judge, lines_of, problems_of, remove

DESK = ",,2026-01-31,desk,"


def test_the_small_model_has_no_problem(folder: Path) -> None:
    assert lines_of(folder) == []


# ---- variables --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "Hip Pain,finding,Hip,absent|present,?,,ask,,",
            "id: got 'Hip Pain', expected a free name of a-z, 0-9 and _",
        ),
        ("age,finding,Age,absent|present,?,,ask,,", "id: got 'age', expected a free name of a-z, 0-9 and _"),
        ("given_strain,finding,X,absent|present,?,,ask,,", "id: got 'given_strain', expected a free name"),
        ("explanation,finding,X,absent|present,?,,ask,,", "id: got 'explanation', expected a free name"),
        ("hip,finding,,absent|present,?,,ask,,", "label: empty"),
        ("hip,finding,Hip,present,?,,ask,,", "states: got 'present', expected 2 to 20 distinct states"),
        ("hip,finding,Hip,a|a,?,,ask,,", "states: got 'a|a', expected 2 to 20 distinct states"),
        (
            "hip,finding,Hip,absent|Quite Bad,?,,ask,,",
            "states: got 'Quite Bad', expected a name of a-z, 0-9, _",
        ),
        (
            "hip,finding,Hip,absent|na,?,,ask,,",
            "states: got 'na', which means unknown in a table of patients",
        ),
        ("hip,pathology,Hip,no|yes,?,,ask,,", "states: got 'no|yes', expected 'absent|present'"),
        ("hip,finding,Hip,absent|present,?,pain=,ask,,", "asked_if: got '=', expected variable=state"),
        (
            "hip,finding,Hip,absent|present,?,pian=mild,ask,,",
            "asked_if: got 'pian', expected the id of a variable; did you mean 'pain'?",
        ),
        (
            "hip,finding,Hip,absent|present,?,pain=bad,ask,,",
            "asked_if: got 'bad', expected pain to be one of none, mild, severe",
        ),
    ],
)
def test_a_wrong_variable_is_named_with_row_and_column(folder: Path, line: str, message: str) -> None:
    row = append(folder, "variables.csv", line)
    assert any(found.startswith(f"variables.csv row {row}, {message}") for found in lines_of(folder))


def test_an_id_given_twice_is_reported_in_both_rows(folder: Path) -> None:
    row = append(folder, "variables.csv", "bruising,finding,Bruise,absent|present,?,,ask,,")
    found = lines_of(folder)
    assert "variables.csv row 9, id: 'bruising' given 2 times" in found
    assert f"variables.csv row {row}, id: 'bruising' given 2 times" in found


def test_rows_are_counted_as_a_spreadsheet_counts_them(folder: Path) -> None:
    edit(folder, "variables.csv", "bruising,finding", "\n\nbruising,finding")
    row = edit(folder, "variables.csv", "D-dimer,negative", ",negative")
    assert row == 16
    assert lines_of(folder) == ["variables.csv row 16, label: empty"]


# ---- manifest ---------------------------------------------------------------------------------------


def test_names_in_the_manifest_must_exist(folder: Path) -> None:
    edit(folder, "model.yaml", "residual_cause: other_cause", "residual_cause: other_couse")
    edit(
        folder,
        "model.yaml",
        "label: The panel}",
        "label: The panel}\n  - {id: late, role: alone, label: L, variables: [brusing], causes: [colt]}",
    )
    append(folder, "model.yaml", "rebased: {clinic: {strian: 0.4}}")
    assert lines_of(folder) == [
        "model.yaml, residual_cause: got 'other_couse', expected a cause; did you mean 'other_cause'?",
        "model.yaml, rebased.clinic: got 'strian', expected a cause; did you mean 'strain'?",
        "model.yaml, experts.late.variables: got 'brusing', expected a variable; did you mean 'bruising'?",
        "model.yaml, experts.late.causes: got 'colt', expected a cause; did you mean 'clot'?",
    ]


def test_no_more_causes_at_once_than_there_are(folder: Path) -> None:
    edit(folder, "model.yaml", "max_causes: 2", "max_causes: 9")
    assert lines_of(folder) == ["model.yaml, max_causes: got 9, expected at most the 4 causes"]


# ---- keys of judgements -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        (
            "shares.csv",
            "strian,clinic,review,0.1,0.2,0.3",
            "cause: got 'strian', expected the id of a cause; did you mean 'strain'?",
        ),
        (
            "shares.csv",
            "bruising,clinic,review,0.1,0.2,0.3",
            "cause: got 'bruising', expected the id of a cause",
        ),
        (
            "shares.csv",
            "strain,clinc,review,0.1,0.2,0.3",
            "setting: got 'clinc', expected a setting of model.yaml; did you mean 'clinic'?",
        ),
        (
            "shares.csv",
            "strain,clinic,revew,0.1,0.2,0.3",
            "expert: got 'revew', expected an expert of model.yaml; did you mean 'review'?",
        ),
        (
            "frequencies.csv",
            "bruising,present,clinic,review,0.1,0.2,0.3",
            "variable: got 'bruising', expected the id of a context or pathology",
        ),
        (
            "frequencies.csv",
            "age_band,41-64,clinic,review,0.1,0.2,0.3",
            "state: got '41-64', expected one of 18-39, 40-64, 65+; did you mean '40-64'?",
        ),
        (
            "links.csv",
            "strain,brusing,present,review,0.1,0.2,0.3",
            "variable: got 'brusing', expected the id of a finding or test; did you mean 'bruising'?",
        ),
        (
            "links.csv",
            "strain,age_band,65+,review,0.1,0.2,0.3",
            "variable: got 'age_band', expected the id of a finding or test",
        ),
        (
            "links.csv",
            "strain,pain,sever,review,0.1,0.2,0.3",
            "state: got 'sever', expected one of none, mild, severe; did you mean 'severe'?",
        ),
        (
            "links.csv",
            "strain,pain,none,review,0.1,0.2,0.3",
            "state: got the lowest state 'none'; a row says 'in this "
            "state or a higher one'; expected mild, severe",
        ),
        ("backgrounds.csv", "pain,none,review,0.1,0.2,0.3", "state: got the lowest state 'none'"),
        (
            "effects.csv",
            "sxe,male,clot,review,1,2,3",
            "parent: got 'sxe', expected the id of a context or pathology or cause",
        ),
        (
            "effects.csv",
            "age_band,40-64,pain,review,1,2,3",
            "child: got 'pain', expected the id of a cause or pathology",
        ),
        (
            "effects.csv",
            "nerve,absent,strain,review,1,2,3",
            "parent_state: nerve: got 'absent', expected 'present'",
        ),
        ("effects.csv", "nerve,present,nerve,review,1,2,3", "child: nerve on itself, expected two different"),
        (
            "effects.csv",
            "clot,present,strain,review,1,2,3",
            "child: clot and strain in both directions, expected one",
        ),
        (
            "effects.csv",
            "nerve,present,disc_lesion,review,1,2,3",
            "child: got the pathology 'disc_lesion', expected a "
            "cause; state the effect of disc_lesion on nerve",
        ),
        (
            "dependencies.csv",
            "disc_lesion,present,pregnancy,yes,review,1,2,3",
            "variable_a: got 'disc_lesion', expected the id of a context",
        ),
        ("dependencies.csv", "age_band,65+,age_band,40-64,review,1,2,3", "variable_b: age_band on itself"),
        (
            "dependencies.csv",
            "pregnancy,yes,age_band,65+,review,1,2,3",
            "variable_b: pregnancy and age_band in both directions, expected one",
        ),
    ],
)
def test_a_wrong_key_is_named_with_the_nearest_valid_name(
    folder: Path, file: str, line: str, message: str
) -> None:
    row = append(folder, file, line + DESK)
    found = lines_of(folder)
    assert any(line.startswith(f"{file} row {row}, {message}") for line in found), found


def test_the_same_number_twice_from_one_expert_is_refused(folder: Path) -> None:
    row = append(folder, "links.csv", f"nerve,tingling,present,panel,0.1,0.2,0.3{DESK}")
    expected = "nerve|tingling|present of panel is already in row 4; keep one of them"
    assert lines_of(folder) == [f"links.csv row {row}, expert: {expected}"]


def test_the_same_number_from_two_experts_is_what_experts_are_for(folder: Path) -> None:
    append(folder, "links.csv", f"nerve,tingling,present,review,0.1,0.2,0.3{DESK}")
    assert lines_of(folder) == []


# ---- numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantiles", "column", "message"),
    [
        ("0.6,0.7,1.3", "q95", "got 1.3, expected a frequency in (0, 1); did you mean 0.013 (per cent)?"),
        ("60,70,80", "q50", "got 70, expected a frequency in (0, 1); did you mean 0.7 (per cent)?"),
        ("0,0.5,0.6", "q05", "got 0, expected a frequency in (0, 1)"),
        ("0.5,0.6,1", "q95", "got 1, expected a frequency in (0, 1)"),
        ("-0.1,0.6,0.7", "q05", "got -0.1, expected a frequency in (0, 1)"),
        ("0.1,0.6,700", "q95", "got 700, expected a frequency in (0, 1)"),
        ("0.7,0.6,0.8", "q50", "got 0.7, 0.6, 0.8, expected rising quantiles"),
        ("0.6,0.6,0.6", "q50", "got 0.6, 0.6, 0.6, expected rising quantiles"),
    ],
)
def test_a_frequency_out_of_range_or_order_is_named(
    folder: Path, quantiles: str, column: str, message: str
) -> None:
    row = judge(folder, "links", "nerve,tingling,present", quantiles)
    assert f"links.csv row {row}, {column}: {message}" in lines_of(folder)


def test_an_odds_ratio_may_exceed_one_but_not_reach_zero(folder: Path) -> None:
    row = judge(folder, "effects", "pregnancy,yes,clot", "0,4,80")
    assert lines_of(folder) == [f"effects.csv row {row}, q05: got 0, expected an odds ratio above 0"]


@pytest.mark.parametrize("date", ["", "31.1.2026", "2026-1-31", "yesterday"])
def test_a_judgement_has_a_date(folder: Path, date: str) -> None:
    row = append(folder, "links.csv", f"nerve,tingling,present,review,0.1,0.2,0.3,,{date},desk,")
    assert lines_of(folder) == [f"links.csv row {row}, date: got {date!r}, expected a date like 2026-01-31"]


def test_a_judgement_without_a_source_is_refused(folder: Path) -> None:
    row = append(folder, "links.csv", "nerve,tingling,present,review,0.1,0.2,0.3,,2026-01-31,,")
    hint = "cite a source, or desk_elicitation for a judgement of your own"
    assert lines_of(folder) == [f"links.csv row {row}, sources: empty; {hint}"]


def test_an_unknown_source_is_named_with_the_nearest(folder: Path) -> None:
    row = append(folder, "links.csv", "nerve,tingling,present,review,0.1,0.2,0.3,,2026-01-31,desk;desc,")
    assert lines_of(folder) == [
        f"links.csv row {row}, sources: got 'desc', expected a source id; did you mean 'desk'?"
    ]


def test_never_needs_its_reason(folder: Path) -> None:
    row = append(folder, "links.csv", "strain,d_dimer,positive,panel,,,,never,2026-01-31,desk,")
    assert lines_of(folder) == [f"links.csv row {row}, note: empty; `never` needs its reason"]


# ---- completeness -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "start", "message"),
    [
        ("shares.csv", "strain,clinic", "shares.csv, setting: strain has no share in clinic"),
        ("links.csv", "clot,", "links.csv, cause: clot has no finding"),
        ("links.csv", "clot,", "links.csv, variable: d_dimer has no cause"),
        ("backgrounds.csv", "pain,mild", "backgrounds.csv, state: pain=mild has no background"),
        (
            "frequencies.csv",
            "pregnancy,yes,clinic",
            "frequencies.csv, state: pregnancy in clinic: got a frequency for "
            "no state, expected all of no, yes but one (which takes the rest)",
        ),
        (
            "frequencies.csv",
            "age_band,65+,hospital",
            "frequencies.csv, state: age_band in hospital: got a frequency "
            "for 40-64, expected all of 18-39, 40-64, 65+ but one (which takes the rest)",
        ),
    ],
)
def test_a_gap_is_named(folder: Path, file: str, start: str, message: str) -> None:
    remove(folder, file, start)
    assert message in lines_of(folder)


def test_frequencies_of_all_states_are_one_too_many(folder: Path) -> None:
    append(folder, "frequencies.csv", f"pregnancy,no,clinic,panel,0.9,0.98,0.99{DESK}")
    (line,) = lines_of(folder)
    assert line.startswith(
        "frequencies.csv, state: pregnancy in clinic: got a frequency for no, yes, expected all"
    )


def test_a_model_without_causes_says_so(folder: Path) -> None:
    text = (folder / "variables.csv").read_text(encoding="utf-8")
    (folder / "variables.csv").write_text(
        "".join(line for line in text.splitlines(keepends=True) if ",cause," not in line), encoding="utf-8"
    )
    assert "variables.csv, layer: no variable of layer 'cause'" in lines_of(folder)


# ---- all at once ------------------------------------------------------------------------------------


def test_every_problem_of_every_table_is_found_in_one_pass(folder: Path) -> None:
    append(folder, "variables.csv", "hip,finding,,absent|present,?,,ask,,")
    append(folder, "shares.csv", f"strian,clinic,review,0.1,0.2,0.3{DESK}")
    judge(folder, "links", "nerve,tingling,present", "0.6,7,0.8")
    remove(folder, "backgrounds.csv", "pain,severe")
    append(folder, "groups.csv", "serious,Serious,colt,")
    append(folder, "red_flags.csv", "R2,pain=bad,urgent,,bad,Bad.,desk")
    append(folder, "management.csv", "M2,any,self_care,Rest.,,,1,,,,,book")
    found = {(problem.file, problem.column) for problem in problems_of(folder)}
    assert found == {
        ("variables.csv", "label"),
        ("shares.csv", "cause"),
        ("links.csv", "q50"),
        ("links.csv", "variable"),  # nothing causes hip
        ("backgrounds.csv", "state"),
        ("groups.csv", "cause"),
        ("red_flags.csv", "when"),
        ("management.csv", "sources"),
    }

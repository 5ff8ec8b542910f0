"""Names, keys, quantiles, sources and expressions: one thing broken at a time, then many at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb_builder import append, edit, remove
from thighdx.errors import Problem
from thighdx.kb.check import check_knowledge_base
from thighdx.kb.load import load_knowledge_base

DESK = ",,2026-01-31,desk,"


def problems_of(folder: Path) -> list[Problem]:
    return check_knowledge_base(load_knowledge_base(folder))


def lines_of(folder: Path) -> list[str]:
    return [str(problem) for problem in problems_of(folder)]


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
    assert row == 15
    assert lines_of(folder) == ["variables.csv row 15, label: empty"]


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
    assert any(found.startswith(f"{file} row {row}, {message}") for found in lines_of(folder)), lines_of(
        folder
    )


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
    row = edit(
        folder,
        "links.csv",
        "nerve,tingling,present,panel,0.6,0.7,0.8",
        f"nerve,tingling,present,panel,{quantiles}",
    )
    assert f"links.csv row {row}, {column}: {message}" in lines_of(folder)


def test_an_odds_ratio_may_exceed_one_but_not_reach_zero(folder: Path) -> None:
    row = edit(folder, "effects.csv", "pregnancy,yes,clot,panel,2,4,8", "pregnancy,yes,clot,panel,0,4,80")
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


# ---- groups, codes, rules, harms, advice ------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        (
            "groups.csv",
            "serious,Serious,colt,",
            "cause: got 'colt', expected a cause in group serious; did you mean 'clot'?",
        ),
        ("groups.csv", "serious,Serious,clot,", "cause: clot is twice in serious"),
        (
            "codes.csv",
            "strian,ICD-10,S76,Strain,",
            "cause: got 'strian', expected a cause; did you mean 'strain'?",
        ),
        ("codes.csv", "strain,ICD-10,,Strain,", "code: strain: empty"),
        ("red_flags.csv", "R1,pain=severe,urgent,,bad,Bad.,desk", "rule_id: got 'R1', expected a unique id"),
        ("red_flags.csv", ",pain=severe,urgent,,bad,Bad.,desk", "rule_id: got '', expected a unique id"),
        ("red_flags.csv", "R2,pain=severe,urgent,,,Bad.,desk", "reason: empty"),
        ("red_flags.csv", "R2,pain=severe,urgent,,bad,,desk", "words: empty"),
        ("red_flags.csv", "R2,pain=severe,urgent,,bad,Bad.,", "sources: empty"),
        (
            "red_flags.csv",
            "R2,pain=severe,urgent,pain,bad,Bad.,desk",
            "suspect: got 'pain', expected a cause or nothing",
        ),
        ("red_flags.csv", "R2,,urgent,,bad,Bad.,desk", "when: got the end, expected variable=state"),
        (
            "red_flags.csv",
            "R2,__import__('os')=present,urgent,,bad,Bad.,desk",
            "when: got '=present', expected variable=state",
        ),
        (
            "red_flags.csv",
            "R2,pain=terrible,urgent,,bad,Bad.,desk",
            "when: got 'terrible', expected pain to be one of",
        ),
        (
            "red_flags.csv",
            f"R2,{'(' * 99}pain=mild{')' * 99},urgent,,bad,Bad.,desk",
            "when: parentheses nested deeper",
        ),
        (
            "red_flags.csv",
            f"R2,{'pain=mild or ' * 500}pain=mild,urgent,,bad,Bad.,desk",
            "when: got 6509 characters",
        ),
        (
            "harms.csv",
            "colt,80,urgent,,,,x,X.,desk",
            "cause: got 'colt', expected a cause; did you mean 'clot'?",
        ),
        (
            "harms.csv",
            "strain,80,urgent,0.1,0.2,,x,X.,desk",
            "threshold_urgent: got emergency 0.1, urgent 0.2, expected "
            "probabilities in (0, 1), the more urgent the higher",
        ),
        ("harms.csv", "strain,80,urgent,1.5,,,x,X.,desk", "threshold_emergency: got emergency 1.5, expected"),
        ("harms.csv", "strain,80,urgent,,,,x,,desk", "words: empty, expected what people are told"),
        ("harms.csv", "strain,80,urgent,,,,x,X.,", "sources: empty"),
        ("management.csv", "M1,strain,self_care,Rest.,,,1,,,,,desk", "id: got 'M1', expected a unique id"),
        (
            "management.csv",
            "M2,strian,self_care,Rest.,,,1,,,,,desk",
            "cause: got 'strian', expected a cause or 'any'; did you mean 'strain'?",
        ),
        (
            "management.csv",
            "M2,strain,selfcare,Rest.,,,1,,,,,desk",
            "kind: got 'selfcare', expected self_care, exercise, "
            "treatment, prevention, caution, how_to, course, visit, safety_net; did you mean 'self_care'?",
        ),
        (
            "management.csv",
            "M2,any,self_care,Rest.,pain=bad,,1,,,,,desk",
            "when: got 'bad', expected pain to be one of",
        ),
        (
            "management.csv",
            "M2,any,self_care,Rest.,,,1,,,,,book",
            "sources: got 'book', expected a source id",
        ),
        (
            "management.csv",
            "M2,any,self_care,Rest.,,,1,rubing,,,,desk",
            "advises: got 'rubing', expected an action of actions.csv; did you mean 'rubbing'?",
        ),
        (
            "management.csv",
            "M2,any,caution,Rest.,,,1,,rubing,,,desk",
            "forbids: got 'rubing', expected an action of actions.csv; did you mean 'rubbing'?",
        ),
        (
            "management.csv",
            "M2,any,self_care,Rest.,,,1,rubbing,rubbing,,,desk",
            "forbids: M2 advises and forbids 'rubbing', expected only one",
        ),
        (
            "management.csv",
            "M2,any,self_care,Rub it.,,,1,rubbing,,urgent,,desk",
            "highest_level: M2 advises what may not be advised at its levels, so it is never shown",
        ),
        ("management.csv", "M2,any,how_to,Rest.,,,1,,,,,desk", "advises: M2: empty, expected the action it"),
        ("notices.csv", "N1,contradiction,pain=mild,Odd.", "id: got 'N1', expected a unique id"),
        ("notices.csv", "N2,contradiction,pain=bad,Odd.", "when: got 'bad', expected pain to be one of"),
        ("notices.csv", "N2,outside_scope,pain=mild,", "words: empty"),
        ("question_lists.csv", "seen,,bruising,a bruise,", "variable: bruising is listed twice"),
        (
            "question_lists.csv",
            "seen,,bruizing,a bruise,",
            "variable: got 'bruizing', expected a variable; did you mean 'bruising'?",
        ),
        ("question_lists.csv", "seen,,pain,pain,", "variable: pain has 3 states, expected two to be ticked"),
        ("question_lists.csv", "other,Other?,pain,,", "words: pain: empty"),
        ("question_lists.csv", "other,,pain,pain,", "title: other: empty"),
        (
            "question_lists.csv",
            "other,Other?,pain,pain,strian",
            "alarm_for: got 'strian', expected a cause or a variable; did you mean 'strain'?",
        ),
        ("actions.csv", "rubbing,Rubbing,,,", "id: got 'rubbing', expected a unique id"),
        ("actions.csv", "heat,,,,", "label: heat: empty"),
        ("seed_coverage.csv", "S9,links,x,", "seed: got 'S9', expected a seed id"),
        ("evidence_agreement.csv", "K9,links,x,agrees,", "evidence_id: got 'K9', expected an evidence id"),
    ],
)
def test_a_wrong_row_of_the_other_tables_is_named(folder: Path, file: str, line: str, message: str) -> None:
    row = append(folder, file, line)
    assert any(found.startswith(f"{file} row {row}, {message}") for found in lines_of(folder)), lines_of(
        folder
    )


@pytest.mark.parametrize("words", ["Do not rub it.", "Don't rub it.", "Massage it.", "Never massage it."])
def test_a_text_about_an_action_needs_its_code_however_it_is_worded(folder: Path, words: str) -> None:
    row = append(folder, "management.csv", f"M2,strain,caution,{words},,,1,,,,,desk")
    (line,) = lines_of(folder)
    assert line.startswith(f"management.csv row {row}, advises: M2 says ")
    assert "but neither advises nor forbids 'rubbing'" in line
    edit(folder, "management.csv", f"{words},,,1,,,", f"{words},,,1,,rubbing,")
    assert lines_of(folder) == []


def test_a_cause_that_can_be_an_emergency_needs_advice_for_it(folder: Path) -> None:
    edit(folder, "management.csv", "Call for help.,,,1,,,,", "Call for help.,,,1,,,,urgent")
    (line,) = lines_of(folder)
    assert line.startswith(
        "management.csv, cause: clot can be an emergency (harms.csv), but has no treatment row"
    )


def test_thresholds_may_be_left_empty(folder: Path) -> None:
    append(folder, "harms.csv", "strain,8,self_care,,,,heals,Heals.,desk")
    append(folder, "harms.csv", "nerve,30,soon,,0.5,0.2,lasts,Lasts.,desk")
    assert lines_of(folder) == []


# ---- all at once ------------------------------------------------------------------------------------


def test_every_problem_of_every_table_is_found_in_one_pass(folder: Path) -> None:
    append(folder, "variables.csv", "hip,finding,,absent|present,?,,ask,,")
    append(folder, "shares.csv", f"strian,clinic,review,0.1,0.2,0.3{DESK}")
    edit(
        folder,
        "links.csv",
        "nerve,tingling,present,panel,0.6,0.7,0.8",
        "nerve,tingling,present,panel,0.6,7,0.8",
    )
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


# ---- urgency ----------------------------------------------------------------------------------------


HARMS = (
    "cause,harm_of_missing,level_if_likely,threshold_emergency,threshold_urgent,threshold_soon,"
    "threshold_routine,odds_factor,odds_reason,reason,words,sources\n"
)


def with_harms(folder: Path, row: str) -> list[str]:
    (folder / "harms.csv").write_text(HARMS + row + "\n", encoding="utf-8")
    return lines_of(folder)


def test_a_harm_may_be_routine_and_count_at_odds_of_its_own(folder: Path) -> None:
    assert with_harms(folder, "clot,80,routine,0.5,0.1,0.02,0.01,5,it travels unseen,bad,Bad.,desk") == []
    (harm,) = load_knowledge_base(folder).harms
    assert (harm.level_if_likely, harm.threshold("routine"), harm.odds_factor) == ("routine", 0.01, 5.0)
    assert (harm.odds_reason, harm.threshold("self_care")) == ("it travels unseen", None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "clot,80,soon,,,0.02,0.1,,,x,Bad.,desk",
            "threshold_routine: got soon 0.02, routine 0.1, expected probabilities in (0, 1), the more urgent",
        ),
        (
            "clot,80,soon,,,,,0.5,shy,x,Bad.,desk",
            "odds_factor: got 0.5, expected 1 to 100: how many times its odds",
        ),
        ("clot,80,soon,,,,,1000,bold,x,Bad.,desk", "odds_factor: got 1000, expected 1 to 100"),
        (
            "clot,80,soon,,,,,5,,x,Bad.,desk",
            "odds_reason: clot: empty; a factor of a cause's own needs its reason",
        ),
        (
            "clot,80,soon,,,,,,it travels,x,Bad.,desk",
            "odds_factor: clot: empty; a factor of a cause's own needs",
        ),
    ],
)
def test_a_wrong_threshold_or_odds_factor_is_named(folder: Path, row: str, message: str) -> None:
    (line,) = with_harms(folder, row)
    assert line.startswith(f"harms.csv row 2, {message}")


def with_alarms(folder: Path, variable: str, alarms: str) -> list[str]:
    path = folder / "variables.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    rows = [f"{row},{alarms if row.startswith(f'{variable},') else ''}" for row in rows]
    path.write_text("\n".join([f"{head},alarms", *rows]) + "\n", encoding="utf-8")
    return lines_of(folder)


def test_states_that_alarm_are_read_from_the_table_of_variables(folder: Path) -> None:
    assert with_alarms(folder, "pain", "mild|severe") == []
    assert load_knowledge_base(folder).variable("pain").alarms == ("mild", "severe")


@pytest.mark.parametrize(
    ("variable", "alarms", "message"),
    [
        (
            "pain",
            "sever",
            "got 'sever', expected states that alarm by themselves, of mild, severe; did you mean 'sev",
        ),
        ("pain", "none", "got 'none', expected states that alarm by themselves, of mild, severe"),
        ("clot", "present", "clot is a cause, expected an empty cell; causes have thresholds in harms.csv"),
    ],
)
def test_a_state_that_cannot_alarm_is_named(folder: Path, variable: str, alarms: str, message: str) -> None:
    (line,) = with_alarms(folder, variable, alarms)
    assert "variables.csv row " in line
    assert message in line


def test_the_group_that_must_not_be_missed_exists(folder: Path) -> None:
    append(folder, "model.yaml", "must_not_miss_group: seriuos")
    (line,) = lines_of(folder)
    assert line.startswith(
        "model.yaml, must_not_miss_group: got 'seriuos', expected a group of groups.csv; did you mean 'serious'?"
    )


def test_without_a_group_nothing_counts_at_other_odds_and_with_one_its_members_do(folder: Path) -> None:
    kb = load_knowledge_base(folder)
    assert (kb.must_not_miss, kb.manifest.must_not_miss_odds) == ((), 3.0)
    append(folder, "model.yaml", "must_not_miss_group: serious\nmust_not_miss_odds: 4")
    kb = load_knowledge_base(folder)
    assert (kb.must_not_miss, kb.manifest.must_not_miss_odds) == (("clot", "nerve"), 4.0)


def test_what_people_come_with_are_findings(folder: Path) -> None:
    append(folder, "model.yaml", "complaints: [pain, brusing, clot]")
    assert lines_of(folder) == [
        "model.yaml, complaints: got 'brusing', expected a finding; did you mean 'bruising'?",
        "model.yaml, complaints: got 'clot', expected a finding",
    ]

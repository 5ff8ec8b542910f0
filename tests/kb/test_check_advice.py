"""What is checked in groups, codes, rules, harms and advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb_builder import append, edit, lines_of, load_knowledge_base

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
    found = lines_of(folder)
    assert any(line.startswith(f"{file} row {row}, {message}") for line in found), found


@pytest.mark.parametrize("words", ["Do not rub it.", "Don't rub it.", "Massage it.", "Never massage it."])
def test_a_text_about_an_action_needs_its_code_however_it_is_worded(folder: Path, words: str) -> None:
    row = append(folder, "management.csv", f"M2,strain,caution,{words},,,1,,,,,desk")
    (line,) = lines_of(folder)
    assert line.startswith(f"management.csv row {row}, advises: M2 says ")
    assert "but neither advises nor forbids 'rubbing'" in line
    edit(folder, "management.csv", f"{words},,,1,,,", f"{words},,,1,,rubbing,")
    assert lines_of(folder) == []


def test_a_cause_that_can_be_an_emergency_needs_advice_for_it(folder: Path) -> None:
    edit(folder, "management.csv", "Not by car.,1,,,,", "Not by car.,1,,,,urgent")
    (line,) = lines_of(folder)
    assert line.startswith(
        "management.csv, cause: clot can be an emergency (harms.csv), but has no treatment row"
    )


def test_thresholds_may_be_left_empty(folder: Path) -> None:
    append(folder, "harms.csv", "strain,8,self_care,,,,heals,Heals.,desk")
    append(folder, "harms.csv", "nerve,30,soon,,0.5,0.2,lasts,Lasts.,desk")
    assert lines_of(folder) == []


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

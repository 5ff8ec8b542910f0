"""The manifest is YAML 1.2, bounded, validated as a whole, and never executed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kb_builder import MANIFEST, append, edit, load_knowledge_base
from thighdx.errors import KnowledgeBaseError, Problem
from thighdx.kb.manifest import MAX_MANIFEST_CHARACTERS, parse_manifest, with_changes


def problems_of(text: str) -> list[str]:
    """What is wrong with a manifest, and that nothing was made of it."""
    found: list[Problem] = []
    assert parse_manifest(text, found) is None
    return [str(problem) for problem in found]


def test_a_valid_manifest_reads_as_written() -> None:
    found: list[Problem] = []
    manifest = parse_manifest(MANIFEST, found)
    assert found == []
    assert manifest is not None
    assert (manifest.name, manifest.version, manifest.max_causes) == ("small", "0.1.0", 2)
    assert [setting.id for setting in manifest.settings] == ["clinic", "hospital"]
    assert [(expert.id, expert.role) for expert in manifest.experts] == [
        ("panel", "pooled"),
        ("onset_a", "alone"),
        ("onset_b", "alone"),
        ("review", "correction"),
    ]
    assert manifest.residual_cause == "other_cause"
    assert manifest.fit_tolerance == 0.05
    assert manifest.rebased == {}


def test_no_is_text_as_in_yaml_1_2_and_not_false() -> None:
    found: list[Problem] = []
    manifest = parse_manifest(MANIFEST.replace("A small model for tests", "no"), found)
    assert found == []
    assert manifest is not None
    assert manifest.title == "no"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("max_causes: 2", "max_causes: two", r"model\.yaml, max_causes: .*integer.*got 'two'"),
        ("max_causes: 2", "max_causes: 0", r"model\.yaml, max_causes: .*greater than or equal to 1.*got '0'"),
        ("max_causes: 2", "max_causes: 2.5", r"model\.yaml, max_causes: .*integer"),
        ("max_causes: 2", "max_causes: true", r"model\.yaml, max_causes: .*integer"),
        ("format: 1", "format: 2", r"model\.yaml, format: .*1.*got '2'"),
        ("name: small", "name: Small Model", r"model\.yaml, name: .*pattern.*got 'Small Model'"),
        ("version: 0.1.0", "version: 0.1", r"model\.yaml, version: .*string"),
        ("title: A small model for tests\n", "", r"model\.yaml, title: Field required"),
        ("role: pooled", "role: boss", r"model\.yaml, experts\.0\.role: .*'pooled'.*got 'boss'"),
        ("max_causes:", "max_cause:", r"model\.yaml, max_cause: .*did you mean 'max_causes'\?"),
        (
            "disclaimer:",
            "license: none\ndisclaimer:",
            r"model\.yaml, license: Extra inputs are not permitted",
        ),
        (
            "disclaimer:",
            "must_not_miss_odds: 0.5\ndisclaimer:",
            r"model\.yaml, must_not_miss_odds: .*greater than or equal to 1.*got '0\.5'",
        ),
        (
            "fit_tolerance: 0.05",
            "fit_tolerance: 7",
            r"model\.yaml, fit_tolerance: .*less than or equal to 0\.5",
        ),
        ("name: small", "name: small\nname: big", r"not valid YAML 1\.2: .*duplicate key"),
        ("settings:\n", "settings: [\n", r"not valid YAML 1\.2"),
    ],
)
def test_what_is_wrong_is_named_with_its_field_what_was_got_and_what_was_expected(
    old: str, new: str, message: str
) -> None:
    text = MANIFEST + ("" if "fit_tolerance" not in old else "fit_tolerance: 0.05\n")
    assert old in text
    assert re.search(message, "\n".join(problems_of(text.replace(old, new))))


def test_all_that_is_wrong_is_reported_at_once() -> None:
    text = (
        MANIFEST.replace("format: 1", "format: 9")
        .replace("name: small", "name: 3")
        .replace("title:", "tilte:")
    )
    assert len(problems_of(text)) == 4  # format, name, title missing, tilte unknown


def test_a_name_is_not_coerced_from_a_number() -> None:
    assert any(
        "name" in line and "string" in line for line in problems_of(MANIFEST.replace("small\n", "7\n", 1))
    )


@pytest.mark.parametrize("text", ["", "  \n\n", "# only a comment\n"])
def test_an_empty_manifest_says_so(text: str) -> None:
    (line,) = problems_of(text)
    assert "empty" in line or "valid dictionary" in line


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text", "3", "null"])
def test_a_manifest_that_is_no_mapping_is_refused(text: str) -> None:
    (line,) = problems_of(text)
    assert line.startswith("model.yaml")


@pytest.mark.parametrize(
    "tagged",
    [
        "!!python/object/apply:os.system ['false']",
        "!!python/name:os.system",
        "!!python/object/new:subprocess.Popen [['false']]",
        "!something else",
    ],
)
def test_tags_are_never_turned_into_objects(tagged: str) -> None:
    (line,) = problems_of(MANIFEST.replace("A small model for tests", tagged))
    assert "not valid YAML 1.2" in line
    assert "could not determine a constructor" in line


def test_a_billion_laughs_are_refused_at_once() -> None:
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 10)]
    text = "\n".join(lines) + "\n" + MANIFEST.replace("A small model for tests", "*a9")
    found = problems_of(text)
    assert any("title" in line for line in found)
    assert sum(map(len, found)) < 10_000


@pytest.mark.parametrize("text", ["[" * 500, "{a: " * 3_000, "- " * 3_000])
def test_deep_nesting_is_refused_and_not_a_crash(text: str) -> None:
    """How deep a reader gets depends on the stack that is left: what it can read is still no manifest."""
    (line,) = problems_of(text)
    assert re.search(r"not valid YAML 1\.2|valid dictionary", line)


def test_a_very_long_manifest_is_not_parsed() -> None:
    (line,) = problems_of(MANIFEST + "#" * MAX_MANIFEST_CHARACTERS)
    assert "longer than 200,000 characters" in line


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "default_setting: clinic",
            "default_setting: clinc",
            r"default_setting: got 'clinc'.*did you mean 'clinic'\?",
        ),
        ("{id: hospital,", "{id: clinic,", r"settings: 'clinic' given twice"),
        ("{id: review,", "{id: panel,", r"experts: 'panel' given twice"),
    ],
)
def test_fields_that_contradict_one_another_are_reported(
    folder: Path, old: str, new: str, message: str
) -> None:
    edit(folder, "model.yaml", old, new)
    with pytest.raises(KnowledgeBaseError, match=message):
        load_knowledge_base(folder)


def test_rebased_shares_need_a_setting_of_the_manifest(folder: Path) -> None:
    append(folder, "model.yaml", "rebased: {ward: {strain: 0.4}}")
    with pytest.raises(KnowledgeBaseError, match=r"rebased: got 'ward', expected one of clinic, hospital"):
        load_knowledge_base(folder)


def test_rebased_shares_are_added_and_comments_stay() -> None:
    text = "# a comment at the top\n" + MANIFEST
    shares = {"clinic": {"strain": 0.25, "clot": 1e-7}}
    changed = with_changes(text, max_causes=2, rebased=shares)
    found: list[Problem] = []
    manifest = parse_manifest(changed, found)
    assert found == []
    assert manifest is not None
    assert manifest.rebased == shares
    assert changed.startswith("# a comment at the top\n")
    assert with_changes(text, max_causes=2, rebased={}) == text

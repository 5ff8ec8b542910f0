"""YAML that somebody else wrote: one kind of error, whatever is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

import kb_builder
from kb_builder import load_knowledge_base
from thighdx.errors import KnowledgeBaseError
from thighdx.evidence.column_map import read_column_map
from thighdx.kb.yaml_text import load_yaml

TAGGED = ("!!bool maybe", "!!int one", "!!float much", "!!timestamp soon", "!!omap 3", "!!binary é")


def test_plain_data_come_back() -> None:
    assert load_yaml("{a: [1, 2.5, true, null, no]}") == {"a": [1, 2.5, True, None, "no"]}


@pytest.mark.parametrize("value", TAGGED)
def test_a_tag_that_does_not_fit_its_value_is_a_value_error(value: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        load_yaml(f"a: {value}")
    assert type(caught.value) is ValueError
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 5_000, "a: !<!x> 3", "a: 1\n---\nb: 2", "\x00", "a: [", "a: *b"])
def test_text_that_is_no_yaml_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        load_yaml(text)
    assert type(caught.value) is ValueError


@pytest.mark.parametrize("value", TAGGED)
def test_a_manifest_with_such_a_tag_is_a_problem_of_the_manifest(folder: Path, value: str) -> None:
    kb_builder.edit(folder, "model.yaml", "title: A small model for tests", f"title: {value}")
    with pytest.raises(KnowledgeBaseError, match=r"model\.yaml: not valid YAML 1\.2"):
        load_knowledge_base(folder)


@pytest.mark.parametrize("value", TAGGED)
def test_a_map_of_columns_with_such_a_tag_is_a_problem_of_the_map(tmp_path: Path, value: str) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(f"format: 1\ncolumns: {{bruise_yn: {value}}}\n", encoding="utf-8")
    with pytest.raises(KnowledgeBaseError, match=r"map\.yaml: not valid YAML"):
        read_column_map(file)

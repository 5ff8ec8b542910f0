"""A knowledge base that reads its tables when somebody asks for them."""

from __future__ import annotations

import dataclasses
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import kb_builder
from kb_builder import load_knowledge_base
from thighdx.errors import KnowledgeBaseError
from thighdx.kb import opened
from thighdx.kb.load import PARTS
from thighdx.kb.opened import manifest_from_plain, open_knowledge_base
from thighdx.kb.records import KnowledgeBase
from thighdx.kb.resources import model_path
from thighdx.plain import plain

FIELDS = [field.name for field in dataclasses.fields(KnowledgeBase)]


def opened_from(kb: KnowledgeBase) -> KnowledgeBase:
    return open_knowledge_base(kb.manifest, kb.digest, kb.files)


@pytest.fixture(scope="module")
def shipped() -> KnowledgeBase:
    return load_knowledge_base(model_path("posterior_thigh"))


@pytest.mark.parametrize("field", FIELDS)
def test_every_record_is_the_one_that_reading_everything_gives(shipped: KnowledgeBase, field: str) -> None:
    assert getattr(opened_from(shipped), field) == getattr(shipped, field)


def test_every_field_that_a_table_fills_is_read_late(shipped: KnowledgeBase) -> None:
    """Also one with a default, which would otherwise be taken for its content."""
    assert {*FIELDS} - {"manifest", "digest", "files"} == set(PARTS)
    assert set(vars(opened_from(shipped))) == {"manifest", "digest", "files", "lock"}


def test_nothing_is_read_before_somebody_asks_and_then_only_that_table(
    shipped: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = opened.read_table
    monkeypatch.setattr(opened, "read_table", lambda name, *rest: read.append(name) or original(name, *rest))
    kb = opened_from(shipped)
    assert (kb.manifest.name, kb.digest) == ("posterior_thigh", shipped.digest)
    assert read == []
    assert kb.groups is kb.groups
    assert read == ["groups"]
    assert kb.variable("bruising").label
    assert read == ["groups", "variables"]


def test_threads_share_the_same_records(shipped: KnowledgeBase) -> None:
    kb = opened_from(shipped)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: id(kb.judgements), range(8)))
    assert len(set(found)) == 1


def test_it_travels_as_text_and_a_changed_copy_with_its_records(shipped: KnowledgeBase) -> None:
    kb = opened_from(shipped)
    assert kb.judgements
    sent = pickle.dumps(kb)
    assert len(sent) < 1.1 * sum(map(len, kb.files.values()))
    assert pickle.loads(sent).judgements == kb.judgements
    fewer = dataclasses.replace(kb, judgements=kb.judgements[1:])
    assert pickle.loads(pickle.dumps(fewer)).judgements == kb.judgements[1:]


def test_a_name_that_does_not_exist_is_an_attribute_error(shipped: KnowledgeBase) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'judgments'"):
        opened_from(shipped).judgments  # type: ignore[attr-defined]  # noqa: B018  # the access is the test


def test_a_table_that_is_not_what_was_checked_is_refused(folder: Path) -> None:
    kb = load_knowledge_base(folder)
    files = dict(kb.files) | {"links.csv": b"nothing,of,the,kind\n"}
    with pytest.raises(KnowledgeBaseError, match=r"links\.csv row 1"):
        open_knowledge_base(kb.manifest, kb.digest, files).judgements  # noqa: B018  # the access is the test


def test_a_manifest_survives_json(folder: Path) -> None:
    kb_builder.edit(
        folder,
        "model.yaml",
        "{id: review, role: correction, label: The review}",
        "{id: review, role: alone, label: The review, variables: [pain], causes: [clot]}\n"
        "rebased: {clinic: {strain: 0.4}}",
    )
    manifest = load_knowledge_base(folder).manifest
    assert manifest.experts[-1].variables == ("pain",)
    said = json.loads(json.dumps(plain(manifest)))
    assert manifest_from_plain(said) == manifest

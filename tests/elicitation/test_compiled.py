"""Pooled judgements survive a JSON file unchanged, without a single fit."""

from __future__ import annotations

import json

import pytest

from elicitation.tiny import make_kb, make_row
from thighdx.elicitation import fit
from thighdx.elicitation.compiled import from_plain, to_plain
from thighdx.elicitation.judgements import pool_judgements
from thighdx.kb.records import KnowledgeBase


@pytest.fixture
def kb() -> KnowledgeBase:
    return make_kb(
        make_row("shares strain|clinic", "panel_a", (0.1, 0.2, 0.35), sources=("K001",)),
        make_row("shares strain|clinic", "panel_b", "k=3 n=20"),
        make_row("shares vein|clinic", "panel_c", (1e-5, 3e-5, 7e-4)),
        make_row("backgrounds bruising|present", "panel_a", (0.01, 0.02, 0.1)),
        make_row("links strain|bruising|present", "panel_a", (0.5, 0.7, 0.9995)),
        make_row("effects sprinting|present|strain", "panel_b", (2.0, 9.0, 20.0)),
        make_row("effects sprinting|present|strain", "review", (2.0, 4.0, 20.0), sources=("K002",)),
        make_row("effects sprinting|present|strain", "second_review", (2.0, 5.0, 20.0)),
        make_row("effects pregnancy|none|cramp", "panel_a", "never"),
    )


def test_json_gives_back_every_digit(kb: KnowledgeBase) -> None:
    pooled = pool_judgements(kb)
    back = from_plain(json.loads(json.dumps(to_plain(pooled))), kb)
    assert back == pooled
    assert list(back) == list(pooled)


def test_loading_fits_nothing(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    pooled = pool_judgements(kb)
    plain = to_plain(pooled)

    def refuse(*_: object) -> None:
        raise AssertionError("fitted while loading")

    monkeypatch.setattr(fit, "_one_piece", refuse)
    monkeypatch.setattr("thighdx.elicitation.pool._working_quantiles", refuse)
    assert from_plain(plain, kb) == pooled


def test_one_line_of_the_plain_form_reads_as_documented(kb: KnowledgeBase) -> None:
    plain = to_plain(pool_judgements(kb))
    assert plain["format"] == 1
    point, corrected_by, experts = plain["effects"]["sprinting|present|strain"]
    assert corrected_by == "second_review"
    assert point == pytest.approx(5, rel=0.05)
    assert [(name, filled, used) for name, _, _, filled, used in experts] == [
        ("panel_a", True, False),
        ("panel_b", False, False),
        ("review", False, False),
        ("second_review", False, True),
    ]
    assert plain["effects"]["pregnancy|none|cramp"][2][0][1:3] == ["point", [0.0]]


def test_another_format_or_another_knowledge_base_is_refused(kb: KnowledgeBase) -> None:
    plain = to_plain(pool_judgements(kb))
    with pytest.raises(ValueError, match="got format 2, expected 1: build again"):
        from_plain(plain | {"format": 2}, kb)
    other = make_kb(make_row("shares strain|clinic", "panel_a", (0.1, 0.2, 0.35)))
    with pytest.raises(ValueError, match="got numbers other than those of the knowledge base"):
        from_plain(plain, other)

"""Pooled judgements survive as arrays unchanged, without a single fit."""

from __future__ import annotations

import numpy as np
import pytest

from elicitation.tiny import make_kb, make_row
from thighdx.elicitation import fit
from thighdx.elicitation.compiled import from_arrays, to_arrays
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


def test_arrays_give_back_every_digit(kb: KnowledgeBase) -> None:
    pooled = pool_judgements(kb)
    back = from_arrays(to_arrays(pooled, kb), kb)
    assert back == pooled
    assert list(back) == list(pooled)


def test_loading_fits_nothing(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    pooled = pool_judgements(kb)
    arrays = to_arrays(pooled, kb)

    def refuse(*_: object) -> None:
        raise AssertionError("fitted while loading")

    monkeypatch.setattr(fit, "_one_piece", refuse)
    monkeypatch.setattr("thighdx.elicitation.pool._working_quantiles", refuse)
    assert from_arrays(arrays, kb) == pooled


def test_the_arrays_read_as_documented(kb: KnowledgeBase) -> None:
    pooled = pool_judgements(kb)
    arrays = to_arrays(pooled, kb)
    experts = [item.id for item in kb.manifest.experts]
    number = list(pooled).index(("effects", ("sprinting", "present", "strain")))
    assert arrays["point"][number] == pytest.approx(5, rel=0.05)
    assert experts[arrays["corrected_by"][number]] == "second_review"
    start = arrays["n_beliefs"][:number].sum()
    assert [
        (experts[arrays["expert"][i]], bool(arrays["is_filled"][i]))
        for i in range(start, start + arrays["n_beliefs"][number])
    ] == [("panel_a", True), ("panel_b", False), ("review", False), ("second_review", False)]
    never = list(pooled).index(("effects", ("pregnancy", "none", "cramp")))
    row = arrays["params"][arrays["n_beliefs"][:never].sum()]
    assert (row[0], np.isnan(row[1:]).all()) == (0.0, True)


def test_another_knowledge_base_is_refused(kb: KnowledgeBase) -> None:
    pooled = pool_judgements(kb)
    other = make_kb(make_row("shares strain|clinic", "panel_a", (0.1, 0.2, 0.35)))
    with pytest.raises(ValueError, match="got numbers other than those of the knowledge base"):
        from_arrays(to_arrays(pooled, kb), other)
    with pytest.raises(ValueError, match="got numbers other than those of the knowledge base"):
        to_arrays(pooled, other)

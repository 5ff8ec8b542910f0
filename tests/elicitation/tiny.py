"""Judgement rows and knowledge bases small enough to pool by hand."""

from __future__ import annotations

from thighdx.kb.records import Expert, Judgement, JudgementTable, Key, KnowledgeBase, Manifest

__all__ = ["EXPERTS", "make_kb", "make_row"]

EXPERTS = (
    Expert("panel_a", "pooled", "A"),
    Expert("panel_b", "pooled", "B"),
    Expert("panel_c", "alone", "C", variables=("swelling",), causes=("vein",)),
    Expert("review", "correction", "first reading"),
    Expert("second_review", "correction", "later reading"),
)


def make_row(
    place: str,
    expert: str,
    said: tuple[float, float, float] | str,
    *,
    sources: tuple[str, ...] = ("desk_elicitation",),
    row: int = 2,
) -> Judgement:
    """Return what an expert said of a place such as ``links strain|bruising|present``."""
    table, key = place.split(" ")
    parts: Key = tuple(key.split("|"))
    name: JudgementTable = table  # type: ignore[assignment]  # the tests spell it right
    words, quantiles = (said, None) if isinstance(said, str) else ("", said)
    return Judgement(name, parts, expert, quantiles, words, "2026-01-01", sources, "", row)


def make_kb(*rows: Judgement, experts: tuple[Expert, ...] = EXPERTS) -> KnowledgeBase:
    """Return a knowledge base of nothing but judgements."""
    manifest = Manifest(
        name="tiny",
        version="1",
        title="",
        format=1,
        max_causes=2,
        default_setting="clinic",
        disclaimer="",
        settings=(),
        experts=experts,
        residual_cause="other",
    )
    return KnowledgeBase(manifest, (), rows, (), (), (), (), (), {}, "0")

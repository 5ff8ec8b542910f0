"""Files of the repository that are pages of the site too, with their links turned."""

from __future__ import annotations

from pathlib import Path

__all__ = ["changes_page", "model_card_page"]


def model_card_page(root: Path) -> str:
    """Return the model card, which lies beside the tables it describes."""
    text = (root / "models" / "posterior_thigh" / "README.md").read_text(encoding="utf-8")
    ways = (
        "\n\n*More about what the model knows:* [one page per cause](causes/index.md), "
        "[all findings](findings.md), [rules and thresholds](rules.md), [sources](sources.md).\n"
    )
    title, rest = text.split("\n", 1)
    return title + ways + rest


def changes_page(root: Path) -> str:
    """Return the changelog."""
    return (root / "CHANGELOG.md").read_text(encoding="utf-8")

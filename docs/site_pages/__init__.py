"""The pages of the site that are written from the model, the command line and the files beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from site_pages.causes import cause_page, causes_index
from site_pages.commands import commands_page
from site_pages.findings import findings_page
from site_pages.rules import rules_page
from site_pages.sources import sources_page
from site_pages.texts import changes_page, model_card_page

if TYPE_CHECKING:
    from thighdx import Model

__all__ = ["ROOT", "cause_nav", "generated_pages"]

ROOT = Path(__file__).parents[2]


def generated_pages(model: Model) -> Mapping[str, str]:
    """Return the Markdown of every generated page but the notebooks, by its place in the site."""
    pages = {f"knowledge/causes/{cause}.md": cause_page(model, cause) for cause in model.causes}
    return pages | {
        "knowledge/index.md": model_card_page(ROOT),
        "knowledge/causes/index.md": causes_index(model),
        "knowledge/findings.md": findings_page(model),
        "knowledge/rules.md": rules_page(model),
        "knowledge/sources.md": sources_page(model),
        "reference/cli.md": commands_page(),
        "contributing/changes.md": changes_page(ROOT),
    }


def cause_nav(model: Model) -> list[dict[str, str]]:
    """Return one entry of the navigation per cause, by name."""
    ordered = sorted(model.causes.items(), key=lambda item: (item[0] == model.residual_cause, item[1].label))
    return [{cause.label: f"knowledge/causes/{cause_id}.md"} for cause_id, cause in ordered]

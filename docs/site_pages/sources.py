"""What the numbers, rules and advice cite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from site_pages.markdown import escape, table

if TYPE_CHECKING:
    from thighdx import Model
    from thighdx.kb.records import Source

__all__ = ["sources_page"]

KINDS = {
    "published_figure": "Published figures",
    "elicited_figure": "Figures that were elicited because none was published",
}


def sources_page(model: Model) -> str:
    """Return every source but the seed statements, which are in `seeds.csv`."""
    records = [item for item in model.compiled.kb.sources.values() if item.kind != "seed_statement"]
    seeds = len(model.compiled.kb.sources) - len(records)
    text = (
        "# Sources\n\n*Read* says whether somebody read the figure in the source; a source that was not read is "
        f"cited from memory or from another paper. {seeds} statements of the list of knowledge that the model was "
        "begun with are in the table `seeds.csv` of the model.\n"
    )
    for kind, title in (("", "Guidelines, papers and own summaries"), *KINDS.items()):
        chosen = [item for item in records if (item.kind == kind if kind else item.kind not in KINDS)]
        text += f"\n## {title}\n\n" + table(("id", "source", "read"), map(_row, chosen))
    return text


def _row(source: Source) -> list[str]:
    """Return one line, with an anchor that other pages link to."""
    note = f"<br>*{escape(source.note)}*" if source.note else ""
    read = "yes" if source.verified else ""
    return [f'<a id="{source.id}"></a>`{source.id}`', escape(source.citation) + note, read]

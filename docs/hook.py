"""Adds generated pages to the site: MkDocs calls these functions while it builds."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import thighdx

sys.path.insert(0, str(Path(__file__).parent))  # for the imports inside `site_pages` too
from site_pages import ROOT, cause_nav, generated_pages
from site_pages.notebooks import notebook_pages


@lru_cache(maxsize=1)
def notebooks() -> dict[str, str | bytes]:
    """Return pages and pictures of the notebooks, once however often the site is built."""
    return {f"tutorials/{name}": content for name, content in notebook_pages(ROOT / "notebooks")}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put causes and notebooks into the navigation."""
    for part in config.nav:
        part.get("Tutorials", []).extend(name for name in notebooks() if name.endswith(".md"))
        for entry in part.get("Knowledge", []):
            if isinstance(entry, dict) and "Causes" in entry:
                entry["Causes"].extend(cause_nav(thighdx.load_model()))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add generated pages."""
    pages = {**generated_pages(thighdx.load_model()), **notebooks()}
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_content(html: str, **_: object) -> str:
    """Turn the citations of docstrings, ``[1]_`` and ``.. [1]``, into plain ones."""
    return re.sub(r"(?:\.\. )?\[(\d+)\]_?", r"[\1]", html)

"""Reads pages as strictly as a browser is lenient: every tag closed, every table named, nothing loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["HOSTILE", "Page", "read_page"]

# Breaks out of text, of attributes and of styles, if anything lets it; no comma, so it fits into a CSV cell.
HOSTILE = "</style><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;{{ 7*7 }}"

VOID = {"meta", "br", "wbr", "img", "link", "input", "hr", "base", "embed", "source", "area", "col", "track"}
LOADS = {"src", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href", "ping"}
FORBIDDEN = {"script", "img", "link", "iframe", "object", "embed", "form", "input", "base", "audio", "video"}


@dataclass
class Table:
    """What makes a table readable without seeing it."""

    caption: str = ""
    n_headers: int = 0
    headers_without_scope: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """A page or part of one, taken apart."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.tables: list[Table] = []
        self.problems: list[str] = []
        self.styles = ""
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.tags.append((tag, named))
        if tag in FORBIDDEN:
            self.problems.append(f"<{tag}> is there")
        self.problems += [f"{name}= is there" for name in named if name in LOADS or name.startswith("on")]
        if not named.get("href", "#").startswith("#"):
            self.problems.append(f"href={named['href']}")
        if tag == "table":
            self.tables.append(Table())
        if tag == "th":
            self.tables[-1].n_headers += 1
            if named.get("scope") not in ("col", "row"):
                self.tables[-1].headers_without_scope.append(str(self.getpos()))
        if tag == "svg" and named.get("aria-hidden") != "true":
            self.problems.append("a picture that repeats text is not hidden from screen readers")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self.open[-1:]} at {self.getpos()}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.styles += data
            return
        self.words.append(data)
        if "caption" in self.open:
            self.tables[-1].caption += data

    @property
    def text(self) -> str:
        """All text, blanks collapsed."""
        return " ".join(" ".join(self.words).split())

    @property
    def ids(self) -> list[str]:
        """Every id, in order."""
        return [named["id"] for _, named in self.tags if "id" in named]

    def having(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every such tag."""
        return [named for name, named in self.tags if name == tag]


def read_page(html: str) -> Page:
    """Take a page apart and check what must hold for every one."""
    page = Page()
    page.feed(html)
    page.close()
    assert page.problems == []
    assert page.open == []
    for table in page.tables:
        assert table.caption.strip()
        assert table.n_headers > 0
        assert table.headers_without_scope == []
    for loaded in ("@import", "url(", "http:", "https:"):
        assert loaded not in page.styles
    return page

"""The documentation site: pages written from the model are complete, and no link leads nowhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

import pytest
from ruamel.yaml import YAML
from site_pages import ROOT, cause_nav, generated_pages
from site_pages.markdown import condition_list, escape, table

import thighdx
from thighdx import evaluation, fhir, forms, plots, resources, review, schemas
from thighdx.evidence.table_rows import STATUSES
from thighdx.kb.expressions import parse_expression

PAGES = ROOT / "docs" / "pages"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|<img[^>]*src=\"([^\"]+)\"|!\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


@pytest.fixture(scope="module")
def generated(model: thighdx.Model) -> Mapping[str, str]:
    return generated_pages(model)


@pytest.fixture(scope="module")
def pages(generated: Mapping[str, str]) -> Mapping[str, str]:
    """Every page of the site but the notebooks, by its place."""
    written = {path.relative_to(PAGES).as_posix(): path.read_text("utf-8") for path in PAGES.rglob("*.md")}
    return {**written, **generated}


def anchors(text: str) -> set[str]:
    """What can be linked to on a page: headings as the toc extension names them, ids given by hand."""
    named = set(re.findall(r"\{ #([\w.-]+) \}", text)) | set(re.findall(r'id="([\w.-]+)"', text))
    for title in re.findall(r"^#+ (.+)$", CODE.sub(lambda found: found[0].replace("\n#", "\n"), text), re.M):
        plain = re.sub(r"[^\w\s-]", "", re.sub(r"\]\([^)]*\)", "", title)).strip().lower()
        named.add(re.sub(r"[-\s]+", "-", plain))
    return named


def places(entry: Any) -> list[str]:
    """Return the pages that a part of the navigation names."""
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [place for part in parts for place in places(part)]


def test_every_cause_has_a_page_and_a_place_in_the_navigation(
    model: thighdx.Model, generated: Mapping[str, str]
) -> None:
    expected = {f"knowledge/causes/{cause}.md" for cause in model.causes}
    assert {name for name in generated if re.match(r"knowledge/causes/(?!index)", name)} == expected
    assert set(places(cause_nav(model))) == expected


def test_the_dictionary_has_every_variable_that_is_no_cause(
    model: thighdx.Model, generated: Mapping[str, str]
) -> None:
    listed = re.findall(r"^### .+ \{ #([\w]+) \}$", generated["knowledge/findings.md"], re.M)
    assert sorted(listed) == sorted(set(model.variables) - set(model.causes))


def test_the_rules_are_all_there(model: thighdx.Model, generated: Mapping[str, str]) -> None:
    listed = re.findall(r"^### .+ \{ #(\w+) \}$", generated["knowledge/rules.md"], re.M)
    assert listed == [rule.id for rule in model.compiled.kb.red_flags]


def test_every_command_has_its_section(generated: Mapping[str, str]) -> None:
    text = generated["reference/cli.md"]
    for command in ("diagnose", "ask", "score", "report", "simulate", "warm", "model check", "model diff"):
        assert f"\n## thighdx {command}\n" in text
    assert "--on-error" in text


def test_pages_call_states_what_the_model_calls_them(generated: Mapping[str, str]) -> None:
    page = generated["knowledge/causes/lumbar_radiculopathy.md"]
    assert "[Side of the complaint: both sides](../findings.md#laterality)" in page
    assert ": bilateral]" not in page
    assert "`bilateral` (both sides)" in generated["knowledge/findings.md"]


def test_a_dangerous_cause_says_so_first(generated: Mapping[str, str]) -> None:
    assert '!!! danger "Must not be missed"' in generated["knowledge/causes/cauda_equina_syndrome.md"]
    assert "!!! danger" not in generated["knowledge/causes/nocturnal_leg_cramp.md"]


def test_every_public_name_every_plot_and_every_status_is_in_the_reference() -> None:
    python, modules, errors = (
        (PAGES / "reference" / f"{name}.md").read_text("utf-8") for name in ("python", "modules", "errors")
    )
    assert sorted(re.findall(r"^::: thighdx\.(\w+)$", python, re.M)) == thighdx.__all__
    assert sorted(re.findall(r"^::: thighdx\.plots\.(\w+)$", modules, re.M)) == sorted(plots.__all__)
    for package in (evaluation, fhir, forms, resources, review, schemas):
        listed = re.findall(
            rf"^::: {package.__name__.replace('.', '[.]')}[.](?:\w+[.])?(\w+)$", modules, re.M
        )
        assert set(listed) == set(package.__all__) - {"evaluate", "data_path"}
    assert [status for status in STATUSES if f"| `{status}` |" not in errors] == []


def test_no_link_leads_nowhere(pages: Mapping[str, str]) -> None:
    known = {name: anchors(text) for name, text in pages.items()}
    broken = []
    for name, text in pages.items():
        for groups in LINK.findall(CODE.sub("", text)):
            target, _, anchor = next(filter(None, groups)).partition("#")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) if target else name
            if place.startswith("tutorials/") or "://" in target:  # notebooks become pages in the build
                continue
            found = known.get(place)
            if found is None and not (PAGES / place).is_file():
                broken.append(f"{name}: {target}")
            elif anchor and anchor not in (found or ()):
                broken.append(f"{name}: {target}#{anchor}")
    assert sorted(set(broken)) == []


def test_the_navigation_names_pages_that_are_there_and_forgets_none(pages: Mapping[str, str]) -> None:
    config = YAML(typ="safe", pure=True).load((ROOT / "docs" / "mkdocs.yml").read_text("utf-8"))
    named = places(config["nav"])
    assert len(named) == len(set(named))
    assert set(named) <= set(pages)
    causes = {name for name in pages if name.startswith("knowledge/causes/")}
    assert set(pages) - set(named) == causes - {"knowledge/causes/index.md"}


def test_links_of_the_readme_lead_to_files_and_their_parts() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = [next(filter(None, groups)).partition("#") for groups in LINK.findall(text)]
    assert [path for path, _, _ in linked if not (ROOT / path).exists()] == []
    parts = [(path, part) for path, _, part in linked if part]
    assert [found for found in parts if found[1] not in anchors((ROOT / found[0]).read_text("utf-8"))] == []
    assert len(linked) > 10
    assert len(parts) > 0


def test_text_of_tables_cannot_break_a_page() -> None:
    assert escape("a|b <script> [c](d) *e* f_g") == r"a\|b &lt;script> \[c\](d) \*e\* f\_g"
    assert table(("name", "value>"), [["a", "1"]]) == "| name | value |\n|---|--:|\n| a | 1 |\n"


def test_a_condition_is_written_as_nested_lists(model: thighdx.Model) -> None:
    wanted = parse_expression("fever=present and (bruising=present or onset=sudden)")
    link = "[^]]+]\\([^)]+\\)"
    expected = rf"- \*all of\*\n    - \[{link}\n    - \[{link} \*or\* \[{link}\n"
    assert re.fullmatch(expected, condition_list(wanted, model))

"""A model in another language: tables in that language, `words.csv`, and nothing else."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner

import kb_builder
import thighdx
from thighdx.cli.app import app
from thighdx.errors import KnowledgeBaseError
from thighdx.model import Model
from thighdx.text import finding_name
from thighdx.words import ENGLISH, placeholders, say

PACKAGE = Path(thighdx.__file__).parent
CASE = {"pain": "severe", "bruising": True, "d_dimer": "positive", "tingling": False}


def marked(words: str) -> str:
    """A sentence in a made-up language."""
    return "|".join(f"~{part}" for part in words.split("|"))


def words_file(**changes: str | None) -> str:
    """`words.csv` of the made-up language, with other words for some keys and without those that are None."""
    rows = {key: marked(words) for key, words in ENGLISH.items()} | {"state.severe": "~severe", **changes}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("key", "words"), *((key, words) for key, words in rows.items() if words is not None)])
    return text.getvalue()


def translated(folder: Path, **changes: str | None) -> Path:
    """The small model in the made-up language."""
    kb_builder.write_model(folder)
    (folder / "words.csv").write_text(words_file(**changes), encoding="utf-8")
    kb_builder.append(folder, "model.yaml", "language: xx")
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return thighdx.read_model(translated(tmp_path_factory.mktemp("xx")))


def test_urgency_and_advice_are_in_the_language_of_the_model(other: Model) -> None:
    result = other.diagnose(CASE)
    assert result.triage.words == "~Urgent: be seen by a clinician today."
    assert "~from 2%: ~soon" in str(result.triage)
    assert result.management.seek_care == result.triage.words
    assert result.fit.statement.startswith("~")


def test_a_card_speaks_the_language_of_the_model(other: Model) -> None:
    result = other.diagnose(CASE)
    shown = result._repr_html_() + result.triage._repr_html_()
    words = [
        unescape(part.strip(" ;,.()\n"))
        for part in re.split(r"<style>.*?</style>|<[^>]*>", shown, flags=re.S)
    ]
    tables = "\n".join(content.decode() for content in other.compiled.kb.files.values())
    own = [part for part in words if re.search("[a-z]{3}", part) and "~" not in part and part not in tables]
    head, foot = "Be seen by a clinician today", "A clinic. Invented numbers; not a medical device"
    assert set(own) == {
        head,
        f"small 0.1.0 ({other.digest[:12]}), {foot}",
    }  # the head stands behind its level
    assert "Pain: ~severe" in shown
    assert "~Leading causes" in words


@pytest.mark.parametrize("more", [[], ["--all", "--advice", "--interval", "0.9"]])
def test_the_terminal_speaks_the_language_of_the_model(tmp_path: Path, more: list[str]) -> None:
    findings = [f"{name}={value}" for name, value in CASE.items()]
    arguments = ["diagnose", *findings, "--model", str(translated(tmp_path)), *more]
    found = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"}).output
    tables = "\n".join(
        path.read_text(encoding="utf-8") for path in tmp_path.iterdir() if path.suffix != ".bin"
    )
    causes = {"strain", "nerve", "clot", "other_cause"}
    lines = [line for line in found.splitlines() if line.strip() and not set(line.lower().split()) & causes]
    own = [
        line for line in lines if re.sub(r"^(- | +|[0-9.]+% +|[0-9.]+ bits +)| \(.*", "", line) not in tables
    ]
    assert "~Known: bruising=present" in found
    assert [line for line in own if "~" not in line] == []


def test_a_state_is_called_what_the_model_calls_it(tmp_path: Path) -> None:
    labels = thighdx.read_model(translated(tmp_path, **{"pain=severe": "stark"})).compiled.kb.labels
    assert finding_name("pain", "severe", labels) == "Pain: stark"
    assert finding_name("pain", "mild", labels) == "Pain: mild"
    assert labels["state.severe"] == "~severe"


def test_a_missing_sentence_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        KnowledgeBaseError, match=r"words\.csv.*no words for 'level\.soon' in 'xx'; in English: Soon"
    ):
        thighdx.read_model(translated(tmp_path, **{"level.soon": None}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"level.soo": "bald"}, r"got 'level\.soo', expected a key .*did you mean 'level\.soon'"),
        ({"result.known": ""}, r"result\.known: empty"),
        ({"fit.with": "{who}"}, r"fit\.with: got the value \{who\}, expected \{cause\}, \{other\}"),
    ],
)
def test_a_sentence_that_cannot_be_said_is_named(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    with pytest.raises(KnowledgeBaseError, match=said):
        thighdx.read_model(translated(tmp_path, **changes))


def test_a_model_in_english_may_say_things_in_its_own_way(tmp_path: Path) -> None:
    folder = kb_builder.write_model(tmp_path)
    (folder / "words.csv").write_text("key,words\nlevel.urgent,Today\n", encoding="utf-8")
    assert say("level.urgent", thighdx.read_model(folder).compiled.kb.labels) == "Today"


def test_every_sentence_is_said_somewhere_and_every_one_said_is_there() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    source += "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.html"))
    said = set(re.findall(r"""["']([a-z_]+\.[a-z_0-9]+)["']""", source)) & set(ENGLISH)
    families = set(re.findall(r"""f["']([a-z_]+)\.\{""", source))
    assert {key for key in ENGLISH if key.partition(".")[0] not in families} <= said


def test_values_are_put_in_and_nothing_else_is_evaluated() -> None:
    assert placeholders("{n} of {n.real}") == {"n"}
    assert say("x.y", {"x.y": "{n.__class__} {n}"}, n=1200) == "{n.__class__} 1,200"

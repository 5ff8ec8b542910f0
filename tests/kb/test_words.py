"""The words of a model: every sentence of the catalogue is there, said somewhere, and can be said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kb_builder
import thighdx
from other_language import foreign, translated
from thighdx.errors import KnowledgeBaseError
from thighdx.text import finding_name
from thighdx.words import ENGLISH, placeholders, say

PACKAGE = Path(thighdx.__file__).parent


def test_a_state_is_called_what_the_model_calls_it(tmp_path: Path) -> None:
    labels = thighdx.read_model(translated(tmp_path, **{"pain=severe": "stark"})).compiled.kb.labels
    assert finding_name("pain", "severe", labels) == f"{foreign('Pain')}: stark"
    assert finding_name("pain", "mild", labels) == foreign("Pain: mild")


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
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*")
        if path.suffix in (".py", ".html", ".js") and path.parent.name != "english"
    )
    written = set(re.findall(r"""["'`]([a-z_]+\.[a-z_0-9]+)["'`]""", source))
    built = set(re.findall(r"""f["']([a-z_]+)\.\{""", source)) | set(re.findall(r'"([a-z_]+)\." ~', source))
    parts = set(re.findall(r"""["']([a-z_]+)["']""", source))
    said = {key for key in ENGLISH if key in written or {*key.split(".")} <= built | parts}
    assert set(ENGLISH) - said == set()
    assert {key.partition(".")[0] for key in said - written} <= built
    called = set(re.findall(r"""\b(?:say|template)\(\s*"([a-z_]+\.[a-z_0-9]+)\"""", source))
    assert called - set(ENGLISH) == set()


def test_a_sentence_in_english_can_be_said() -> None:
    for key, words in ENGLISH.items():
        said = say(key, **{name: 2 if name == "n" else "x" for name in placeholders(words)})
        assert said, key
        assert not set("{}") & set(said), key


def test_values_are_put_in_and_nothing_else_is_evaluated() -> None:
    assert placeholders("{n} of {n.real}") == {"n"}
    assert say("x.y", {"x.y": "{n.__class__} {n}"}, n=1200) == "{n.__class__} 1,200"

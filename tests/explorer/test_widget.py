"""The widget without a browser: messages in, traits out, and Python's hand on both."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import thighdx
from fresh import printed_by
from thighdx.explorer import explore
from thighdx.explorer.widget import SCRIPTS, Explorer
from thighdx.model import Model

FOLDER = Path(thighdx.__file__).parent / "explorer"


def click(widget: Explorer, **message: object) -> None:
    """Deliver what the browser would send."""
    widget._handle_custom_msg(message, [])


def test_a_click_moves_view_detail_evidence_and_result(small_model: Model) -> None:
    widget = explore(small_model)
    click(widget, do="set", variable="bruising", value="present")
    assert widget.evidence == {"bruising": "present"}
    assert widget.result.posterior.equals(small_model.diagnose({"bruising": True}).posterior)
    assert widget._view["evidence"] == {"bruising": "present"}
    assert widget._detail["revision"] == widget._view["revision"] == 1


def test_an_answer_says_which_message_it_answers(small_model: Model) -> None:
    widget = explore(small_model)
    click(widget, do="set", variable="bruising", value="present", mark=["a", 1])
    assert widget._view["mark"] == ["a", 1]
    click(widget, do="set", variable="bruising", value="purple", mark=["a", 2])
    assert (widget._view["mark"], bool(widget._view["fault"])) == (["a", 2], True)
    widget.setting = "hospital"
    assert widget._view["mark"] is None


def test_a_program_hears_of_every_click(small_model: Model) -> None:
    widget = explore(small_model)
    heard = []
    widget.observe(lambda change: heard.append(change["new"]), "evidence")
    click(widget, do="set", variable="bruising", value="present")
    click(widget, do="setting", value="hospital")
    assert heard == [{"bruising": "present"}]
    assert widget.setting == "hospital"


def test_evidence_set_from_python_moves_the_view_in_the_models_words(small_model: Model) -> None:
    widget = explore(small_model, evidence={"tingling": False})
    widget.evidence = {"bruising": True, "pain": None, "age": 70.0}
    assert widget.evidence == {"bruising": "present", "age": 70}
    assert [item["label"] for item in widget._view["known"]] == ["Bruising", "Age"]
    widget.undo()
    assert widget.evidence == {"tingling": "absent"}
    widget.redo()
    assert widget.evidence == {"bruising": "present", "age": 70}


def test_the_setting_can_be_set_from_python(small_model: Model) -> None:
    widget = explore(small_model, setting="hospital")
    assert widget.result.setting == "hospital"
    widget.setting = "clinic"
    assert widget._view["setting"] == widget.result.setting == "clinic"


def test_what_python_sets_wrong_is_an_error_and_the_view_stays(small_model: Model) -> None:
    widget = explore(small_model, evidence={"bruising": True})
    before = widget._view
    with pytest.raises(thighdx.EvidenceError, match="did you mean 'tingling'"):
        widget.evidence = {"tinglin": True}
    with pytest.raises(thighdx.EvidenceError, match="setting: got 'moon'"):
        widget.setting = "moon"
    assert widget.evidence == {"bruising": "present"}
    assert widget.setting == "clinic"
    assert widget._view is before


def test_a_fault_is_shown_and_the_case_kept(small_model: Model) -> None:
    widget = explore(small_model, evidence={"bruising": True})
    click(widget, do="set", variable="age", value=500)
    assert widget._view["fault"] == {
        "variable": "age",
        "message": "age: got 500, expected 0 to 120 years. Nothing was changed.",
    }
    assert widget.evidence == {"bruising": "present"}
    click(widget, do="undo")
    assert widget._view["fault"] is None


def test_in_an_event_loop_the_posterior_comes_first_and_only_the_last_detail(small_model: Model) -> None:
    async def clicks() -> tuple[list[int], list[int]]:
        widget = explore(small_model)
        views, details = [], []
        widget.observe(lambda change: views.append(change["new"]["revision"]), "_view")
        widget.observe(lambda change: details.append(change["new"]["revision"]), "_detail")
        for state in ("present", "absent", "present"):
            click(widget, do="set", variable="bruising", value=state)
        assert details == []
        while not details:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        return views, details

    assert asyncio.run(clicks()) == ([1, 2, 3], [3])


def test_two_widgets_of_one_model_do_not_disturb_each_other(small_model: Model) -> None:
    one, two = explore(small_model), explore(small_model)
    click(one, do="set", variable="bruising", value="present")
    assert two.evidence == {}


def test_without_a_model_the_shipped_one_is_explored() -> None:
    assert explore().result.model.name == "posterior_thigh"


def test_nothing_is_fetched_and_no_text_becomes_markup() -> None:
    scripts = {name: (FOLDER / name).read_text(encoding="utf-8") for name in (*SCRIPTS, "explorer.css")}
    assert sorted([*SCRIPTS, "explorer.css"]) == sorted(
        path.name for path in FOLDER.iterdir() if path.suffix in (".js", ".css")
    )
    banned = ("http:", "https:", "import(", "import ", "@import", "url(", "fetch(", "innerHTML", "outerHTML")
    banned += ("insertAdjacentHTML", "document.write", "eval(", "new Function")
    code = {
        name: "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("//", "/*")))
        for name, text in scripts.items()
    }
    assert [(name, word) for name, text in code.items() for word in banned if word in text] == []


def test_without_the_extra_the_error_names_it() -> None:
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import thighdx\n"
        "try: thighdx.explore()\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    assert printed_by(code).strip() == (
        "thighdx.explore needs anywidget, which is not installed; "
        "install the extra: pip install 'thighdx[notebook]'"
    )


def test_the_browser_module_and_styles_are_those_of_the_package() -> None:
    assert Explorer._esm is not None
    widget_code = str(Explorer._esm)
    assert all((FOLDER / name).read_text(encoding="utf-8") in widget_code for name in SCRIPTS)
    assert widget_code.count("export ") == 1

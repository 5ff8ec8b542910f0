"""The questionnaire: what is asked, in which order, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import thighdx
from thighdx.errors import TableError
from thighdx.fhir import questionnaire, validate
from thighdx.forms.plan import asked_expression
from thighdx.kb.expressions import holds

Json = dict[str, Any]


def questions(item: Json, above: tuple[Json, ...] = ()) -> Iterator[tuple[Json, tuple[Json, ...]]]:
    """Every question with the groups it lies in."""
    if item["type"] == "group":
        for inner in item["item"]:
            yield from questions(inner, (*above, item))
    else:
        yield item, (*above, item)


def all_questions(form: Json) -> dict[str, tuple[Json, ...]]:
    return {item["linkId"]: path for top in form["item"] for item, path in questions(top)}


def is_enabled(item: Json, answers: Mapping[str, str], model: thighdx.Model) -> bool:
    """What a form does: written from the specification of `enableWhen`."""
    if "enableWhen" not in item:
        return True
    results = []
    for condition in item["enableWhen"]:
        state = answers.get(condition["question"])
        if "answerBoolean" in condition:
            states = model.variables[condition["question"]].states
            results.append(state == states[int(condition["answerBoolean"])])
        else:
            results.append(state == condition["answerCoding"]["code"])
    assert len(results) == 1 or item["enableBehavior"] in ("all", "any")
    return any(results) if item.get("enableBehavior") == "any" else all(results)


@pytest.mark.parametrize("cost", ["ask", "examine", "cheap_test", "imaging_or_invasive"])
def test_everything_up_to_a_cost_is_asked_once_and_the_form_is_valid(model: thighdx.Model, cost: str) -> None:
    tiers = ["ask", "examine", "cheap_test", "imaging_or_invasive"]
    form = questionnaire(model, cost)
    validate(form)
    wanted = {v.id for v in model.variables.values() if v.cost in tiers[: tiers.index(cost) + 1]}
    assert set(all_questions(form)) == wanted
    links = [part["linkId"] for path in all_questions(form).values() for part in path]
    assert len(all_questions(form)) == len(wanted) <= len(set(links))


def test_safety_questions_come_first_with_what_their_conditions_name(model: thighdx.Model) -> None:
    form = questionnaire(model)
    first = [item["linkId"] for item, _ in questions(form["item"][0])]
    assert form["item"][0]["text"] == "Warning signs"
    assert {name for name in all_questions(form) if model.variables[name].alarms} <= set(first)
    assert "saddle_anesthesia" in first
    assert "onset" not in first
    assert first.index("leg_swelling") < first.index("one_leg_swollen")


def test_a_question_is_enabled_exactly_when_its_condition_holds(model: thighdx.Model) -> None:
    paths = all_questions(questionnaire(model, "examine"))
    people = model.simulate(40, seed=7).astype(str)
    conditional = [name for name in paths if model.variables[name].asked_if]
    assert len(conditional) > 10
    seen = set()
    for _, person in people.iterrows():
        answers = {name: person[name] for name in paths}
        for name in conditional:
            condition = asked_expression(model.variables[name], paths)
            assert condition is not None
            expected = holds(condition, answers) is True
            assert all(is_enabled(part, answers, model) for part in paths[name]) == expected
            seen.add((name, expected))
    assert len(seen) > 1.5 * len(conditional)  # most were asked of some and not of others


def test_a_condition_on_what_the_form_does_not_ask_is_left_out(small_model: thighdx.Model) -> None:
    variable = small_model.variables["tingling_spreads"]
    assert asked_expression(variable, {"tingling"}) is not None
    assert asked_expression(variable, {"bruising"}) is None


def test_the_form_names_the_model_it_was_made_from(model: thighdx.Model) -> None:
    form = questionnaire(model)
    assert form["version"] == f"{model.version}+{model.digest[:12]}"
    assert model.digest in form["purpose"]
    assert model.disclaimer in form["description"]


def test_an_unknown_tier_is_refused(model: thighdx.Model) -> None:
    with pytest.raises(TableError, match=r"max_cost: got 'asks'.*did you mean 'ask'"):
        questionnaire(model, "asks")

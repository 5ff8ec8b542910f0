"""An emergency wins everywhere: whatever shows a case says the same of the level and of what to do first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import Result

from pages import read_page
from thighdx.explorer.state import Session
from thighdx.explorer.view import detail, view
from thighdx.model import Model

BLADDER = {"saddle_anesthesia": "present", "bladder_dysfunction": "present"}
STRAIN = {"sprint_or_overstretch": "present", "bruising": "present", "onset": "sudden"}
CASES = {
    "cauda equina": {**BLADDER, "low_back_pain": "present"},
    "ischemia": {"cold_limb": "present", "pallor_or_discoloration": "present", "onset": "sudden"},
    "lung clot": {"one_leg_swollen": "present", "chest_pain_or_dyspnea": "present"},
    "fracture": {"direct_blow": "present", "visible_leg_deformity": "present"},
    "muscle breakdown": {"dark_urine": "present", "strenuous_exertion": "present"},
    "most likely a strain": {**STRAIN, **BLADDER},
    "known to be a strain": {"hamstring_strain": "present", "saddle_anesthesia": "present"},
}
ASKS_NOTHING = "It is an emergency, and nothing more is asked before help comes."


@pytest.mark.parametrize("name", CASES)
def test_everything_that_shows_an_emergency_says_the_same(
    model: Model, run: Callable[..., Result], name: str
) -> None:
    result = model.diagnose(CASES[name])
    plain = result.to_dict()
    assert plain["triage"]["level"] == plain["management"]["level"] == "emergency"
    words = "Call an ambulance or go to an emergency department now."
    first = plain["management"]["advice"][0]["words"]
    assert (
        plain["triage"]["words"]
        == plain["management"]["seek_care"]
        == f"Emergency: {words[0].lower()}{words[1:]}"
    )

    card, page = read_page(result._repr_html_()).text, read_page(result.to_html()).text
    session = Session.start(model, CASES[name])
    shown, more = view(session), detail(session)
    asked = " ".join(f"{finding}={state}" for finding, state in CASES[name].items()).split()
    printed = " ".join(run("diagnose", *asked).output.split())

    for text in (card, page, read_page(result.management._repr_html_()).text):
        assert 0 <= text.index(f"Emergency {words}") < text.index(first)
        assert "it could raise the urgency" not in text
    assert card.startswith("Emergency")
    assert page.index(first) < page.index("Possible causes")
    assert shown["urgency"]["words"] == plain["triage"]["words"]
    assert shown["urgency"]["do"][0]["words"] == first
    assert (
        0
        < printed.index(plain["triage"]["words"])
        < printed.index(f"First: {first}")
        < printed.index("cause (")
    )

    assert ASKS_NOTHING in page
    assert read_page(result.next_questions()._repr_html_()).text == ASKS_NOTHING
    assert (more["safety"], more["questions"], more["note"]) == ([], [], ASKS_NOTHING)
    assert "Ask next" not in printed

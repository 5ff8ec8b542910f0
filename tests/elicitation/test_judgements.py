"""Who is heard on what, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import floats
from elicitation.tiny import EXPERTS, make_kb, make_row
from thighdx.elicitation.distribution import to_working
from thighdx.elicitation.fit import fit_quantiles
from thighdx.elicitation.judgements import ExpertBelief, PooledJudgement, check_judgements, pool_judgements
from thighdx.elicitation.pool import Mixture
from thighdx.errors import KnowledgeBaseError, Problem
from thighdx.kb.records import Expert, KnowledgeBase

LINK = "links strain|bruising|present"
BACKGROUND = "backgrounds bruising|present"
EFFECT = "effects sprinting|present|strain"
SHARE = "shares strain|clinic"


def logits(*values: float) -> tuple[float, float, float]:
    low, middle, high = special.expit(values).tolist()
    return low, middle, high


def odds(*values: float) -> tuple[float, float, float]:
    low, middle, high = np.exp(values).tolist()
    return low, middle, high


def pooled_one(kb: KnowledgeBase, place: str) -> PooledJudgement:
    table, key = place.split(" ")
    return pool_judgements(kb)[table, tuple(key.split("|"))]  # type: ignore[index]


def test_two_panels_are_mixed_with_equal_weights() -> None:
    said = [(0.1, 0.2, 0.35), (0.2, 0.4, 0.6)]
    kb = make_kb(
        make_row(SHARE, "panel_b", said[1], sources=("K002", "K001")),
        make_row(SHARE, "panel_a", said[0], sources=("K001",)),
    )
    found = pooled_one(kb, SHARE)
    one, other = (fit.distribution for fit in fit_quantiles(said, scale="probability"))
    assert found.experts == (
        ExpertBelief("panel_a", one, False),
        ExpertBelief("panel_b", other, False),
    )
    assert found.distribution == Mixture((one, other))
    assert found.point == Mixture((one, other)).median
    assert found.corrected_by is None
    assert found.sources == ("K002", "K001")
    assert found.rows == kb.judgements
    assert found.scale == "probability"


def test_a_panel_without_a_link_counts_as_background_with_the_others_spread() -> None:
    # Background: log odds -3. Panel a says 1, 0.3 down to 5 %, 2 up to 95 %, a shape no Beta has.
    # Panel b therefore is -3.3 / -3 / -1. The median of the mixture is where a's lower tail equals
    # b's upper tail: (1 - t) / 0.3 = (t + 3) / 2, so t = 1.1 / 2.3.
    kb = make_kb(
        make_row(BACKGROUND, "panel_a", logits(-3.3, -3, -1)),
        make_row(LINK, "panel_a", logits(0.7, 1, 3)),
    )
    found = pooled_one(kb, LINK)
    assert [(name, filled) for name, _, filled in found.experts] == [
        ("panel_a", False),
        ("panel_b", True),
    ]
    filled = found.experts[1].distribution
    assert filled.family == "two_piece_logit_normal"
    np.testing.assert_allclose(
        filled.quantile([0.05, 0.5, 0.95]), logits(-3.3, -3, -1), rtol=floats.EXACT_FIT
    )
    assert to_working(found.point, "probability") == pytest.approx(1.1 / 2.3, rel=floats.MIXTURE_QUANTILE)
    assert len(found.rows) == 1


def test_a_panel_without_an_effect_counts_as_odds_ratio_one() -> None:
    # log odds ratio 2, 0.3 down and 2 up; panel b becomes -0.3 / 0 / 2: (2 - t) / 0.3 = t / 2
    found = pooled_one(make_kb(make_row(EFFECT, "panel_b", odds(1.7, 2, 4))), EFFECT)
    assert [(name, filled) for name, _, filled in found.experts] == [
        ("panel_a", True),
        ("panel_b", False),
    ]
    assert found.scale == "odds_ratio"
    assert np.log(found.point) == pytest.approx(4 / 2.3, rel=floats.MIXTURE_QUANTILE)


def test_the_background_that_fills_is_the_corrected_one() -> None:
    kb = make_kb(
        make_row(BACKGROUND, "panel_a", logits(-3.3, -3, -1)),
        make_row(BACKGROUND, "review", logits(-2.3, -2, 0)),
        make_row(LINK, "panel_a", logits(0.7, 1, 3)),
    )
    filled = pooled_one(kb, LINK).experts[1].distribution
    assert filled.quantile(0.5) == pytest.approx(special.expit(-2))


def test_a_statement_fills_with_its_own_spread() -> None:
    kb = make_kb(
        make_row(BACKGROUND, "panel_a", logits(-3.3, -3, -1)),
        make_row(LINK, "panel_b", "k=15 n=20"),
    )
    stated, filled = (pooled_one(kb, LINK).experts[k].distribution for k in (1, 0))
    width = np.ptp(to_working(stated.quantile([0.05, 0.95]), "probability"))
    assert np.ptp(to_working(filled.quantile([0.05, 0.95]), "probability")) == pytest.approx(width, rel=0.05)


def test_a_third_panel_is_filled_with_the_mean_spread() -> None:
    kb = make_kb(
        make_row(EFFECT, "panel_a", odds(0.7, 1, 3)),
        make_row(EFFECT, "panel_b", odds(0.9, 1, 6)),
        experts=(*EXPERTS[:2], EXPERTS[0].__class__("panel_d", "pooled", "D")),
    )
    filled = pooled_one(kb, EFFECT).experts[2]
    assert filled.is_filled
    np.testing.assert_allclose(
        np.log(filled.distribution.quantile([0.05, 0.5, 0.95])), [-0.2, 0, 3.5], atol=1e-12
    )


@pytest.mark.parametrize(
    "place", [SHARE, "frequencies sex|female|clinic", BACKGROUND, "dependencies sex|male|age|old"]
)
def test_other_tables_are_not_filled(place: str) -> None:
    found = pooled_one(make_kb(make_row(place, "panel_b", (0.1, 0.2, 0.35))), place)
    assert [name for name, _, _ in found.experts] == ["panel_b"]
    assert found.point == found.experts[0].distribution.quantile(0.5)


@pytest.mark.parametrize(
    "place",
    [
        "links vein|bruising|present",
        "links strain|swelling|present",
        "effects swelling|present|strain",
        "effects sprinting|present|vein",
        "shares vein|clinic",
        "backgrounds swelling|present",
    ],
)
def test_an_expert_alone_is_neither_filled_nor_filled_into(place: str) -> None:
    found = pooled_one(make_kb(make_row(place, "panel_c", (0.1, 0.2, 0.35))), place)
    assert [(name, filled) for name, _, filled in found.experts] == [("panel_c", False)]


SECOND = (
    *EXPERTS[:3],
    Expert("panel_d", "alone", "D", variables=("fainting",), causes=("cyst",), revises=("strain",)),
    Expert("panel_e", "alone", "E", variables=("fainting",), causes=("cyst",), revises=("strain",)),
    *EXPERTS[3:],
)


def test_experts_who_stand_alone_on_the_same_are_pooled_and_filled_with_one_another() -> None:
    kb = make_kb(
        make_row("backgrounds bruising|present", "panel_a", (0.01, 0.02, 0.03)),
        make_row("links cyst|bruising|present", "panel_d", (0.1, 0.2, 0.35)),
        experts=SECOND,
    )
    found = pooled_one(kb, "links cyst|bruising|present")
    assert [(name, filled) for name, _, filled in found.experts] == [("panel_d", False), ("panel_e", True)]


@pytest.mark.parametrize("place", ["links cyst|swelling|present", "links vein|fainting|present"])
def test_where_scopes_overlap_the_later_experts_are_heard(place: str) -> None:
    rows = (make_row(place, name, (0.1, 0.2, 0.35)) for name in ("panel_d", "panel_e"))
    found = pooled_one(make_kb(*rows, experts=SECOND), place)
    assert [name for name, _, _ in found.experts] == ["panel_d", "panel_e"]


def test_an_expert_who_revises_a_cause_is_heard_alone_only_where_it_has_a_row() -> None:
    kept = "links strain|aching|present"
    kb = make_kb(
        make_row("backgrounds bruising|present", "panel_a", (0.01, 0.02, 0.03)),
        make_row("backgrounds aching|present", "panel_a", (0.01, 0.02, 0.03)),
        make_row(LINK, "panel_d", (0.1, 0.2, 0.35)),
        make_row(kept, "panel_a", (0.1, 0.2, 0.35)),
        experts=SECOND,
    )
    pooled = pool_judgements(kb)
    assert [name for name, _, _ in pooled["links", tuple(LINK.split(" ")[1].split("|"))].experts] == [
        "panel_d",
        "panel_e",
    ]
    assert [name for name, _, _ in pooled_one(kb, kept).experts] == ["panel_a", "panel_b"]


def test_a_row_that_was_revised_is_no_longer_asked_of_the_others() -> None:
    kb = make_kb(
        make_row(SHARE, "panel_d", (0.1, 0.2, 0.35)),
        make_row(SHARE, "panel_a", (0.1, 0.2, 0.35)),
        experts=SECOND,
    )
    with pytest.raises(KnowledgeBaseError, match="but on this panel_d is heard alone"):
        pool_judgements(kb)


def test_a_correction_replaces_the_pool_and_keeps_it_in_sight() -> None:
    kb = make_kb(
        make_row(SHARE, "panel_a", (0.1, 0.2, 0.35)),
        make_row(SHARE, "review", (0.3, 0.5, 0.7), sources=("K009",)),
        make_row(SHARE, "panel_b", (0.1, 0.2, 0.35)),
    )
    found = pooled_one(kb, SHARE)
    assert [name for name, _, _ in found.experts] == ["panel_a", "panel_b", "review"]
    assert found.corrected_by == "review"
    assert found.distribution == Mixture((found.experts[2].distribution,))
    assert found.point == found.experts[2].distribution.quantile(0.5)
    assert found.sources == ("desk_elicitation", "K009")


def test_the_last_correction_of_the_manifest_wins() -> None:
    kb = make_kb(
        make_row(SHARE, "second_review", (0.5, 0.7, 0.8)),
        make_row(SHARE, "review", (0.3, 0.5, 0.7)),
    )
    found = pooled_one(kb, SHARE)
    assert found.corrected_by == "second_review"
    assert [name for name, _, _ in found.experts] == ["review", "second_review"]
    assert found.point == pytest.approx(0.7, rel=0.05)


@pytest.mark.parametrize("place", [LINK, EFFECT, "links vein|bruising|present"])
def test_a_correction_may_come_first_and_stands_by_itself(place: str) -> None:
    found = pooled_one(make_kb(make_row(place, "review", (0.1, 0.2, 0.35))), place)
    assert [(name, filled) for name, _, filled in found.experts] == [("review", False)]


def test_never_is_exactly_zero() -> None:
    kb = make_kb(make_row(EFFECT, "panel_a", "never"), make_row(EFFECT, "panel_b", "never"))
    found = pooled_one(kb, EFFECT)
    assert found.point == 0
    assert found.distribution.is_never
    assert found.scale == "odds_ratio"


def test_the_never_of_one_panel_holds_where_the_other_gave_no_row() -> None:
    found = pooled_one(make_kb(make_row(EFFECT, "panel_a", "never")), EFFECT)
    assert [name for name, _, _ in found.experts] == ["panel_a"]
    assert found.point == 0


def test_a_correction_can_make_something_impossible_or_possible() -> None:
    numbers = [make_row(SHARE, "panel_a", (0.1, 0.2, 0.35)), make_row(SHARE, "panel_b", "never")]
    assert pooled_one(make_kb(*numbers, make_row(SHARE, "review", "never")), SHARE).point == 0
    back = pooled_one(make_kb(*numbers, make_row(SHARE, "review", (0.1, 0.2, 0.35))), SHARE)
    assert back.point == pytest.approx(0.2, rel=0.05)


def test_numbers_come_in_the_order_of_tables_and_rows() -> None:
    said = (0.1, 0.2, 0.35)
    kb = make_kb(
        *(make_row(BACKGROUND, name, said) for name in ("panel_a", "panel_b")),
        make_row("shares sprain|clinic", "panel_a", said),
        make_row(SHARE, "panel_a", said),
    )
    assert [place[1][0] for place in pool_judgements(kb)] == ["sprain", "strain", "bruising"]


def test_pooling_twice_gives_the_same() -> None:
    kb = make_kb(
        make_row(BACKGROUND, "panel_a", (0.01, 0.02, 0.08)),
        make_row(LINK, "panel_a", (0.3, 0.5, 0.8)),
    )
    assert pool_judgements(kb) == pool_judgements(kb)


def test_a_sound_knowledge_base_has_no_problems() -> None:
    assert check_judgements(make_kb(make_row(SHARE, "panel_a", (0.1, 0.2, 0.35)))) == []
    assert check_judgements(make_kb()) == []
    assert pool_judgements(make_kb()) == {}


@pytest.mark.parametrize(
    ("place", "expert", "said", "message"),
    [
        (SHARE, "panel_a", (0.0, 0.1, 0.2), r"shares.csv row 2, q05: got 0, .*stated as never"),
        (SHARE, "panel_a", (0.1, 0.2, 1.3), r"q95: got 1.3, expected a frequency in \(0, 1\)"),
        (
            EFFECT,
            "panel_a",
            (-1.0, 0.2, 1.3),
            "effects.csv row 2, q05: got -1, expected a finite odds",
        ),
        (EFFECT, "panel_a", (1.0, 2.0, np.inf), "q95: got inf, expected a finite odds ratio"),
        (SHARE, "panel_a", (0.1, 0.2, np.nan), "q95: got nan, expected a frequency"),
        (SHARE, "panel_a", (0.1, 0.1, 0.2), "q50: got quantiles 0.1, 0.1, 0.2, expected q05 < q50"),
        (
            SHARE,
            "panel_a",
            "k=3",
            "shares.csv row 2, statement: got statement 'k=3'.*n= is missing",
        ),
        (SHARE, "panel_a", "", "statement: got neither quantiles nor a statement for strain"),
        (EFFECT, "panel_a", "k=3 n=20", "statement: got 'k=3 n=20' for an odds ratio"),
        (SHARE, "panel_z", (0.1, 0.2, 0.3), r"expert: got expert 'panel_z'.*did you mean 'panel_"),
        (SHARE, "panel_c", (0.1, 0.2, 0.3), r"got strain\|clinic from panel_c, who stands alone"),
        ("shares vein|clinic", "panel_a", (0.1, 0.2, 0.3), "on this panel_c is heard alone"),
        (LINK, "panel_a", (0.1, 0.2, 0.3), "links.csv row 2, variable: got no row of panel_b for"),
    ],
)
def test_what_cannot_be_pooled_is_a_problem(
    place: str,
    expert: str,
    said: tuple[float, float, float] | str,
    message: str,
) -> None:
    kb = make_kb(make_row(place, expert, said))
    assert len(check_judgements(kb)) == 1
    with pytest.raises(KnowledgeBaseError, match=message):
        pool_judgements(kb)


def test_quantiles_beside_a_statement_are_a_problem() -> None:
    both = make_row(SHARE, "panel_a", (0.1, 0.2, 0.3))
    object.__setattr__(both, "statement", "never")
    with pytest.raises(KnowledgeBaseError, match="got both quantiles and a statement"):
        pool_judgements(make_kb(both))


def test_a_second_row_of_an_expert_is_a_problem() -> None:
    said = (0.1, 0.2, 0.35)
    kb = make_kb(make_row(SHARE, "panel_a", said), make_row(SHARE, "panel_a", said, row=9))
    with pytest.raises(KnowledgeBaseError, match=r"row 9, expert: got a second row .*first is row 2"):
        pool_judgements(kb)


def test_one_panel_cannot_call_impossible_what_the_other_rates() -> None:
    kb = make_kb(make_row(SHARE, "panel_a", (0.1, 0.2, 0.35)), make_row(SHARE, "panel_b", "never", row=3))
    with pytest.raises(KnowledgeBaseError, match=r"row 3, statement: got never .* from panel_a"):
        pool_judgements(kb)


def test_a_fit_beyond_the_tolerance_is_a_problem() -> None:
    # closer together than floats can tell apart on the log-odds scale
    kb = make_kb(make_row(SHARE, "panel_a", (1 - 3e-16, 1 - 2e-16, 1 - 1e-16)))
    (problem,) = check_judgements(kb)
    assert isinstance(problem, Problem)
    assert "but the nearest distribution has" in str(problem)


def test_every_problem_is_found_in_one_pass() -> None:
    kb = make_kb(
        make_row(SHARE, "panel_a", "k=3", row=7),
        make_row(SHARE, "panel_z", (0.1, 0.2, 0.3), row=4),
        make_row(EFFECT, "panel_b", (3.0, 2.0, 1.0), row=5),
    )
    with pytest.raises(KnowledgeBaseError, match="tiny: 3 problems") as caught:
        pool_judgements(kb)
    places = [(problem.file, problem.row) for problem in caught.value.problems]
    assert places == [("effects.csv", 5), ("shares.csv", 4), ("shares.csv", 7)]
    assert list(caught.value.problems) == check_judgements(kb)

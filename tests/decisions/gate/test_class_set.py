"""Comparisons across a change of classes, against independently computed vectors."""

import pytest

from data_contracts.evaluation import Action, Code, PairedAnswer
from data_contracts.policies import PromotionPolicy
from decisions.gate.class_set import ClassSets, bars_missed, class_set_change
from decisions.gate.pairing import promotion_evidence
from decisions.promotion import decide_promotion
from tests.decisions.builders import answer, evaluation, evidence

POLICY = PromotionPolicy()
OLD, NEW = ("cat", "dog", "hen"), ("cat", "dog", "fox")
FOX_FOR_HEN = (
    ("cat", "cat", "cat", 40),
    ("cat", "dog", "cat", 4),
    ("cat", "cat", "fox", 3),
    ("dog", "dog", "dog", 45),
    ("dog", "cat", "dog", 2),
    ("dog", "dog", "fox", 1),
    ("fox", "dog", "fox", 18),
    ("fox", "cat", "dog", 2),
    ("hen", "hen", "cat", 5),
)
"""Label, the champion's answer, the challenger's, and how many images."""


def answered(*counts: tuple[str, str, str, int]) -> list[PairedAnswer]:
    return [
        PairedAnswer(image=f"{row}-{each}", expected=label, champion=one, challenger=other)
        for row, (label, one, other, count) in enumerate(counts)
        for each in range(count)
    ]


def test_models_are_compared_on_the_classes_that_both_know() -> None:
    change = class_set_change(answered(*FOX_FOR_HEN), OLD, NEW, POLICY)

    assert (change.n, change.losses, change.wins, change.retired_images) == (95, 4, 6, 5)


def test_a_new_class_is_told_with_its_recall() -> None:
    fox = class_set_change(answered(*FOX_FOR_HEN), OLD, NEW, POLICY).added["fox"]

    assert (fox.images, fox.right / fox.images) == (20, 0.9)
    assert not fox.passes


@pytest.mark.parametrize(
    ("right", "images", "bound", "passes"),
    [
        (18, 20, 0.7383369536731331, False),
        (48, 50, 0.8860997517300705, True),
        (50, 50, 0.9486668142137298, True),
        (45, 50, 0.8084624858484291, True),
        (10, 10, 0.787, False),
    ],
)
def test_a_new_class_has_to_reach_a_bar(right: int, images: int, bound: float, *, passes: bool) -> None:
    pairs = answered(("fox", "cat", "fox", right), ("fox", "cat", "cat", images - right))
    fox = class_set_change(pairs, OLD, NEW, POLICY).added["fox"]

    assert fox.recall_at_least == pytest.approx(bound, abs=1e-3 if images == 10 else 1e-12)
    assert fox.passes is passes


@pytest.mark.parametrize(
    ("stolen", "images", "bound", "passes"),
    [(0, 200, 0.013347160654775633, True), (10, 1800, 0.009271223741484794, True), (4, 95, 0.0905283306882, False)],
)
def test_new_classes_may_take_few_images_of_the_others(stolen: int, images: int, bound: float, *, passes: bool) -> None:
    pairs = answered(("cat", "cat", "fox", stolen), ("cat", "cat", "cat", images - stolen))
    change = class_set_change(pairs, OLD, NEW, POLICY)

    assert change.stolen_at_most == pytest.approx(bound, abs=1e-9)
    assert change.theft_passes is passes


def test_a_new_class_without_an_image_passes_nothing() -> None:
    change = class_set_change(answered(("cat", "cat", "cat", 300)), OLD, NEW, POLICY)

    assert change.added["fox"].recall_at_least == 0
    assert not change.passes


def test_where_only_a_class_was_retired_there_is_no_bar() -> None:
    change = class_set_change(answered(("cat", "hen", "cat", 9), ("hen", "hen", "dog", 9)), OLD, ("cat", "dog"), POLICY)

    assert change.passes
    assert (change.n, change.wins) == (9, 9)


def test_a_champion_gets_nothing_for_a_class_that_it_alone_knows() -> None:
    change = class_set_change(answered(("hen", "hen", "hen", 5), ("cat", "hen", "fox", 5)), OLD, NEW, POLICY)

    assert (change.n, change.losses, change.wins) == (5, 0, 0)


def test_without_common_images_nothing_is_shown_to_be_harmless() -> None:
    assert not class_set_change([], OLD, NEW, POLICY).passes


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((("fox", "cat", "fox", 20),), "new class fox has 20 held-out images of the 50 it needs"),
        ((("fox", "cat", "fox", 50), ("fox", "cat", "cat", 10)), "new class fox is right on 50 of 60, which proves a"),
        (
            (("fox", "cat", "fox", 60), ("cat", "cat", "fox", 60)),
            "new classes take 60 of 1,860 images of the others, which may be 4 %, more than 2 %",
        ),
    ],
)
def test_a_bar_that_is_missed_is_named(counts: tuple[tuple[str, str, str, int], ...], told: str) -> None:
    change = class_set_change(answered(("cat", "cat", "cat", 1800), *counts), OLD, NEW, POLICY)

    (missed,) = bars_missed(change, POLICY)

    assert missed.startswith(told)


def test_the_gate_compares_common_classes_only_and_is_complete_with_all_images() -> None:
    pairs = answered(*FOX_FOR_HEN)
    champion = evaluation(*(answer(each.image, each.expected, each.champion) for each in pairs))
    challenger = evaluation(*(answer(each.image, each.expected, each.challenger) for each in pairs))

    seen = promotion_evidence(
        champion,
        challenger,
        images=len(pairs),
        uses_left=1,
        alpha_per_use=0.01,
        classes=ClassSets(frozenset(OLD), frozenset(NEW)),
    )

    assert (seen.n, seen.losses, seen.wins, seen.complete, seen.classes_changed) == (95, 4, 6, True, True)
    assert [each.split()[2] for each in seen.bars_missed] == ["fox", "take"]


@pytest.mark.parametrize(
    ("losses", "wins", "missed", "told"),
    [
        (34, 70, (), "better on the common classes, and new classes reach their bar: a person decides"),
        (25, 20, (), "at most 2 points worse on the common classes, and new classes reach their bar: a person decides"),
        (25, 20, ("any",), "at most 2 points worse on the common classes, but any: a person decides"),
    ],
)
def test_with_other_classes_a_person_decides_and_not_to_be_worse_is_enough(
    losses: int, wins: int, missed: tuple[str, ...], told: str
) -> None:
    seen = evidence(losses=losses, wins=wins).model_copy(update={"classes_changed": True, "bars_missed": missed})

    decision = decide_promotion(seen, POLICY)

    assert (decision.code, decision.action) == (Code.HUMAN_CLASS_CHANGE, Action.ASK)
    assert decision.reason.endswith(f"the classes changed: {told}")


def test_a_challenger_that_harms_common_classes_is_rejected_whatever_it_has_learned() -> None:
    seen = evidence(losses=70, wins=30).model_copy(update={"classes_changed": True})

    assert decide_promotion(seen, POLICY).code is Code.REJECT

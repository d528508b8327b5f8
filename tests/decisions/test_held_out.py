"""How often a held-out set may decide, and what follows it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from data_contracts.images import LabeledImage, Split
from data_contracts.ledger import Event
from data_contracts.policies import PromotionPolicy
from decisions.held_out import (
    Renewal,
    alpha_spent,
    budget,
    first_version,
    new_version_due,
    retired,
    smallest_gain,
    uses_available,
    worn_out,
)
from decisions.loop_state import LoopState
from tests.decisions.builders import (
    START,
    accepted,
    closed,
    forgotten,
    held_out_made,
    labeled,
    looked,
    opened,
    state_after,
    switched,
)

LABELS = ("crazing", "scratches")
CURRENT, WAITING = "current", "waiting"
MADE = held_out_made().model_copy(update={"classes": LABELS})
SPENT = tuple(event for number in range(1, 5) for event in (opened(number), looked(), closed(number)))
PROMOTED = tuple(event for n in range(1, 4) for event in (opened(n), looked(), switched(f"model {n}"), closed(n)))


@pytest.mark.parametrize(
    ("n", "gain", "discordance", "alpha_needed", "uses"),
    [
        (1800, 0.02, 0.06, 0.00432875368973004, 11),
        (1800, 0.01, 0.04, 0.10014043035919279, 0),
        (10_000, 0.01, 0.05, 0.00014096756044160313, 354),
        (200, 0.05, 0.12, 0.11344032844665664, 0),
        (58, 0.4310344827586207, 0.4310344827586207, 6.351290696278887e-06, 7872),
    ],
)
def test_significance_needed_and_uses_agree_with_the_reference(
    n: int, gain: float, discordance: float, alpha_needed: float, uses: int
) -> None:
    needed, available = uses_available(n, gain, discordance)

    assert needed == pytest.approx(alpha_needed, abs=1e-9, rel=0)
    assert available == uses


@pytest.mark.parametrize(
    ("n", "gain", "discordance", "uses"), [(1800, 0.03, 0.08, 401), (58, 0.1, 0.2, 0), (500, 0.05, 0.12, 6)]
)
def test_uses_agree_with_the_examples_of_the_methods(n: int, gain: float, discordance: float, uses: int) -> None:
    assert uses_available(n, gain, discordance)[1] == uses


def test_a_gain_takes_at_least_as_many_differing_images() -> None:
    assert uses_available(500, 0.2, 0.06) == uses_available(500, 0.2, 0.2)


def test_more_images_never_leave_fewer_uses() -> None:
    uses = [uses_available(n, 0.02, 0.06)[1] for n in range(100, 4000, 50)]

    assert uses == sorted(uses)


def test_uses_are_capped_by_the_policy() -> None:
    policy = PromotionPolicy(target_gain=0.05, largest_number_of_uses=7)

    assert budget(10_000, policy).uses == 7


@pytest.mark.parametrize("n", [100, 228, 500, 1800, 20_000])
def test_all_uses_together_spend_the_policys_alpha(n: int) -> None:
    allowance = budget(n, PromotionPolicy())

    assert allowance.uses * allowance.alpha_per_use == pytest.approx(0.05)


def test_1800_images_find_two_points_eleven_times() -> None:
    allowance = budget(1800, PromotionPolicy(target_gain=0.02))

    assert allowance.uses == 11
    assert allowance.alpha_per_use == pytest.approx(0.05 / 11)


def test_a_set_too_small_for_the_gain_wanted_has_no_uses_and_no_alpha() -> None:
    allowance = budget(58, PromotionPolicy(target_gain=0.02))

    assert (allowance.uses, allowance.alpha_per_use) == (0, 0)


def test_a_single_image_has_no_uses_whatever_the_gain() -> None:
    assert budget(1, PromotionPolicy()).uses == 0


@pytest.mark.parametrize("n", [50, 58, 100, 228, 500, 1800, 5000, 100_000])
def test_the_smallest_gain_leaves_four_uses_and_a_tenth_of_a_point_less_does_not(n: int) -> None:
    gain = smallest_gain(n, 0.05)

    assert uses_available(n, gain, 0.06)[1] >= 4
    assert uses_available(n, gain - 0.001, 0.06)[1] < 4


def test_the_smallest_gain_is_in_tenths_of_a_point() -> None:
    gain = smallest_gain(1800, 0.05)

    assert gain * 1000 == pytest.approx(round(gain * 1000), abs=1e-9)


def test_more_images_find_smaller_gains() -> None:
    gains = [smallest_gain(n, 0.05) for n in (58, 200, 500, 1800, 5000, 50_000)]

    assert gains == sorted(gains, reverse=True)
    assert len(set(gains)) == len(gains)


def held_out(name: str, count: int = 4) -> list[LabeledImage]:
    """So many held-out images, of both classes in turn."""
    return [labeled(f"{name} {n}", label=LABELS[n % 2], split=Split.HELD_OUT) for n in range(count)]


def due(
    state: LoopState, *, waiting: Sequence[LabeledImage] = (), labels: Sequence[str] = LABELS, now: datetime = START
) -> Renewal | None:
    policy = PromotionPolicy(smallest_held_out=4)
    return new_version_due(state, held_out(CURRENT), waiting, labels, policy, now)


def names(renewal: Renewal | None) -> list[str]:
    return [image.digest for image in renewal.images] if renewal else []


def leaky(*digests: str) -> Event:
    return accepted(batch="tuesday").model_copy(update={"leaky": digests})


def test_a_loop_begins_with_all_held_out_images_that_do_not_leak() -> None:
    renewal = first_version(held_out(WAITING), state_after(leaky("waiting 1")), PromotionPolicy())

    assert names(renewal) == ["waiting 0", "waiting 2", "waiting 3"]


def test_a_version_in_force_stays_and_later_images_wait() -> None:
    assert due(state_after(MADE, opened(), looked(), closed()), waiting=held_out(WAITING, 100)) is None


def test_the_reserve_counts_what_came_after_the_version_less_what_was_forgotten() -> None:
    gone = forgotten("a", batch="tuesday", held_out=2)
    state = state_after(accepted(), opened(), MADE, accepted(batch="tuesday", held_out=7), gone)

    assert state_after(accepted(held_out=30)).reserve == 30
    assert state.reserve == 5


def test_an_exhausted_version_is_followed_by_the_reserve_alone_with_all_of_alpha() -> None:
    renewal = due(state_after(MADE, *SPENT), waiting=held_out(WAITING))

    assert renewal is not None
    assert renewal.reason == "exhausted: all 4 uses of v1 are spent"
    assert names(renewal) == [f"waiting {n}" for n in range(4)]
    assert (renewal.continues, renewal.alpha) == (False, 0.05)


@pytest.mark.parametrize("waiting", [held_out(WAITING, 3), [labeled(f"w{n}", split=Split.HELD_OUT) for n in range(9)]])
def test_a_reserve_that_is_too_small_or_lacks_a_class_leaves_the_decision_to_a_person(
    waiting: list[LabeledImage],
) -> None:
    state = state_after(MADE, *SPENT)

    assert due(state, waiting=waiting) is None
    assert worn_out(state, START)


def test_leaky_images_of_the_reserve_do_not_make_it_large_enough() -> None:
    assert due(state_after(MADE, *SPENT, leaky("waiting 0")), waiting=held_out(WAITING)) is None


def test_three_promotions_retire_a_version() -> None:
    renewal = due(state_after(MADE, *PROMOTED), waiting=held_out(WAITING))

    assert renewal is not None
    assert renewal.reason == "retired: v1 has decided 3 promotions"
    assert due(state_after(MADE, *PROMOTED[:8]), waiting=held_out(WAITING)) is None


def test_a_version_is_retired_after_twelve_months() -> None:
    state = state_after(MADE)

    assert retired(state, START + timedelta(days=365)) is None
    assert retired(state, START + timedelta(days=366)) == "retired: v1 dates from 2026-11-21"


def test_leaking_images_leave_and_what_waits_joins_with_the_alpha_that_is_left() -> None:
    renewal = due(state_after(MADE, opened(), looked(), closed(), leaky("current 1")), waiting=held_out(WAITING, 1))

    assert renewal is not None
    assert names(renewal) == ["current 0", "current 2", "current 3", "waiting 0"]
    assert renewal.reason == "leaking: 1 of its images are nearly training images"
    assert renewal.continues
    assert renewal.alpha == pytest.approx(0.05 - 0.0125)


def test_images_of_a_disputed_label_leave_the_version_until_it_is_settled() -> None:
    disputing = accepted(batch="later").model_copy(update={"disputed": ("current 1",)})
    settling = accepted(batch="last").model_copy(update={"settled": ("current 1",)})
    renewal = due(state_after(MADE, disputing))

    assert renewal is not None
    assert (names(renewal), renewal.reason) == (
        ["current 0", "current 2", "current 3"],
        "1 of its images have another label elsewhere",
    )
    assert due(state_after(MADE, disputing, settling)) is None


def test_forgotten_images_leave_the_version() -> None:
    renewal = due(state_after(accepted(), MADE, forgotten("current 0", held_out=1)))

    assert names(renewal) == ["current 1", "current 2", "current 3"]


def test_a_leak_elsewhere_makes_no_new_version() -> None:
    assert due(state_after(MADE, leaky("another image"))) is None


def test_a_class_that_is_gone_takes_its_held_out_images_with_it() -> None:
    renewal = due(state_after(MADE), labels=("crazing",))

    assert renewal is not None
    assert (names(renewal), renewal.reason) == (["current 0", "current 2"], "the classes of the contract changed")


def test_changed_classes_without_other_images_leave_the_version_as_it_is() -> None:
    assert due(state_after(MADE), labels=(*LABELS, "rust")) is None


def test_a_version_that_continues_another_has_its_age_and_its_looks() -> None:
    mended = held_out_made("v2").model_copy(update={"continues": "v1"})
    state = state_after(MADE, *PROMOTED, opened(4), mended, looked("v2"))

    assert state.held_out_since == START
    assert alpha_spent(state) == pytest.approx(4 * 0.0125)
    assert retired(state, START) == "retired: v2 has decided 3 promotions"


def test_a_version_that_follows_a_worn_one_begins_anew() -> None:
    state = state_after(MADE, *PROMOTED, opened(4), held_out_made("v2"))

    assert alpha_spent(state) == 0
    assert worn_out(state, START) is None


def test_when_alpha_is_gone_no_use_is_left_however_many_images_there_are() -> None:
    assert budget(5000, PromotionPolicy(alpha=0)).uses == 0

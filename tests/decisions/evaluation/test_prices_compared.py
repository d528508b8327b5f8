"""What 1,000 answers cost, and for which volumes a machine of one's own is cheaper."""

import pytest

from data_contracts.figures import ModelFigures
from data_contracts.prices import current_prices
from decisions.evaluation.figures import model_figures
from decisions.evaluation.prices_compared import break_even, prices_compared
from tests.decisions.builders import BASE, FIRST_MODEL, answer, evaluation

MACHINE = 73.0
PLENTY = 1e9


def figures(model: str, role: str = "challenger") -> ModelFigures:
    told = evaluation(answer("a", "crazing", "crazing"), model=model)
    return model_figures(told, role, ("crazing",), current_prices())


def test_without_hosting_tokens_have_to_pay_for_the_machine() -> None:
    assert break_even(0.5, 0, MACHINE, PLENTY) == "from 146,001 a month"


def test_dearer_hosting_makes_the_local_model_cheaper_from_the_first_image() -> None:
    assert break_even(0.5, 1241, MACHINE, PLENTY) == "from the first image"


@pytest.mark.parametrize(("per_1000", "per_month"), [(0.5, 0), (0, 0), (0, MACHINE), (0, 20), (0.5, MACHINE - 0.5)])
def test_a_slow_machine_is_never_cheaper(per_1000: float, per_month: float) -> None:
    assert break_even(per_1000, per_month, MACHINE, capacity=1000) == "never"


def test_a_slow_machine_against_dear_hosting_is_cheaper_for_a_few_images_only() -> None:
    assert break_even(0.0, 730, MACHINE, capacity=1000) == "up to 9,000 a month"


def test_at_the_break_even_both_cost_the_same() -> None:
    assert break_even(0.5, 20, MACHINE, PLENTY) == "from 106,001 a month"


def test_hosting_at_the_price_of_the_machine_leaves_the_tokens() -> None:
    assert break_even(0.5, MACHINE, MACHINE, PLENTY) == "from the first image"
    assert break_even(0.5, MACHINE, MACHINE, capacity=1000) == "up to 1,000 a month"


def test_a_machine_may_be_cheaper_within_a_range_of_volumes_only() -> None:
    assert break_even(1.0, 50, MACHINE, capacity=50_000) == "from 23,001 to 50,000, from 96,001 to 100,000 a month"


def test_of_many_ranges_the_first_and_the_last_are_told() -> None:
    assert break_even(1.0, 60, MACHINE, 60_000) == "from 13,001 to 60,000, …, from 232,001 to 240,000 a month"


def test_a_machine_that_is_hardly_cheaper_pays_in_full_months_first() -> None:
    assert break_even(0.5, 0, MACHINE, 150_000) == "from 146,001 to 150,000, …, from 5,402,001 a month"


def test_a_machine_as_dear_as_its_tokens_is_cheaper_at_the_end_of_each_month_of_it() -> None:
    assert break_even(1.0, 20, 60, capacity=60_000) == "from 40,001 to 60,000, from 100,001 to 120,000, …"


@pytest.mark.parametrize("hosting", [0, 2, 5, 7, 12, 30])
@pytest.mark.parametrize("token", [0, 0.5, 1, 1.25, 3])
@pytest.mark.parametrize("machine", [0, 3, 5, 7])
@pytest.mark.parametrize("each", [1, 4, 5])
def test_the_ranges_are_those_that_counting_finds(hosting: int, token: float, machine: int, each: int) -> None:
    told = break_even(1000 * token, hosting, machine, each)
    counted = {v for v in range(1, 400) if machine * -(-v // each) < hosting + v * token}

    assert all(_within(told, v) == (v in counted) for v in range(1, 400) if _within(told, v) is not None)


def _within(told: str, volume: int) -> bool | None:
    """Whether the words say that the machine is cheaper; None between ranges that are left out."""
    if told in {"never", "from the first image"}:
        return told != "never"
    inside, left_out = False, False
    for part in told.removesuffix(" a month").split(", "):
        low, _, high = part.replace("up to", "from 1 to").removeprefix("from ").partition(" to ")
        if part == "…":
            left_out = True
        elif volume < int(low):
            return inside or (None if left_out else False)
        else:
            inside, left_out = not high or volume <= int(high), False
    return None if left_out and not inside else inside


def test_a_fine_tuned_model_pays_for_hosting_and_has_no_batch() -> None:
    (row,) = prices_compared([figures(FIRST_MODEL)], current_prices()).models
    offers = {offer.tier: offer for offer in row.offers}

    assert set(offers) == {"GlobalStandard", "Standard", "DeveloperTier"}
    assert offers["GlobalStandard"].per_month == pytest.approx(1.70 * 730)
    assert offers["GlobalStandard"].per_1000_at[10_000] == pytest.approx(0.216 + 124.1)


def test_a_base_model_is_hosted_for_nothing_and_half_as_dear_by_batch() -> None:
    (row,) = prices_compared([figures(BASE, "base model")], current_prices()).models

    assert row.offers[0].tier == "GlobalBatch"
    assert row.offers[0].per_1000_at[1_000] == pytest.approx(0.108)


def test_the_local_model_stands_beside_the_others_with_its_machine() -> None:
    local = figures("gradient boosting", "local baseline")
    compared = prices_compared([figures(FIRST_MODEL)], current_prices(), local, ms_per_image=4)

    assert compared.models[1].offers[0].per_1000_at[10_000] == pytest.approx(7.3)
    assert compared.models[0].offers[0].local_is_cheaper is not None


def test_a_second_machine_is_paid_in_full() -> None:
    a_month, prices = 730 * 3_600_000, current_prices()
    slow = prices.local_machine.cores * a_month / 4_000  # ms an image: a machine answers 4,000 a month
    compared = prices_compared([], prices, figures("gradient boosting", "local baseline"), ms_per_image=slow)

    machine = prices.local_machine.per_hour * 730
    assert compared.models[0].offers[0].per_1000_at[10_000] == pytest.approx(3 * machine / 10)

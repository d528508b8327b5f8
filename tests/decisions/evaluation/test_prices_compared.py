"""What 1,000 answers cost, and from which volume on a machine of one's own is cheaper."""

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


def test_a_slow_machine_is_never_cheaper() -> None:
    assert break_even(0.5, 0, MACHINE, capacity=1000) == "never"


def test_a_slow_machine_against_dear_hosting_is_cheaper_for_a_few_images_only() -> None:
    assert break_even(0.0, 730, MACHINE, capacity=1000) == "up to 10,000 a month"


def test_at_the_break_even_both_cost_the_same() -> None:
    images = (MACHINE - 20) / (0.5 / 1000)

    assert break_even(0.5, 20, MACHINE, PLENTY) == f"from {round(images) + 1:,} a month"


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

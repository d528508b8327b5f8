"""What things cost by the price table."""

from datetime import date, timedelta

import pytest

from data_contracts.prices import MachinePrice, Prices, TokenPrices
from decisions.costs import answer_cost, hosting_cost, training_cost

PRICES = Prices(
    answer_price_factors={"GlobalStandard": 1, "Standard": 1.1},
    local_machine=MachinePrice(name="any", cores=1, per_hour=0.1, as_of=date(2026, 1, 1)),
    as_of=date(2026, 10, 1),
    sources=("any",),
    training_per_million_tokens={"GlobalStandard": 25.0, "Developer": 12.5},
    hosting_per_hour={"Standard": 1.7, "DeveloperTier": 0.0},
    inference_per_million_tokens={
        "gpt-4": TokenPrices(input=30, output=60),
        "gpt-4.1": TokenPrices(input=2, output=8),
    },
)


def test_a_million_trained_tokens_cost_what_the_table_says() -> None:
    assert training_cost(1_000_000, "GlobalStandard", PRICES) == 25
    assert training_cost(500_000, "Developer", PRICES) == 6.25


def test_training_of_an_unknown_type_has_no_price() -> None:
    with pytest.raises(KeyError, match="Reserved"):
        training_cost(1, "Reserved", PRICES)


def test_questions_and_answers_have_their_own_prices() -> None:
    assert answer_cost(1_000_000, 0, "gpt-4.1", PRICES, "GlobalStandard") == 2
    assert answer_cost(0, 1_000_000, "gpt-4.1", PRICES, "GlobalStandard") == 8


def test_a_fine_tuned_model_is_priced_like_the_longest_base_name_that_it_begins_with() -> None:
    assert answer_cost(1_000_000, 0, "gpt-4.1-2025-04-14.ft-k0123", PRICES, "GlobalStandard") == 2


def test_a_model_that_the_table_does_not_know_has_no_price_rather_than_none_to_pay() -> None:
    assert answer_cost(1_000_000, 0, "llama-4", PRICES, "GlobalStandard") is None


def test_an_answer_costs_what_the_tier_of_its_deployment_does() -> None:
    assert answer_cost(1_000_000, 1_000_000, "gpt-4.1", PRICES, "Standard") == pytest.approx(11)


@pytest.mark.parametrize("sku", [None, "", "ProvisionedElsewhere"])
def test_an_unknown_tier_answers_at_the_price_of_the_usual_one(sku: str | None) -> None:
    assert answer_cost(1_000_000, 0, "gpt-4.1", PRICES, sku) == 2


def test_no_tokens_cost_nothing() -> None:
    assert answer_cost(0, 0, "gpt-4.1", PRICES, "GlobalStandard") == 0


def test_hosting_is_billed_by_the_hour_and_its_parts() -> None:
    assert hosting_cost(timedelta(days=1), "Standard", PRICES) == pytest.approx(40.8)
    assert hosting_cost(timedelta(minutes=30), "Standard", PRICES) == pytest.approx(0.85)


@pytest.mark.parametrize("sku", ["DeveloperTier", "ProvisionedElsewhere"])
def test_tiers_without_a_fee_cost_nothing(sku: str) -> None:
    assert hosting_cost(timedelta(days=30), sku, PRICES) == 0

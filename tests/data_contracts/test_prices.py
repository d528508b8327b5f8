"""The dated price table that ships with this version."""

from datetime import date
from typing import get_args

import pytest

from data_contracts.policies import TrainingPolicy, TrainingType
from data_contracts.prices import Prices, current_prices


def test_the_price_table_says_of_when_and_from_where_it_is() -> None:
    prices = current_prices()

    assert prices.as_of >= date(2026, 1, 1)
    assert prices.sources


def test_every_training_type_that_a_policy_can_ask_for_has_a_price() -> None:
    types = get_args(TrainingType)

    assert set(types) <= set(current_prices().training_per_million_tokens)


def test_the_default_base_model_has_a_price() -> None:
    base = TrainingPolicy().base_model

    assert any(base.startswith(name) for name in current_prices().inference_per_million_tokens)


def test_no_price_is_negative() -> None:
    prices = current_prices()
    tokens = [price for each in prices.inference_per_million_tokens.values() for price in (each.input, each.output)]

    assert min([*prices.training_per_million_tokens.values(), *prices.hosting_per_hour.values(), *tokens]) >= 0


def test_a_table_with_an_unknown_heading_is_refused() -> None:
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        Prices.model_validate(current_prices().model_dump() | {"storage_per_gigabyte": 0.02})

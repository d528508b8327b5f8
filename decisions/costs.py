"""What training, answers and hosting cost, from the price table."""

import re
from datetime import timedelta

from data_contracts.prices import Prices

MILLION = 1_000_000
USUAL_TIER = "GlobalStandard"


def training_cost(trained_tokens: int, training_type: str, prices: Prices) -> float:
    """US dollars for *trained_tokens*, which already count every epoch."""
    return trained_tokens / MILLION * prices.training_per_million_tokens[training_type]


def answer_cost(
    prompt_tokens: int, completion_tokens: int, model: str, prices: Prices, sku: str | None = None
) -> float | None:
    """US dollars for answers by a deployment of the tier *sku*, or None for a model that the table does not know.

    A fine-tuned model is priced like the base model that its name begins with, an unknown tier like the usual one.
    """
    known = prices.inference_per_million_tokens
    family = next((name for name in known if re.match(rf"{re.escape(name)}(-\d|$)", model)), None)
    if family is None:
        return None
    factors = prices.answer_price_factors
    factor = factors.get(sku or USUAL_TIER, factors.get(USUAL_TIER, 1.0))
    asked, said = prompt_tokens / MILLION * known[family].input, completion_tokens / MILLION * known[family].output
    return factor * (asked + said)


def hosting_cost(lifetime: timedelta, sku: str, prices: Prices) -> float:
    """US dollars for a fine-tuned model deployment that lived for *lifetime*; tiers without a fee cost nothing."""
    return lifetime / timedelta(hours=1) * prices.hosting_per_hour.get(sku, 0.0)

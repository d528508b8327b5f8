"""What 1,000 answers cost by deployment type, and from which monthly volume on a local model is cheaper."""

import math
from collections.abc import Iterator, Sequence

from data_contracts.figures import ModelFigures
from data_contracts.price_figures import ModelOffers, Offer, PricesCompared
from data_contracts.prices import Prices
from data_contracts.training import is_fine_tuned
from decisions.costs import answer_cost

HOURS_A_MONTH = 730
MS_AN_HOUR = 3_600_000
ONLY_FINE_TUNED = ("DeveloperTier",)
VOLUMES = (1_000, 10_000, 100_000)
"""Answers a month for which prices are told."""


def prices_compared(
    models: Sequence[ModelFigures], prices: Prices, local: ModelFigures | None = None, ms_per_image: float = 0
) -> PricesCompared:
    """Offers of *models*, and of the *local* one, which takes *ms_per_image* on one core of the machine."""
    rows = [
        ModelOffers(
            role=each.role, model=each.model, offers=_cheapest_first(_offers(each, prices, local, ms_per_image))
        )
        for each in models
        if each.usd is not None
    ]
    if local is not None:
        rows.append(ModelOffers(role=local.role, model=local.model, offers=(_machine(prices, ms_per_image),)))
    return PricesCompared(as_of=str(prices.as_of), volumes=VOLUMES, models=tuple(rows))


def break_even(per_1000: float, per_month: float, machine: float, capacity: float) -> str:
    """From how many answers a month on a machine of one's own is cheaper, in words.

    The service asks S(V) = H + V * t for V answers a month, of which H = *per_month* is for hosting and
    t = *per_1000* / 1000 for tokens. Machines ask L(V) = M * max(1, V / C): M = *machine* a month for one that gives
    C = *capacity* answers a month; from C on, further ones are counted in proportion. With M < H the first image is
    cheaper already; else L < S from V = (M - H) / t on, if t > M / C, without which no volume makes it cheaper. Where
    M < H and t < M / C, it is cheaper up to V = H / (M / C - t) only.
    """
    token, per_answer = per_1000 / 1000, machine / capacity
    if machine < per_month:
        if token >= per_answer:
            return "from the first image"
        return f"up to {math.floor(per_month / (per_answer - token)):,} a month"
    if token <= per_answer:
        return "never"
    return f"from {math.floor((machine - per_month) / token) + 1:,} a month"


def _offers(each: ModelFigures, prices: Prices, local: ModelFigures | None, ms_per_image: float) -> Iterator[Offer]:
    tuned = is_fine_tuned(each.model)
    for tier, factor in prices.answer_price_factors.items():
        if tier not in prices.hosting_per_hour if tuned else tier in ONLY_FINE_TUNED:
            continue
        hosting = prices.hosting_per_hour[tier] * HOURS_A_MONTH if tuned else 0.0
        asked = answer_cost(each.prompt_tokens, each.completion_tokens, each.model, prices) or 0.0
        per_1000 = factor * asked / each.images * 1000
        machine = prices.local_machine.per_hour * HOURS_A_MONTH
        yield Offer(
            tier=tier,
            per_1000=per_1000,
            per_month=hosting,
            per_1000_at={volume: per_1000 + 1000 * hosting / volume for volume in VOLUMES},
            local_is_cheaper=break_even(per_1000, hosting, machine, _capacity(ms_per_image, prices)) if local else None,
        )


def _machine(prices: Prices, ms_per_image: float) -> Offer:
    machine, capacity = prices.local_machine.per_hour * HOURS_A_MONTH, _capacity(ms_per_image, prices)
    return Offer(
        tier=prices.local_machine.name,
        per_1000=0.0,
        per_month=machine,
        per_1000_at={volume: 1000 * machine * max(1.0, volume / capacity) / volume for volume in VOLUMES},
    )


def _capacity(ms_per_image: float, prices: Prices) -> float:
    """Answers a month of one machine that does nothing else."""
    return prices.local_machine.cores * HOURS_A_MONTH * MS_AN_HOUR / max(ms_per_image, 0.001)


def _cheapest_first(offers: Iterator[Offer]) -> tuple[Offer, ...]:
    return tuple(sorted(offers, key=lambda offer: (offer.per_1000_at[VOLUMES[1]], offer.tier)))

"""What 1,000 answers cost by deployment type, and for which monthly volumes a local model is cheaper."""

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

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


MOST_RANGES = 3
_Range = tuple[int, int | None]
"""From how many answers a month to how many; None: without an end."""
EVERY, MORE = (1, None), (0, None)


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
    """For which numbers of answers a month machines of one's own are cheaper, in words.

    The service asks S(v) = H + v * t for v answers a month, of which H = *per_month* is for hosting and
    t = *per_1000* / 1000 for tokens. Machines ask L(v) = M * ceil(v / C): M = *machine* a month for each, which gives
    C = *capacity* answers, rounded down to at least 1. With k machines, for (k - 1) * C < v <= k * C, L < S holds for
    v > (k * M - H) / t, with t = 0 for all v if k * M < H. So it holds

    - for all v of k machines if k * (t * C - M) > t * C - t - H, for the upper ones of them if k * (t * C - M) > -H;
    - with t * C > M from some v on, before it perhaps in ranges; with t * C < M up to k < H / (M - t * C) at most;
    - with t * C = M for all v or, at the end of every machine's, in ranges without an end; there is none if H = 0.
    """
    hosting, token, own = (Fraction(str(amount)) for amount in (per_month, per_1000, machine))
    ranges = _cheaper(hosting, token / 1000, own, max(1, math.floor(capacity)))
    if not ranges:
        return "never"
    told = ", ".join(map(_in_words, ranges))
    return told if ranges[-1] in {EVERY, MORE} else f"{told} a month"


def _cheaper(hosting: Fraction, token: Fraction, machine: Fraction, each: int) -> Sequence[_Range]:
    """Where machines of *each* answers a month are cheaper, in order; MORE stands for ranges that are left out."""
    gained, lacking = token * each - machine, token * each - token - hosting
    always = max(1, math.floor(lacking / gained) + 1) if gained > 0 else None  # machines from which all answers are

    def of(machines: int) -> _Range:
        """The upper part of what so many machines answer, and all above it where that is cheaper, too."""
        low = math.floor((machines * machine - hosting) / token) + 1
        return low, None if machines + 1 == always else machines * each

    if always == 1 or (gained == 0 and lacking < 0):
        return (EVERY,)
    if always:
        return _shortened(of, range(1, always))
    if gained == 0:
        return (of(1), of(2), MORE) if hosting > 0 else ()
    full, most = max(0, math.ceil(lacking / gained) - 1), math.ceil(hosting / -gained) - 1
    return (*([(1, full * each)] if full else []), *_shortened(of, range(full + 1, most + 1)))


def _shortened(of: Callable[[int], _Range], machines: range) -> Sequence[_Range]:
    if len(machines) <= MOST_RANGES:
        return [of(each) for each in machines]
    return [of(machines[0]), MORE, of(machines[-1])]


def _in_words(cheaper: _Range) -> str:
    low, high = cheaper
    if cheaper in {EVERY, MORE}:
        return "from the first image" if cheaper == EVERY else "…"
    if high is None:
        return f"from {low:,}"
    return f"from {low:,} to {high:,}" if low > 1 else f"up to {high:,}"


def _offers(each: ModelFigures, prices: Prices, local: ModelFigures | None, ms_per_image: float) -> Iterator[Offer]:
    tuned = is_fine_tuned(each.model)
    for tier in prices.answer_price_factors:
        if tier not in prices.hosting_per_hour if tuned else tier in ONLY_FINE_TUNED:
            continue
        hosting = prices.hosting_per_hour[tier] * HOURS_A_MONTH if tuned else 0.0
        asked = answer_cost(each.prompt_tokens, each.completion_tokens, each.model, prices, tier) or 0.0
        per_1000 = asked / each.images * 1000
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
        per_1000_at={volume: 1000 * machine * math.ceil(volume / capacity) / volume for volume in VOLUMES},
    )


def _capacity(ms_per_image: float, prices: Prices) -> float:
    """Answers a month of one machine that does nothing else."""
    return prices.local_machine.cores * HOURS_A_MONTH * MS_AN_HOUR / max(ms_per_image, 0.001)


def _cheapest_first(offers: Iterator[Offer]) -> tuple[Offer, ...]:
    return tuple(sorted(offers, key=lambda offer: (offer.per_1000_at[VOLUMES[1]], offer.tier)))

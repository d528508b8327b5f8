"""Which calls keep a model deployment from the provider's idle rule, and what that costs."""

from datetime import datetime, timedelta

from data_contracts.idle import KeepAlive, ObservedDeployment
from data_contracts.policies import DeletionPolicy
from data_contracts.prices import Prices
from decisions.costs import answer_cost, hosting_cost
from decisions.idle.dates import azure_deletes_at, is_developer

MONTH = timedelta(days=30)
PROMPT_TOKENS, ANSWER_TOKENS = 20, 1
"""Of a keep-alive call: a word, and one token back."""
TIME_TO_DELETE = timedelta(days=1)
"""A keep that ends later than so long before our last moment leaves none to plan and carry out a deletion."""


def kept_until(
    seen: ObservedDeployment, until: datetime | None, now: datetime, policy: DeletionPolicy, prices: Prices
) -> KeepAlive | None:
    """Calls every so many days, up to *until*; the next one only where that is None.

    None where no call is needed to get there, or none helps: nothing prolongs the developer tier's life.
    """
    azure = _prolonged(seen, policy)
    if azure is None or (until is not None and until + TIME_TO_DELETE <= azure - policy.safety_margin):
        return None
    every = timedelta(days=policy.keep_alive_every)
    calls = [max(now, azure - policy.azure_span + every)]
    while until is not None and calls[-1] + policy.azure_span - policy.safety_margin < until + TIME_TO_DELETE:
        calls.append(calls[-1] + every)
    return _costing(seen, tuple(calls), until, now, prices)


def kept_once(seen: ObservedDeployment, now: datetime, policy: DeletionPolicy, prices: Prices) -> KeepAlive | None:
    """One call at our last moment before the provider's date, for one of which not enough is known until then."""
    azure = _prolonged(seen, policy)
    if azure is None:
        return None
    latest = max(now, azure - policy.safety_margin)
    return _costing(seen, (latest,), latest, now, prices)


def _prolonged(seen: ObservedDeployment, policy: DeletionPolicy) -> datetime | None:
    """The provider's date, where a call moves it."""
    if seen.created_at is None or is_developer(seen.sku):
        return None
    return azure_deletes_at(seen.created_at, seen, policy)


def _costing(
    seen: ObservedDeployment, calls: tuple[datetime, ...], until: datetime | None, now: datetime, prices: Prices
) -> KeepAlive:
    return KeepAlive(
        calls=calls,
        until=until,
        per_call=answer_cost(PROMPT_TOKENS, ANSWER_TOKENS, seen.model, prices, seen.sku),
        hosting=hosting_cost(MONTH if until is None else until - now, seen.sku, prices),
    )

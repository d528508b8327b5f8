"""What a loop has cost, by iteration, month and promotion; what is billed now; what a volume of images would cost."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pydantic import Field

from data_contracts.ledger import CostBooked, LedgerEntry
from data_contracts.policies import BudgetPolicy
from data_contracts.prices import Prices
from data_contracts.record import Record
from data_contracts.training import is_fine_tuned
from decisions.costs import answer_cost, hosting_cost
from decisions.evaluation.prices_compared import HOURS_A_MONTH
from decisions.loop_state import Iteration, LoopState, state_of
from decisions.training.budget import Limit, Spent, limits, spent

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TESTING_ONLY = "DeveloperTier"
"""Azure deletes such a model deployment after 24 hours, so it is no place for production."""


class Booked(Record):
    """What is in the ledger as spent, in US dollars, on one iteration or in one month."""

    name: str = Field(description="The iteration's number, or the month, such as 2026-11; 'none' for no iteration.")
    training_usd: float
    evaluation_usd: float
    hosting_usd: float
    usd: float


class Billed(Record):
    """A model deployment that is billed by the hour right now; it is booked when it is deleted."""

    name: str
    model: str
    sku: str
    since: datetime
    usd_per_hour: float
    usd_per_day: float
    unbooked_usd: float = Field(description="Since it was bought.")


class Promotion(Record):
    """What an iteration that became champion gained on the held-out set, and what it cost to get there."""

    iteration: int
    compared_with: str | None = Field(description="Model that production had, or the base model; None for nothing.")
    points: float | None = Field(description="Percentage points of accuracy on the same held-out images.")
    usd: float = Field(
        description="Training and evaluation booked since the promotion before it, on iterations that won nothing too."
    )
    usd_per_point: float | None = Field(description="None where nothing was gained or nothing was compared with.")


class CostReport(Record):
    """What a loop has cost, and what it costs now."""

    iterations: tuple[Booked, ...]
    months: tuple[Booked, ...]
    billed: tuple[Billed, ...]
    promotions: tuple[Promotion, ...]
    spent: Spent = Field(description="In this month: booked, and bought and not booked yet.")
    month_end_usd: float = Field(description="What the month comes to if what is billed now stays until its end.")
    budget: tuple[Limit, ...] = ()
    warnings: tuple[str, ...] = ()


class Volume(NamedTuple):
    """Images a month, and the mean tokens of a question and of an answer about one."""

    name: str
    images: int
    tokens_in: float
    tokens_out: float


class Running(Record):
    """What it costs in a month to ask a fine-tuned model about so many images, in one deployment type."""

    volume: str
    images: int
    tokens_in: float
    tokens_out: float
    sku: str
    answers_usd: float | None = Field(description="None for a model that the price table does not know.")
    hosting_usd: float
    usd: float | None
    note: str = ""


def cost_report(entries: Sequence[LedgerEntry], policy: BudgetPolicy, prices: Prices, now: datetime) -> CostReport:
    """The costs in the ledger's *entries*, and what the price table says of what is billed *now*."""
    state = state_of(entries)
    costs = [(entry, entry.event) for entry in entries if isinstance(entry.event, CostBooked)]
    gone = spent(state, prices, now)
    open_one = state.open_iteration
    allowed = limits(policy, gone, open_one.number) if open_one else _of_the_month(policy, gone)
    billed = tuple(_billed(state, prices, now))
    month_end = gone.month_usd + sum(each.usd_per_hour for each in billed) * ((_next_month(now) - now) / HOUR)
    return CostReport(
        iterations=_sums([(str(entry.iteration or "none"), cost) for entry, cost in costs]),
        months=_sums([(f"{entry.time.astimezone(UTC):%Y-%m}", cost) for entry, cost in costs]),
        billed=billed,
        promotions=tuple(_promotions(state)),
        spent=gone,
        month_end_usd=month_end,
        budget=allowed,
        warnings=tuple(_warnings(allowed, month_end)),
    )


def running_costs(model: str, volumes: Sequence[Volume], prices: Prices) -> tuple[Running, ...]:
    """What each volume costs a month in each deployment type in which a fine-tuned model can be deployed."""
    return tuple(_running(model, volume, sku, prices) for volume in volumes for sku in prices.hosting_per_hour)


def _running(model: str, volume: Volume, sku: str, prices: Prices) -> Running:
    tokens_in, tokens_out = volume.images * volume.tokens_in, volume.images * volume.tokens_out
    answers = answer_cost(round(tokens_in), round(tokens_out), model, prices, sku)
    hosting = hosting_cost(HOURS_A_MONTH * HOUR, sku, prices)
    return Running(
        volume=volume.name,
        images=volume.images,
        tokens_in=volume.tokens_in,
        tokens_out=volume.tokens_out,
        sku=sku,
        answers_usd=answers,
        hosting_usd=hosting,
        usd=None if answers is None else answers + hosting,
        note="for tests only: it lives 24 hours" if sku == TESTING_ONLY else "",
    )


def _sums(costs: Sequence[tuple[str, CostBooked]]) -> tuple[Booked, ...]:
    """One row for each name, in the order in which they come."""
    return tuple(_sum(name, [cost for known, cost in costs if known == name]) for name in dict.fromkeys(dict(costs)))


def _sum(name: str, costs: Sequence[CostBooked]) -> Booked:
    training, evaluation, hosting = (
        sum(cost.usd for cost in costs if cost.what == what) for what in ("training", "evaluation", "hosting")
    )
    return Booked(
        name=name,
        training_usd=training,
        evaluation_usd=evaluation,
        hosting_usd=hosting,
        usd=training + evaluation + hosting,
    )


def _billed(state: LoopState, prices: Prices, now: datetime) -> list[Billed]:
    """Dearest first; a tier without an hourly price is not billed while nobody asks."""
    found = [
        Billed(
            name=live.name,
            model=live.model,
            sku=live.sku,
            since=live.intended_at,
            usd_per_hour=hosting_cost(HOUR, live.sku, prices),
            usd_per_day=hosting_cost(DAY, live.sku, prices),
            unbooked_usd=hosting_cost(now - live.intended_at, live.sku, prices),
        )
        for live in state.deployments.values()
        if is_fine_tuned(live.model)
    ]
    return sorted((each for each in found if each.usd_per_hour), key=lambda each: (-each.usd_per_hour, each.name))


def _promotions(state: LoopState) -> list[Promotion]:
    found, usd = [], 0.0
    for iteration in state.iterations:
        # Hosting is what production costs, not what a gain costs.
        usd += sum(cost.usd for cost in iteration.costs if cost.what != "hosting")
        if iteration.switched is not None:
            found.append(_promotion(iteration, usd))
            usd = 0.0
    return found


def _promotion(iteration: Iteration, usd: float) -> Promotion:
    decided, points = iteration.decided, None
    before = iteration.evaluations.get(decided.champion) if decided and decided.champion else None
    after = iteration.evaluations.get(decided.challenger) if decided else None
    if before and after and before.images and after.images:
        points = 100 * (after.correct / after.images - before.correct / before.images)
    return Promotion(
        iteration=iteration.number,
        compared_with=before.model if before else None,
        points=points,
        usd=usd,
        usd_per_point=usd / points if points is not None and points > 0 else None,
    )


def _of_the_month(policy: BudgetPolicy, gone: Spent) -> tuple[Limit, ...]:
    """Between two iterations only the month's limit means anything."""
    return limits(policy.model_copy(update={"per_iteration_usd": None}), gone, 0)


def _next_month(now: datetime) -> datetime:
    """When the month after that of *now* begins, UTC."""
    begun = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (begun + timedelta(days=31)).replace(day=1)


def _warnings(allowed: Sequence[Limit], month_end: float) -> list[str]:
    told = []
    for limit in allowed:
        where = f"iteration {limit.name}" if limit.per == "iteration" else limit.name
        raised = f"nothing more is trained unless per_{limit.per}_usd in [training.budget] is raised"
        if limit.spent_usd > limit.usd:
            told.append(f"${limit.spent_usd:.2f} are spent in {where}, over its ${limit.usd:.2f}; {raised}")
        elif limit.per == "month" and month_end > limit.usd:
            told.append(
                f"{where} comes to ${month_end:.2f}, over its ${limit.usd:.2f}, if what is billed now stays until its "
                f"end; {raised}, or model deployments are deleted"
            )
    return told

"""Whether a forecast stays within the budget of an iteration and of the calendar month."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from data_contracts.policies import BudgetPolicy
from data_contracts.prices import Prices
from data_contracts.record import Record
from data_contracts.training import is_fine_tuned
from decisions.costs import hosting_cost
from decisions.loop_state import Iteration, LoopState


class Limit(Record):
    """One budget: what it allows, what is gone of it, what is left."""

    per: Literal["iteration", "month"]
    name: str = Field(description="The iteration's number, or the month, such as 2026-11.")
    usd: float
    spent_usd: float = Field(description="Booked, or bought and not booked yet.")

    @property
    def left_usd(self) -> float:
        """What may still be spent; never below zero."""
        return max(0.0, self.usd - self.spent_usd)


class Spent(Record):
    """What a loop has spent in the month, and in its open iteration."""

    month: str
    month_usd: float
    iteration_usd: float
    unbooked_usd: float = Field(description="Of both: bought, or about to be, and not booked yet.")


def spent(state: LoopState, prices: Prices, now: datetime) -> Spent:
    """Costs booked in the ledger, and what is being bought or billed by the hour and not booked yet."""
    month = f"{now:%Y-%m}"
    open_one = state.open_iteration
    pending = _being_bought(open_one)
    hosted = _hosted_this_month(state, prices, now)
    return Spent(
        month=month,
        month_usd=state.booked.get(month, 0.0) + pending + hosted,
        iteration_usd=sum(cost.usd for cost in open_one.costs) + pending if open_one else 0.0,
        unbooked_usd=pending + hosted,
    )


def limits(policy: BudgetPolicy, gone: Spent, iteration: int) -> tuple[Limit, ...]:
    """The limits that the policy sets, with what is gone of each."""
    wanted: tuple[tuple[Literal["iteration", "month"], str, float | None, float], ...] = (
        ("iteration", str(iteration), policy.per_iteration_usd, gone.iteration_usd),
        ("month", gone.month, policy.per_month_usd, gone.month_usd),
    )
    return tuple(
        Limit(per=per, name=name, usd=usd, spent_usd=used) for per, name, usd, used in wanted if usd is not None
    )


def over_budget(usd: float, allowed: tuple[Limit, ...]) -> str | None:
    """Why *usd* more may not be spent, in one sentence with what to do; None where every limit has room."""
    for limit in allowed:
        if usd > limit.usd - limit.spent_usd:
            where = f"iteration {limit.name}" if limit.per == "iteration" else limit.name
            otherwise = "train on less" if limit.per == "iteration" else "wait for the next month"
            return (
                f"about ${usd:.2f} are forecast, ${limit.spent_usd:.2f} of the ${limit.usd:.2f} for {where} are spent, "
                f"${limit.left_usd:.2f} are left; raise per_{limit.per}_usd in [training.budget], or {otherwise}"
            )
    return None


def _being_bought(iteration: Iteration | None) -> float:
    """The forecast of a job that was intended and has not ended: its bill is not in the ledger."""
    if iteration is None or iteration.intended is None or iteration.finished is not None:
        return 0.0
    return iteration.forecast.training_usd if iteration.forecast else 0.0


def _hosted_this_month(state: LoopState, prices: Prices, now: datetime) -> float:
    """What our fine-tuned model deployments cost since the month began; they are booked when they are deleted."""
    begun = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    alive = (each for each in state.deployments.values() if is_fine_tuned(each.model))
    return sum(hosting_cost(now - max(begun, each.intended_at), each.sku, prices) for each in alive)

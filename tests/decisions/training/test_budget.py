"""What is spent, and whether more may be."""

from datetime import UTC, datetime

import pytest

from data_contracts.ledger import CostBooked, TrainingForecast
from data_contracts.policies import BudgetPolicy
from data_contracts.prices import current_prices
from decisions.loop_state import LoopState, state_of
from decisions.training.budget import Spent, limits, over_budget, spent
from tests.decisions.builders import (
    closed,
    deployment_created,
    deployment_deleted,
    deployment_intended,
    entry,
    opened,
    state_after,
    training_intended,
)

PRICES = current_prices()
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EXPECTED = TrainingForecast(training_tokens=1, training_usd=30, evaluation_usd=1, hosting_usd=1, exact=True)


def cost(usd: float) -> CostBooked:
    return CostBooked(what="training", subject=f"job of {usd}", usd=usd, basis="any")


def gone(*, month: float = 0, iteration: float = 0) -> Spent:
    return Spent(month="2026-11", month_usd=month, iteration_usd=iteration, unbooked_usd=0)


def test_booked_costs_count_in_the_month_of_their_entry() -> None:
    event = entry(cost(12.5), 1, iteration=1)
    december = event.model_copy(update={"number": 2, "time": datetime(2026, 12, 1, tzinfo=UTC), "event": cost(3)})

    state = state_of([entry(opened(), 0, iteration=1), event, december])

    assert state.booked == {"2026-11": 12.5, "2026-12": 3}
    assert spent(state, PRICES, NOON).month_usd == 12.5


def test_only_the_open_iteration_counts_for_the_iteration() -> None:
    before = state_after(opened(1), cost(12), closed(1))

    assert spent(before, PRICES, NOON).iteration_usd == 0
    assert spent(state_after(opened(1), cost(12)), PRICES, NOON).iteration_usd == 12


def test_a_job_that_was_intended_counts_until_it_is_booked() -> None:
    state = state_after(opened(), EXPECTED, training_intended())

    assert spent(state, PRICES, NOON).unbooked_usd == 30


def test_a_model_deployment_counts_by_the_hour_until_it_is_booked() -> None:
    alive = state_after(opened(), deployment_intended(), deployment_created())
    over = state_after(opened(), deployment_intended(), deployment_created(), deployment_deleted())

    assert spent(alive, PRICES, NOON).month_usd == pytest.approx(35 * 1.7)
    assert spent(over, PRICES, NOON).month_usd == 0


def test_a_loop_that_did_nothing_has_spent_nothing() -> None:
    assert spent(LoopState(), PRICES, NOON).month_usd == 0


def test_without_a_budget_there_is_no_limit() -> None:
    assert limits(BudgetPolicy(), gone(month=1e9), 1) == ()
    assert over_budget(1e9, ()) is None


def test_a_budget_may_be_spent_to_the_last_cent() -> None:
    allowed = limits(BudgetPolicy(per_iteration_usd=10), gone(iteration=4), 1)

    assert over_budget(6, allowed) is None
    assert over_budget(6.01, allowed) is not None


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (
            BudgetPolicy(per_iteration_usd=40),
            "about $32.00 are forecast, $20.00 of the $40.00 for iteration 3 are spent, $20.00 are left; "
            "raise per_iteration_usd in [training.budget], or train on less",
        ),
        (
            BudgetPolicy(per_month_usd=50),
            "about $32.00 are forecast, $60.00 of the $50.00 for 2026-11 are spent, $0.00 are left; "
            "raise per_month_usd in [training.budget], or wait for the next month",
        ),
    ],
)
def test_what_exceeds_a_budget_is_told_in_one_line(policy: BudgetPolicy, told: str) -> None:
    assert over_budget(32, limits(policy, gone(month=60, iteration=20), 3)) == told

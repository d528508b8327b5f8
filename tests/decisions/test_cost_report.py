"""What a loop costs: figures worked out by hand, from a ledger with an entry an hour since 21 November 2026."""

from datetime import UTC, date, datetime, timedelta

import pytest

from data_contracts.evaluation import Action, Code
from data_contracts.ledger import CostBooked, Evaluated, Event
from data_contracts.policies import BudgetPolicy
from data_contracts.prices import MachinePrice, Prices, TokenPrices
from decisions.cost_report import CostReport, Volume, cost_report, running_costs
from tests.decisions.builders import (
    BASE,
    FIRST_MODEL,
    SECOND_MODEL,
    START,
    closed,
    decided,
    deployment_created,
    deployment_deleted,
    deployment_intended,
    entry,
    opened,
    switched,
)

PRICES = Prices(
    as_of=date(2026, 10, 1),
    sources=("any",),
    training_per_million_tokens={"GlobalStandard": 25.0},
    hosting_per_hour={"Standard": 1.7, "GlobalStandard": 1.7, "DeveloperTier": 0.0},
    inference_per_million_tokens={"gpt-4.1": TokenPrices(input=2, output=8)},
    answer_price_factors={"GlobalStandard": 1.0, "Standard": 1.1, "DeveloperTier": 1.0},
    local_machine=MachinePrice(name="any", cores=1, per_hour=0.1, as_of=date(2026, 1, 1)),
)
NO_BUDGET = BudgetPolicy()


def cost(what: str, usd: float) -> CostBooked:
    return CostBooked.model_validate({"what": what, "subject": f"{what} {usd}", "usd": usd, "basis": "any"})


def evaluated(model: str, correct: int) -> Evaluated:
    return Evaluated(
        version="v1",
        model=model,
        model_deployment="any",
        images=200,
        correct=correct,
        path="any",
        digest="any",
        prompt_tokens=60_000,
        completion_tokens=2_000,
    )


def won(number: int, before: str | None, after: str, right: tuple[int, int], *costs: CostBooked) -> list[Event]:
    """An iteration whose challenger *after* was right so often, and became champion."""
    known = [evaluated(before, right[0])] if before else []
    return [
        opened(number),
        *costs,
        *known,
        evaluated(after, right[1]),
        decided(after, before, code=Code.PROMOTE, action=Action.PROMOTE),
        switched(after),
        closed(number),
    ]


def reported(*events: Event, budget: BudgetPolicy = NO_BUDGET, after: timedelta = timedelta(days=1)) -> CostReport:
    newest, entries = None, []
    for number, event in enumerate(events):
        newest = event.number if event.kind == "iteration opened" else newest
        entries.append(entry(event, number, iteration=newest))
    return cost_report(entries, budget, PRICES, START + after)


def test_costs_are_added_up_by_iteration_and_kind() -> None:
    report = reported(
        opened(1), cost("training", 5), cost("evaluation", 0.25), closed(1), opened(2), cost("training", 7)
    )

    told = [
        (each.name, each.training_usd, each.evaluation_usd, each.hosting_usd, each.usd) for each in report.iterations
    ]
    assert told == [("1", 5, 0.25, 0, 5.25), ("2", 7, 0, 0, 7)]


def test_what_belongs_to_no_iteration_has_a_row_of_its_own() -> None:
    assert [(each.name, each.usd) for each in reported(cost("evaluation", 2)).iterations] == [("none", 2)]


def test_two_costs_of_one_amount_and_kind_both_count() -> None:
    assert reported(opened(1), cost("training", 5), cost("training", 5)).months[0].training_usd == 10


def test_months_are_those_of_the_entries_in_utc() -> None:
    november = entry(cost("training", 5), 0)
    december = entry(cost("hosting", 3), 1).model_copy(update={"time": datetime(2026, 12, 1, tzinfo=UTC)})
    report = cost_report([november, december], NO_BUDGET, PRICES, datetime(2026, 12, 2, tzinfo=UTC))

    assert [(each.name, each.usd) for each in report.months] == [("2026-11", 5), ("2026-12", 3)]
    assert report.spent.month_usd == 3


def test_what_is_billed_now_is_told_by_hour_and_day_until_it_is_deleted() -> None:
    alive = (opened(1), deployment_intended("k1"), deployment_created("k1"))  # announced at 1:00, now it is 24:00
    (billed,) = reported(*alive).billed

    assert (billed.name, billed.usd_per_hour) == ("k1", 1.7)
    assert billed.usd_per_day == pytest.approx(40.8)
    assert billed.unbooked_usd == pytest.approx(23 * 1.7)
    assert reported(*alive, deployment_deleted("k1")).billed == ()


def test_base_models_and_tiers_without_an_hourly_price_are_not_billed() -> None:
    base = deployment_intended("b1", BASE)
    developer = deployment_intended("d1", FIRST_MODEL, "DeveloperTier")

    assert reported(opened(1), base, developer).billed == ()


def test_a_promotion_costs_its_training_and_evaluation_by_point_gained() -> None:
    paid = (cost("training", 18), cost("evaluation", 2), cost("hosting", 100))
    (promotion,) = reported(*won(1, BASE, FIRST_MODEL, (100, 150), *paid)).promotions

    assert (promotion.iteration, promotion.compared_with, promotion.usd) == (1, BASE, 20)
    assert promotion.points == pytest.approx(25)  # 50 % to 75 %
    assert promotion.usd_per_point == pytest.approx(0.8)


def test_iterations_that_won_nothing_count_for_the_next_that_does() -> None:
    first = won(1, BASE, FIRST_MODEL, (100, 150), cost("training", 10))
    lost: list[Event] = [opened(2), cost("training", 6), closed(2)]
    third = won(3, FIRST_MODEL, SECOND_MODEL, (150, 160), cost("training", 4))
    promotions = reported(*first, *lost, *third).promotions

    assert [(each.iteration, each.usd) for each in promotions] == [(1, 10), (3, 10)]
    assert promotions[1].usd_per_point == pytest.approx(2)  # 5 points


def test_without_a_gain_or_a_comparison_a_point_has_no_price() -> None:
    (same,) = reported(*won(1, BASE, FIRST_MODEL, (150, 150), cost("training", 10))).promotions
    (alone,) = reported(*won(1, None, FIRST_MODEL, (0, 150), cost("training", 10))).promotions

    assert (same.points, same.usd_per_point) == (0, None)
    assert (alone.points, alone.usd_per_point, alone.compared_with) == (None, None, None)


def test_a_month_over_its_budget_is_warned_of() -> None:
    report = reported(cost("training", 30), budget=BudgetPolicy(per_month_usd=25))

    assert report.warnings == (
        "$30.00 are spent in 2026-11, over its $25.00; nothing more is trained unless per_month_usd in "
        "[training.budget] is raised",
    )


def test_a_month_within_its_budget_is_not() -> None:
    assert reported(cost("training", 25), budget=BudgetPolicy(per_month_usd=25)).warnings == ()


def test_what_stays_deployed_until_the_end_of_the_month_counts() -> None:
    alive = (opened(1), deployment_intended("k1"))
    report = reported(*alive, budget=BudgetPolicy(per_month_usd=200))

    # 23 hours until 22 November, 0:00, and nine days more until December.
    assert report.spent.month_usd == pytest.approx(39.10)
    assert report.month_end_usd == pytest.approx(39.10 + 9 * 24 * 1.70)
    assert report.warnings[0].startswith("2026-11 comes to $406.30, over its $200.00, if what is billed now stays")


def test_an_open_iteration_over_its_budget_is_warned_of() -> None:
    spent = (opened(1), cost("training", 30))
    budget = BudgetPolicy(per_iteration_usd=20)

    assert reported(*spent, budget=budget).warnings[0].startswith("$30.00 are spent in iteration 1, over its $20.00")
    assert reported(*spent, closed(1), budget=budget).warnings == ()


def test_ten_thousand_images_a_month() -> None:
    costs = running_costs(FIRST_MODEL, [Volume("few", 10_000, 300, 10)], PRICES)

    # 3 million tokens in at $2 and 0.1 million out at $8 are $6.80; 730 hours at $1.70 are $1,241.
    assert {each.sku: each.answers_usd for each in costs} == pytest.approx(
        {"Standard": 7.48, "GlobalStandard": 6.80, "DeveloperTier": 6.80}
    )
    assert {each.sku: each.usd for each in costs} == pytest.approx(
        {"Standard": 1_248.48, "GlobalStandard": 1_247.80, "DeveloperTier": 6.80}
    )
    assert [each.note for each in costs] == ["", "", "for tests only: it lives 24 hours"]


def test_ten_a_second_around_the_clock() -> None:
    costs = running_costs(FIRST_MODEL, [Volume("many", 10 * 3600 * 730, 300, 10)], PRICES)

    # 26.28 million images: 7,884 million tokens in and 262.8 million out.
    assert {each.sku: each.usd for each in costs} == pytest.approx(
        {"Standard": 20_898.44, "GlobalStandard": 19_111.40, "DeveloperTier": 17_870.40}
    )


def test_a_model_without_a_price_has_no_sum() -> None:
    assert {each.usd for each in running_costs("llama-9", [Volume("few", 1, 300, 10)], PRICES)} == {None}

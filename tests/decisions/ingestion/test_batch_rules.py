"""Balance of the classes and freshness of the images: a breach is told as the contract says."""

from datetime import UTC, datetime, timedelta

import pytest

from data_contracts.findings import Findings
from data_contracts.image_contract import BalanceRule, ImageContract, Severity
from decisions.ingestion.batch_rules import overdue, unbalanced, with_balance
from tests.decisions.builders import image_contract

NOW = datetime(2026, 11, 25, tzinfo=UTC)
LOPSIDED = ["crazing"] * 21 + ["scratches"] * 2


def balanced(severity: Severity = "warning") -> ImageContract:
    rule = BalanceRule(largest_ratio=10, severity=severity)
    return image_contract().model_copy(update={"balance": rule})


def fresh(days: float | None, owner: str | None = None) -> ImageContract:
    return image_contract().model_copy(update={"freshness_days": days, "owner": owner})


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"crazing": 20, "scratches": 2}, False),
        ({"crazing": 21, "scratches": 2}, True),
        ({"crazing": 1}, True),
        ({}, False),
        ({"crazing": 5, "scratches": 5, "gone": 900}, False),
    ],
)
def test_classes_are_balanced_up_to_the_ratio_of_the_contract(counts: dict[str, int], *, told: bool) -> None:
    assert bool(unbalanced(counts, balanced())) is told


def test_a_lack_of_balance_is_told_with_the_classes_and_the_limit() -> None:
    assert with_balance(Findings(), LOPSIDED, balanced()).remarks == (
        "the classes are not balanced: crazing has 21 images and scratches 2; the contract allows 10 times as many",
    )


def test_a_lack_of_balance_stops_a_batch_where_the_contract_says_so() -> None:
    found = with_balance(Findings(), LOPSIDED, balanced("error"))

    assert (found.remarks, found.stopped is not None) == ((), True)


def test_without_a_rule_nothing_is_said_of_balance() -> None:
    assert with_balance(Findings(), LOPSIDED, image_contract()) == Findings()


@pytest.mark.parametrize(("days", "late"), [(6.9, False), (7, False), (7.1, True)])
def test_images_are_overdue_when_none_came_for_longer_than_promised(days: float, *, late: bool) -> None:
    assert bool(overdue(NOW - timedelta(days=days), NOW, fresh(7))) is late


def test_overdue_images_are_told_with_the_owner_to_ask() -> None:
    assert overdue(NOW - timedelta(days=12), NOW, fresh(7, "ines")) == (
        "The newest images came 12.0 days ago; the contract asks for new ones every 7 days; ask ines."
    )


def test_a_loop_without_images_or_promise_is_not_late() -> None:
    assert overdue(None, NOW, fresh(7)) is None
    assert overdue(NOW - timedelta(days=900), NOW, fresh(None)) is None

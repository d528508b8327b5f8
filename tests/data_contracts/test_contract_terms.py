"""Owner, version, freshness and balance of a contract."""

import math

import pytest

from data_contracts.errors import ContractBroken
from data_contracts.image_contract import BalanceRule
from tests.support.contracts import Change, Document, read_changed, silent, with_custom, with_freshness, with_owner


def with_team(team: object) -> Change:
    return lambda document: document.update(team=team)


def without_terms(document: Document) -> None:
    silent(document)
    del document["team"], document["slaProperties"]


@pytest.mark.parametrize(
    ("team", "owner"),
    [
        ({"name": "Steel"}, "Steel"),
        ({"name": "Steel", "members": [{"username": "ines", "role": "owner"}]}, "ines"),
        ({"name": "Steel", "members": [{"username": "i1", "name": "Ines", "role": "Owner"}]}, "Ines"),
        ({"members": [{"username": "a", "role": "owner"}, {"username": "b", "role": "owner"}]}, "a, b"),
        ({"name": "Steel", "members": [{"username": "ines", "role": "data steward"}]}, "Steel"),
        ([{"username": "ines", "role": "owner"}], "ines"),
        ([{"username": "ines"}], None),
    ],
)
def test_the_owner_is_who_the_team_names(team: object, owner: str | None) -> None:
    assert read_changed(with_team(team)).owner == owner


@pytest.mark.parametrize(("value", "unit", "days"), [(7, "d", 7), (12, "h", 0.5), (2, "weeks", 14), (1.5, "days", 1.5)])
def test_freshness_is_told_in_days_hours_or_weeks(value: float, unit: str, days: float) -> None:
    assert read_changed(with_freshness(value, unit)).freshness_days == days


@pytest.mark.parametrize("value", [0, -1, True, "7", math.nan, math.inf, None])
def test_a_freshness_that_is_no_time_is_told(value: object) -> None:
    with pytest.raises(ContractBroken, match=f"^loop.odcs.yaml: freshness is {value!r}; it needs a number above 0"):
        read_changed(with_freshness(value))


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ([{"property": "freshnes", "value": 7}], "there is no slaProperty 'freshnes' here; known is freshness"),
        ([{"property": "freshness", "value": 7}] * 2, "slaProperties have freshness twice"),
        ([{"property": "freshness", "value": 7, "unit": "fortnights"}], "freshness has the unit 'fortnights'"),
    ],
)
def test_a_slip_in_the_promises_is_told(properties: object, message: str) -> None:
    with pytest.raises(ContractBroken, match=message):
        read_changed(lambda document: document.update(slaProperties=properties))


def test_balance_is_read_and_warns_unless_it_says_otherwise() -> None:
    assert read_changed(with_custom("balance", {"largest_ratio": 3})).balance == BalanceRule(largest_ratio=3)
    assert BalanceRule(largest_ratio=3).severity == "warning"


def test_a_contract_need_not_say_anything_of_balance_owner_or_freshness() -> None:
    contract = read_changed(without_terms)

    assert (contract.balance, contract.owner, contract.freshness_days) == (None, None, None)


@pytest.mark.parametrize("version", ["next", "1.x", "", "1.0.0.0", "v1", "1.0.0-beta"])
def test_a_version_is_made_of_numbers(version: str) -> None:
    with pytest.raises(ContractBroken, match=f"the version '{version}' is not made of numbers"):
        read_changed(lambda document: document.update(version=version))


def test_an_owner_by_name_is_told_before_the_team() -> None:
    assert read_changed(with_owner("ines")).owner == "ines"

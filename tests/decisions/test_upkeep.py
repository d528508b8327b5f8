"""Which model deployments nobody needs any more."""

from datetime import timedelta

import pytest

from data_contracts.batches import BATCH_TIER
from data_contracts.ledger import Event, ModelDeploymentLeaving, RolledBack
from decisions.upkeep import deletions_ahead, dispensable_deployments
from tests.decisions.builders import (
    BASE,
    SECOND_MODEL,
    START,
    closed,
    deployment_created,
    deployment_deleted,
    deployment_intended,
    opened,
    state_after,
    switched,
)


def dispensable(*events: Event, hours: float = 1) -> list[str]:
    """What goes so many *hours* after the first event, each took one, the previous champion is kept for 24."""
    now = START + timedelta(hours=hours)
    return [each.deployment.name for each in dispensable_deployments(state_after(*events), now, 24)]


def test_the_champion_and_the_one_before_it_stay() -> None:
    events = (opened(), deployment_intended("k1"), deployment_intended("k2", SECOND_MODEL))

    assert dispensable(*events, switched(SECOND_MODEL, "k2", previous="k1"), closed()) == []


@pytest.mark.parametrize("ends", [(closed(),), ()])
def test_the_one_before_the_champion_goes_when_its_time_is_over(ends: tuple[Event, ...]) -> None:
    events = (opened(), deployment_intended("k1"), deployment_intended("k2", SECOND_MODEL))
    swapped = (*events, switched(SECOND_MODEL, "k2", previous="k1"), *ends)

    assert (dispensable(*swapped, hours=3 + 23), dispensable(*swapped, hours=3 + 24)) == ([], ["k1"])


def test_after_a_roll_back_the_time_of_the_one_that_was_left_begins() -> None:
    events = (opened(), deployment_intended("k1"), deployment_intended("k2", SECOND_MODEL))
    back = RolledBack(
        to_iteration=1, model="a", model_deployment="k1", previous="b", previous_model_deployment="k2", why="any"
    )
    turned = (*events, switched(SECOND_MODEL, "k2", previous="k1"), closed(), back)

    assert (dispensable(*turned, hours=5 + 23), dispensable(*turned, hours=5 + 24)) == ([], ["k2"])


def test_what_was_revived_stays_as_long() -> None:
    revived = deployment_intended("k1").model_copy(update={"revived": True})

    assert dispensable(opened(), revived, closed(), hours=1 + 23) == []
    assert dispensable(opened(), revived, closed(), hours=1 + 24) == ["k1"]


def test_what_was_leaving_goes_though_an_iteration_is_open_and_stays_once_it_was_wanted_again() -> None:
    leaving = (opened(), deployment_intended("k1"), ModelDeploymentLeaving(name="k1", reason="any"))

    assert dispensable(*leaving) == ["k1"]
    assert dispensable(*leaving, deployment_intended("k1")) == []


def test_a_challenger_that_lost_goes() -> None:
    events = (opened(), deployment_intended("k1"), switched(name="k1"), deployment_intended("k2", SECOND_MODEL))

    assert dispensable(*events, closed()) == ["k2"]


def test_the_champion_before_the_last_goes() -> None:
    names = ("k1", "k2", "k3")
    events = [deployment_intended(name) for name in names]

    assert dispensable(opened(), *events, switched(name="k3", previous="k2"), closed()) == ["k1"]


def test_while_an_iteration_is_open_nothing_goes() -> None:
    assert dispensable(opened(), deployment_intended("k1"), switched(name="k2")) == []


def test_a_base_model_is_not_billed_by_the_hour_and_stays() -> None:
    assert dispensable(opened(), deployment_intended("base", BASE), closed()) == []


def test_a_model_deployment_that_answers_batches_only_goes_though_its_model_is_a_base_model() -> None:
    events = (opened(), deployment_intended("base", BASE), deployment_intended("base-batch", BASE, BATCH_TIER))

    assert [
        (each.deployment.name, each.reason)
        for each in dispensable_deployments(state_after(*events, closed()), START, 24)
    ] == [("base-batch", "its batch is over")]
    assert dispensable(*events) == []
    assert ahead(*events) == {"base-batch": "its batch is over"}


def test_what_was_intended_but_never_answered_may_be_billed_and_goes() -> None:
    assert dispensable(opened(), deployment_intended("k1"), closed()) == ["k1"]


def test_what_is_deleted_is_not_deleted_again() -> None:
    events = (opened(), deployment_intended("k1"), deployment_created("k1"), closed(), deployment_deleted("k1"))

    assert dispensable(*events) == []


def test_a_new_loop_has_nothing_to_delete() -> None:
    assert dispensable() == []


def test_each_has_a_reason() -> None:
    state = state_after(opened(), deployment_intended("k1"), closed())

    assert dispensable_deployments(state, START, 24)[0].reason == "neither the champion nor the one to roll back to"


def ahead(*events: Event) -> dict[str, str]:
    return {each.name: each.reason for each in deletions_ahead(state_after(*events), "steel")}


def test_the_one_to_roll_back_to_is_announced_as_going_later() -> None:
    events = (opened(), deployment_intended("k1"), deployment_intended("k2", SECOND_MODEL))

    assert ahead(*events, switched(SECOND_MODEL, "k2", previous="k1"), closed()) == {
        "k1": "once its time to roll back to is over"
    }


def test_the_challenger_of_the_open_iteration_is_not_announced_as_going() -> None:
    mine, other = deployment_intended("steel-i0001"), deployment_intended("k0")

    assert ahead(opened(), mine, other) == {"k0": "neither champion nor the one before it"}


def test_a_base_model_is_not_announced_as_going() -> None:
    assert ahead(opened(), deployment_intended("base", BASE), closed()) == {}

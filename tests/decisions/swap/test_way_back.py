"""Where production goes back to, and what is known about bringing a model deployment back."""

from datetime import timedelta

import pytest

from data_contracts.errors import WrongInput
from data_contracts.ledger import Approved, ChampionSwitched, Event, RolledBack
from decisions.loop_state import LoopState
from decisions.swap.way_back import expected_minutes, last_turn_was_back, overtaken, recipe, way_back
from tests.decisions.builders import (
    BASE,
    FIRST_MODEL,
    SECOND_MODEL,
    closed,
    deployment_created,
    deployment_deleted,
    deployment_intended,
    entry,
    opened,
    state_after,
    switched,
)

BACK = RolledBack(
    to_iteration=1,
    model=FIRST_MODEL,
    model_deployment="k1",
    previous=SECOND_MODEL,
    previous_model_deployment="k2",
    why="any",
)
SECOND = ChampionSwitched(
    model=SECOND_MODEL, model_deployment="k2", previous=FIRST_MODEL, previous_model_deployment="k1"
)
TWICE = (opened(), switched(), closed(), opened(2), SECOND, closed(2))


def after(*events: Event) -> LoopState:
    return state_after(*events)


def test_by_default_it_goes_to_the_champion_that_the_present_one_replaced() -> None:
    back = way_back(after(*TWICE), None)

    assert (back.iteration, back.model, back.model_deployment) == (1, FIRST_MODEL, "k1")


def test_twice_by_default_does_not_lead_forward_again() -> None:
    with pytest.raises(WrongInput, match="The champion is the first one; there is none before it"):
        way_back(after(*TWICE, BACK), None)


def test_by_number_it_goes_to_any_champion_forward_too() -> None:
    assert way_back(after(*TWICE, BACK), 2).model == SECOND_MODEL


def test_what_never_was_champion_is_refused_with_those_that_were() -> None:
    with pytest.raises(WrongInput, match="No model of iteration 3 was ever champion; name one of 1, 2"):
        way_back(after(*TWICE, opened(3), closed(3)), 3)


def test_without_a_champion_there_is_no_way_back() -> None:
    with pytest.raises(WrongInput, match="There is no champion to roll back from"):
        way_back(LoopState(), None)


def test_the_state_follows_the_roll_back() -> None:
    state = after(*TWICE, BACK)

    assert state.champion == BACK.champion
    assert state.champion is not None
    assert (state.champion.model, state.champion.previous) == (FIRST_MODEL, SECOND_MODEL)


def test_a_decision_before_the_roll_back_is_overtaken_and_an_answer_after_it_is_not() -> None:
    yes = Approved(yes=True, reason="any")
    before = [entry(yes, 0, iteration=3), entry(BACK, 1, iteration=1)]

    assert overtaken(before, 3)
    assert not overtaken([*before, entry(yes, 2, iteration=3)], 3)
    assert not overtaken(before[:1], 3)


def test_the_last_turn_of_the_pointer_is_known() -> None:
    swap, back = entry(SECOND, 0, iteration=2), entry(BACK, 1, iteration=1)

    assert last_turn_was_back([swap, back]) == BACK
    assert last_turn_was_back([back, swap]) is None


def test_a_recipe_is_how_it_was_made_last() -> None:
    made = [
        entry(deployment_intended("k1", sku="DeveloperTier"), 0, iteration=1),
        entry(deployment_deleted("k1"), 1, iteration=1),
        entry(deployment_intended("k1"), 2, iteration=1),
        entry(deployment_deleted("k1"), 3, iteration=2),
    ]
    found = recipe(made, "k1")

    assert (found.iteration, found.intended.sku, found.intended.capacity) == (1, "GlobalStandard", 50)
    with pytest.raises(WrongInput, match="was ever called k7; the ledger knows k1"):
        recipe(made, "k7")


def test_the_time_is_the_median_of_the_loops_own_fine_tuned_models_else_the_usual_one() -> None:
    base = [entry(deployment_intended("b", BASE), 0), entry(deployment_created("b", BASE), 1)]
    tuned = [entry(deployment_intended("k1"), 2), entry(deployment_created("k1"), 3)]

    assert expected_minutes(base).minutes == 5
    assert expected_minutes([*base, *tuned]).minutes == timedelta(hours=1) / timedelta(minutes=1)

"""Another base model is tried on the held-out images, and nothing follows from it."""

import pytest

from cloud import lease
from cloud.errors import LeaseHeld
from data_contracts.errors import WrongInput
from data_contracts.ledger import CostBooked, SuccessorTried
from flows.improve_model import improve_model
from flows.try_successor import try_successor
from tasks.evaluation.trial import Trial
from tests.support.loops import LoopFolder

SUCCESSOR = "gpt-4o-2024-08-06"

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def decided(filled: LoopFolder) -> LoopFolder:
    """A loop whose first challenger was decided on."""
    improve_model(filled.name)
    return filled


@pytest.fixture(scope="module")
def trial(decided: LoopFolder) -> Trial:
    return try_successor(SUCCESSOR, decided.name)


def test_the_successor_answers_every_held_out_image(trial: Trial, decided: LoopFolder) -> None:
    version = decided.loop().state().held_out
    assert version is not None
    assert (trial.version, trial.images) == (version.version, version.images)


def test_it_stands_beside_the_base_model(trial: Trial) -> None:
    assert [each.role for each in trial.beside] == ["base model"]
    assert trial.beside[0].correct + trial.beside[0].wins - trial.beside[0].losses == trial.correct


def test_it_is_one_look_however_often_it_is_run(trial: Trial, decided: LoopFolder) -> None:
    entries = len(decided.loop().ledger.read())
    again = try_successor(SUCCESSOR, decided.name)

    assert again == trial
    assert len(decided.loop().ledger.read()) == entries
    assert decided.loop().state().uses_spent == 2


def test_its_answers_are_booked_and_its_deployment_is_gone(trial: Trial, decided: LoopFolder) -> None:
    loop = decided.loop()
    booked = [e.event for e in loop.ledger.read() if isinstance(e.event, CostBooked) and SUCCESSOR in e.event.subject]

    assert len(booked) == 1
    assert f"{loop.name}-trial" not in loop.state().deployments
    assert f"{loop.name}-trial" not in {each.name for each in loop.foundry.model_deployments()}


def test_it_promotes_nothing(trial: Trial, decided: LoopFolder) -> None:
    state = decided.loop().state()

    assert [each.model for each in state.trials] == [SUCCESSOR]
    assert state.champion is None
    assert "Nothing was promoted" in trial.lines[-1]


def test_a_fine_tuned_model_is_no_successor(decided: LoopFolder) -> None:
    tuned = "gpt-4.1-2025-04-14.ft-70ee3e37776e4428b20685fcd0728abb-k0"
    with pytest.raises(WrongInput, match="is fine-tuned; a trial is for base models"):
        try_successor(tuned, decided.name)


def test_an_unknown_model_is_refused_with_those_that_can_be_tried(decided: LoopFolder) -> None:
    with pytest.raises(WrongInput, match=f"'gpt-5' is not a model that is known; these can be tried: .*{SUCCESSOR}"):
        try_successor("gpt-5", decided.name)


def test_a_loop_without_a_held_out_version_has_nothing_to_try_it_on(loop_folder: LoopFolder) -> None:
    with pytest.raises(WrongInput, match="no held-out version yet"):
        try_successor(SUCCESSOR, loop_folder.name)


def test_it_waits_for_nobody(decided: LoopFolder) -> None:
    loop = decided.loop()
    with lease.held(loop.store, loop.name, "another run"), pytest.raises(LeaseHeld, match="another run"):
        try_successor(SUCCESSOR, decided.name)


def test_the_trial_stands_in_the_ledger(trial: Trial, decided: LoopFolder) -> None:
    (tried,) = [e for e in decided.loop().ledger.read() if isinstance(e.event, SuccessorTried)]

    assert tried.iteration is None
    assert isinstance(tried.event, SuccessorTried)
    assert tried.event.correct == trial.correct


def test_a_base_model_that_has_answered_is_not_asked_again_and_costs_no_use(decided: LoopFolder) -> None:
    before = decided.loop().state()
    base = before.iterations[0].opened.parent

    trial = try_successor(base, decided.name)

    after = decided.loop().state()
    assert trial.correct == before.iterations[0].evaluations[base].correct
    assert base not in {each.model for each in trial.beside}
    assert (after.looks, after.booked) == (before.looks, before.booked)
    assert "It had answered" in trial.lines[-1]
    assert "no look was counted" in trial.lines[-1]

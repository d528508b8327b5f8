"""Answers that were bought are asked for again only where that tells something."""

import pytest
from prefect import flow

from cloud import lease
from data_contracts.evaluation import Outcome
from data_contracts.ledger import CostBooked, Evaluated, HeldOutLookedAt, HeldOutVersionMade, IterationOpened
from data_contracts.policies import PromotionPolicy, TrainingPolicy
from tasks.contender import Contender
from tasks.datasets import freeze_dataset, held_out_in_force
from tasks.evaluation.evaluation import evaluate
from tasks.evaluation.looks import Pair
from tasks.evaluation.stored_answers import stored_evaluation
from tasks.iterations import close_iteration, take_up_iteration
from tasks.loop import Turn, connect
from tests.decisions.builders import PERSON
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

BASE, OTHER = "gpt-4.1-2025-04-14", "gpt-4o-2024-08-06"
CHAT = "/openai/v1/chat/completions"
TRAINING = TrainingPolicy(smallest_addition=20, settling_minutes=0.02)
SEVERE = PromotionPolicy(asked_again_share=0, largest_failure_share=0)
PATIENT = SEVERE.model_copy(update={"largest_failure_share": 0.5})


@flow(name="evaluate")
def evaluated(
    folder: str, policy: PromotionPolicy, completes: Pair | None = None, *, model: str = BASE, end: bool = False
) -> tuple[Evaluated, HeldOutVersionMade]:
    """The part of a turn that asks the base model, which ends the iteration where that is to *end*."""
    loop = connect(folder)
    with lease.held(loop.store, loop.name, "evaluate") as held:
        taken = take_up_iteration(folder, held.fence, TRAINING)
        assert taken.iteration is not None
        turn = Turn(folder=folder, iteration=taken.iteration, fence=held.fence)
        freeze_dataset(turn, TRAINING)
        version = held_out_in_force(turn, policy)
        base = Contender(model=model, model_deployment=f"{loop.name}-base", detail="low")
        found = evaluate(turn, version, base, policy, completes)
        if end:
            close_iteration(turn, "kept the champion", "for the test")
        return found, version


def failures(folder: LoopFolder, entry: Evaluated) -> set[str]:
    answers = stored_evaluation(folder.loop(), entry).answers
    return {answer.image for answer in answers if answer.outcome is Outcome.FAILED}


def calls(foundry: EmulatorProcess) -> int:
    """Answers that the emulator counts for its bill."""
    return sum(each["calls"] for each in foundry.meter()["model_deployments"])


def second_iteration(folder: LoopFolder) -> None:
    loop = folder.loop()
    opened = IterationOpened(number=2, reason="any", parent=BASE, champion=None, image_batches=1)
    loop.ledger.write(loop.authorship(PERSON), 2, opened)


def booked(folder: LoopFolder) -> list[CostBooked]:
    events = (each.event for each in folder.loop().ledger.read())
    return [each for each in events if isinstance(each, CostBooked) and each.what == "evaluation"]


def test_an_evaluation_that_lost_too_much_for_the_policy_asks_for_what_it_lost(
    copied: LoopFolder, foundry: EmulatorProcess
) -> None:
    foundry.fault(method="POST", path=CHAT, count=2, status=404, after=3)
    before, version = evaluated(copied.name, PATIENT)
    asked = calls(foundry)

    again, _ = evaluated(copied.name, SEVERE)

    assert (before.failed, len(failures(copied, before))) == (2, 2)
    assert (again.failed, again.images) == (0, version.images)
    assert calls(foundry) == asked + 2


def test_answers_of_an_earlier_iteration_are_known_and_their_times_are_not_compared(
    copied: LoopFolder, foundry: EmulatorProcess
) -> None:
    first, _ = evaluated(copied.name, SEVERE, end=True)
    second_iteration(copied)
    asked = calls(foundry)

    second, _ = evaluated(copied.name, SEVERE)

    assert first.median_ms is not None
    assert (second.correct, second.median_ms) == (first.correct, None)
    assert calls(foundry) == asked


def test_the_look_is_in_the_ledger_before_the_answers_that_complete_a_pair(copied: LoopFolder) -> None:
    evaluated(copied.name, SEVERE, (None, BASE))

    events = [each.event for each in copied.loop().ledger.read()]
    kinds = [type(each) for each in events if isinstance(each, (HeldOutLookedAt, Evaluated))]
    assert kinds == [HeldOutLookedAt, Evaluated]


def test_another_prompt_is_another_question_within_an_iteration_too_and_is_booked(
    copied: LoopFolder, foundry: EmulatorProcess
) -> None:
    _, version = evaluated(copied.name, SEVERE)
    asked = calls(foundry)
    settings = copied.path / "kaizen.toml"
    text = settings.read_text("utf-8")
    settings.write_text(
        text.replace("[foundry]", 'prompt = "Which defect? One of: {classes}."\n\n[foundry]', 1), "utf-8"
    )
    assert settings.read_text("utf-8") != text

    evaluated(copied.name, SEVERE)

    assert calls(foundry) == asked + version.images
    assert len(booked(copied)) == 2


def test_a_model_never_answers_in_the_name_of_another(copied: LoopFolder, foundry: EmulatorProcess) -> None:
    evaluated(copied.name, SEVERE, end=True)
    second_iteration(copied)

    evaluated(copied.name, SEVERE, model=OTHER)

    name = f"{copied.loop().name}-base"
    named = [each["model"] for each in foundry.meter()["model_deployments"] if each["name"] == name]
    assert named[-2:] == ["gpt-4.1", "gpt-4o"]
    assert copied.loop().state().deployments[name].model == OTHER

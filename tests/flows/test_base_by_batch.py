"""The base model answers by batch where the policy wants it: at half the price, once, and never for the latency."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from openai.types import Batch
from prefect import flow
from prefect.settings import PREFECT_API_URL

from cloud import lease
from data_contracts.batches import BATCH_TIER
from data_contracts.evaluation import Answer
from data_contracts.ledger import (
    BatchFinished,
    BatchIntended,
    BatchSubmitted,
    CostBooked,
    Evaluated,
    Event,
    ModelDeploymentDeleted,
    ModelDeploymentIntended,
)
from data_contracts.policies import PromotionPolicy, TrainingPolicy
from data_contracts.prices import current_prices
from decisions.costs import answer_cost
from deployments.servers import emulator_environment
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from tasks.contender import Contender
from tasks.datasets import freeze_dataset, held_out_in_force
from tasks.evaluation.batches import ask_by_batch
from tasks.evaluation.evaluation import evaluate
from tasks.evaluation.stored_answers import stored_evaluation
from tasks.iterations import take_up_iteration
from tasks.loop import Turn, connect
from tasks.training.model_choice import champion_or_base
from tasks.training.planning import plan_next
from tests.foundry_emulator.support import EmulatorProcess, running, until
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

BATCHES = "/openai/v1/batches"
BY_BATCH = PromotionPolicy(base_model_by_batch=True, validation_images=0, local_baseline="off", dry_run=True)
TRAINING = TrainingPolicy(smallest_addition=20, settling_minutes=0.02)
BASE = TRAINING.base_model
RUN = "import sys; from tests.flows.test_base_by_batch import ask_base; ask_base(sys.argv[1])"


@flow(name="ask_base")
def ask_base(folder: str, tuned: str | None = None) -> Evaluated | None:
    """The part of a turn that asks the base model; a fine-tuned model in its place is not asked but by batch."""
    loop = connect(folder)
    with lease.held(loop.store, loop.name, "ask_base") as held:
        taken = take_up_iteration(folder, held.fence, TRAINING)
        assert taken.iteration is not None
        turn = Turn(folder=folder, iteration=taken.iteration, fence=held.fence)
        freeze_dataset(turn, TRAINING)
        version = held_out_in_force(turn, BY_BATCH)
        base = champion_or_base(turn, TRAINING)
        assert base is not None
        contender = Contender(model=tuned, model_deployment="tuned", detail="low") if tuned else base
        ask_by_batch(turn, version, contender, BY_BATCH)
        return None if tuned else evaluate(turn, version, base, BY_BATCH)


def events(folder: LoopFolder) -> Sequence[Event]:
    return [entry.event for entry in folder.loop().ledger.read()]


def batches(folder: LoopFolder, foundry: EmulatorProcess) -> list[Batch]:
    """The batches that the service has of the loop's input files."""
    files = {each.input_file for each in events(folder) if isinstance(each, BatchIntended)}
    with foundry.client() as client:
        return [each for each in client.batches.list() if each.input_file_id in files]


def answers(folder: LoopFolder) -> Sequence[Answer]:
    return stored_evaluation(folder.loop(), folder.loop().iteration(1).evaluations[BASE]).answers


def booked(folder: LoopFolder) -> float:
    """What the base model's answers cost by the ledger."""
    costs = [each for each in events(folder) if isinstance(each, CostBooked) and each.what == "evaluation"]
    (cost,) = [each for each in costs if each.subject.startswith(f"{BASE} on")]
    return cost.usd


def price(given: Sequence[Answer]) -> float:
    """The full price of answers."""
    tokens = sum(each.prompt_tokens for each in given), sum(each.completion_tokens for each in given)
    usd = answer_cost(*tokens, BASE, current_prices())
    assert usd is not None
    assert usd > 0 or not given
    return usd


def deployed(folder: LoopFolder) -> dict[str, str]:
    """The tier of each model deployment that was ever announced, without the loop's name."""
    loop = folder.loop().name
    found = [each for each in events(folder) if isinstance(each, ModelDeploymentIntended)]
    return {each.name.removeprefix(loop): each.sku for each in found}


def test_a_turn_lets_a_batch_answer_for_the_base_model_and_a_second_run_buys_nothing(
    copied: LoopFolder, foundry: EmulatorProcess
) -> None:
    improve_model(copied.name, promotion=BY_BATCH)
    improve_model(copied.name, promotion=BY_BATCH)

    loop = copied.loop()
    iteration, given = loop.iteration(1), answers(copied)
    gone = {each.name.removeprefix(loop.name) for each in events(copied) if isinstance(each, ModelDeploymentDeleted)}
    assert len(given) == iteration.evaluations[BASE].images == len({each.image for each in given})
    assert all(each.by_batch and each.confidence is not None for each in given)
    assert iteration.evaluations[BASE].sku == BATCH_TIER
    assert booked(copied) == pytest.approx(price(given) / 2)
    assert deployed(copied) == {"-base-batch": BATCH_TIER, "-i0001-eval": "DeveloperTier"}
    assert gone == {"-base-batch", "-i0001-eval"}
    assert [each.status for each in batches(copied, foundry)] == ["completed"]
    assert iteration.decided is not None
    assert "latency not compared: the tiers differ (GlobalBatch and DeveloperTier)" in iteration.decided.remarks
    with foundry.client() as client:
        assert not [each for each in client.files.list() if each.purpose in ("batch", "batch_output")]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500, "after_work": True}, id="created, then answered 500"),
        pytest.param({"reset": True, "after_work": True}, id="created, then the connection was dropped"),
        pytest.param({"reset": True}, id="never arrived"),
        pytest.param({"status": 429}, id="refused for now"),
    ],
)
def test_exactly_one_batch_is_bought_whatever_becomes_of_the_answer(
    fault: dict[str, object], copied: LoopFolder, faults: EmulatorProcess
) -> None:
    faults.fault(method="POST", path=BATCHES, count=1, **fault)

    ask_base(copied.name)

    assert len(batches(copied, faults)) == 1
    assert all(each.by_batch for each in answers(copied))


def test_a_batch_whose_buyer_was_killed_is_found_by_its_input_file(copied: LoopFolder, faults: EmulatorProcess) -> None:
    faults.fault(method="POST", path=BATCHES, slow=60, after_work=True, count=1)
    environment = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    with subprocess.Popen([sys.executable, "-c", RUN, copied.name], env=environment, stderr=subprocess.DEVNULL) as run:
        until(lambda: run.poll() is not None or batches(copied, faults))
        run.send_signal(signal.SIGKILL)
    assert not [each for each in events(copied) if isinstance(each, BatchSubmitted)]

    ask_base(copied.name)

    (batch,) = batches(copied, faults)
    submitted = [each for each in events(copied) if isinstance(each, BatchSubmitted)]
    assert [(each.batch, each.found) for each in submitted] == [(batch.id, True)]
    assert all(each.by_batch for each in answers(copied))


def test_what_a_late_batch_has_not_answered_is_asked_directly_at_full_price(
    copied: LoopFolder, foundry: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.evaluation.batches.PATIENCE", timedelta(0))

    ask_base(copied.name)

    given = answers(copied)
    directly = [each for each in given if not each.by_batch]
    assert [each.status for each in batches(copied, foundry)] == ["cancelled"]
    assert directly
    assert booked(copied) == pytest.approx(price(directly) + price([each for each in given if each.by_batch]) / 2)


def test_where_azure_refuses_the_tier_it_is_said_once_and_the_base_model_is_asked_directly(
    copied: LoopFolder, faults: EmulatorProcess, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"{copied.loop().name}-base-batch"
    with faults.management() as control:
        control.deployments.begin_delete("group", "local", name, enforce_https=False).result()
    faults.fault(method="PUT", path=f"*/deployments/{name}", status=400)

    ask_base(copied.name)

    said = [each.getMessage() for each in caplog.records if "is not asked by batch but directly" in each.getMessage()]
    assert len(said) == 1
    assert booked(copied) == pytest.approx(price(answers(copied)))
    assert not [each for each in events(copied) if isinstance(each, BatchIntended)]
    assert deployed(copied) == {"-base-batch": BATCH_TIER, "-base": "GlobalStandard"}


def test_a_batch_that_the_service_does_not_take_is_not_asked_for_again(
    copied: LoopFolder, faults: EmulatorProcess
) -> None:
    faults.fault(method="POST", path=BATCHES, status=400, count=1)

    ask_base(copied.name)
    ask_base(copied.name)

    finished = [each for each in events(copied) if isinstance(each, BatchFinished)]
    assert [(each.batch, each.status) for each in finished] == [(None, "refused")]
    assert batches(copied, faults) == []
    assert booked(copied) == pytest.approx(price(answers(copied)))


def test_the_plan_forecasts_half_the_price_for_the_base_model_and_the_full_one_for_the_challenger(
    copied: LoopFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIZEN_PROMOTION__VALIDATION_IMAGES", "0")
    usual = plan_next(copied.loop(), TRAINING).forecast
    monkeypatch.setenv("KAIZEN_PROMOTION__BASE_MODEL_BY_BATCH", "true")
    by_batch = plan_next(copied.loop(), TRAINING).forecast

    assert usual is not None
    assert by_batch is not None
    assert by_batch.usd_of("evaluation") == pytest.approx((1 + 0.5) / 2 * usual.usd_of("evaluation"))


def test_a_fine_tuned_model_is_never_asked_by_batch(copied: LoopFolder) -> None:
    ask_base(copied.name, tuned=f"{BASE}.ft-0123456789abcdef0123456789abcdef")

    assert not [each for each in events(copied) if isinstance(each, BatchIntended | ModelDeploymentIntended)]


def test_a_batch_that_came_before_its_model_deployment_was_known_is_bought_anew(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.evaluation.batches.UNKNOWN_PAUSE", 1)
    with running(tmp_path / "emulator", "--deployment-propagation-seconds", "4") as emulator:
        for name, value in emulator_environment(emulator.address).items():
            monkeypatch.setenv(name, value)
        folder = LoopFolder.make(tmp_path / "loop")
        folder.deliver("one", sorted(images.glob("*/*")))
        ingest_images(folder.name)

        ask_base(folder.name)

        statuses = [each.status for each in batches(folder, emulator)]
    assert statuses.count("completed") == 1
    assert statuses.count("failed") == len(statuses) - 1 > 0
    assert all(each.by_batch for each in answers(folder))

"""An evaluation that is killed goes on where it was; one that lost answers asks for these again before it decides."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

import pytest
from prefect.settings import PREFECT_API_URL

from data_contracts.evaluation import Answer
from data_contracts.ledger import Evaluated
from data_contracts.policies import PromotionPolicy
from flows.improve_model import improve_model
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.evaluation.stored_answers import stored_evaluation
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

RUN = "import sys; from flows.improve_model import improve_model; improve_model(sys.argv[1])"
POLICY = PromotionPolicy(validation_images=0, local_baseline="off", when_inconclusive="ask")
ENOUGH = 10
"""Answers that have come when the run is killed."""


def folders(folder: LoopFolder) -> set[str]:
    """Where answers to held-out images are being kept."""
    loop = folder.loop()
    paths = loop.store.list(loop.path("answers"))
    return {path.rpartition("/")[0] for path in paths if "/answers/validation-" not in path}


def kept(folder: LoopFolder) -> Mapping[tuple[str, str], Answer]:
    """The answers in the journals, by folder and image."""
    store = folder.loop().store
    return {
        (where, image): answer
        for where in folders(folder)
        for image, answer in AnswerJournal(store, where).read().items()
    }


def evaluated(folder: LoopFolder) -> Mapping[tuple[str, str], Answer]:
    """The answers in finished evaluations, by folder and image."""
    loop = folder.loop()
    entries = [e.event for e in loop.ledger.read() if isinstance(e.event, Evaluated)]
    return {
        (each.path.rpartition("/")[0], answer.image): answer
        for each in entries
        for answer in stored_evaluation(loop, each).answers
    }


def _images(folder: LoopFolder) -> int:
    version = folder.loop().state().held_out
    assert version is not None
    return version.images


def test_what_a_killed_evaluation_had_received_is_not_bought_again(ready: LoopFolder, faults: EmulatorProcess) -> None:
    faults.fault(path="/openai/v1/chat/*", slow=0.2)
    environment = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    with subprocess.Popen([sys.executable, "-c", RUN, ready.name], env=environment, stderr=subprocess.DEVNULL) as run:
        while len(kept(ready)) < ENOUGH:
            assert run.poll() is None, "the run ended before it could be killed"
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
    received = kept(ready)
    faults.ask("DELETE", "/emulator/faults")

    improve_model(ready.name)

    # the time that an answer took says whether it is the same one
    again = evaluated(ready)
    assert {key: again[key].latency_ms for key in received} == {key: each.latency_ms for key, each in received.items()}


def test_lost_answers_are_asked_for_again_before_anything_is_decided(
    ready: LoopFolder, faults: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("cloud.azure_answers.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("cloud.azure_answers.LONGEST_PAUSE", 0.001)
    faults.fault(path="/openai/v1/chat/*", status=500, probability=0.75, seed=3, after=2)

    improve_model(ready.name, promotion=POLICY)

    state = ready.loop().state()
    lost = [answer for answer in evaluated(ready).values() if answer.failure is not None]
    assert "were lost: Azure OpenAI answered 500" in caplog.text
    assert len(lost) <= 2 * POLICY.largest_failure_share * _images(ready)
    assert len(state.looks) == 1

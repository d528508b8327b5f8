"""A fine-tuning job is bought exactly once, whatever the network loses and whoever is killed."""

import os
import signal
import subprocess
import sys

import pytest
from prefect.settings import PREFECT_API_URL

from data_contracts.ledger import TrainingIntended, TrainingSubmitted
from flows.improve_model import improve_model
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.loops import LoopFolder
from tests.support.proxy import Nth, lossy

pytestmark = pytest.mark.usefixtures("prefect_server")


def jobs_of(folder: LoopFolder, foundry: EmulatorProcess) -> int:
    """How many jobs the emulator has for the loop's intents."""
    suffixes = {each.suffix for each in intents(folder)}
    with foundry.client() as client:
        return sum((job.model_extra or {}).get("suffix") in suffixes for job in client.fine_tuning.jobs.list())


def intents(folder: LoopFolder) -> list[TrainingIntended]:
    return [e.event for e in folder.loop().ledger.read() if isinstance(e.event, TrainingIntended)]


def submissions(folder: LoopFolder) -> list[TrainingSubmitted]:
    return [e.event for e in folder.loop().ledger.read() if isinstance(e.event, TrainingSubmitted)]


def test_a_lost_answer_is_looked_for_and_not_bought_again(
    ready: LoopFolder, foundry: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lossy(foundry.address, Nth("answer")) as address:
        monkeypatch.setenv("KAIZEN_FOUNDRY__ENDPOINT", f"{address}/openai/v1/")
        result = improve_model(ready.name)

    assert result.iteration == 1
    assert (jobs_of(ready, foundry), len(intents(ready)), len(submissions(ready))) == (1, 1, 1)


@pytest.mark.slow
def test_a_request_that_never_arrived_is_made_again_after_the_settling_time(
    ready: LoopFolder, foundry: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = Nth("request")
    with lossy(foundry.address, loss) as address:
        monkeypatch.setenv("KAIZEN_FOUNDRY__ENDPOINT", f"{address}/openai/v1/")
        improve_model(ready.name)

    assert loss.count == 2
    assert (jobs_of(ready, foundry), len(intents(ready)), len(submissions(ready))) == (1, 2, 1)


RUN = "import sys; from flows.improve_model import improve_model; improve_model(sys.argv[1])"


@pytest.mark.slow
def test_a_run_killed_while_it_buys_is_taken_up_where_it_stood(ready: LoopFolder, foundry: EmulatorProcess) -> None:
    running: list[subprocess.Popen[bytes]] = []
    with lossy(foundry.address, Nth("answer", then=lambda: running[0].send_signal(signal.SIGKILL))) as address:
        environment = {
            **os.environ,
            "KAIZEN_FOUNDRY__ENDPOINT": f"{address}/openai/v1/",
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        }
        running.append(subprocess.Popen([sys.executable, "-c", RUN, ready.name], env=environment))
        assert running[0].wait(120) == -signal.SIGKILL
    assert (len(intents(ready)), len(submissions(ready))) == (1, 0)

    result = improve_model(ready.name)

    assert result.iteration == 1
    assert jobs_of(ready, foundry) == 1
    assert [each.found for each in submissions(ready)] == [True]

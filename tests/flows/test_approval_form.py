"""The form in the Prefect UI: runs of a deployment are suspended, answered over the API, and go on in new processes."""

import os
import subprocess
import sys
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments.runner import RunnerDeployment
from prefect.settings import get_current_settings
from prefect.types.entrypoint import EntrypointType

from data_contracts.ledger import Approved, ChampionSwitched
from deployments.answering import answer_for_person
from flows.improve_model import improve_model
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")
YES = {"verdict": "promote", "name": "Ines", "reason": "checked 50 images", "until": "2999-01-31"}
NO = {"verdict": "keep", "name": "Ines", "reason": "too few scratches", "until": ""}
ASKING = {"when_inconclusive": "ask", "smallest_held_out": 100_000, "validation_images": 0}


class Served:
    """A loop whose `improve_model` is deployed; each run of a process ends where the flow ends or is suspended."""

    def __init__(self, folder: LoopFolder) -> None:
        self.folder = folder
        parameters = {"folder": folder.name, "promotion": ASKING}
        deployment = RunnerDeployment.from_flow(
            improve_model,
            folder.loop().name,
            parameters=parameters,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        applied = deployment.apply()
        assert isinstance(applied, UUID)
        self.deployment = applied

    def start(self, **promotion: object) -> UUID:
        """A new run, as the schedule makes one, until its process ends."""
        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(
                self.deployment, parameters={"folder": self.folder.name, "promotion": {**ASKING, **promotion}}
            )
        self.process(run.id)
        return run.id

    def process(self, run: UUID) -> None:
        """Execute a scheduled *run* in a process of its own."""
        own = get_current_settings().to_environment_variables(exclude_unset=True)
        own |= {"PREFECT__FLOW_RUN_ID": str(run)}
        command = [sys.executable, "-m", "prefect.engine"]
        ended = subprocess.run(command, env=os.environ | own, check=False, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr[-3000:]

    def answer(self, run: UUID, given: dict[str, str]) -> str:
        """Fill in the form; returns what the server makes of it."""
        with get_client(sync_client=True) as client:
            return str(client.resume_flow_run(run, run_input=given).status.value)

    def state(self, run: UUID) -> str:
        """Name of the run's state."""
        return self.read(run).state_name or ""

    def read(self, run: UUID) -> FlowRun:
        with get_client(sync_client=True) as client:
            return client.read_flow_run(run)

    def entries(self, event: type) -> list[object]:
        """The ledger's events of a kind."""
        return [each.event for each in self.folder.loop().ledger.read() if isinstance(each.event, event)]


@pytest.fixture
def asked(ready: LoopFolder) -> tuple[Served, UUID]:
    """A deployment with one run that waits for a person."""
    served = Served(ready)
    run = served.start()
    assert served.state(run) == "Suspended"
    return served, run


def test_a_yes_on_the_form_switches_the_champion_once(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    assert served.answer(run, {**YES, "name": " "}) == "REJECT"
    assert served.answer(run, YES) == "ACCEPT"
    served.process(run)

    actor = next(each.actor for each in served.folder.loop().ledger.read() if isinstance(each.event, Approved))
    assert (actor.name, actor.established) == ("Ines", "claimed")
    assert (served.state(run), len(served.entries(ChampionSwitched))) == ("Completed", 1)


@pytest.mark.slow
def test_a_day_that_is_over_asks_again_and_a_no_keeps_everything(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    served.answer(run, {**YES, "until": "2020-01-31"})
    served.process(run)
    assert (served.state(run), served.entries(Approved)) == ("Suspended", [])

    served.answer(run, NO)
    served.process(run)
    assert (served.state(run), served.entries(ChampionSwitched)) == ("Completed", [])


@pytest.mark.slow
def test_a_second_run_finds_the_form_that_waits(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    second = served.start()

    assert (served.state(second), served.state(run)) == ("Completed", "Suspended")


def test_kaizen_approve_lets_the_suspended_run_go_on(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    said = answer_for_person(served.folder.path, 1, yes=True, why="fine", until=None)
    served.process(run)

    assert said == f"Iteration 1: yes, in the ledger. Run {served.read(run).name} goes on"
    assert (served.state(run), len(served.entries(Approved)), len(served.entries(ChampionSwitched))) == (
        "Completed", 1, 1,
    )  # fmt: skip


@pytest.mark.slow
def test_no_answer_in_time_is_not_a_yes_and_is_asked_anew(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    second = served.start(approval_days=1e-6)

    told = served.read(run).state
    assert told is not None
    assert (told.name, (told.message or "").startswith("No answer within 1e-06 days, which is not a yes")) == (
        "Cancelled", True,
    )  # fmt: skip
    assert (served.state(second), served.entries(Approved)) == ("Suspended", [])

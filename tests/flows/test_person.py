"""A person decides in the Prefect UI: what the form asks, what its answer does, and what happens without one."""

import os
import subprocess
import sys
from collections.abc import Mapping
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments.runner import RunnerDeployment
from prefect.settings import PREFECT_API_URL
from prefect.types.entrypoint import EntrypointType

from data_contracts.ledger import Actor, Approved
from deployments.approve import resume_waiting
from flows.improve_model import improve_model
from tasks.gate.approvals import approve
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

YES = {"verdict": "promote", "name": "Ines", "reason": "looked at fifty", "until": "2031-01-31"}


def deployed(folder: LoopFolder) -> UUID:
    """The flow as `kaizen up` serves it; returns the id of the Prefect deployment."""
    made = RunnerDeployment.from_flow(
        improve_model,
        folder.loop().name,
        parameters={"folder": folder.name},
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    id_ = made.apply()
    assert isinstance(id_, UUID)
    return id_


def run(deployment: UUID) -> FlowRun:
    """A new run of the Prefect deployment, executed as a runner does it until it ends or is suspended."""
    with get_client(sync_client=True) as client:
        created = client.create_flow_run_from_deployment(deployment)
    return executed(created.id)


def executed(id_: UUID) -> FlowRun:
    environment = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value()), "PREFECT__FLOW_RUN_ID": str(id_)}
    subprocess.run([sys.executable, "-m", "prefect.engine"], env=environment, check=False, timeout=240)
    with get_client(sync_client=True) as client:
        return client.read_flow_run(id_)


def answer(waiting: FlowRun, given: Mapping[str, str]) -> FlowRun:
    """Answer the form as the UI does, and let a runner go on."""
    with get_client(sync_client=True) as client:
        told = client.resume_flow_run(waiting.id, run_input=dict(given))
    assert told.status.value == "ACCEPT", told
    return executed(waiting.id)


@pytest.fixture
def asked(ready: LoopFolder) -> tuple[LoopFolder, UUID, FlowRun]:
    """A loop whose run waits for a person, and the Prefect deployment it is of."""
    deployment = deployed(ready)
    return ready, deployment, run(deployment)


def test_a_yes_in_the_form_promotes_once_and_is_only_claimed(asked: tuple[LoopFolder, UUID, FlowRun]) -> None:
    folder, deployment, waiting = asked
    assert waiting.state is not None
    assert waiting.state.name == "Suspended"
    second = run(deployment)
    assert second.state is not None
    assert second.state.name == "Completed"

    ended = answer(waiting, YES)

    entries = folder.loop().ledger.read()
    (said,) = [entry for entry in entries if isinstance(entry.event, Approved)]
    assert ended.state is not None
    assert ended.state.name == "Completed"
    assert (said.actor.name, said.actor.established) == ("Ines", "claimed")
    assert [entry.kind for entry in entries].count("champion switched") == 1


def test_an_answer_by_command_counts_and_the_form_comes_second(asked: tuple[LoopFolder, UUID, FlowRun]) -> None:
    folder, _, waiting = asked
    actor, said = Actor(name="omar", established="command line"), Approved(yes=False, reason="too few images")
    approve(folder.loop(), 1, said, actor)

    assert resume_waiting(folder.path, said, actor) == waiting.name
    executed(waiting.id)

    state = folder.loop().state()
    assert state.champion is None
    assert state.iterations[0].approved_by == "omar"
    assert state.iterations[0].closed is not None


def test_a_form_without_a_name_or_reason_is_not_taken(asked: tuple[LoopFolder, UUID, FlowRun]) -> None:
    _, _, waiting = asked
    with get_client(sync_client=True) as client:
        told = client.resume_flow_run(waiting.id, run_input={**YES, "name": ""})

    assert told.status.value == "REJECT"

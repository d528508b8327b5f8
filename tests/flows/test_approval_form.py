"""The form in the Prefect UI: runs of a deployment are suspended, answered over the API, and go on in new processes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments.runner import RunnerDeployment
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings
from prefect.types.entrypoint import EntrypointType

from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor, Approved, ChampionSwitched, IterationClosed
from deployments.answering import answer_for_person
from deployments.servers import servers
from flows.improve_model import improve_model
from tasks.gate.approvals import approve
from tests.support.artifacts import artifacts_of
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")
YES = {"verdict": "promote", "name": "Ines", "reason": "checked 50 images", "until": "2999-01-31"}
NO = {"verdict": "keep", "name": "Ines", "reason": "too few scratches", "until": ""}
ASKING = {"when_inconclusive": "ask", "smallest_held_out": 100_000, "validation_images": 0}
SECOND = 1 / 86400
BY_COMMAND = Actor(name="Olga", established="command line")


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

    def begin(self, run: UUID) -> "subprocess.Popen[str]":
        """A process of its own that executes a scheduled *run*."""
        own = get_current_settings().to_environment_variables(exclude_unset=True)
        own |= {"PREFECT__FLOW_RUN_ID": str(run)}
        command = [sys.executable, "-m", "prefect.engine"]
        return subprocess.Popen(command, env=os.environ | own, stdout=-1, stderr=-1, text=True)

    def process(self, run: UUID) -> None:
        """Execute a scheduled *run* until its process ends."""
        process = self.begin(run)
        _, complaints = process.communicate()
        assert process.returncode == 0, complaints[-3000:]

    def answer(self, run: UUID, given: dict[str, str]) -> str:
        """Fill in the form; returns what the server makes of it."""
        with get_client(sync_client=True) as client:
            return str(client.resume_flow_run(run, run_input=given).status.value)

    def state(self, run: UUID) -> str:
        """Name of the run's state."""
        return self.read(run).state_name or ""

    def told(self, run: UUID) -> str:
        """What the UI says of the run's state."""
        state = self.read(run).state
        return (state.message if state else None) or ""

    def form(self, run: UUID, number: int) -> str:
        """What stands above the run's form."""
        with get_client(sync_client=True) as client:
            found = client.filter_flow_run_input(run, f"suspended-iteration-1-{number}-description", 1, set())
        return str(found[0].decoded_value)

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


@pytest.fixture
def whole_server(tmp_path: Path) -> Iterator[str]:
    """Address of a Prefect server as `kaizen up` starts it: unlike that of the session, it ends forms in time."""
    with servers(tmp_path / "up", emulator_port=None) as running:
        address = running.addresses().prefect
        with temporary_settings({PREFECT_API_URL: f"{address}/api"}):
            yield address


def until(what: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"still waiting after {seconds:g} s"
        time.sleep(0.002)


def test_a_yes_on_the_form_switches_the_champion_once(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    report = next(each.id for each in artifacts_of(served.folder.loop().name) if (each.key or "").endswith("-decision"))
    assert f"/artifacts/artifact/{report})" in served.form(run, 1)
    assert served.answer(run, {**YES, "name": " "}) == "REJECT"
    assert served.answer(run, YES) == "ACCEPT"
    served.process(run)

    actor = next(each.actor for each in served.folder.loop().ledger.read() if isinstance(each.event, Approved))
    assert (actor.name, actor.established) == ("Ines", "claimed")
    assert (served.state(run), len(served.entries(ChampionSwitched))) == ("Completed", 1)
    assert served.told(run).startswith("Iteration 1: promoted: ")
    assert served.told(run).endswith("; answered yes: checked 50 images")
    assert served.answer(run, NO) == "ABORT"
    first = r"the first one counts: Ines \(claimed\) said yes on \d{4}-\d\d-\d\d at [\d:]{8} UTC: checked 50 images"
    with pytest.raises(WrongInput, match=first):
        answer_for_person(served.folder.path, 1, yes=False, why="no", until=None)


@pytest.mark.slow
def test_a_day_that_is_over_asks_again_and_a_no_keeps_everything(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    served.answer(run, {**YES, "until": "2020-01-31"})
    served.process(run)
    assert (served.state(run), served.entries(Approved)) == ("Suspended", [])
    assert served.form(run, 2).startswith("**Please answer again. The answer promote of Ines ")

    served.answer(run, NO)
    served.process(run)
    assert (served.state(run), served.entries(ChampionSwitched)) == ("Completed", [])


def test_a_second_run_names_the_run_whose_form_waits_and_publishes_nothing(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    published = len(artifacts_of(served.folder.loop().name))
    second = served.start()

    assert (served.state(second), served.state(run)) == ("Completed", "Suspended")
    assert served.told(second).startswith("Iteration 1: waits for a person: ")
    assert served.told(second).endswith(
        f"; run {served.read(run).name} waits for the answer: Resume in the Prefect UI (V2: behind the three dots), "
        'or kaizen approve 1 --yes|--no --why "…"'
    )
    assert published > 0
    assert len(artifacts_of(served.folder.loop().name)) == published


def test_kaizen_approve_lets_the_suspended_run_go_on(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    said = answer_for_person(served.folder.path, 1, yes=True, why="fine", until=None)
    served.process(run)

    assert said == f"Iteration 1: yes, in the ledger. Run {served.read(run).name} goes on"
    assert (served.state(run), len(served.entries(Approved)), len(served.entries(ChampionSwitched))) == (
        "Completed", 1, 1,
    )  # fmt: skip
    assert served.told(run).endswith("; answered yes: fine")


@pytest.mark.slow
def test_an_answer_on_the_form_that_comes_second_is_told_who_was_first(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    served.answer(run, YES)
    approve(served.folder.loop(), 1, Approved(yes=False, reason="blurred"), BY_COMMAND)
    served.process(run)

    assert (served.state(run), served.entries(ChampionSwitched)) == ("Completed", [])
    assert re.search(
        rf"; answered no: blurred; The answer promote of Ines on the form of run {served.read(run).name} does not "
        r"count: Iteration 1 .*the first one counts: Olga \(command line\) said no on \S+ at \S+ UTC: blurred$",
        served.told(run),
    )


@pytest.mark.slow
def test_a_form_is_withdrawn_when_another_run_carries_out_the_answer(asked: tuple[Served, UUID]) -> None:
    served, run = asked
    approve(served.folder.loop(), 1, Approved(yes=True, reason="sharp"), BY_COMMAND)
    second = served.start()

    assert (served.state(second), len(served.entries(ChampionSwitched))) == ("Completed", 1)
    assert served.state(run) == "Cancelled"
    assert served.told(run).startswith("Not needed any more: Olga (command line) said yes on ")


@pytest.mark.slow
def test_no_answer_in_time_is_not_a_yes_and_is_asked_anew(whole_server: str, ready: LoopFolder) -> None:
    served = Served(ready)
    late = served.start(approval_days=SECOND)
    until(lambda: served.state(late) == "Failed")
    assert served.answer(late, YES) == "ABORT"
    again = served.start()

    assert (served.state(again), served.entries(Approved)) == ("Suspended", [])
    assert served.form(again, 1).startswith(
        f"**Nobody answered in time on the form of run {served.read(late).name}, which is not a yes.**"
    )
    served.answer(again, YES)
    served.process(again)
    assert (served.state(again), len(served.entries(ChampionSwitched))) == ("Completed", 1)


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True], ids=["before the ledger knows", "after the ledger knows"])
def test_an_answer_survives_the_killed_run_and_is_carried_out_once(asked: tuple[Served, UUID], *, known: bool) -> None:
    served, run = asked
    served.answer(run, YES)
    with served.begin(run) as process:
        until(lambda: bool(served.entries(Approved)) if known else served.state(run) == "Running")
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert (process.returncode, len(served.entries(Approved))) == (-signal.SIGKILL, int(known))
    assert (served.entries(ChampionSwitched), served.entries(IterationClosed)) == ([], [])

    second, third = served.start(), served.start()

    assert (served.state(second), served.state(third)) == ("Completed", "Completed")
    assert served.told(second).endswith("; answered yes: checked 50 images")
    approved = [each.actor for each in served.folder.loop().ledger.read() if isinstance(each.event, Approved)]
    assert approved == [Actor(name="Ines", established="claimed")]
    assert (len(served.entries(ChampionSwitched)), len(served.entries(IterationClosed))) == (1, 1)

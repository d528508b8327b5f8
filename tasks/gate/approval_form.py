"""The form on which a person answers in the Prefect UI: a run of a deployment is suspended until it is filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Literal
from uuid import UUID

from prefect import get_client, suspend_flow_run
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import ArtifactSort, FlowRunSort
from prefect.input import RunInput
from prefect.runtime import deployment, flow_run
from prefect.settings import PREFECT_UI_URL
from prefect.states import Cancelled
from pydantic import Field

from cloud.clock import system_time
from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor, Approved
from tasks.gate.approvals import answered, approve, day
from tasks.loop import Loop, Turn, connect
from tasks.reporting.form_text import form_text

FLOW = "improve_model"
WORDS = r"\S"
MOST_INPUTS = 200


class PersonsAnswer(RunInput):
    """Your answer decides whether the challenger becomes champion; name and reason are needed."""

    verdict: Literal["promote", "keep"] = Field(
        title="Verdict", description="promote: the challenger becomes champion. keep: everything stays as it is."
    )
    name: str = Field(
        pattern=WORDS, title="Your name", description="Goes into the ledger as claimed: this form proves nobody."
    )
    reason: str = Field(pattern=WORDS, title="Why", description="What your answer rests on; goes into the ledger.")
    until: str = Field(
        "",
        pattern=r"^(\d{4}-\d{2}-\d{2})?$",
        title="Until",
        description="Day on which a promotion is to be looked at again, such as 2027-01-31; empty for none.",
    )


@dataclass(frozen=True)
class _Form:
    """A run that asked about an iteration, and what was filled in on its forms, in that order."""

    run: FlowRun
    asked: int
    answers: tuple[PersonsAnswer, ...]

    @property
    def until(self) -> datetime | None:
        """When the server stops waiting."""
        return self.run.state.state_details.pause_timeout if self.run.state else None

    @property
    def waits(self) -> bool:
        """Whether it can still be filled in; the server needs seconds to end a form whose time is over."""
        paused = self.run.state is not None and self.run.state.is_paused()
        return paused and (self.until is None or self.until > system_time())

    @property
    def expired(self) -> bool:
        """Whether nobody answered in time."""
        state = self.run.state
        return state is not None and (state.is_failed() or state.is_paused()) and not (self.waits or self.answers)


def take_answer(turn: Turn) -> str:
    """Write into the ledger what a person filled in on a form, be it one whose run was killed before it could.

    Returns why the last answer does not count; empty where it does, or there is none.
    """
    amiss = ""
    for form in _forms(turn):
        for given in form.answers:
            amiss = _record(turn, given, form.run.name)
    return amiss


def form_that_waits(turn: Turn) -> str | None:
    """Name of the run whose form about the iteration can still be filled in."""
    return next((form.run.name for form in _forms(turn) if form.waits), None)


def ask_on_form(turn: Turn, days: float, amiss: str) -> None:
    """Suspend this run for at most *days* until a person filled in the form, and tell there what was *amiss* before.

    To be called by the flow itself, which is left here, and run from the top when the answer came. A form that nobody
    answers in time ends its run as failed: no answer is not a yes. Outside a Prefect deployment nothing is asked.
    """
    if deployment.id is None:
        return
    loop, forms = connect(turn.folder), _forms(turn)
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(flow_run.id), tags={*flow_run.tags, _tag(loop, turn.iteration)})
    wait = timedelta(seconds=ceil(timedelta(days=days).total_seconds()))
    text = form_text(loop, turn.iteration, system_time() + wait, _report_page(loop))
    before = "".join(f"**{each}**\n\n" for each in _before(forms, amiss))
    asked = next((form.asked for form in forms if str(form.run.id) == flow_run.id), 0)
    suspend_flow_run(
        wait_for_input=PersonsAnswer.with_initial_data(description=before + text),
        timeout=int(wait.total_seconds()),
        # A key that was used before would not suspend the run again.
        key=f"iteration-{turn.iteration}-{asked + 1}",
    )


def withdraw_forms(turn: Turn) -> None:
    """End the runs that still wait for an answer which is in the ledger by now."""
    told = answered(connect(turn.folder).iteration(turn.iteration))
    with get_client(sync_client=True) as client:
        for form in _forms(turn):
            if form.waits:
                client.set_flow_run_state(form.run.id, Cancelled(message=f"Not needed any more: {told}"))


def resume_forms(folder: str, iteration: int, answer: Mapping[str, str]) -> list[str]:
    """Let the runs of the loop in *folder* that wait for a person go on with the *answer*; returns their names."""
    waiting = [form.run for form in _forms(Turn(folder=folder, iteration=iteration, fence=0)) if form.waits]
    with get_client(sync_client=True) as client:
        return [run.name for run in waiting if _resumed(client, run.id, answer)]


def _resumed(client: SyncPrefectClient, run: UUID, answer: Mapping[str, str]) -> bool:
    return str(client.resume_flow_run(run, run_input=dict(answer)).status.value) == "ACCEPT"


def _record(turn: Turn, given: PersonsAnswer, run: str) -> str:
    """Write the answer into the ledger, unless it is there; returns why it does not count, or nothing."""
    loop, actor = connect(turn.folder), Actor(name=given.name.strip(), established="claimed")
    said = (given.verdict == "promote", given.reason.strip())
    try:
        until = day(given.until) if given.until else None
        approve(loop, turn.iteration, Approved(yes=said[0], reason=said[1], until=until), actor)
    except WrongInput as error:
        iteration = loop.iteration(turn.iteration)
        known = iteration.approved
        if known is not None and (known.yes, known.reason, iteration.approved_by) == (*said, actor.name):
            return ""
        return f"The answer {given.verdict} of {actor.name} on the form of run {run} does not count: {error}"
    return ""


def _before(forms: list[_Form], amiss: str) -> list[str]:
    """What the form tells of those before it."""
    expired = [form.run.name for form in forms if form.expired]
    told = [f"Nobody answered in time on the form of run {', '.join(expired)}, which is not a yes."] if expired else []
    return [*told, f"Please answer again. {amiss}."] if amiss else told


def _forms(turn: Turn) -> list[_Form]:
    """The runs that asked about the iteration, the oldest first."""
    loop = connect(turn.folder)
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW])),
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[_tag(loop, turn.iteration)])),
            sort=FlowRunSort.START_TIME_ASC,
        )
        # A server may know several folders with loops of one name.
        ours = [run for run in runs if Path(str(run.parameters.get("folder", "."))).resolve() == loop.folder]
        return [_read(client, run, turn.iteration) for run in ours]


def _read(client: SyncPrefectClient, run: FlowRun, iteration: int) -> _Form:
    prefix = f"suspended-iteration-{iteration}-"
    found = client.filter_flow_run_input(run.id, prefix, MOST_INPUTS, set())
    kinds = {each.key.removeprefix(prefix): each.decoded_value for each in found}
    given = sorted((int(key.removesuffix("-response")), key) for key in kinds if key.endswith("-response"))
    return _Form(
        run=run,
        asked=sum(key.endswith("-schema") for key in kinds),
        answers=tuple(PersonsAnswer(**kinds[key]) for _, key in given),
    )


def _report_page(loop: Loop) -> str | None:
    """Address in the UI of the newest report of a decision; None where none is known."""
    key = ArtifactFilter(key=ArtifactFilterKey(any_=[f"{loop.name}-decision"]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=key, sort=ArtifactSort.CREATED_DESC, limit=1)
    home = PREFECT_UI_URL.value()
    return f"{home}/artifacts/artifact/{found[0].id}" if found and home else None


def _tag(loop: Loop, iteration: int) -> str:
    """By it the runs that asked are found, whatever became of them; the UI shows it too."""
    return f"{loop.name}: iteration {iteration} asks a person"

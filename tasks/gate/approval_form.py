"""The form on which a person answers in the Prefect UI: a run of a deployment is suspended until it is filled in."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from prefect import get_client, suspend_flow_run
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.input import RunInput
from prefect.runtime import deployment
from prefect.states import Cancelled
from pydantic import Field

from cloud.clock import system_time
from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor, Approved
from tasks.gate.approvals import approve, day
from tasks.loop import Turn, connect
from tasks.reporting.form_text import form_text

FLOW = "improve_model"
WORDS = r"\S"


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
        title="Until (optional)",
        description="Day on which a promotion is to be looked at again, such as 2027-01-31; empty for none.",
    )


def ask_on_form(turn: Turn, days: float) -> str:
    """Suspend this run until a person filled in the form, then write the answer into the ledger.

    To be called by the flow itself. Outside a Prefect deployment nothing is asked. Returns in a few words where
    the answer is waited for; empty when it came, or when there is no form.
    """
    if deployment.id is None:
        return ""
    there = _form_that_waits(turn, days)
    if there is not None:
        return f"; answer on the form of run {there} in the Prefect UI"
    complaint: str | None = ""
    attempt = 0
    while complaint is not None:
        attempt += 1
        # The key names the question: a run that starts anew finds by it what was answered before.
        form = PersonsAnswer.with_initial_data(description=_description(turn, complaint))
        given = suspend_flow_run(wait_for_input=form, key=f"iteration-{turn.iteration}-{attempt}")
        complaint = _record(turn, given)
    return ""


def resume_forms(folder: str, answer: Mapping[str, str]) -> list[str]:
    """Let the runs of the loop in *folder* that wait for a person go on with the *answer*; returns their names."""
    with get_client(sync_client=True) as client:
        found = _suspended(client, folder)
        return [run.name for run in found if _resumed(client, run.id, answer)]


def _resumed(client: Any, run: UUID, answer: Mapping[str, str]) -> bool:
    return str(client.resume_flow_run(run, run_input=dict(answer)).status.value) == "ACCEPT"


def _record(turn: Turn, given: PersonsAnswer) -> str | None:
    """Write the answer into the ledger, unless there is one; returns what is wrong with it, or None."""
    loop, actor = connect(turn.folder), Actor(name=given.name.strip(), established="claimed")
    try:
        until = day(given.until) if given.until else None
        said = Approved(yes=given.verdict == "promote", reason=given.reason.strip(), until=until)
        approve(loop, turn.iteration, said, actor)
    except WrongInput as error:
        return str(error) if loop.iteration(turn.iteration).approved is None else None
    return None


def _form_that_waits(turn: Turn, days: float) -> str | None:
    """Name of the run whose form waits already; forms older than *days* are withdrawn, which is not a yes."""
    with get_client(sync_client=True) as client:
        for run in _suspended(client, turn.folder):
            since = run.state.timestamp if run.state else None
            if since is None or system_time() - since <= timedelta(days=days):
                return run.name
            told = f"No answer within {days:g} days, which is not a yes: iteration {turn.iteration} is asked anew"
            client.set_flow_run_state(run.id, Cancelled(message=told))
    return None


def _suspended(client: Any, folder: str) -> list[FlowRun]:
    paused = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    runs = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW])), flow_run_filter=FlowRunFilter(state=paused)
    )
    home = Path(folder).resolve()
    return [run for run in runs if Path(str(run.parameters.get("folder", "."))).resolve() == home]


def _description(turn: Turn, complaint: str) -> str:
    text = form_text(connect(turn.folder), turn.iteration)
    return f"**Please answer again:** {complaint}\n\n{text}" if complaint else text

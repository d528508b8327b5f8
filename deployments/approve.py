"""`kaizen approve`: a person's answer in the ledger, and the run that waits for it in the Prefect UI goes on."""

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.ledger import Actor, Approved
from deployments.commands import QUIET
from deployments.kept_servers import use_servers_of
from tasks.gate.approvals import approve, day
from tasks.loop import connect

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun


def answer(folder: Path, iteration: int, *, yes: bool, why: str, until: str | None) -> str:
    """Write the answer into the ledger and let a suspended run go on; returns what to print.

    Raises WrongInput where nobody asks, or the answer cannot be.
    """
    said = Approved(yes=yes, reason=why, until=day(until) if until else None)
    actor = Actor(name=getpass.getuser(), established="command line")
    approve(connect(str(folder)), iteration, said, actor)
    written = f"Iteration {iteration}: {'yes' if yes else 'no'}, in the ledger."
    return f"{written} {_go_on(folder, said, actor)}"


def _go_on(folder: Path, said: Approved, actor: Actor) -> str:
    use_servers_of(folder)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if "PREFECT_API_URL" not in os.environ:
        return "Next: kaizen improve"
    try:
        resumed = resume_waiting(folder, said, actor)
    except Exception:  # the answer stands; whatever keeps the server from hearing of it, the next run reads it
        return "Prefect could not be told; the next run reads it, or: kaizen improve"
    return f"The run {resumed} goes on." if resumed else "Next: kaizen improve"


def resume_waiting(folder: Path, said: Approved, actor: Actor) -> str | None:
    """Resume the suspended run of the loop in *folder*, whose form is filled in as answered; returns its name."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        waiting = next((run for run in _suspended() if _is_of(run, folder)), None)
        if waiting is None:
            return None
        verdict = "promote" if said.yes else "keep"
        client.resume_flow_run(
            waiting.id, run_input={"verdict": verdict, "name": actor.name, "reason": said.reason, "until": ""}
        )
        return waiting.name


def _suspended() -> "list[FlowRun]":
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowFilter,
        FlowFilterName,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType

    paused = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    improving = FlowFilter(name=FlowFilterName(any_=["improve_model"]))
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_filter=improving, flow_run_filter=paused)


def _is_of(run: "FlowRun", folder: Path) -> bool:
    return Path(str(run.parameters.get("folder", "."))).resolve() == folder.resolve()

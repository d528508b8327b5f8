"""A person decides in the Prefect UI: the run is suspended, with a form, and goes on when it is answered."""

from typing import TYPE_CHECKING, Literal

from prefect import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment, flow_run
from pydantic import Field

from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor, Approved
from data_contracts.policies import PromotionPolicy
from tasks.gate.approvals import approval, approve, day
from tasks.loop import Turn, connect
from tasks.reporting.reports import question

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

SECONDS_A_DAY = 24 * 60 * 60


class Verdict(RunInput):
    """The form; the name that is typed there proves nobody, and the ledger says so."""

    verdict: Literal["promote", "keep"] = Field(description="Whether the challenger becomes champion.")
    name: str = Field(min_length=1, description="Who decides. The form cannot check it: the ledger calls it claimed.")
    reason: str = Field(min_length=1, description="Why; it goes into the ledger.")
    until: str = Field(
        "",
        pattern=r"^(\d{4}-\d{2}-\d{2})?$",
        description="Day after which a promotion is to be looked at again, such as 2027-01-31; may be empty.",
    )


class AskedAlready(Exception):
    """Another run waits for the same answer; the text names it."""


def ask_person(turn: Turn, policy: PromotionPolicy) -> Approved | None:
    """What a person answers in the UI; None where there is no form, for the run comes from the command line.

    Suspends the run, which is run again from its beginning once the form is answered. Raises AskedAlready while
    another run of the same Prefect deployment waits. After *policy*'s days without an answer Prefect ends the run as
    failed, and the iteration waits on: the next run asks anew.
    """
    if deployment.id is None:
        return None
    other = waiting_run(str(deployment.id), besides=str(flow_run.id))
    if other is not None:
        raise AskedAlready(f"the run {other.name} waits for the answer; open it in the Prefect UI and choose Resume")
    form = Verdict.with_initial_data(description=question(turn))
    said = suspend_flow_run(
        wait_for_input=form, timeout=int(policy.approval_days * SECONDS_A_DAY), key=f"iteration-{turn.iteration}"
    )
    return _recorded(turn, said)


def waiting_run(deployment_id: str, besides: str) -> "FlowRun | None":
    """A suspended run of the Prefect deployment; None where nobody is being asked."""
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType

    paused = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    ours = DeploymentFilter(id=DeploymentFilterId(any_=[UUID(deployment_id)]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_run_filter=paused, deployment_filter=ours)
    return next((run for run in found if str(run.id) != besides), None)


def _recorded(turn: Turn, said: Verdict) -> Approved | None:
    """Write the answer into the ledger; whoever answered first, there or by command, counts."""
    loop = connect(turn.folder)
    try:
        answer = Approved(
            yes=said.verdict == "promote", reason=said.reason, until=day(said.until) if said.until else None
        )
        approve(loop, turn.iteration, answer, Actor(name=said.name, established="claimed"))
    except WrongInput:
        if approval.fn(turn) is None:
            raise
    return approval.fn(turn)

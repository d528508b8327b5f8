"""`kaizen approve`: a person's answer goes into the ledger, and a run that waits for it goes on."""

import getpass
from collections.abc import Mapping
from pathlib import Path

from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor, Approved
from deployments.kept_servers import use_servers_of
from tasks.gate.approvals import approve, day
from tasks.loop import connect


def answer_for_person(folder: Path, iteration: int, *, yes: bool, why: str, until: str | None) -> str:
    """Write the answer of whoever runs the command, and let a suspended run go on; returns what to print.

    Raises WrongInput for an empty *why*, a day that is over, and an iteration that waits for no answer.
    """
    if until and not yes:
        raise WrongInput(f"--until {until} is for a yes: a promotion is looked at again then; leave it out with --no")
    use_servers_of(folder)
    actor = Actor(name=getpass.getuser(), established="command line")
    said = Approved(yes=yes, reason=why, until=day(until) if until else None)
    approve(connect(str(folder)), iteration, said, actor)
    form = {"verdict": "promote" if yes else "keep", "name": actor.name, "reason": why}
    resumed = _resumed(folder, iteration, form)
    goes_on = f"Run {resumed[0]} goes on" if resumed else "Next: kaizen improve"
    return f"Iteration {iteration}: {'yes' if yes else 'no'}, in the ledger. {goes_on}"


def _resumed(folder: Path, iteration: int, form: Mapping[str, str]) -> list[str]:
    """Names of the runs that go on; none where no server is named or it does not answer: the ledger has the answer."""
    from httpx import HTTPError
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        return []
    from tasks.gate.approval_form import resume_forms

    try:
        return resume_forms(str(folder), iteration, form)
    except HTTPError:
        return []

"""`kaizen approve`: a person's answer goes into the ledger, and a run that waits for it goes on."""

import getpass
from datetime import date
from pathlib import Path

from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor
from tasks.gate.approvals import approve, end_of, given_reason, no_answer_wanted
from tasks.loop import connect


def answer_for_person(folder: Path, iteration: int, *, yes: bool, why: str, until: date | None) -> str:
    """Write the answer of whoever runs the command; returns what to print.

    Raises WrongInput for an empty *why*, a day that is over, and an iteration that waits for no answer.
    """
    loop = connect(str(folder))
    actor = Actor(name=getpass.getuser(), established="command line")
    reason, end = given_reason(why), end_of(until, yes=yes, now=loop.now())
    if not approve(loop, iteration, yes=yes, reason=reason, actor=actor, until=end):
        raise WrongInput(no_answer_wanted(loop, iteration))
    return f"Iteration {iteration}: {'yes' if yes else 'no'}, in the ledger. Next: kaizen improve"

"""A person's answer where the gate asked for one: who, how that was established, why, and until when."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from prefect import task

from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor, Approved, LedgerEntry
from decisions.loop_state import Iteration, LoopState, state_of
from tasks.loop import Loop, Turn, connect, no_iteration
from tasks.retrying import PATIENTLY


@task(**PATIENTLY)
def approval(turn: Turn) -> Approved | None:
    """What a person answered, or None while nobody has."""
    return connect(turn.folder).iteration(turn.iteration).approved


def approve(loop: Loop, iteration: int, answer: Approved, actor: Actor) -> None:
    """Write a person's answer into the ledger.

    Raises WrongInput, and writes nothing, where the iteration waits for no answer, the reason is empty or the day past.
    """
    if not answer.reason.strip():
        raise WrongInput("An answer needs a reason; it goes into the ledger")
    if answer.until is not None and answer.until <= loop.now():
        raise WrongInput(f"{answer.until:%Y-%m-%d} is past; name a day to come, or none")

    def while_asked(entries: Sequence[LedgerEntry]) -> tuple[int, Approved] | None:
        problem = _no_question(state_of(entries), iteration, loop.name)
        if problem is not None:
            raise WrongInput(problem)
        return iteration, answer

    loop.ledger.append(loop.authorship(actor), while_asked)


def day(text: str) -> datetime:
    """The end of the day that *text* names, such as 2027-01-31, UTC; raises WrongInput when it names none."""
    try:
        return datetime.combine(date.fromisoformat(text.strip()), time.max, UTC)
    except ValueError as error:
        raise WrongInput(f"{text!r} is no day; write it as 2027-01-31") from error


def answered(iteration: Iteration) -> str:
    """Who answered, how that was established, when, what and why; empty where nobody did."""
    if iteration.approved is None:
        return ""
    who = f"{iteration.approved_by} ({iteration.approved_as})"
    said = "yes" if iteration.approved.yes else "no"
    return f"{who} said {said} on {iteration.approved_at:%Y-%m-%d at %H:%M:%S} UTC: {iteration.approved.reason}"


def _no_question(state: LoopState, number: int, loop: str) -> str | None:
    """Why iteration *number* waits for no answer; None where it does."""
    if problem := no_iteration(number, len(state.iterations), loop):
        return problem
    iteration = state.iterations[number - 1]
    if iteration.approved is not None:
        return f"Iteration {number} has an answer already, and the first one counts: {answered(iteration)}"
    if not iteration.asks_a_person:
        return f"Iteration {number} waits for no answer; see kaizen ledger log"
    return None

"""A person's answer where the gate asks for one: read from the ledger, written into it, refused with a reason."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from prefect import task

from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor, Approved, LedgerEntry
from decisions.loop_state import Iteration, state_of
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY


@task(**PATIENTLY)
def approval(turn: Turn) -> Approved | None:
    """What a person answered, or None while nobody has."""
    return connect(turn.folder).iteration(turn.iteration).approved


def approve(loop: Loop, iteration: int, *, yes: bool, reason: str, actor: Actor, until: datetime | None = None) -> bool:
    """Write a person's answer into the ledger; False when the iteration waits for no answer (any more)."""
    approved = Approved(yes=yes, reason=reason, until=until)

    def while_asked(entries: Sequence[LedgerEntry]) -> tuple[int, Approved] | None:
        waiting = state_of(entries).open_iteration
        asks = waiting is not None and waiting.number == iteration and waiting.asks_a_person
        return (iteration, approved) if asks else None

    return loop.ledger.append(loop.authorship(actor), while_asked) is not None


def end_of(until: date | None, *, yes: bool, now: datetime) -> datetime | None:
    """The last moment, UTC, of the day *until* which a yes holds; raises WrongInput when it makes no sense."""
    if until is None:
        return None
    if not yes:
        raise WrongInput(f"A no needs no date, but until {until} was given; leave it out")
    end = datetime.combine(until, time.max.replace(microsecond=0), UTC)
    if end <= now:
        raise WrongInput(f"{until} is over; give a day from {now:%Y-%m-%d} on, or leave it out")
    return end


def given_reason(why: str) -> str:
    """The reason without space around it; raises WrongInput when nothing is left."""
    if not why.strip():
        raise WrongInput("The reason is empty; say in a few words what the answer rests on, for the ledger keeps it")
    return why.strip()


def no_answer_wanted(loop: Loop, number: int) -> str:
    """Why iteration *number* takes no answer, and what to do instead; in one line."""
    iterations = loop.state().iterations
    if number > len(iterations):
        there = f"there are {len(iterations)}" if iterations else "there is none yet"
        return f"There is no iteration {number}: {there}; see kaizen ledger log"
    iteration = iterations[number - 1]
    if iteration.approved is not None:
        return f"Iteration {number} is answered already: {answered(iteration)}; {_next(iteration)}"
    if iteration.closed is not None:
        return f"Iteration {number} waits for no answer: {iteration.closed.outcome}; see kaizen ledger log"
    return f"Iteration {number} waits for no answer yet; go on with kaizen improve"


def answered(iteration: Iteration) -> str:
    """Who answered what, when and why; empty while nobody has."""
    if iteration.approved is None:
        return ""
    said = "yes" if iteration.approved.yes else "no"
    when = f", {iteration.approved_at:%Y-%m-%d %H:%M} UTC" if iteration.approved_at else ""
    return f"{iteration.approved_by} said {said}{when}: {iteration.approved.reason}"


def _next(iteration: Iteration) -> str:
    return "nothing is left to do" if iteration.closed else "go on with kaizen improve"

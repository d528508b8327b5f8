"""Opening, taking up and closing iterations."""

from collections.abc import Sequence

from prefect import task

from data_contracts.errors import KaizenError
from data_contracts.ledger import CostBooked, IterationClosed, IterationOpened, LedgerEntry, Outcome
from data_contracts.policies import TrainingPolicy
from data_contracts.record import Record
from decisions.loop_state import LoopState, state_of
from decisions.training.next_iteration import Plan, plan_iteration
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY


class ContractChanged(KaizenError):
    """An open iteration cannot go on under another data contract."""


class TakenUp(Record):
    """The iteration to work on, or why there is none."""

    iteration: int | None
    reason: str


@task(**PATIENTLY)
def take_up_iteration(folder: str, fence: int, policy: TrainingPolicy) -> TakenUp:
    """The open iteration, or a new one when that is worth its money, or the reason why not."""
    loop = connect(folder)
    found = TakenUp(iteration=None, reason="")

    def decide(entries: Sequence[LedgerEntry]) -> tuple[int, IterationOpened] | None:
        nonlocal found
        state = state_of(entries)
        if state.open_iteration is not None:
            if state.open_iteration.contract != loop.contract.digest:
                raise ContractChanged(
                    f"The data contract changed while iteration {state.open_iteration.number} is open; "
                    "put the earlier one back until it is closed"
                )
            found = TakenUp(iteration=state.open_iteration.number, reason="it was left open")
            return None
        plan = plan_iteration(state, policy, loop.contract, loop.prompt)
        if not plan.worthwhile:
            found = TakenUp(iteration=None, reason=plan.reason)
            return None
        number = len(state.iterations) + 1
        found = TakenUp(iteration=number, reason=plan.reason)
        return number, opening(state, number, plan)

    loop.ledger.append(loop.authorship(fence=fence), decide)
    return found


def opening(state: LoopState, number: int, plan: Plan) -> IterationOpened:
    """The entry with which iteration *number* begins as planned."""
    return IterationOpened(
        number=number,
        reason=plan.reason,
        parent=plan.parent,
        mode=plan.mode,
        champion=state.champion.model if state.champion else None,
        image_batches=len(state.batches),
    )


@task(**PATIENTLY)
def close_iteration(turn: Turn, outcome: Outcome, reason: str) -> IterationClosed:
    """End the turn; a closed one stays as it is."""
    loop = connect(turn.folder)
    closed = loop.iteration(turn.iteration).closed
    if closed is None:
        closed = IterationClosed(number=turn.iteration, outcome=outcome, reason=reason)
        loop.record(turn, closed)
    return closed


def book(loop: Loop, turn: Turn, cost: CostBooked) -> None:
    """Write a cost into the ledger once: the same purpose and subject are never booked again.

    A turn of the number 0 stands for what belongs to no iteration.
    """

    def unless_booked(entries: Sequence[LedgerEntry]) -> tuple[int | None, CostBooked] | None:
        booked = (entry.event for entry in entries if isinstance(entry.event, CostBooked))
        known = any((each.what, each.subject) == (cost.what, cost.subject) for each in booked)
        return None if known else (turn.iteration or None, cost)

    loop.ledger.append(loop.authorship(fence=turn.fence), unless_booked)

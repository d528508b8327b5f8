"""A paused loop: nothing of it is bought, swapped or deleted; images still come in, and jobs under way are followed."""

from collections.abc import Sequence
from datetime import datetime

from cloud import lease
from data_contracts.errors import KaizenError, WrongInput
from data_contracts.ledger import Actor, LedgerEntry, Paused, Resumed
from decisions.loop_state import Pause, state_of
from tasks.loop import Loop


class LoopPaused(KaizenError):
    """Somebody paused the loop; whatever was to be bought, swapped or deleted waits."""


def check_may_act(loop: Loop, fence: int | None) -> None:
    """To be asked right before buying, swapping or deleting anything.

    Raises LeaseLost when another run took the loop over, and LoopPaused while the loop is paused.
    """
    lease.check(loop.store, loop.name, fence)
    check_not_paused(loop)


def check_not_paused(loop: Loop) -> None:
    """Raise LoopPaused, saying who paused the loop, when and why, while it is paused."""
    pause = pause_in_force(loop)
    if pause is not None:
        raise LoopPaused(f"{told(loop.name, pause)}; nothing is bought, swapped or deleted until kaizen resume")


def pause_in_force(loop: Loop) -> Pause | None:
    """The pause that holds the loop now, or None."""
    pause = loop.state().pause
    return pause if pause is not None and pause.in_force(loop.now()) else None


def told(loop: str, pause: Pause) -> str:
    """Who paused the *loop*, how that was established, when, until when and why."""
    until = f" until the end of {pause.paused.until:%Y-%m-%d}" if pause.paused.until else ""
    who = f"{pause.by} ({pause.established})"
    return f"{loop} was paused{until} by {who} on {pause.at:%Y-%m-%d at %H:%M:%S} UTC: {pause.paused.why}"


def pause_loop(loop: Loop, why: str, until: datetime | None, actor: Actor) -> bool:
    """Write the pause into the ledger; False where the same one is in force. A later one takes the earlier's place.

    Raises WrongInput, and writes nothing, where the reason is empty or the day past.
    """
    paused = Paused(why=why.strip(), until=until)
    if not paused.why:
        raise WrongInput("A pause needs a reason; it goes into the ledger")
    if until is not None and until <= loop.now():
        raise WrongInput(f"{until:%Y-%m-%d} is past; name a day to come, or none")

    def unless_known(entries: Sequence[LedgerEntry]) -> tuple[None, Paused] | None:
        before = state_of(entries).pause
        return None if before is not None and before.paused == paused else (None, paused)

    return loop.ledger.append(loop.authorship(actor), unless_known) is not None


def resume_loop(loop: Loop, why: str, actor: Actor) -> Pause:
    """End the pause in the ledger; returns which one it was. Raises WrongInput where the loop is not paused."""
    found: Pause | None = None

    def while_paused(entries: Sequence[LedgerEntry]) -> tuple[None, Resumed]:
        nonlocal found
        found = state_of(entries).pause
        if found is None or not found.in_force(loop.now()):
            over = f"; the last pause ended with {found.paused.until:%Y-%m-%d}" if found else ""
            raise WrongInput(f"{loop.name} is not paused{over}")
        return None, Resumed(why=why.strip())

    loop.ledger.append(loop.authorship(actor), while_paused)
    assert found is not None
    return found

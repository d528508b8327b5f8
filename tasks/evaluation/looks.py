"""Looks at a held-out version: each is in the ledger before anyone can learn what was seen."""

from data_contracts.ledger import HeldOutLookedAt, HeldOutVersionMade
from decisions.held_out import retired
from decisions.loop_state import LoopState
from tasks.loop import Loop, Turn

Pair = tuple[str | None, str]
"""The models compared: the champion, the base model or None, and the challenger."""


def count_look(loop: Loop, turn: Turn, version: HeldOutVersionMade, pair: Pair) -> None:
    """Write the look at the held-out version, unless this iteration has, or these two were compared on it before."""
    state = loop.state()
    if state.iterations[turn.iteration - 1].looked is None and not looked_before(state, version, pair):
        loop.record(turn, HeldOutLookedAt(version=version.version, champion=pair[0], challenger=pair[1]))


def looked_before(state: LoopState, version: HeldOutVersionMade, pair: Pair) -> bool:
    """Whether this version has compared these two already: another look reveals nothing new."""
    return any(look.version == version.version and (look.champion, look.challenger) == pair for look in state.looks)


def uses_left(loop: Loop, state: LoopState, version: HeldOutVersionMade, pair: Pair) -> int:
    """Looks that are left, this one among them; none once the version is retired and no reserve could follow it.

    A pair of models that this version has compared before has paid for its look: later ones take nothing from it.
    """
    if retired(state, loop.now()):
        return 0
    looks = [(look.champion, look.challenger) for look in state.looks if look.version == version.version]
    return version.uses - (looks.index(pair) if pair in looks else len(looks))

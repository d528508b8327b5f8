"""Production back to the model of an earlier iteration: the pointer only, once that model answers."""

from collections.abc import Sequence

from prefect import task

from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor, LedgerEntry, RolledBack
from decisions.loop_state import state_of
from decisions.swap.way_back import WayBack, last_turn_was_back, way_back
from tasks.loop import Loop, connect
from tasks.pausing import check_not_paused
from tasks.retrying import PATIENTLY
from tasks.swap.pointer import pointer_lags, publish_pointer


@task(**PATIENTLY)
def find_way_back(folder: str, iteration: int | None, why: str) -> WayBack | None:
    """Where to; None where production is there: a run that was killed had only champion.json left to write.

    Raises WrongInput as `way_back` does, and for an empty *why*.
    """
    if not why.strip():
        raise WrongInput("A roll-back needs a reason; it goes into the ledger")
    loop = connect(folder)
    check_not_paused(loop)
    target = destination(loop, iteration)
    if target is None:
        publish_pointer(loop)
    return target


def destination(loop: Loop, iteration: int | None) -> WayBack | None:
    """As `find_way_back`, writing nothing."""
    state, back = loop.state(), last_turn_was_back(loop.ledger.read())
    if back is not None and pointer_lags(loop) and iteration in (None, back.to_iteration):
        return None
    target = way_back(state, iteration)
    return None if state.champion is not None and state.champion.model == target.model else target


@task(**PATIENTLY)
def point_back(folder: str, target: WayBack, why: str, who: str | None) -> RolledBack | None:
    """Write into the ledger that production goes back, and then champion.json.

    None where the model deployment is about to be deleted: it has to be revived first. The ledger alone decides who
    was first, so this needs no lease and waits for no run.
    """
    loop = connect(folder)
    check_not_paused(loop)
    actor = Actor(name=who, established="claimed") if who else None
    rolled: RolledBack | None = None

    def unless_leaving(entries: Sequence[LedgerEntry]) -> tuple[int, RolledBack] | None:
        nonlocal rolled
        state = state_of(entries)
        rolled, before = last_turn_was_back(entries), state.champion
        if before is None or before.model == target.model:
            return None
        live = state.deployments.get(target.model_deployment)
        if live is None or not live.answering or live.leaving:
            rolled = None
            return None
        rolled = RolledBack(
            to_iteration=target.iteration,
            model=target.model,
            model_deployment=target.model_deployment,
            previous=before.model,
            previous_model_deployment=before.model_deployment,
            why=why,
        )
        return target.iteration, rolled

    loop.ledger.append(loop.authorship(actor), unless_leaving)
    if rolled is not None:
        publish_pointer(loop)
    return rolled

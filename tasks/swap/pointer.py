"""The pointer to the champion: the ledger says which model answers in production, champion.json follows."""

from collections.abc import Sequence

from prefect import task

from cloud.store import NotFound
from data_contracts.ledger import ChampionSwitched, LedgerEntry
from data_contracts.record import Record
from decisions.loop_state import state_of
from decisions.swap.way_back import overtaken
from tasks.contender import Contender
from tasks.loop import Loop, Turn, connect
from tasks.pausing import check_may_act
from tasks.retrying import PATIENTLY


class Champion(Record):
    """What readers of champion.json find; only a projection of the ledger."""

    loop: str
    model: str
    model_deployment: str
    iteration: int
    ledger_head: str


@task(**PATIENTLY)
def switch_champion(turn: Turn, contender: Contender) -> ChampionSwitched | None:
    """Make the contender the champion: the ledger says so, champion.json follows.

    None where production was rolled back since it was decided: the contender was compared with another model.
    """
    loop = connect(turn.folder)
    check_may_act(loop, turn.fence)
    switched: ChampionSwitched | None = None

    def unless_overtaken(entries: Sequence[LedgerEntry]) -> tuple[int, ChampionSwitched] | None:
        nonlocal switched
        state = state_of(entries)
        switched, before = state.iterations[turn.iteration - 1].switched, state.champion
        if switched is not None or overtaken(entries, turn.iteration):
            return None
        switched = ChampionSwitched(
            model=contender.model,
            model_deployment=contender.model_deployment,
            previous=before.model if before else None,
            previous_model_deployment=before.model_deployment if before else None,
        )
        return turn.iteration, switched

    loop.ledger.append(loop.authorship(fence=turn.fence), unless_overtaken)
    publish_pointer(loop)
    return switched


def publish_pointer(loop: Loop) -> None:
    """Write champion.json anew from the ledger; of two writers at once, what the later entry says remains."""
    path = loop.path("champion.json")
    while True:
        tag = _tag(loop, path)  # read before the ledger: whoever wrote in between makes this write fail
        content = _pointer(loop)
        if content is None:
            return
        done = loop.store.create(path, content) if tag is None else loop.store.replace(path, content, tag) is not None
        if done:
            return


def pointer_lags(loop: Loop) -> bool:
    """Whether champion.json names another model deployment than the ledger: its writer was killed."""
    champion = loop.state().champion
    try:
        told = Champion.model_validate_json(loop.store.get(loop.path("champion.json")).content).model_deployment
    except NotFound:
        told = None
    return champion is not None and told != champion.model_deployment


def _tag(loop: Loop, path: str) -> str | None:
    try:
        return loop.store.get(path).tag
    except NotFound:
        return None


def _pointer(loop: Loop) -> bytes | None:
    state = loop.state()
    if state.champion is None:
        return None
    model = state.champion.model
    made = next(each for each in reversed(state.iterations) if each.switched and each.switched.model == model)
    pointer = Champion(
        loop=loop.name,
        model=model,
        model_deployment=state.champion.model_deployment,
        iteration=made.number,
        ledger_head=loop.ledger.head,
    )
    return pointer.model_dump_json(indent=2).encode()

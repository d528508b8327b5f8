"""The pointer to the champion: the ledger says which model answers in production, champion.json follows."""

from prefect import task

from cloud.store import NotFound
from data_contracts.ledger import ChampionSwitched
from data_contracts.record import Record
from tasks.contender import Contender
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY


class Champion(Record):
    """What readers of champion.json find; only a projection of the ledger."""

    loop: str
    model: str
    model_deployment: str
    iteration: int
    ledger_head: str


@task(**PATIENTLY)
def switch_champion(turn: Turn, contender: Contender) -> ChampionSwitched:
    """Make the contender the champion: the ledger says so, champion.json follows."""
    loop = connect(turn.folder)
    switched = loop.iteration(turn.iteration).switched
    if switched is None:
        before = loop.state().champion
        switched = ChampionSwitched(
            model=contender.model,
            model_deployment=contender.model_deployment,
            previous=before.model if before else None,
            previous_model_deployment=before.model_deployment if before else None,
        )
        loop.record(turn, switched)
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

"""A deleted model deployment of ours back to life, from its recipe in the ledger."""

from prefect import get_run_logger, task

from data_contracts.ledger import ModelDeploymentCreated
from data_contracts.record import Record
from decisions.loop_state import LiveDeployment
from decisions.swap.way_back import expected_minutes, recipe
from tasks.loop import Loop, Turn, connect
from tasks.model_deployments import create, exists, note_gone
from tasks.own_calls import keep_own_calls
from tasks.retrying import PATIENTLY


class Revived(Record):
    """A model deployment that answers, and whether it had to be made anew for that."""

    name: str
    model: str
    sku: str
    anew: bool

    @property
    def told(self) -> str:
        """All of it in one line."""
        how = "was deployed anew and answers" if self.anew else "was there and answers"
        return f"{self.name} ({self.model}, {self.sku}) {how}"


def expected_time(loop: Loop, name: str) -> str | None:
    """How long it will take until *name* answers; None where it answers already, as far as the ledger knows.

    Raises WrongInput where the ledger knows no such model deployment.
    """
    entries = loop.ledger.read()
    known = recipe(entries, name)
    if _lives(loop.state().deployments.get(name)):
        return None
    took = expected_minutes(entries)
    model, sku = known.intended.model, known.intended.sku
    return f"{name} is deployed anew ({model}, {sku}): about {took.minutes:.1f} minutes ({took.basis})"


@task(**PATIENTLY)
def revive(folder: str, name: str) -> Revived:
    """Make sure that the model deployment *name* answers, with the model, tier and capacity that it had.

    Needs no lease: nobody else is in the way, and what a person wants back stays for `keep_previous_hours`. Raises
    WrongInput where the ledger knows no such model deployment.
    """
    loop = connect(folder)
    known, live = recipe(loop.ledger.read(), name), loop.state().deployments.get(name)
    turn = Turn(folder=folder, iteration=known.iteration, fence=None)
    wanted = known.intended.model_copy(update={"revived": True})
    lives = _lives(live)
    if live is not None and lives and not exists(loop, name):
        note_gone(loop, turn, live, "it was gone, and nobody of ours had deleted it")
        lives = False
    if not lives:
        get_run_logger().info(expected_time(loop, name))
        create(loop, turn, wanted)
    loop.foundry.wait_until_answering(name)
    keep_own_calls(loop)
    if not lives:
        loop.record(turn, ModelDeploymentCreated(name=name, model=wanted.model))
    return Revived(name=name, model=wanted.model, sku=wanted.sku, anew=not lives)


def _lives(live: LiveDeployment | None) -> bool:
    return live is not None and live.answering and not live.leaving

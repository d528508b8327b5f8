"""Model deployments: announced in the ledger before they are bought, deleted once nobody needs them."""

from prefect import get_run_logger, task

from cloud.errors import CloudRefused
from data_contracts.batches import BATCH_TIER
from data_contracts.ledger import (
    CostBooked,
    ModelDeploymentCreated,
    ModelDeploymentDeleted,
    ModelDeploymentIntended,
)
from data_contracts.prices import current_prices
from data_contracts.training import is_fine_tuned
from decisions.costs import hosting_cost
from decisions.loop_state import LiveDeployment
from decisions.upkeep import dispensable_deployments
from tasks.iterations import book
from tasks.loop import Loop, Turn, connect
from tasks.pausing import LoopPaused, check_may_act, check_not_paused
from tasks.retrying import PATIENTLY


def challenger_name(turn: Turn) -> str:
    """The name of an iteration's model deployment; it carries the iteration, so that it is found again."""
    return f"{connect(turn.folder).name}-i{turn.iteration:04d}"


def base_name(loop: str) -> str:
    """The name of the base model's deployment."""
    return f"{loop}-base"


@task(**PATIENTLY)
def deploy(turn: Turn, name: str, model: str) -> str:
    """Make sure that *model* answers under *name*; returns the name."""
    loop = connect(turn.folder)
    live = loop.state().deployments.get(name)
    if live is not None and live.answering:
        return name
    _create(loop, turn, name, model, loop.settings.foundry.sku)
    loop.foundry.wait_until_answering(name)
    loop.record(turn, ModelDeploymentCreated(name=name, model=model))
    return name


@task(**PATIENTLY)
def deploy_for_batches(turn: Turn, model: str) -> str | None:
    """Make sure that the base *model* has a model deployment for batches; its name, or None where Azure refuses it."""
    loop = connect(turn.folder)
    name = f"{base_name(loop.name)}-batch"
    live = loop.state().deployments.get(name)
    if live is not None and live.answering:
        return name
    try:
        _create(loop, turn, name, model, BATCH_TIER)
    except CloudRefused as error:
        get_run_logger().warning("%s is not asked by batch but directly, at full price: %s", model, error)
        return None
    loop.record(turn, ModelDeploymentCreated(name=name, model=model))
    return name


def _create(loop: Loop, turn: Turn, name: str, model: str, sku: str) -> None:
    """Announce the model deployment in the ledger unless it is there, and create it."""
    check_not_paused(loop)
    if name not in loop.state().deployments:
        capacity = loop.settings.foundry.capacity
        loop.record(turn, ModelDeploymentIntended(name=name, model=model, sku=sku, capacity=capacity))
    check_may_act(loop, turn.fence)
    tags = {"kaizen-loop": loop.name, "kaizen-iteration": str(turn.iteration), "kaizen-ledger": loop.ledger.head}
    loop.foundry.deploy(name, model, tags, sku)


@task(**PATIENTLY)
def delete_dispensable(folder: str, fence: int) -> list[str]:
    """Delete our model deployments that nobody needs any more, book what they cost; returns their names.

    While the loop is paused they stay, for the next run to delete.
    """
    loop = connect(folder)
    state = loop.state()
    turn = Turn(folder=folder, iteration=len(state.iterations), fence=fence)
    gone = []
    unneeded = dispensable_deployments(state)
    if unneeded:
        loop.foundry.check_account()  # with a wrong account everything would seem to be gone already
    for each in unneeded:
        try:
            check_may_act(loop, fence)
        except LoopPaused as pause:
            get_run_logger().warning("%s is not deleted: %s", each.deployment.name, pause)
            break
        loop.foundry.delete_model_deployment(each.deployment.name)
        if is_fine_tuned(each.deployment.model):
            _book_hosting(loop, turn, each.deployment)
        loop.record(turn, ModelDeploymentDeleted(name=each.deployment.name, reason=each.reason))
        gone.append(each.deployment.name)
    return gone


def _book_hosting(loop: Loop, turn: Turn, live: LiveDeployment) -> None:
    prices, lifetime = current_prices(), loop.now() - live.intended_at
    hours = lifetime.total_seconds() / 3600
    book(
        loop,
        turn,
        CostBooked(
            what="hosting",
            subject=f"{live.name} since {live.intended_at.isoformat()}",
            usd=hosting_cost(lifetime, live.sku, prices),
            basis=f"{hours:.2f} hours, {live.sku}, prices of {prices.as_of}",
        ),
    )

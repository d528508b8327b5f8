"""Model deployments: announced in the ledger before they are bought, deleted once nobody needs them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from prefect import get_run_logger, task

from cloud import lease
from cloud.errors import CloudRefused
from data_contracts.batches import BATCH_TIER
from data_contracts.ledger import (
    CostBooked,
    LedgerEntry,
    ModelDeploymentCreated,
    ModelDeploymentDeleted,
    ModelDeploymentIntended,
    ModelDeploymentLeaving,
)
from data_contracts.models import current_models
from data_contracts.prices import current_prices
from data_contracts.training import is_fine_tuned
from decisions.costs import hosting_cost
from decisions.loop_state import LiveDeployment, state_of
from decisions.swap.tiers import FREE_TIER, evaluation_tier
from decisions.upkeep import dispensable_deployments
from tasks.iterations import book
from tasks.loop import Loop, Turn, connect, running_flow
from tasks.own_calls import keep_own_calls, own_calls_of
from tasks.pausing import LoopPaused, check_may_act, check_not_paused
from tasks.retrying import PATIENTLY


def challenger_name(turn: Turn) -> str:
    """The name of an iteration's model deployment; it carries the iteration, so that it is found again."""
    return f"{connect(turn.folder).name}-i{turn.iteration:04d}"


def evaluation_name(turn: Turn) -> str:
    """The name under which an iteration's model is evaluated where that is on another tier than production's."""
    return f"{challenger_name(turn)}-eval"


def evaluation_tier_of(loop: Loop, model: str) -> str:
    """The tier on which a fine-tuned *model*, or what comes of training it, is evaluated."""
    settings = loop.settings.foundry
    return evaluation_tier(settings.evaluation_sku, settings.sku, model, current_models(), settings.region)


def base_name(loop: str) -> str:
    """The name of the base model's deployment."""
    return f"{loop}-base"


@task(**PATIENTLY)
def deploy(turn: Turn, name: str, model: str) -> str:
    """Make sure that *model* answers under *name*, on the tier of production if it is new; returns the name."""
    loop = connect(turn.folder)
    answer_under(loop, turn, name, model, loop.settings.foundry.sku)
    return name


def answer_under(loop: Loop, turn: Turn, name: str, model: str, sku: str) -> None:
    """Make sure that *model* answers under *name*; what was there before stays on its tier.

    The developer tier's model deployments live for 24 hours: one that is gone is noted and made anew.
    """
    live = _live(loop, turn, name, model)
    if live is not None and live.answering and not live.leaving:
        if live.sku != FREE_TIER or exists(loop, name):
            return
        note_gone(loop, turn, live, "Azure deleted it, as it does after 24 hours on the developer tier")
    _create(loop, turn, name, model, live.sku if live else sku)
    loop.foundry.wait_until_answering(name)
    keep_own_calls(loop)
    loop.record(turn, ModelDeploymentCreated(name=name, model=model))


def exists(loop: Loop, name: str) -> bool:
    """Whether the account has a model deployment called *name*, in whatever state."""
    return any(each.name == name for each in loop.foundry.model_deployments())


@task(**PATIENTLY)
def deploy_for_batches(turn: Turn, model: str) -> str | None:
    """Make sure that the base *model* has a model deployment for batches; its name, or None where Azure refuses it."""
    loop = connect(turn.folder)
    name = f"{base_name(loop.name)}-batch"
    live = _live(loop, turn, name, model)
    if live is not None and live.answering:
        return name
    try:
        _create(loop, turn, name, model, BATCH_TIER)
    except CloudRefused as error:
        get_run_logger().warning("%s is not asked by batch but directly, at full price: %s", model, error)
        return None
    loop.record(turn, ModelDeploymentCreated(name=name, model=model))
    return name


def _live(loop: Loop, turn: Turn, name: str, model: str) -> LiveDeployment | None:
    """The model deployment of the *name* if it is of the *model*; one of another model is deleted, to make room."""
    live = loop.state().deployments.get(name)
    if live is None or live.model == model:
        return live
    remove(loop, turn, live, f"it is of {live.model}, and {model} is needed under its name")
    return None


def _create(loop: Loop, turn: Turn, name: str, model: str, sku: str) -> None:
    capacity = loop.settings.foundry.capacity
    create(loop, turn, ModelDeploymentIntended(name=name, model=model, sku=sku, capacity=capacity))


def create(loop: Loop, turn: Turn, wanted: ModelDeploymentIntended) -> None:
    """Announce the model deployment in the ledger unless it is there, and create it."""
    check_not_paused(loop)
    with turn_to_write(loop):
        known = loop.state().deployments.get(wanted.name)
        if known is None or known.leaving:
            loop.record(turn, wanted)
        check_may_act(loop, turn.fence)
        tags = {"kaizen-loop": loop.name, "kaizen-iteration": str(turn.iteration), "kaizen-ledger": loop.ledger.head}
        loop.foundry.deploy(wanted.name, wanted.model, tags, wanted.sku, wanted.capacity)


def turn_to_write(loop: Loop) -> AbstractContextManager[lease.Lease]:
    """Have the turn to write to the loop's account, which takes one write at a time; waits for whoever has it."""
    return lease.turn_to_write(loop.store, loop.settings.foundry.account_id, f"{loop.name}: {running_flow().name}")


def remove(loop: Loop, turn: Turn, live: LiveDeployment, reason: str) -> None:
    """Delete one of our model deployments, book what a fine-tuned one cost, say so in the ledger.

    One that was deleted or revived meanwhile is left alone.
    """
    with turn_to_write(loop):
        now = loop.state().deployments.get(live.name)
        if now is None or now.intended_at != live.intended_at:
            return
        check_may_act(loop, turn.fence)
        loop.foundry.delete_model_deployment(live.name)
        note_gone(loop, turn, live, reason)


def note_gone(loop: Loop, turn: Turn, live: LiveDeployment, reason: str) -> None:
    """Book what a model deployment cost that is gone, and say in the ledger why it is."""
    if is_fine_tuned(live.model):
        _book_hosting(loop, turn, live)
    loop.record(turn, ModelDeploymentDeleted(name=live.name, reason=reason))


@task(**PATIENTLY)
def delete_dispensable(folder: str, fence: int, keep_hours: float) -> list[str]:
    """Delete our model deployments that nobody needs any more, book what they cost; returns their names.

    While the loop is paused they stay, for the next run to delete.
    """
    loop = connect(folder)
    state = loop.state()
    turn = Turn(folder=folder, iteration=len(state.iterations), fence=fence)
    gone = []
    unneeded = dispensable_deployments(state, loop.now(), keep_hours)
    if unneeded:
        loop.foundry.check_account()  # with a wrong account everything would seem to be gone already
    for each in unneeded:
        try:
            check_may_act(loop, fence)
        except LoopPaused as pause:
            get_run_logger().warning("%s is not deleted: %s", each.deployment.name, pause)
            break
        if _leaves(loop, turn, each.deployment, keep_hours):
            remove(loop, turn, each.deployment, each.reason)
            gone.append(each.deployment.name)
    own_calls_of(loop).tidy(loop.now())
    return gone


def _leaves(loop: Loop, turn: Turn, live: LiveDeployment, keep_hours: float) -> bool:
    """Say in the ledger that it leaves, unless production was pointed to it meanwhile; whether it does leave."""
    leaves = False

    def unless_needed(entries: Sequence[LedgerEntry]) -> tuple[int, ModelDeploymentLeaving] | None:
        nonlocal leaves
        unneeded = dispensable_deployments(state_of(entries), loop.now(), keep_hours)
        found = next((each for each in unneeded if each.deployment.name == live.name), None)
        leaves = found is not None
        if found is None or found.deployment.leaving:
            return None
        return turn.iteration, ModelDeploymentLeaving(name=live.name, reason=found.reason)

    loop.ledger.append(loop.authorship(fence=turn.fence), unless_needed)
    return leaves


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

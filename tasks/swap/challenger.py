"""The model deployment on which a challenger is evaluated: cheap, and gone once it was promoted or rejected."""

from prefect import get_run_logger, task

from cloud.errors import CloudRefused
from data_contracts.ledger import Decided
from tasks.contender import Contender
from tasks.loop import Loop, Turn, connect
from tasks.model_deployments import answer_under, challenger_name, evaluation_name, evaluation_tier_of, remove
from tasks.retrying import PATIENTLY


@task(**PATIENTLY)
def deploy_challenger(turn: Turn, model: str) -> str:
    """Make sure that the challenger *model* answers on the tier on which it is evaluated; returns the name.

    Where that is production's tier, it has its final name at once. Where "auto" chose a tier that Azure refuses,
    production's is taken.
    """
    loop = connect(turn.folder)
    name, tier, production = _name(loop, turn, model), evaluation_tier_of(loop, model), loop.settings.foundry.sku
    if name == challenger_name(turn):
        answer_under(loop, turn, name, model, production)
        return name
    try:
        answer_under(loop, turn, name, model, tier)
    except CloudRefused as error:
        live = loop.state().deployments.get(name)
        if loop.settings.foundry.evaluation_sku != "auto" or live is None or live.answering:
            raise
        get_run_logger().warning("%s cannot be evaluated on %s, so it is on %s: %s", model, tier, production, error)
        name = challenger_name(turn)
        answer_under(loop, turn, name, model, production)
        remove(loop, turn, live, f"Azure refused it on {tier}")
    return name


@task(**PATIENTLY)
def decided_before(turn: Turn) -> tuple[Decided, str] | None:
    """What an earlier run decided, and where the challenger was evaluated; None while nothing is decided."""
    iteration = connect(turn.folder).iteration(turn.iteration)
    if iteration.decided is None:
        return None
    return iteration.decided, iteration.evaluations[iteration.decided.challenger].model_deployment


def _name(loop: Loop, turn: Turn, model: str) -> str:
    known, production, evaluation = loop.state().deployments, challenger_name(turn), evaluation_name(turn)
    if evaluation in known and production not in known:
        return evaluation
    if production in known or evaluation_tier_of(loop, model) == loop.settings.foundry.sku:
        return production
    return evaluation


@task(**PATIENTLY)
def deploy_for_production(turn: Turn, challenger: Contender) -> Contender:
    """The challenger on the production tier under the iteration's own name; where it was evaluated is deleted first.

    One that was evaluated there stays as it is: nothing is deployed twice.
    """
    loop, name = connect(turn.folder), challenger_name(turn)
    live = loop.state().deployments.get(challenger.model_deployment)
    if challenger.model_deployment != name and live is not None:
        remove(loop, turn, live, "it was evaluated, and its model goes to the production tier")
    answer_under(loop, turn, name, challenger.model, loop.settings.foundry.sku)
    return challenger.model_copy(update={"model_deployment": name})

"""Whether the loop may train on its model, and whom its challenger has to beat: what the account says counts first."""

from collections.abc import Sequence

from prefect import get_run_logger, task

from cloud.errors import CloudRefused
from data_contracts.chat_contract import ChatContract
from data_contracts.errors import KaizenError
from data_contracts.models import OfferedModel, current_models
from data_contracts.policies import TrainingPolicy
from decisions.training.model_choice import ModelVerdict, Wish, is_baseline, judge_in_tiers
from decisions.training.next_iteration import plan_iteration
from tasks.contender import Contender, contender_of
from tasks.loop import Loop, Turn, connect
from tasks.model_deployments import base_name
from tasks.retrying import PATIENTLY


class ModelRefused(KaizenError):
    """The loop cannot be trained on its model; the text names those on which it can."""


@task(**PATIENTLY)
def check_model(folder: str, policy: TrainingPolicy) -> None:
    """Raise ModelRefused before an iteration is opened on a model that cannot be trained; warn of what retires."""
    loop = connect(folder)
    state = loop.state()
    if state.open_iteration is not None:
        return
    plan = plan_iteration(state, policy, loop.contract, loop.prompt)
    if not plan.worthwhile:
        return
    verdict = verdict_on(loop, plan.parent, policy)
    for warning in verdict.warnings:
        get_run_logger().warning(warning)
    if verdict.refusal:
        raise ModelRefused(f"No iteration was opened: {verdict.refusal}")


@task(**PATIENTLY)
def refusal_meanwhile(turn: Turn, policy: TrainingPolicy) -> str | None:
    """Why the model of an open iteration cannot be trained any more; None once its job is being bought."""
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.intended is not None:
        return None
    return verdict_on(loop, iteration.opened.parent, policy).refusal


@task(**PATIENTLY)
def champion_or_base(turn: Turn, policy: TrainingPolicy) -> Contender | None:
    """Whom the challenger has to beat: the champion, or as long as there is none the base model.

    None where that can no longer be deployed. Within an iteration it stays the same once the base model has answered.
    """
    loop = connect(turn.folder)
    state = loop.state()
    champion = state.champion
    if champion is not None:
        return contender_of(loop, state, champion.model, champion.model_deployment, policy.detail)
    answered = policy.base_model in loop.iteration(turn.iteration).evaluations
    if not answered and not base_is_deployable(loop, policy):
        return None
    return Contender(model=policy.base_model, model_deployment=base_name(loop.name), detail=policy.detail)


def verdict_on(loop: Loop, model: str, policy: TrainingPolicy) -> ModelVerdict:
    """What speaks against training *model* and deploying what comes of it, today, on the loop's account."""
    settings, offered, today = loop.settings.foundry, offered_models(loop), loop.now().date()
    wish = Wish(
        model=model,
        images=not isinstance(loop.contract, ChatContract),
        customer=settings.customer,
        region=_region(loop),
        training_tier=policy.training_type,
        deployment_tier=settings.sku,
    )
    return judge_in_tiers(wish, policy.training_types, current_models(), offered, today)


def base_is_deployable(loop: Loop, policy: TrainingPolicy) -> bool:
    """Whether the base model can still be deployed to be compared with."""
    return is_baseline(policy.base_model, current_models(), offered_models(loop), loop.now().date())


def offered_models(loop: Loop) -> Sequence[OfferedModel]:
    """What the account says; nothing where it may not be asked, for then the dated file decides."""
    try:
        return loop.foundry.offered_models()
    except CloudRefused:
        return ()


def _region(loop: Loop) -> str | None:
    try:
        return loop.foundry.region()
    except CloudRefused:
        return loop.settings.foundry.region

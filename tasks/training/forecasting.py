"""What the next purchase of an iteration will cost, measured on its own files, and whether the budget allows it."""

from collections.abc import Sequence

from prefect import get_run_logger, task

from data_contracts.batches import BATCH_TIER
from data_contracts.chat_contract import ChatContract
from data_contracts.errors import KaizenError
from data_contracts.images import Dataset, Split
from data_contracts.ledger import IterationOpened, TrainingForecast
from data_contracts.policies import TrainingPolicy, TrainingType
from data_contracts.prices import current_prices
from decisions.loop_state import LoopState
from decisions.training.budget import limits, over_budget, spent
from decisions.training.class_balance import Appearance
from decisions.training.forecast import Asked, Forecast, Job, Questions, forecast
from decisions.training.preflight import Sent
from decisions.training.tokens import text_tokens
from decisions.training.training_plan import epochs
from tasks.datasets import frozen_dataset
from tasks.loop import Loop, Turn, connect
from tasks.model_deployments import evaluation_tier_of
from tasks.retrying import PATIENTLY
from tasks.training.chat_lines import write_chats
from tasks.training.model_choice import base_is_deployable
from tasks.training.training_files import prepare
from tasks.training.training_lines import write_jsonl

ANSWER_OF_A_CHAT = 64
"""Tokens at most: longer answers are cut off."""


class OverBudget(KaizenError):
    """What is to be bought exceeds the loop's budget; nothing was uploaded or bought."""


@task(**PATIENTLY)
def allow_purchase(turn: Turn, policy: TrainingPolicy) -> None:
    """Put the forecast of what is to be bought into the ledger; raises OverBudget where the budget does not allow it.

    A job that is being bought already, or that ended well, asks no more. A further attempt asks again.
    """
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.intended is not None and not iteration.may_be_bought_again(policy.attempts):
        return
    expected = _entry(forecast_of(loop, loop.state(), frozen_dataset(loop, turn), iteration.opened, policy))
    gone = spent(loop.state(), current_prices(), loop.now())
    problem = over_budget(expected.usd, limits(policy.budget, gone, turn.iteration))
    if problem is not None:
        raise OverBudget(f"Nothing was bought for iteration {turn.iteration}: {problem}")
    if iteration.forecast != expected:
        loop.record(turn, expected)
        get_run_logger().info("Iteration %d is expected to cost about $%.2f", turn.iteration, expected.usd)


def forecast_of(
    loop: Loop, state: LoopState, dataset: Dataset, opened: IterationOpened, policy: TrainingPolicy
) -> Forecast:
    """What an iteration opened so costs with *dataset*: training, the gate, hosting; measures files, sends nothing."""
    training = prepare(loop, dataset, policy, None)[0].written.examples
    return forecast_from(loop, state, dataset, training, opened, policy)


def forecast_from(  # noqa: PLR0917  (the same values that `prepare` and `plan_iteration` give)
    loop: Loop,
    state: LoopState,
    dataset: Dataset,
    training: Sequence[Sent],
    opened: IterationOpened,
    policy: TrainingPolicy,
) -> Forecast:
    """As `forecast_of`, for a training file that was measured already."""
    job = Job(training, policy.detail, epochs(policy, opened.mode or "restart"), _dearest_tier(policy))
    questions = _questions(loop, state, dataset, opened.parent, policy)
    return forecast(job, questions, loop.settings.foundry.sku, state, current_prices())


def _dearest_tier(policy: TrainingPolicy) -> TrainingType:
    """The tier to forecast with: whichever of the policy's takes the job, it costs no more."""
    prices = current_prices().training_per_million_tokens
    return max(policy.training_types, key=lambda tier: prices[tier])


def _questions(loop: Loop, state: LoopState, dataset: Dataset, parent: str, policy: TrainingPolicy) -> Questions:
    held_out = dataset.of(Split.HELD_OUT)
    if isinstance(loop.contract, ChatContract):
        measured, longest = write_chats(loop, held_out, None).examples, ANSWER_OF_A_CHAT
    else:
        measured = write_jsonl(loop, [Appearance(image) for image in held_out], policy, None).examples
        longest = max(text_tokens(answer) for answer in loop.contract.answers().values())
    tier = evaluation_tier_of(loop, parent)
    return Questions(measured, longest, _asked(loop, state, dataset, parent, policy), tier)


def _asked(loop: Loop, state: LoopState, dataset: Dataset, parent: str, policy: TrainingPolicy) -> list[Asked]:
    """The challenger, priced like its parent, and whom it has to beat: asked in full, or anew for a share."""
    gate = loop.settings.promotion
    images = state.held_out.images if state.held_out else len(dataset.of(Split.HELD_OUT))
    asked = [Asked(parent, images, evaluation_tier_of(loop, parent))]
    if not isinstance(loop.contract, ChatContract):
        asked.append(asked[0]._replace(questions=min(gate.validation_images, len(dataset.of(Split.VALIDATION)))))
    champion = state.champion.model if state.champion else None
    before = champion or (policy.base_model if base_is_deployable(loop, policy) else None)
    if before is None:
        return asked
    version = state.held_out.version if state.held_out else None
    answered = {
        each.model for turn in state.iterations for each in turn.evaluations.values() if each.version == version
    }
    if before in answered:
        return [*asked, Asked(before, round(gate.asked_again_share * images))]
    by_batch = champion is None and gate.base_model_by_batch and not isinstance(loop.contract, ChatContract)
    return [*asked, Asked(before, images, BATCH_TIER if by_batch else None)]


def _entry(made: Forecast) -> TrainingForecast:
    return TrainingForecast(
        training_tokens=made.training_tokens,
        training_usd=made.usd_of("training"),
        evaluation_usd=made.usd_of("evaluation"),
        hosting_usd=made.usd_of("hosting"),
        exact=all(cost.exact for cost in made.costs if cost.what == "training"),
    )

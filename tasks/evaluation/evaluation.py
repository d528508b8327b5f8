"""A model's answers to all held-out images: bought once, stored as they come, and now and then asked anew."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from prefect import get_run_logger, task

from cloud.errors import CloudUnavailable
from data_contracts.batches import BATCH_TIER
from data_contracts.evaluation import Answer, Outcome
from data_contracts.images import LabeledImage
from data_contracts.ledger import CostBooked, Evaluated, HeldOutVersionMade
from data_contracts.policies import PromotionPolicy
from data_contracts.prices import current_prices
from data_contracts.record import Record
from decisions.costs import answer_cost
from decisions.evaluation.asked_again import drawn, flips, too_many_flips
from decisions.evaluation.latency import median_ms
from decisions.loop_state import Iteration, LoopState
from tasks.contender import Contender, contract_asked_by
from tasks.datasets import held_out_images
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.evaluation.answer_progress import ask_and_tell
from tasks.evaluation.looks import Pair, count_look
from tasks.evaluation.stored_answers import store_answers, stored_answers, stored_evaluation
from tasks.iterations import book
from tasks.loop import Loop, Turn, connect
from tasks.model_deployments import deploy
from tasks.retrying import PATIENTLY

TABLE = "evaluation.parquet"


class _Bought(Record):
    """Answers to a whole held-out version: those that count, and what was asked anew to see how steady they are."""

    answers: tuple[Answer, ...]
    folder: str
    fresh: tuple[Answer, ...] = ()
    asked_again: int = 0
    changed_again: int = 0
    renewed: bool = False
    reused: bool = False


def evaluate(
    turn: Turn,
    version: HeldOutVersionMade,
    contender: Contender,
    policy: PromotionPolicy,
    completes: Pair | None = None,
) -> Evaluated:
    """The contender's answers to the whole held-out version, deployed and asked only for what is missing.

    Where they complete what there is to know of a pair of models, the look is counted before it can be known.
    """
    if answers_missing(turn, version, contender, policy):
        deploy(turn, contender.model_deployment, contender.model)
    return ask_held_out(turn, version, contender, policy, completes)


@task(**PATIENTLY)
def answers_missing(turn: Turn, version: HeldOutVersionMade, contender: Contender, policy: PromotionPolicy) -> bool:
    """Whether the contender has to answer something for the first time."""
    loop = connect(turn.folder)
    if _done(loop, turn, version, contender, policy) is not None:
        return False
    known = known_answers(loop, turn, version, contender)
    if known is not None:
        return False  # a share is asked anew only of what is deployed anyway
    return len(AnswerJournal(loop.store, answers_folder(loop, version.version[:16], contender)).read()) < version.images


@task(**PATIENTLY)
def ask_held_out(
    turn: Turn,
    version: HeldOutVersionMade,
    contender: Contender,
    policy: PromotionPolicy,
    completes: Pair | None = None,
) -> Evaluated:
    """Ask what was not asked yet, store the evaluation, book its cost.

    Raises CloudUnavailable when too many answers failed: the others are kept, and only these are asked again.
    """
    loop = connect(turn.folder)
    done = _done(loop, turn, version, contender, policy)
    if done is not None:
        return done
    known = known_answers(loop, turn, version, contender)
    images = held_out_images(loop, version)
    if known is None:
        bought = _bought(loop, version, contender, images)
    else:
        bought = _asked_anew(loop, turn, version, contender, images, known, policy)
    _check_failures(contender, bought.answers, policy)
    evaluated = _stored(loop, version, contender, bought)
    _book_answers(loop, turn, evaluated, bought, contender)
    if completes is not None:
        count_look(loop, turn, version, completes)
    loop.record(turn, evaluated)
    AnswerJournal(loop.store, bought.folder).clear()
    return evaluated


def known_answers(
    loop: Loop, turn: Turn, version: HeldOutVersionMade, contender: Contender
) -> Mapping[str, Answer] | None:
    """What the contender answered to this version up to this iteration, asked alike; None if it did not."""
    state = loop.state()
    found = known_evaluation(loop, state.iterations[: turn.iteration], version, contender)
    if found is None:
        return _known_from_trial(loop, state, version, contender)
    return {answer.image: answer for answer in stored_evaluation(loop, found).answers}


def _known_from_trial(
    loop: Loop, state: LoopState, version: HeldOutVersionMade, contender: Contender
) -> Mapping[str, Answer] | None:
    """What the contender answered to this version in a trial, asked alike."""
    folder = answers_folder(loop, version.version[:16], contender)
    tried = (each for each in reversed(state.trials) if each.version == version.version)
    found = next((each for each in tried if each.path.startswith(folder)), None)
    return {answer.image: answer for answer in stored_answers(loop, found.path, found.digest)} if found else None


def known_evaluation(
    loop: Loop, iterations: Sequence[Iteration], version: HeldOutVersionMade, contender: Contender
) -> Evaluated | None:
    """The contender's latest evaluation on this version in one of the *iterations*, asked alike; None without one."""
    folder = answers_folder(loop, version.version[:16], contender)
    entries = (each.evaluations.get(contender.model) for each in reversed(iterations))
    found = (each for each in entries if each and each.version == version.version and each.path.startswith(folder))
    return next(found, None)


def _tier(loop: Loop, contender: Contender, bought: _Bought) -> str | None:
    """The tier that answered: answers that are known from earlier came from the one of then."""
    if bought.reused:
        earlier = (each.evaluations.get(contender.model) for each in loop.state().iterations)
        return next((each.sku for each in earlier if each and each.sku), None)
    if any(answer.by_batch for answer in bought.answers):
        return BATCH_TIER
    live = loop.state().deployments.get(contender.model_deployment)
    return live.sku if live else None


def answers_folder(loop: Loop, asked: str, contender: Contender) -> str:
    """Where answers are kept: by what was *asked*, such as a held-out version, and by all that an answer depends on."""
    asked_in = loop.prompt if contender.contract is None else loop.prompt_by(contract_asked_by(loop, contender))
    how = f"{contender.model}\n{contender.detail}\n{asked_in}{loop.contract.grading}"
    key = hashlib.sha256(how.encode()).hexdigest()[:16]
    return loop.path("answers", asked, key)


def _done(
    loop: Loop, turn: Turn, version: HeldOutVersionMade, contender: Contender, policy: PromotionPolicy
) -> Evaluated | None:
    """This iteration's evaluation of the contender, unless the service lost more of it than the *policy* allows."""
    done = known_evaluation(loop, [loop.iteration(turn.iteration)], version, contender)
    if done is None:
        return None
    return done if done.failed <= policy.largest_failure_share * done.images else None


def _bought(loop: Loop, version: HeldOutVersionMade, contender: Contender, images: Sequence[LabeledImage]) -> _Bought:
    folder = answers_folder(loop, version.version[:16], contender)
    answers = tuple(ask_and_tell(loop, contender, images, AnswerJournal(loop.store, folder)).values())
    return _Bought(answers=answers, folder=folder, fresh=answers)


def _asked_anew(  # noqa: PLR0917  (who, what, and what is known of it)
    loop: Loop,
    turn: Turn,
    version: HeldOutVersionMade,
    contender: Contender,
    images: Sequence[LabeledImage],
    known: Mapping[str, Answer],
    policy: PromotionPolicy,
) -> _Bought:
    """The known answers, a share of which is asked anew; all of them where too many came out differently.

    Known failures of the service are asked in any case: they say nothing of the model.
    """
    folder = f"{answers_folder(loop, version.version[:16], contender)}/again-{turn.iteration:04d}"
    journal = AnswerJournal(loop.store, folder)
    deployed = contender.model_deployment in loop.state().deployments
    again = drawn(images, policy.asked_again_share if deployed else 0, turn.iteration)
    failed = [image for image in images if deployed and known[image.digest].outcome is Outcome.FAILED]
    fresh = ask_and_tell(loop, contender, list({image.digest: image for image in (*again, *failed)}.values()), journal)
    changed = flips(known, fresh)
    told = {"folder": folder, "asked_again": len(again), "changed_again": changed}
    if not too_many_flips(changed, len(again), policy.largest_flip_share):
        mended = {**known, **{image.digest: fresh[image.digest] for image in failed}}
        return _Bought(answers=tuple(mended.values()), fresh=tuple(fresh.values()), reused=True, **told)
    get_run_logger().warning("%d of %d answers of %s changed: all are asked anew", changed, len(again), contender.model)
    renewed = tuple(ask_and_tell(loop, contender, images, journal).values())
    return _Bought(answers=renewed, fresh=renewed, renewed=True, **told)


def _check_failures(contender: Contender, answers: Sequence[Answer], policy: PromotionPolicy) -> None:
    failed = [answer.failure for answer in answers if answer.outcome is Outcome.FAILED]
    if len(failed) <= policy.largest_failure_share * len(answers):
        return
    (why, _), *_ = Counter(failed).most_common(1)
    raise CloudUnavailable(f"{len(failed)} of {len(answers)} answers of {contender.model} were lost: {why}")


def _stored(loop: Loop, version: HeldOutVersionMade, contender: Contender, bought: _Bought) -> Evaluated:
    tier, live = _tier(loop, contender, bought), loop.state().deployments.get(contender.model_deployment)
    mixed = live is not None and bought.reused and live.sku != tier  # what was asked anew tells another tier's latency
    return Evaluated(
        version=version.version,
        model=contender.model,
        model_deployment=contender.model_deployment,
        **store_answers(loop, f"{bought.folder}/{TABLE}", bought.answers).model_dump(),
        failed=sum(answer.outcome is Outcome.FAILED for answer in bought.answers),
        median_ms=None if mixed else _comparable_time(bought),
        sku=tier,
        asked_again=bought.asked_again,
        changed_again=bought.changed_again,
        renewed=bought.renewed,
    )


def _comparable_time(bought: _Bought) -> float | None:
    """Median time of the fresh answers; None where only a sample was asked, for a model is slower the more it is asked.

    A sample never comes to the pace at which all images are asked.
    """
    return median_ms(bought.fresh) if 2 * len(bought.fresh) >= len(bought.answers) else None


def _book_answers(loop: Loop, turn: Turn, evaluated: Evaluated, bought: _Bought, contender: Contender) -> None:
    """Book each purchase once: a run that was killed here buys no second time, and counts the same evaluations."""
    events = (entry.event for entry in loop.ledger.read())
    before = sum(isinstance(each, Evaluated) and each.model == evaluated.model for each in events)
    subject = f"{evaluated.model} on held-out version {evaluated.version[:12]}, evaluation {before + 1}"
    book_answers(loop, turn, contender, bought.fresh, subject)


def book_answers(loop: Loop, turn: Turn, contender: Contender, answers: Sequence[Answer], subject: str) -> None:
    """Book what the answers cost by the tier that gave them, once for each *subject*; nothing for no answers."""
    if not answers:
        return
    prices, live = current_prices(), loop.state().deployments.get(contender.model_deployment)
    tier = live.sku if live else None
    parts = []
    for each, some in (
        (tier, [a for a in answers if not a.by_batch]),
        (BATCH_TIER, [a for a in answers if a.by_batch]),
    ):
        asked = sum(answer.prompt_tokens for answer in some)
        said = sum(answer.completion_tokens for answer in some)
        if some:
            usd = answer_cost(asked, said, contender.model, prices, each)
            parts.append((usd, f"{asked:,} tokens in, {said:,} out, {each or 'tier unknown'}"))
    known = [usd for usd, _ in parts if usd is not None]
    if len(known) < len(parts):
        get_run_logger().warning("prices.yaml has no price for answers of %s; nothing was booked", contender.model)
        return
    basis = f"{'; '.join(words for _, words in parts)}, prices of {prices.as_of}"
    book(loop, turn, CostBooked(what="evaluation", subject=subject, usd=sum(known), basis=basis))

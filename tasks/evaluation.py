"""Asking a model all held-out images; answers are stored as they come and never bought twice."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from prefect import get_run_logger, task

from cloud.errors import CloudRefused, CloudUnavailable
from cloud.store import NotFound
from data_contracts.chat_contract import ChatContract
from data_contracts.evaluation import Answer, Evaluation, Outcome
from data_contracts.images import LabeledImage
from data_contracts.ledger import CostBooked, Evaluated, HeldOutVersionMade
from data_contracts.policies import PromotionPolicy
from data_contracts.prices import current_prices
from data_contracts.record import Record
from decisions.answers import read_answer
from decisions.costs import answer_cost
from decisions.imaging.images import data_url
from tasks.chat_answers import chat_answer
from tasks.datasets import held_out_images
from tasks.iterations import book
from tasks.loop import Loop, Turn, connect
from tasks.model_deployments import deploy
from tasks.retrying import PATIENTLY
from tasks.tables import from_parquet, to_parquet
from tasks.training_lines import as_sent

SHARD = 50
AT_ONCE = 16


class Contender(Record):
    """A model, the name of the model deployment under which it answers, and the detail it sees images in."""

    model: str
    model_deployment: str
    detail: str


def evaluate(turn: Turn, version: HeldOutVersionMade, contender: Contender, policy: PromotionPolicy) -> Evaluated:
    """The contender's answers to the whole held-out version, deployed and asked only for what is missing."""
    if answers_missing(turn, version, contender):
        deploy(turn, contender.model_deployment, contender.model)
    return ask_held_out(turn, version, contender, policy)


@task(**PATIENTLY)
def answers_missing(turn: Turn, version: HeldOutVersionMade, contender: Contender) -> bool:
    """Whether a shard of the contender's answers to the held-out version was not bought yet."""
    loop = connect(turn.folder)
    shards = range(0, version.images, SHARD)
    stored = set(loop.store.list(_answers_path(loop, version, contender, "")))
    return any(_shard_path(loop, version, contender, start) not in stored for start in shards)


@task(**PATIENTLY)
def ask_held_out(turn: Turn, version: HeldOutVersionMade, contender: Contender, policy: PromotionPolicy) -> Evaluated:
    """Ask what was not asked yet, store the evaluation, book its cost."""
    loop = connect(turn.folder)
    done = loop.iteration(turn.iteration).evaluations.get(contender.model)
    if done is not None and done.version == version.version:
        return done
    answers = _all_answers(loop, version, contender)
    _check_failures(loop, version, contender, answers, policy)
    evaluated = _stored(loop, version, contender, answers)
    _book_answers(loop, turn, evaluated)
    loop.record(turn, evaluated)
    return evaluated


def stored_evaluation(loop: Loop, evaluated: Evaluated) -> Evaluation:
    """The answers behind a ledger entry; raises CloudRefused when the file is not the one recorded."""
    content = loop.store.get(evaluated.path).content
    if hashlib.sha256(content).hexdigest() != evaluated.digest:
        raise CloudRefused(f"{evaluated.path} was changed: it is not the evaluation that the ledger recorded")
    answers = tuple(_as_named_today(loop, answer) for answer in from_parquet(content, Answer))
    return Evaluation(model=evaluated.model, held_out_version=evaluated.version, answers=answers)


def _as_named_today(loop: Loop, answer: Answer) -> Answer:
    """The answer as it counts now that one of its classes may have a successor."""
    given = answer.given and loop.contract.current(answer.given)
    return answer.model_copy(update={"expected": loop.contract.current(answer.expected), "given": given})


def _all_answers(loop: Loop, version: HeldOutVersionMade, contender: Contender) -> list[Answer]:
    images = held_out_images(loop, version)
    answers: list[Answer] = []
    for start in range(0, len(images), SHARD):
        path = _shard_path(loop, version, contender, start)
        try:
            shard = from_parquet(loop.store.get(path).content, Answer)
        except NotFound:
            shard = _asked(loop, contender, images[start : start + SHARD])
            loop.store.put(path, to_parquet(shard, Answer))
        answers += shard
        get_run_logger().info("%s answered %d of %d held-out images", contender.model, len(answers), len(images))
    return answers


def _asked(loop: Loop, contender: Contender, images: Sequence[LabeledImage]) -> list[Answer]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda image: _answer(loop, contender, image), images))


def _answer(loop: Loop, contender: Contender, image: LabeledImage) -> Answer:
    if isinstance(loop.contract, ChatContract):
        return chat_answer(loop, loop.contract, contender.model_deployment, image)
    url = data_url(as_sent(loop, image))
    raw = loop.foundry.answer(contender.model_deployment, loop.prompt, url, contender.detail)
    aliases = {answer: label for label, answer in loop.contract.answers().items()}
    reading = read_answer(raw, loop.contract.labels, aliases)
    return Answer(
        image=image.digest,
        expected=image.label,
        given=reading.label,
        outcome=reading.outcome,
        failure=raw.failure,
        latency_ms=raw.latency_ms,
        prompt_tokens=raw.prompt_tokens,
        completion_tokens=raw.completion_tokens,
    )


def _check_failures(
    loop: Loop, version: HeldOutVersionMade, contender: Contender, answers: Sequence[Answer], policy: PromotionPolicy
) -> None:
    """Throw away shards with failed answers when there are too many, so that they are asked again."""
    failed = [index for index, answer in enumerate(answers) if answer.outcome is Outcome.FAILED]
    if len(failed) <= policy.largest_failure_share * len(answers):
        return
    for start in {index - index % SHARD for index in failed}:
        loop.store.delete(_shard_path(loop, version, contender, start))
    (why, _), *_ = Counter(answers[index].failure for index in failed).most_common(1)
    raise CloudUnavailable(f"{len(failed)} of {len(answers)} answers of {contender.model} were lost: {why}")


def _stored(loop: Loop, version: HeldOutVersionMade, contender: Contender, answers: Sequence[Answer]) -> Evaluated:
    path, table = _answers_path(loop, version, contender, "evaluation.parquet"), to_parquet(answers, Answer)
    loop.store.put(path, table)
    return Evaluated(
        version=version.version,
        model=contender.model,
        model_deployment=contender.model_deployment,
        images=len(answers),
        correct=sum(answer.correct for answer in answers),
        path=path,
        digest=hashlib.sha256(table).hexdigest(),
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        completion_tokens=sum(answer.completion_tokens for answer in answers),
    )


def _book_answers(loop: Loop, turn: Turn, evaluated: Evaluated) -> None:
    prices = current_prices()
    usd = answer_cost(evaluated.prompt_tokens, evaluated.completion_tokens, evaluated.model, prices)
    if usd is None:
        get_run_logger().warning("prices.yaml has no price for answers of %s; nothing was booked", evaluated.model)
        return
    subject = f"{evaluated.model} on held-out version {evaluated.version[:12]}"
    basis = f"{evaluated.prompt_tokens:,} tokens in, {evaluated.completion_tokens:,} out, prices of {prices.as_of}"
    book(loop, turn, CostBooked(what="evaluation", subject=subject, usd=usd, basis=basis))


def _shard_path(loop: Loop, version: HeldOutVersionMade, contender: Contender, start: int) -> str:
    return _answers_path(loop, version, contender, f"shard-{start:06d}.parquet")


def _answers_path(loop: Loop, version: HeldOutVersionMade, contender: Contender, name: str) -> str:
    """Where answers are kept: by held-out version, and by all that a model's answer depends on."""
    asked = f"{contender.model}\n{contender.detail}\n{loop.prompt}{loop.contract.grading}"
    key = hashlib.sha256(asked.encode()).hexdigest()[:16]
    return loop.path("answers", version.version[:16], key, name)

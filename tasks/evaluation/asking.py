"""Asking a model many images at once, as fast as its limits allow; every answer is kept as it comes."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from cloud.pace import MOST_AT_ONCE
from data_contracts.chat_contract import ChatContract
from data_contracts.evaluation import Answer, Outcome, RawAnswer
from data_contracts.image_contract import ImageContract
from data_contracts.images import LabeledImage
from decisions.answers import read_answer
from decisions.evaluation.confidence import confidence, label_probabilities
from decisions.imaging.images import data_url
from tasks.as_sent import as_sent
from tasks.contender import Contender, contract_asked_by
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.evaluation.chat_answers import chat_answer
from tasks.evaluation.stored_answers import as_named_today
from tasks.loop import Loop
from tasks.own_calls import OFTEN, keep_own_calls

WAITING = 2 * MOST_AT_ONCE
"""Questions that are prepared at once: enough for the pace, few enough to be stopped."""


TOLD_EVERY = 5.0
"""Seconds after which it is told how far it is though no answer came."""
Tell = Callable[[int, int], None]
"""Is told now and then how many answers came, and how many of all are there."""


def ask_images(
    loop: Loop, contender: Contender, images: Sequence[LabeledImage], journal: AnswerJournal, tell: Tell
) -> dict[str, Answer]:
    """The answer to each image, by digest; only those that the *journal* lacks are bought.

    Answers that failed after all retries are returned and not kept: whoever asks anew asks these again.
    """
    known = journal.read()
    missing = [image for image in images if image.digest not in known]
    before = len(images) - len(missing)

    def told(fresh: int) -> None:
        tell(fresh, before + fresh)
        keep_own_calls(loop, at_most_every=OFTEN)

    if missing:
        try:
            with journal.writing() as keep:
                known |= _asked(loop, contender, missing, keep, told)
        finally:
            keep_own_calls(loop)
    return {image.digest: as_named_today(loop, known[image.digest]) for image in images}


def _asked(
    loop: Loop,
    contender: Contender,
    images: Sequence[LabeledImage],
    keep: Callable[[Answer], None],
    tell: Callable[[int], None],
) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    rest = iter(images)
    pool = ThreadPoolExecutor(MOST_AT_ONCE)
    asked = {pool.submit(ask_image, loop, contender, image) for image in islice(rest, WAITING)}
    try:
        while asked:
            done, asked = wait(asked, TOLD_EVERY, return_when=FIRST_COMPLETED)
            asked |= {pool.submit(ask_image, loop, contender, image) for image in islice(rest, len(done))}
            _keep_all(done, keep, found)
            tell(len(found))
    except BaseException:
        loop.foundry.stop_asking(contender.model_deployment)
        pool.shutdown(cancel_futures=True)
        _keep_all({each for each in asked if _has_answered(each)}, keep, found)
        raise
    pool.shutdown()
    return found


def _keep_all(done: set[Future[Answer]], keep: Callable[[Answer], None], found: dict[str, Answer]) -> None:
    """Keep every answer that came, whatever became of the others; raises afterwards what one of them raised."""
    for answer in (future.result() for future in done if _has_answered(future)):
        if answer.outcome is not Outcome.FAILED:
            keep(answer)
        found[answer.image] = answer
    for future in done:
        future.result()


def _has_answered(future: Future[Answer]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def ask_image(loop: Loop, contender: Contender, image: LabeledImage) -> Answer:
    """One answer, read by the fixed rules."""
    if isinstance(loop.contract, ChatContract):
        return chat_answer(loop, loop.contract, contender.model_deployment, image)
    url = data_url(as_sent(loop, image))
    contract = contract_asked_by(loop, contender)
    raw = loop.foundry.answer(contender.model_deployment, loop.prompt_by(contract), url, contender.detail)
    return answer_to(contract, image, raw)


def answer_to(contract: ImageContract, image: LabeledImage, raw: RawAnswer) -> Answer:
    """What came back for *image*, read by the fixed rules."""
    answers = contract.answers()
    reading = read_answer(raw, contract.labels, {answer: label for label, answer in answers.items()})
    return Answer(
        image=image.digest,
        expected=image.label,
        given=reading.label,
        outcome=reading.outcome,
        failure=raw.failure,
        confidence=confidence(raw.tokens) if reading.label else None,
        probabilities=label_probabilities(raw.tokens, answers),
        put_off=raw.put_off,
        latency_ms=raw.latency_ms,
        prompt_tokens=raw.prompt_tokens,
        completion_tokens=raw.completion_tokens,
    )

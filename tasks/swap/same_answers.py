"""Whether a model answers in production as it did when it was evaluated on another model deployment."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from prefect import task

from cloud.errors import CloudUnavailable
from data_contracts.errors import KaizenError
from data_contracts.evaluation import Answer, Outcome
from data_contracts.images import LabeledImage, Split
from data_contracts.ledger import AnswersCompared
from data_contracts.policies import PromotionPolicy
from decisions.evaluation.asked_again import flips, too_many_flips
from tasks.contender import Contender
from tasks.datasets import frozen_dataset, held_out_images
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.evaluation.answer_progress import ask_and_tell
from tasks.evaluation.evaluation import answers_folder, book_answers
from tasks.evaluation.stored_answers import stored_answers, stored_evaluation
from tasks.evaluation.validation import sample
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY

MOST_IMAGES = 30


class AnswersDiffer(KaizenError):
    """The production model deployment answers otherwise than the one that was evaluated; a person has to look."""


class _Known(NamedTuple):
    examples: Literal["validation", "held-out"]
    images: list[LabeledImage]
    answers: Mapping[str, Answer]


@task(**PATIENTLY)
def compare_answers(turn: Turn, contender: Contender, policy: PromotionPolicy) -> AnswersCompared:
    """Ask the contender's new model deployment what it has answered before, and compare the labels.

    Raises AnswersDiffer when more changed than chance and `largest_flip_share` allow, CloudUnavailable when an answer
    did not come.
    """
    loop = connect(turn.folder)
    before = loop.iteration(turn.iteration).compared
    if before is not None and before.same and before.model_deployment == contender.model_deployment:
        return before
    known = _known(loop, turn, contender)
    chosen = sample(known.images, MOST_IMAGES)
    folder = f"{answers_folder(loop, 'production', contender)}/{turn.iteration:04d}"
    journal = AnswerJournal(loop.store, folder)
    fresh = ask_and_tell(loop, contender, chosen, journal)
    lost = [answer.failure for answer in fresh.values() if answer.outcome is Outcome.FAILED]
    if lost or not fresh:
        why = f"{len(lost)} of {len(chosen)} answers were lost: {lost[0]}" if lost else "there is nothing to ask it"
        raise CloudUnavailable(f"{contender.model_deployment} cannot be compared with the evaluation: {why}")
    changed = flips(known.answers, fresh)
    compared = AnswersCompared(
        model=contender.model,
        model_deployment=contender.model_deployment,
        examples=known.examples,
        images=len(fresh),
        changed=changed,
        same=not too_many_flips(changed, len(fresh), policy.largest_flip_share),
    )
    subject = f"{contender.model} asked again in production, {_ordinal(loop, turn)}"
    book_answers(loop, turn, contender, list(fresh.values()), subject)
    loop.record(turn, compared)
    journal.clear()
    return _checked(compared, policy)


def _checked(compared: AnswersCompared, policy: PromotionPolicy) -> AnswersCompared:
    if compared.same:
        return compared
    raise AnswersDiffer(
        f"{compared.model_deployment} gives other answers than when {compared.model} was evaluated, on "
        f"{compared.changed} of {compared.images} {compared.examples} images, more than largest_flip_share = "
        f"{policy.largest_flip_share:g} allows; nothing was switched: run kaizen improve to ask again, or allow more"
    )


def _known(loop: Loop, turn: Turn, contender: Contender) -> _Known:
    """What the contender has answered in this iteration: validation images, else held-out ones; nothing failed."""
    state = loop.state()
    iteration = state.iterations[turn.iteration - 1]
    examples: Literal["validation", "held-out"] = "validation" if iteration.validation else "held-out"
    if iteration.validation is not None:
        images = list(frozen_dataset(loop, turn).of(Split.VALIDATION))
        answers = stored_answers(loop, iteration.validation.path, iteration.validation.digest)
    else:
        evaluated = iteration.evaluations[contender.model]
        version = next(each for each in state.held_out_versions if each.version == evaluated.version)
        images = held_out_images(loop, version)
        answers = stored_evaluation(loop, evaluated).answers
    by_image = {answer.image: answer for answer in answers if answer.outcome is not Outcome.FAILED}
    kept = [image for image in images if image.digest in by_image and image.digest not in state.forgotten]
    return _Known(examples, kept, by_image)


def _ordinal(loop: Loop, turn: Turn) -> str:
    """Which comparison of the iteration this is: each is booked by itself."""
    made = sum(
        isinstance(each.event, AnswersCompared) for each in loop.ledger.read() if each.iteration == turn.iteration
    )
    return f"comparison {made + 1} of iteration {turn.iteration}"

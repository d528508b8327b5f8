"""A challenger's answers to validation images: they decide no promotion, so that each of them may be shown."""

import hashlib
from collections.abc import Sequence

from prefect import task

from data_contracts.chat_contract import ChatContract
from data_contracts.evaluation import Answer, Outcome
from data_contracts.images import LabeledImage, Split
from data_contracts.ledger import ValidationAnswered
from data_contracts.policies import PromotionPolicy
from tasks.contender import Contender
from tasks.datasets import frozen_dataset
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.evaluation.answer_progress import ask_and_tell
from tasks.evaluation.evaluation import answers_folder, book_answers
from tasks.evaluation.stored_answers import store_answers
from tasks.loop import Turn, connect
from tasks.retrying import PATIENTLY


@task(**PATIENTLY)
def ask_validation(turn: Turn, challenger: Contender, policy: PromotionPolicy) -> ValidationAnswered | None:
    """Ask the challenger a sample of the dataset's validation images; None for chats, or where there are none."""
    loop = connect(turn.folder)
    done = loop.iteration(turn.iteration).validation
    if done is not None or isinstance(loop.contract, ChatContract):
        return done
    dataset = frozen_dataset(loop, turn)
    images = sample(dataset.of(Split.VALIDATION), policy.validation_images)
    if not images:
        return None
    folder = answers_folder(loop, f"validation-{dataset.digest[:16]}", challenger)
    journal = AnswerJournal(loop.store, folder)
    answers = [each for each in ask_and_tell(loop, challenger, images, journal).values() if not _failed(each)]
    if not answers:
        return None
    table = store_answers(loop, f"{folder}/{turn.iteration:04d}.parquet", answers)
    answered = ValidationAnswered(model=challenger.model, **table.model_dump())
    subject = f"{challenger.model} on validation images of iteration {turn.iteration}"
    book_answers(loop, turn, challenger, answers, subject)
    loop.record(turn, answered)
    journal.clear()
    return answered


def sample(images: Sequence[LabeledImage], most: int) -> list[LabeledImage]:
    """At most so many of the images, drawn by their digest: one of each class first, as far as there is room."""
    mixed = sorted(images, key=lambda image: hashlib.sha256(f"validation {image.digest}".encode()).digest())
    first = {image.label: image for image in reversed(mixed)}
    chosen = list(first.values())
    rest = [image for image in mixed if first[image.label] is not image]
    return (chosen + rest)[:most]


def _failed(answer: Answer) -> bool:
    return answer.outcome is Outcome.FAILED

"""What a report shows beside the gate's evaluations, written into a loop for a test of the report."""

import hashlib

from data_contracts.evaluation import Answer, Outcome
from data_contracts.images import LabeledImage, Split
from data_contracts.ledger import LocalBaselineMeasured, ValidationAnswered
from tasks.datasets import frozen_dataset, held_out_images
from tasks.loop import Loop, Turn
from tasks.tables import to_parquet


def answered(image: LabeledImage, given: str, confidence: float | None = None) -> Answer:
    """An answer to an image as a model would have given it."""
    return Answer(
        image=image.digest,
        expected=image.label,
        given=given,
        outcome=Outcome.LABEL,
        confidence=confidence,
        latency_ms=4,
        prompt_tokens=0,
        completion_tokens=0,
    )


def write_validation(loop: Loop, turn: Turn) -> list[Answer]:
    """Answers to all validation images, every third of them wrong, into store and ledger."""
    images = frozen_dataset(loop, turn).of(Split.VALIDATION)
    answers = [answered(each, _say(loop, each, number), 0.5 + number / 1000) for number, each in enumerate(images)]
    path, digest = _put(loop, turn, "validation.parquet", answers)
    event = ValidationAnswered(
        model="any",
        images=len(answers),
        correct=sum(each.correct for each in answers),
        path=path,
        digest=digest,
        prompt_tokens=0,
        completion_tokens=0,
    )
    loop.record(turn, event)
    return answers


def write_local_baseline(loop: Loop, turn: Turn) -> None:
    """A local model's answers to the held-out version, every third of them wrong, into store and ledger."""
    version = loop.state().held_out
    assert version is not None
    images = held_out_images(loop, version)
    answers = [answered(each, _say(loop, each, number), 0.7) for number, each in enumerate(images)]
    path, digest = _put(loop, turn, "local.parquet", answers)
    event = LocalBaselineMeasured(
        version=version.version,
        name="logistic regression on simple image features",
        training_images=100,
        images=len(answers),
        correct=sum(each.correct for each in answers),
        path=path,
        digest=digest,
        seconds_to_train=3,
        ms_per_image=4,
    )
    loop.record(turn, event)


def _say(loop: Loop, image: LabeledImage, number: int) -> str:
    labels = loop.contract.labels
    return labels[(labels.index(image.label) + (number % 3 == 0)) % len(labels)]


def _put(loop: Loop, turn: Turn, name: str, answers: list[Answer]) -> tuple[str, str]:
    path, table = loop.iteration_path(turn.iteration, name), to_parquet(answers, Answer)
    loop.store.put(path, table)
    return path, hashlib.sha256(table).hexdigest()

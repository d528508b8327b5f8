"""The JSONL files of a fine-tuning job: one chat per image, streamed to disk, the same bytes for the same input."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from prefect import task

from data_contracts.images import LabeledImage, Split
from data_contracts.policies import TrainingPolicy
from data_contracts.record import Record
from decisions.images import as_model_sees, data_url
from decisions.next_iteration import SMALLEST_TRAINING_SET
from tasks.datasets import frozen_dataset
from tasks.labels import image_path
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY


class TrainingFiles(Record):
    """What was uploaded for a job."""

    training: str
    validation: str | None
    examples: int


@task(**PATIENTLY)
def upload_training_files(turn: Turn, policy: TrainingPolicy) -> TrainingFiles:
    """Write and upload the training and validation files; what an earlier run uploaded is found by its digest."""
    loop = connect(turn.folder)
    intended = loop.iteration(turn.iteration).intended
    if intended is not None:
        return TrainingFiles(
            training=intended.training_file, validation=intended.validation_file, examples=intended.examples
        )
    dataset = frozen_dataset(loop, turn)
    secret = {_as_sent(loop, image) for image in dataset.of(Split.HELD_OUT)}
    train, validation = (
        [image for image in _shuffled(dataset.of(split)) if _as_sent(loop, image) not in secret]
        for split in (Split.TRAIN, Split.VALIDATION)
    )
    enough = len(validation) >= SMALLEST_TRAINING_SET
    return TrainingFiles(
        training=_uploaded(loop, "train", train, policy.detail),
        validation=_uploaded(loop, "validation", validation, policy.detail) if enough else None,
        examples=len(train),
    )


def write_jsonl(loop: Loop, images: Sequence[LabeledImage], detail: str, file: Path) -> str:
    """Write one training example a line into *file*; returns the SHA-256 of its bytes."""
    digest = hashlib.sha256()
    with file.open("wb") as out:
        for line in _lines(loop, images, detail):
            out.write(line)
            digest.update(line)
    return digest.hexdigest()


def example(prompt: str, answer: str, image: str, detail: str) -> Mapping[str, object]:
    """One training example: the system prompt, the *image* as a data URL, and the answer."""
    picture = {"type": "image_url", "image_url": {"url": image, "detail": detail}}
    return {
        "messages": [
            {"role": "system", "content": prompt},
            {"role": "user", "content": [picture]},
            {"role": "assistant", "content": answer},
        ]
    }


def _lines(loop: Loop, images: Sequence[LabeledImage], detail: str) -> Iterator[bytes]:
    prompt, answers = loop.prompt, loop.contract.answers()
    for image in images:
        content = loop.store.get(image_path(image.digest, image.media_type)).content
        chat = example(prompt, answers[image.label], data_url(as_model_sees(content)), detail)
        yield json.dumps(chat, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _as_sent(loop: Loop, image: LabeledImage) -> bytes:
    """Digest of what the model sees of the image: different pixels may well become the same JPEG."""
    content = loop.store.get(image_path(image.digest, image.media_type)).content
    return hashlib.sha256(as_model_sees(content)).digest()


def _uploaded(loop: Loop, role: str, images: Sequence[LabeledImage], detail: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "examples.jsonl"
        digest = write_jsonl(loop, images, detail, file)
        name = f"kaizen-{loop.name}-{role}-{digest[:16]}.jsonl"
        return loop.foundry.find_file(name) or loop.foundry.upload(file, name)


def _shuffled(images: Sequence[LabeledImage]) -> list[LabeledImage]:
    """The images in an order that has nothing to do with their labels, yet is always the same."""
    return sorted(images, key=lambda image: hashlib.sha256(image.digest.encode()).digest())

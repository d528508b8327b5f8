"""Preparing, checking and uploading the JSONL files of a fine-tuning job."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from prefect import task

from data_contracts.chat_contract import ChatContract
from data_contracts.errors import KaizenError
from data_contracts.images import Dataset, LabeledImage, Split
from data_contracts.limits import current_limits
from data_contracts.policies import TrainingPolicy
from data_contracts.record import Record
from data_contracts.training import JobStatus, SentExamples, is_fine_tuned
from decisions.training.class_balance import Appearance, appearances
from decisions.training.preflight import Account, FileToSend, Preflight, preflight
from decisions.training.reconciliation import sent_examples
from decisions.training.tokens import counts_exactly
from decisions.training.training_plan import SMALLEST_TRAINING_SET, epochs
from tasks.as_sent import digest_as_sent
from tasks.datasets import frozen_dataset
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY
from tasks.training.chat_lines import write_chats
from tasks.training.example_preview import publish_examples
from tasks.training.room import make_room
from tasks.training.training_lines import Written, write_jsonl
from tasks.training.uploading import FileOnDisk, uploaded


class DoesNotFit(KaizenError):
    """The set breaks a limit of the provider; the text names the limit and what makes the set fit."""


class TrainingFiles(Record):
    """What was uploaded for a job."""

    training: str
    validation: str | None
    examples: int
    sent: tuple[SentExamples, ...] = ()
    exact_tokens: bool = False


@dataclass(frozen=True)
class Prepared:
    """One file of a job before its upload; without a path it was only measured."""

    role: str
    name: str
    path: Path | None
    written: Written


@task(**PATIENTLY)
def upload_training_files(turn: Turn, policy: TrainingPolicy) -> TrainingFiles:
    """Write the training and validation files, check that they fit, show the first examples, and upload them.

    What an earlier run uploaded is found by its digest. Raises DoesNotFit before anything is uploaded.
    """
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    intended = iteration.intended
    if intended is not None:
        return TrainingFiles(
            training=intended.training_file,
            validation=intended.validation_file,
            examples=intended.examples,
            sent=intended.sent,
            exact_tokens=intended.exact_tokens,
        )
    with tempfile.TemporaryDirectory() as folder:
        files = prepare(loop, frozen_dataset(loop, turn), policy, Path(folder))
        n_epochs = epochs(policy, iteration.opened.mode or "restart")
        verdict = check_fit(loop, files, policy, n_epochs)
        if make_room(loop, turn, {file.name for file in files}, verdict):
            verdict = check_fit(loop, files, policy, n_epochs)
        if not verdict.fits:
            raise DoesNotFit(f"Iteration {turn.iteration} was not uploaded: {verdict.problems}")
        _show_first(loop, turn, files[0])
        ids = [uploaded(loop, turn, _on_disk(file)) for file in files]
    examples = files[0].written.examples
    return TrainingFiles(
        training=ids[0],
        validation=ids[1] if len(ids) > 1 else None,
        examples=len(examples),
        sent=sent_examples(examples, policy.detail),
        exact_tokens=counts_exactly(),
    )


def prepare(loop: Loop, dataset: Dataset, policy: TrainingPolicy, folder: Path | None) -> list[Prepared]:
    """The training file and, with enough images, the validation file, in *folder* or, without one, only measured."""
    if isinstance(loop.contract, ChatContract):
        return _prepared_chats(loop, dataset, folder)
    secret = {digest_as_sent(loop, image) for image in dataset.of(Split.HELD_OUT)}
    files = []
    for role, split in (("train", Split.TRAIN), ("validation", Split.VALIDATION)):
        path = folder / f"{role}.jsonl" if folder else None
        written = write_jsonl(loop, appearing(dataset, split, policy), policy, path, secret)
        if split is Split.TRAIN or len(written.examples) >= SMALLEST_TRAINING_SET:
            files.append(Prepared(role, f"kaizen-{loop.name}-{role}-{written.digest[:16]}.jsonl", path, written))
    return files


def appearing(dataset: Dataset, split: Split, policy: TrainingPolicy) -> list[Appearance]:
    """What the file of a split shows: only training images are repeated or changed."""
    if split is Split.TRAIN:
        return appearances(dataset.of(split), policy)
    return [Appearance(image) for image in _shuffled(dataset.of(split))]


def _prepared_chats(loop: Loop, dataset: Dataset, folder: Path | None) -> list[Prepared]:
    """As `prepare`, for a loop of chats; a held-out question is in no file, for it is in the dataset once."""
    files = []
    for role, split in (("train", Split.TRAIN), ("validation", Split.VALIDATION)):
        path = folder / f"{role}.jsonl" if folder else None
        written = write_chats(loop, _shuffled(dataset.of(split)), path)
        if split is Split.TRAIN or len(written.examples) >= SMALLEST_TRAINING_SET:
            files.append(Prepared(role, f"kaizen-{loop.name}-{role}-{written.digest[:16]}.jsonl", path, written))
    return files


def check_fit(loop: Loop, files: Sequence[Prepared], policy: TrainingPolicy, n_epochs: int) -> Preflight:
    """Whether *files*, read *n_epochs* times, fit into what Azure allows and has left; asks, uploads nothing."""
    there = loop.foundry.files()
    usable = {file.name for file in there if file.usable}
    jobs = loop.foundry.jobs()
    queued = sum(job.status is JobStatus.UNDER_WAY and job.reported_status != "running" for job in jobs)
    deployed = sum(is_fine_tuned(each.model) for each in loop.foundry.model_deployments())
    account = Account(
        files=len(there),
        bytes=sum(file.bytes for file in there),
        queued_jobs=queued,
        jobs=len(jobs),
        model_deployments=deployed,
    )
    sent = [FileToSend(file.role, file.written.examples, uploaded=file.name in usable) for file in files]
    return preflight(sent, policy.detail, n_epochs, account, current_limits())


def _show_first(loop: Loop, turn: Turn, file: Prepared) -> None:
    assert file.path is not None
    publish_examples(loop, turn.iteration, file.path, file.written)


def _on_disk(file: Prepared) -> FileOnDisk:
    assert file.path is not None
    return FileOnDisk(file.path, file.name, len(file.written.examples))


def _shuffled(images: Sequence[LabeledImage]) -> list[LabeledImage]:
    """The images in an order that has nothing to do with their labels, yet is always the same."""
    return sorted(images, key=lambda image: sha256(image.digest.encode()).digest())

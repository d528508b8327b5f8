"""A base model's answers to held-out images in one batch: at half the price, within about a day, bought exactly once.

They go into the journal from which the evaluation takes what it need not ask; fine-tuned models cannot be asked so.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import uniform

from prefect import get_run_logger, task

from cloud.clock import wait
from cloud.errors import CloudRefused, CloudUnavailable, OutcomeUnknown
from data_contracts.batches import AnswerBatch
from data_contracts.chat_contract import ChatContract
from data_contracts.evaluation import Answer, Outcome
from data_contracts.images import LabeledImage
from data_contracts.ledger import BatchFinished, BatchIntended, BatchSubmitted, HeldOutVersionMade
from data_contracts.limits import current_limits
from data_contracts.policies import PromotionPolicy
from data_contracts.training import is_fine_tuned
from decisions.imaging.images import data_url
from tasks.as_sent import as_sent
from tasks.contender import Contender, contract_asked_by
from tasks.datasets import held_out_images
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.evaluation.asking import answer_to
from tasks.evaluation.evaluation import answers_folder, answers_missing, book_answers
from tasks.loop import Loop, Turn, connect
from tasks.model_deployments import deploy_for_batches
from tasks.outages import FIRST_PAUSE, GROWTH, JITTER, LONGEST_PAUSE, Outage
from tasks.pausing import check_may_act, check_not_paused
from tasks.retrying import PATIENTLY

ATTEMPTS = 3
"""Times that a batch is bought of which the service lost the answer and knows nothing."""
LISTING_PAUSE = 1.0
PATIENCE = timedelta(hours=36)
"""How long a batch may take before it is cancelled, and what it has not answered asked directly: Azure aims at 24."""
UNKNOWN_PATIENCE, UNKNOWN_PAUSE = timedelta(minutes=10), 20.0
"""How long, and after how many seconds, a batch is bought anew that came before its model deployment was known."""
REFUSED, GIVEN_UP = "refused", "given up"


def ask_by_batch(turn: Turn, version: HeldOutVersionMade, contender: Contender, policy: PromotionPolicy) -> None:
    """Let a batch answer for a base model where the policy wants it; what is missing after it is asked directly."""
    if not policy.base_model_by_batch or is_fine_tuned(contender.model):
        return
    if not batch_is_due(turn, version, contender, policy):
        return
    name = deploy_for_batches(turn, contender.model)
    if name is None:
        return
    submitted = submit_batch(turn, version, contender, name)
    if submitted is not None:
        follow_batch(turn, version, contender)


@task(**PATIENTLY)
def batch_is_due(turn: Turn, version: HeldOutVersionMade, contender: Contender, policy: PromotionPolicy) -> bool:
    """Whether a batch has answers to give: one that was begun and not read, or a new one."""
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    intended = iteration.batch_intended
    if isinstance(loop.contract, ChatContract):
        return False
    if iteration.batch_finished is not None:
        _delete_files(loop, turn)
        return False
    if intended is not None and (intended.version, intended.model) != (version.version, contender.model):
        _give_up(loop, turn, contender)
        return False
    if intended is not None:
        return True
    return answers_missing(turn, version, contender, policy)


@task(**PATIENTLY)
def submit_batch(turn: Turn, version: HeldOutVersionMade, contender: Contender, name: str) -> BatchSubmitted | None:
    """Make sure that the iteration's batch exists exactly once; None where the service refuses it.

    The intent goes into the ledger before the purchase; a batch whose purchase was interrupted is found by its file.
    """
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.batch_submitted is not None:
        return iteration.batch_submitted
    begun = iteration.batch_intended
    try:
        intended = begun or _intended(loop, turn, version, contender, name)
        found = _settled(loop, intended.input_file) if begun else _alive(loop, intended.input_file)
        return _submitted(loop, turn, found or _bought(loop, turn, intended.input_file), found_again=bool(found))
    except CloudRefused as error:
        get_run_logger().warning("%s is asked directly, at full price: %s", contender.model, error)
        loop.record(turn, BatchFinished(batch=None, status=REFUSED, answered=0, problem=str(error)))
        _delete_files(loop, turn)
        return None


@task(**PATIENTLY)
def follow_batch(turn: Turn, version: HeldOutVersionMade, contender: Contender) -> BatchFinished:
    """Wait for the batch to end and keep what it answered."""
    loop = connect(turn.folder)
    done = loop.iteration(turn.iteration).batch_finished
    if done is not None:
        return done
    batch = _ended_once_known(loop, turn)
    _cancel_others(loop, batch)
    answers = _answers(loop, version, contender, batch)
    AnswerJournal(loop.store, answers_folder(loop, version.version[:16], contender)).add(answers)
    finished = BatchFinished(batch=batch.id, status=batch.reported_status, answered=len(answers), problem=batch.problem)
    loop.record(turn, finished)
    get_run_logger().info("The batch %s is %s: %d answers", batch.id, batch.reported_status, len(answers))
    if batch.problem:
        get_run_logger().warning("%s is asked directly, at full price: %s", contender.model, batch.problem)
    _delete_files(loop, turn)
    return finished


def _give_up(loop: Loop, turn: Turn, contender: Contender) -> None:
    """End a batch whose answers nobody needs any more: another held-out version or base model is asked by now."""
    iteration = loop.iteration(turn.iteration)
    intended, submitted = iteration.batch_intended, iteration.batch_submitted
    assert intended is not None
    batch = loop.foundry.batch(submitted.batch) if submitted else _settled(loop, intended.input_file)
    answered = 0
    if batch is not None:
        if not batch.ended:
            loop.foundry.cancel_batch(batch.id)
        batch = _ended(loop, batch.id)
        known = {image.digest: image for image in _asked_images(loop, intended.version)}
        answers = _read(loop, known, contender, batch)
        answered = len(answers)
        of_batch = contender.model_copy(update={"model": intended.model})
        book_answers(loop, turn, of_batch, answers, f"batch {batch.id}, given up")
    problem = f"{contender.model} is asked about held-out version {intended.version[:12]} no more"
    loop.record(
        turn, BatchFinished(batch=batch.id if batch else None, status=GIVEN_UP, answered=answered, problem=problem)
    )
    _delete_files(loop, turn)


def _intended(
    loop: Loop, turn: Turn, version: HeldOutVersionMade, contender: Contender, model_deployment: str
) -> BatchIntended:
    """The announced batch with its input file uploaded; a file of an earlier run is found by its digest."""
    check_not_paused(loop)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "batch.jsonl"
        images, digest = _written(loop, version, contender, model_deployment, file)
        name = f"kaizen-{loop.name}-batch-{digest[:16]}.jsonl"
        uploaded = loop.foundry.find_batch_file(name) or loop.foundry.upload_batch_file(file, name)
    intended = BatchIntended(
        version=version.version,
        model=contender.model,
        model_deployment=model_deployment,
        file=name,
        input_file=uploaded,
        images=images,
    )
    loop.record(turn, intended)
    return intended


def _written(
    loop: Loop, version: HeldOutVersionMade, contender: Contender, model_deployment: str, file: Path
) -> tuple[int, str]:
    """Write a question a line, of each image without an answer; returns how many there are, and their digest."""
    known = AnswerJournal(loop.store, answers_folder(loop, version.version[:16], contender)).read()
    missing = [image for image in held_out_images(loop, version) if image.digest not in known]
    digest, size, count, limits = hashlib.sha256(), 0, 0, current_limits()
    with file.open("wb") as out:
        for line in _lines(loop, contender, model_deployment, missing[: limits.batch_requests.value]):
            size += len(line)
            if size > limits.batch_file_bytes.value:
                break
            out.write(line)
            digest.update(line)
            count += 1
    if count < len(missing):
        get_run_logger().warning(
            "A batch has room for %d of %d questions; the rest is asked directly", count, len(missing)
        )
    return count, digest.hexdigest()


def _lines(loop: Loop, contender: Contender, model_deployment: str, images: Sequence[LabeledImage]) -> Iterator[bytes]:
    prompt = loop.prompt_by(contract_asked_by(loop, contender))
    for image in images:
        url = data_url(as_sent(loop, image))
        yield loop.foundry.batch_line(model_deployment, image.digest, prompt, url, contender.detail)


def _bought(loop: Loop, turn: Turn, input_file: str) -> AnswerBatch:
    """The batch of the file; a lost answer is looked for before anything is bought again."""
    for _ in range(ATTEMPTS):
        check_may_act(loop, turn.fence)
        try:
            return loop.foundry.submit_batch(input_file)
        except OutcomeUnknown as error:
            get_run_logger().warning("%s; looking whether the batch exists", error)
            found = _settled(loop, input_file)
            if found is not None:
                return found
    raise CloudUnavailable(f"Azure lost the answer to the batch of {input_file} {ATTEMPTS} times and has no such batch")


def _settled(loop: Loop, input_file: str) -> AnswerBatch | None:
    """The batch of the file, or None once Azure's list has not shown it for the settling time."""
    over = loop.now() + timedelta(minutes=loop.settings.training.settling_minutes)
    while True:
        late = loop.now() >= over
        found = _alive(loop, input_file)
        if found is not None or late:
            return found
        wait(LISTING_PAUSE)


def _alive(loop: Loop, input_file: str) -> AnswerBatch | None:
    """The oldest batch of the file that was not refused as a whole."""
    return next((each for each in loop.foundry.find_batches(input_file) if not each.failed), None)


def _submitted(loop: Loop, turn: Turn, batch: AnswerBatch, *, found_again: bool) -> BatchSubmitted:
    submitted = BatchSubmitted(batch=batch.id, found=found_again)
    loop.record(turn, submitted)
    return submitted


def _ended_once_known(loop: Loop, turn: Turn) -> AnswerBatch:
    """The iteration's batch, ended; bought anew as long as its new model deployment is not known everywhere."""
    iteration = loop.iteration(turn.iteration)
    intended, submitted = iteration.batch_intended, iteration.batch_submitted
    assert intended is not None
    assert submitted is not None
    live = loop.state().deployments.get(intended.model_deployment)
    until = (live.intended_at if live else loop.now()) + UNKNOWN_PATIENCE
    batch = _ended(loop, submitted.batch)
    while batch.too_early and loop.now() < until:
        wait(UNKNOWN_PAUSE)
        found = _alive(loop, intended.input_file)
        batch = found or _bought(loop, turn, intended.input_file)
        _submitted(loop, turn, batch, found_again=bool(found))
        batch = _ended(loop, batch.id)
    return batch


def _ended(loop: Loop, id_: str) -> AnswerBatch:
    """The batch once it has ended; one that takes too long is cancelled, which leaves what it has answered."""
    pause, outage = FIRST_PAUSE, Outage(id_)
    cancelled = False
    while True:
        try:
            batch = loop.foundry.batch(id_)
            if batch.ended:
                return batch
            if not cancelled and loop.now() > batch.created_at + PATIENCE:
                get_run_logger().warning("%s has taken longer than %s; it is cancelled", id_, PATIENCE)
                loop.foundry.cancel_batch(id_)
                cancelled = True
            outage.over()
        except CloudUnavailable as error:
            outage.met(error)
        wait(pause * uniform(1 - JITTER, 1 + JITTER))
        pause = min(LONGEST_PAUSE, pause * GROWTH)


def _cancel_others(loop: Loop, kept: AnswerBatch) -> None:
    """Cancel all other batches of the same file: they were bought by mistake."""
    for extra in loop.foundry.find_batches(kept.input_file):
        if extra.id != kept.id and not extra.ended:
            get_run_logger().warning("%s was bought twice; cancelling %s", kept.id, extra.id)
            loop.foundry.cancel_batch(extra.id)


def _answers(loop: Loop, version: HeldOutVersionMade, contender: Contender, batch: AnswerBatch) -> list[Answer]:
    """What the batch answered, read by the fixed rules; failures are left out, for they are asked directly."""
    return _read(loop, {image.digest: image for image in held_out_images(loop, version)}, contender, batch)


def _asked_images(loop: Loop, version: str) -> Sequence[LabeledImage]:
    made = next(each for each in loop.state().held_out_versions if each.version == version)
    return held_out_images(loop, made)


def _read(loop: Loop, images: Mapping[str, LabeledImage], contender: Contender, batch: AnswerBatch) -> list[Answer]:
    contract = contract_asked_by(loop, contender)
    told = loop.foundry.batch_answers(batch)
    found = {id_: answer_to(contract, images[id_], raw) for id_, raw in told if id_ in images}
    return [answer for answer in found.values() if answer.outcome is not Outcome.FAILED]


def _delete_files(loop: Loop, turn: Turn) -> None:
    """Delete what the batch asked and answered at the service: held-out images do not stay there."""
    iteration = loop.iteration(turn.iteration)
    if iteration.batch_intended is not None:
        loop.foundry.delete_file(iteration.batch_intended.input_file)
    if iteration.batch_finished is None or iteration.batch_finished.batch is None:
        return
    with suppress(CloudRefused):  # a batch that the service has forgotten: its files die by themselves
        batch = loop.foundry.batch(iteration.batch_finished.batch)
        for file in (batch.output_file, batch.error_file):
            if file is not None:
                loop.foundry.delete_file(file)

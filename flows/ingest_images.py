"""`ingest_images`: from the inbox through the data contract to accepted images, or to quarantine with a reason."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger

from data_contracts.chat_contract import ChatContract
from data_contracts.errors import BatchStopped, KaizenError, WrongInput
from data_contracts.ledger import ImagesAccepted
from flows.task_runners import task_runner
from tasks.intake.batch_report import publish_batch
from tasks.intake.chat_ingestion import take_chats
from tasks.intake.inbox import find_batches, late_files, list_shards
from tasks.intake.ingestion import examine, judge
from tasks.loop import connect

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner


class BatchesNotTaken(KaizenError):
    """Batches that cannot be taken as they are, with the reason of each; the others of the same run were *taken*."""

    def __init__(self, problems: Sequence[str], taken: Sequence[ImagesAccepted]) -> None:
        """Say all *problems* in one line."""
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
        self.taken = tuple(taken)


@flow(name="ingest_images", persist_result=False)
def ingest_images(folder: str = ".") -> list[ImagesAccepted]:
    """Take every new batch of the inbox of the loop in *folder*; returns what became of each.

    Raises BatchesNotTaken, with each reason, after all others were taken; a broken contract concerns all and is raised
    at once.
    """
    taken, problems = [], []
    loop = connect(folder)
    with task_runner(loop.settings.ingestion) as runner:
        for batch in find_batches(folder):
            try:
                taken.append(take_batch(folder, batch, runner))
            except (BatchStopped, WrongInput) as problem:
                problems.append(f"The batch {batch} is not taken: {problem}")
    for batch, count in late_files(loop).items():
        get_run_logger().warning("%s: %d files came after the batch was taken", batch, count)
    if problems:
        raise BatchesNotTaken(problems, taken)
    return taken


def take_batch(folder: str, batch: str, runner: "TaskRunner[Any]") -> ImagesAccepted:
    """Examine the files of one batch on *runner*, then judge and publish it; chats are judged as they are read."""
    if isinstance(connect(folder).contract, ChatContract):
        accepted = take_chats(folder, batch)
        publish_batch(folder, accepted)
        return accepted
    shards = enumerate(list_shards(folder, batch))
    parameters = ({"folder": folder, "batch": batch, "shard": number, "files": files} for number, files in shards)
    facts = [runner.submit(examine, each) for each in parameters]
    accepted = judge(folder, batch, [each.result() for each in facts])
    publish_batch(folder, accepted)
    return accepted

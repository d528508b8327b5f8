"""When the account has no room for another training file."""

from pathlib import Path

import pytest
from prefect import flow

from cloud import lease
from data_contracts.ledger import IterationClosed, IterationOpened
from data_contracts.policies import TrainingPolicy
from flows.ingest_images import ingest_images
from tasks.datasets import freeze_dataset
from tasks.iterations import take_up_iteration
from tasks.loop import Turn, connect
from tasks.training.training_files import TrainingFiles, upload_training_files
from tests.decisions.builders import PERSON, training_intended
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


@flow(name="upload")
def upload(folder: str, policy: TrainingPolicy) -> TrainingFiles:
    """The part of a turn that uploads."""
    loop = connect(folder)
    with lease.held(loop.store, loop.name, "upload") as held:
        taken = take_up_iteration(folder, held.fence, policy)
        assert taken.iteration is not None
        turn = Turn(folder=folder, iteration=taken.iteration, fence=held.fence)
        freeze_dataset(turn, policy)
        return upload_training_files(turn, policy)


def test_files_of_finished_iterations_make_room_and_those_of_others_stay(
    loop_folder: LoopFolder, images: Path, foundry: EmulatorProcess, full_account: list[str]
) -> None:
    loop, (first, second, *others) = loop_folder.loop(), full_account
    author = loop.authorship(PERSON)
    opened = IterationOpened(number=1, reason="any", parent="any", champion=None, image_batches=0)
    bought = training_intended().model_copy(update={"training_file": first, "validation_file": second})
    loop.ledger.write(author, 1, opened)
    loop.ledger.write(author, 1, bought)
    loop.ledger.write(author, 1, IterationClosed(number=1, outcome="kept the champion", reason="any"))
    loop_folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(loop_folder.name)

    files = upload(loop_folder.name, TrainingPolicy(smallest_addition=20))

    with foundry.client() as client:
        left = {file.id for file in client.files.list(purpose="fine-tune")}
    assert not left & {first, second}
    assert {*others, files.training, str(files.validation)} <= left

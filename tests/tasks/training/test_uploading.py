"""Large files go up in parts, go on where they were interrupted, and are checked when they are there."""

from pathlib import Path

import pytest
from prefect import flow

from cloud.errors import CloudUnavailable
from data_contracts.training import UploadUnderWay
from tasks.loop import Turn
from tasks.training.uploading import FileOnDisk, UploadDiffers, uploaded
from tests.foundry_emulator.support import EmulatorProcess, examples, training_file
from tests.support.artifacts import artifacts_of
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

CONTENT = training_file(examples(range(12)))
LINES = CONTENT.count(b"\n") + 1
PARTS = "/openai/v1/uploads/*/parts"


@pytest.fixture
def file(loop_folder: LoopFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileOnDisk:
    """A training file that goes up in five parts."""
    monkeypatch.setenv("KAIZEN_FOUNDRY__UPLOAD_PART_BYTES", str(-(-len(CONTENT) // 5)))
    path = tmp_path / "train.jsonl"
    path.write_bytes(CONTENT)
    return FileOnDisk(path, f"kaizen-{loop_folder.loop().name}-train-0123456789abcdef.jsonl", LINES)


@flow(name="upload")
def upload(folder: str, path: Path, name: str, lines: int) -> str:
    """Upload one file in a run."""
    turn = Turn(folder=folder, iteration=1, fence=1)
    return uploaded(LoopFolder(Path(folder)).loop(), turn, FileOnDisk(path, name, lines))


def there(folder: LoopFolder, file: FileOnDisk) -> list[bytes]:
    """Contents of all files of that name at the service."""
    foundry = folder.loop().foundry
    return [foundry.content(each.id) for each in foundry.files() if each.name == file.name]


def mark(folder: LoopFolder, file: FileOnDisk) -> str:
    return folder.loop().iteration_path(1, "uploads", f"{file.name}.json")


def test_a_large_file_arrives_whole_with_its_progress_on_the_run(loop_folder: LoopFolder, file: FileOnDisk) -> None:
    upload(loop_folder.name, *file)

    name = loop_folder.loop().name
    shown = [each.data for each in artifacts_of(name) if each.key == f"{name}-upload"]
    assert (there(loop_folder, file), shown) == ([CONTENT], [100])


def test_an_interrupted_upload_goes_on_after_the_last_part_that_arrived(
    loop_folder: LoopFolder, file: FileOnDisk, foundry: EmulatorProcess
) -> None:
    foundry.fault(method="POST", path=PARTS, status=503, after=2, count=1)
    with pytest.raises(CloudUnavailable):
        upload(loop_folder.name, *file)
    begun = UploadUnderWay.model_validate_json(loop_folder.loop().store.get(mark(loop_folder, file)).content)

    upload(loop_folder.name, *file)

    assert len(begun.parts) == 2
    assert there(loop_folder, file) == [CONTENT]


def test_a_part_whose_answer_was_lost_costs_a_new_upload_and_leaves_one_file(
    loop_folder: LoopFolder, file: FileOnDisk, foundry: EmulatorProcess
) -> None:
    foundry.fault(method="POST", path=PARTS, reset=True, after_work=True, after=1, count=1)
    with pytest.raises(CloudUnavailable):
        upload(loop_folder.name, *file)

    upload(loop_folder.name, *file)

    assert there(loop_folder, file) == [CONTENT]


def test_an_upload_that_has_died_meanwhile_is_begun_anew(loop_folder: LoopFolder, file: FileOnDisk) -> None:
    dead = UploadUnderWay(
        upload="fine-tune-dead",
        name=file.name,
        bytes=len(CONTENT),
        part_bytes=loop_folder.loop().settings.foundry.upload_part_bytes,
        parts=("part_1",),
        begun_at=loop_folder.loop().now(),
    )
    loop_folder.loop().store.put(mark(loop_folder, file), dead.model_dump_json().encode())

    upload(loop_folder.name, *file)

    assert there(loop_folder, file) == [CONTENT]
    assert mark(loop_folder, file) not in loop_folder.loop().store.list(mark(loop_folder, file))


def test_a_file_that_arrived_otherwise_than_sent_is_refused_with_both_numbers_and_deleted(
    loop_folder: LoopFolder, file: FileOnDisk, foundry: EmulatorProcess
) -> None:
    short = training_file(examples(range(10)))
    with foundry.client() as client:
        client.files.create(file=(file.name, short), purpose="fine-tune")

    with pytest.raises(UploadDiffers, match=r"arrived with 40 examples in .* bytes, but 48 in"):
        upload(loop_folder.name, *file)

    assert there(loop_folder, file) == []

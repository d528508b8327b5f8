"""Loops that are ready to learn, and an account without room."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_contracts.limits import current_limits
from flows.ingest_images import ingest_images
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.loops import LoopFolder

CHAT = json.dumps({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}).encode()


@pytest.fixture
def ready(loop_folder: LoopFolder, images: Path) -> LoopFolder:
    """A loop with images to learn from."""
    loop_folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(loop_folder.name)
    return loop_folder


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory, images: Path, foundry: EmulatorProcess, prefect_server: None
) -> LoopFolder:
    """As `ready`, one for a whole module."""
    folder = LoopFolder.make(tmp_path_factory.mktemp("loop"))
    folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(folder.name)
    return folder


@pytest.fixture
def copied(filled: LoopFolder, tmp_path: Path) -> LoopFolder:
    """The filled loop with a ledger of its own."""
    return LoopFolder(Path(shutil.copytree(filled.path, tmp_path / "loop")))


@pytest.fixture
def faults(foundry: EmulatorProcess) -> Iterator[EmulatorProcess]:
    """The emulator, whose faults are taken back afterwards."""
    yield foundry
    foundry.ask("DELETE", "/emulator/faults")


@pytest.fixture
def full_account(foundry: EmulatorProcess) -> Iterator[list[str]]:
    """Ids of the files that fill the account; afterwards it is as before."""
    with foundry.client() as client:
        before = {file.id for file in client.files.list(purpose="fine-tune")}
        room = current_limits().resource_files.value - len(before)
        made = [client.files.create(file=("x.jsonl", (CHAT + b"\n") * 10), purpose="fine-tune").id for _ in range(room)]
        yield made
        for file in client.files.list(purpose="fine-tune"):
            if file.id not in before:
                client.files.delete(file.id)

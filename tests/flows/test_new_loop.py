"""A loop as `kaizen init` makes it goes round, with classes that are answered by short codes."""

import shutil
from pathlib import Path

import pytest

from deployments.init_loop import init_loop
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def new_loop(tmp_path: Path, images: Path, foundry: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> LoopFolder:
    """A loop made from class folders that begin alike, with all of their images accepted."""
    monkeypatch.setenv("KAIZEN_FOUNDRY__CAPACITY", "5000")
    source = shutil.copytree(images, tmp_path / "images")
    (source / "inclusion").rename(source / "pits and inclusions")
    init_loop(tmp_path / "new-loop", source, None)
    folder = LoopFolder(tmp_path / "new-loop")
    folder.deliver("one", sorted(source.glob("*/*")))
    return folder


@pytest.mark.slow
def test_a_new_loop_learns_its_codes(new_loop: LoopFolder) -> None:
    (batch,) = ingest_images(new_loop.name)
    improve_model(new_loop.name)
    (iteration,) = new_loop.loop().state().iterations
    base, challenger = iteration.evaluations.values()

    assert batch.quarantined == 0
    assert challenger.correct > 2 * base.correct

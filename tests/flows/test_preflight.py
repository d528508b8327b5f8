"""A set that does not fit is refused before anything is uploaded; `kaizen preflight` tells the same beforehand."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import openai
import pytest

from data_contracts.limits import current_limits
from deployments.preflight import preflight_loop
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from tasks.training_files import DoesNotFit
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.contracts import changed, with_class
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, images: Path, foundry: EmulatorProcess) -> LoopFolder:
    """A loop with enough images to learn from."""
    folder = LoopFolder.make(tmp_path_factory.mktemp("loop"))
    folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(folder.name)
    return folder


@pytest.fixture
def full_account(foundry: EmulatorProcess) -> Iterator[None]:
    """The account has as many files as it may have; afterwards the new ones are gone."""
    chat = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    line = json.dumps(chat).encode() + b"\n"
    with foundry.client() as client:
        room = current_limits().resource_files.value - len(list(client.files.list(purpose="fine-tune")))
        made = [client.files.create(file=("x.jsonl", line * 10), purpose="fine-tune") for _ in range(room)]
        yield
        for file in made:
            with suppress(openai.NotFoundError):
                client.files.delete(file.id)


def uploaded(folder: LoopFolder) -> list[str]:
    loop = folder.loop()
    return [file.name for file in loop.foundry.files() if file.name.startswith(f"kaizen-{loop.name}-")]


def test_the_present_images_fit_and_nothing_is_uploaded(filled: LoopFolder) -> None:
    lines, verdict = preflight_loop(filled.path)

    assert (lines[0], verdict["fits"]) == ("The set fits.", True)
    assert uploaded(filled) == []


def test_images_of_a_class_that_is_no_longer_asked_for_are_not_counted(filled: LoopFolder) -> None:
    contract = filled.path / "contract.odcs.yaml"
    before = contract.read_bytes()
    contract.write_bytes(changed(with_class("scratches", retired=True)))
    try:
        verdict = preflight_loop(filled.path)[1]
    finally:
        contract.write_bytes(before)

    assert verdict["fits"]


@pytest.mark.usefixtures("full_account")
def test_a_full_account_stops_the_turn_before_the_upload(filled: LoopFolder) -> None:
    with pytest.raises(DoesNotFit, match="delete 2 fine-tuning files of the account"):
        improve_model(filled.name)

    assert uploaded(filled) == []
    assert preflight_loop(filled.path)[0][0] == "The set does not fit."


@pytest.mark.usefixtures("full_account")
def test_old_files_of_the_loop_itself_make_room_and_those_of_others_stay(
    filled: LoopFolder, foundry: EmulatorProcess
) -> None:
    loop, old = filled.loop(), []
    with foundry.client() as client:
        others = list(client.files.list(purpose="fine-tune"))
        for number, foreign in enumerate(others[:2]):
            client.files.delete(foreign.id)
            name = f"kaizen-{loop.name}-train-{number:016x}.jsonl"
            content = client.files.content(others[2].id).content
            old.append(client.files.create(file=(name, content), purpose="fine-tune").id)
        try:
            improve_model(filled.name)
            left = {file.id for file in client.files.list(purpose="fine-tune")}
        finally:
            for file in loop.foundry.files():
                if file.name.startswith(f"kaizen-{loop.name}-"):
                    client.files.delete(file.id)

    assert not left & set(old)
    assert {file.id for file in others[2:]} <= left

"""`kaizen forget`: images leave everything new, and on demand their bytes leave every place that is ours."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from cloud.store import DATA, INBOX
from data_contracts.errors import WrongInput
from data_contracts.images import LabeledImage
from data_contracts.ledger import Actor, IterationOpened
from data_contracts.policies import TrainingPolicy
from deployments.forget import forget_images
from deployments.ledger_log import as_lines
from flows.ingest_images import ingest_images
from tasks.datasets import freeze_dataset
from tasks.forget.forgetting import forget
from tasks.intake.quarantine import refusals
from tasks.labels import image_path, labeled_images
from tasks.loop import Turn
from tests.support.commands import kaizen
from tests.support.loops import LoopFolder, nearly_the_same

pytestmark = pytest.mark.usefixtures("prefect_server")

PERSON = Actor(name="test", established="command line")


def forgotten(
    folder: LoopFolder, images: Sequence[LabeledImage] = (), *, source: str | None = None, erase: bool = False
) -> tuple[list[str], dict[str, object], bool]:
    digests = [image.digest for image in images]
    return forget_images(folder.path, digests, source, "asked to", erase_bytes=erase)


def present(folder: LoopFolder) -> list[LabeledImage]:
    loop = folder.loop()
    return labeled_images(loop, loop.state())


def holding(folder: LoopFolder, content: bytes) -> list[str]:
    """Every file of the store, whatever its name, that holds *content*."""
    store = folder.loop().store
    return [path for area in (INBOX, DATA) for path in store.list(f"{area}/") if content in store.get(path).content]


@pytest.fixture
def filled(loop_folder: LoopFolder, images: Path) -> LoopFolder:
    """A loop with five accepted images of the batch one."""
    loop_folder.deliver("one", sorted(images.glob("*/*"))[:5])
    ingest_images(loop_folder.name)
    return loop_folder


def test_a_forgotten_image_goes_into_nothing_new(filled: LoopFolder) -> None:
    first, *rest = present(filled)
    lines, value, done = forgotten(filled, [first])

    assert present(filled) == rest
    assert sum(filled.loop().state().class_counts().values()) == 4
    assert (value["images"], value["recorded"], done) == ([first.digest], True, True)
    assert lines[0] == "1 images forgotten: no new dataset takes them"


def test_forgetting_again_adds_nothing_to_the_ledger(filled: LoopFolder) -> None:
    image = present(filled)[0]
    forgotten(filled, [image], erase=True)
    entries = len(filled.loop().ledger.read())

    again = forgotten(filled, [image], erase=True)

    assert (again[1]["recorded"], len(filled.loop().ledger.read())) == (False, entries)


def test_a_forgotten_picture_is_refused_when_it_comes_back_and_no_copy_is_made(filled: LoopFolder) -> None:
    image = present(filled)[0]
    content = filled.loop().store.get(image_path(image.digest, image.media_type)).content
    forgotten(filled, [image], erase=True)
    filled.put("two/crazing/back.jpg", content)
    (accepted,) = ingest_images(filled.name)

    assert (accepted.accepted, accepted.broken_rules) == (0, {"forgotten": 1})
    assert refusals(filled.loop(), accepted)[0].code == "forgotten"
    assert holding(filled, content) == [f"inbox/{filled.loop().name}/two/crazing/back.jpg"]


def test_a_picture_that_was_only_refused_can_be_forgotten_and_erased(filled: LoopFolder) -> None:
    image = present(filled)[0]
    (filled.path / "copy.jpg").write_bytes(filled.loop().store.get(image_path(image.digest, image.media_type)).content)
    content = nearly_the_same(filled.path / "copy.jpg")
    filled.put("three/rust/person.png", content)
    ingest_images(filled.name)
    assert len(holding(filled, content)) == 2
    digest = hashlib.sha256(content).hexdigest()
    lines, value, done = forget_images(filled.path, [digest[:12]], None, "shows a person", erase_bytes=True)

    assert (done, value["images"], value["iterations"]) == (True, [digest], [])
    assert lines[-1] == "2 files deleted here, 0 training files at the service"
    assert holding(filled, content) == []


def test_who_withdraws_a_copy_does_not_withdraw_what_another_batch_gave(filled: LoopFolder) -> None:
    image = present(filled)[0]
    filled.put(
        f"two/{image.label}/copy.jpg", filled.loop().store.get(image_path(image.digest, image.media_type)).content
    )
    ingest_images(filled.name)

    with pytest.raises(WrongInput, match="No image comes from 'two'"):
        forgotten(filled, source="two", erase=True)
    assert image in present(filled)


def test_a_picture_that_is_nearly_a_forgotten_one_is_refused(filled: LoopFolder) -> None:
    image = present(filled)[0]
    content = filled.loop().store.get(image_path(image.digest, image.media_type)).content
    forgotten(filled, [image])
    (filled.path / "copy.jpg").write_bytes(content)
    filled.put(f"two/{image.label}/copy.png", nearly_the_same(filled.path / "copy.jpg"))
    (accepted,) = ingest_images(filled.name)

    assert (accepted.accepted, accepted.broken_rules) == (0, {"forgotten": 1})


def test_erasing_leaves_no_file_that_holds_the_image(filled: LoopFolder) -> None:
    image = present(filled)[0]
    loop = filled.loop()
    content = loop.store.get(image_path(image.digest, image.media_type)).content
    filled.put("later/scratches/under another name.jpg", content)
    loop.store.put(loop.path("quarantine", "old", "files", "a.jpg"), content)
    loop.store.put(f"{DATA}/as_sent/v0/{image.digest[:2]}/{image.digest}.jpg", content)

    assert len(holding(filled, content)) == 5
    assert forgotten(filled, [image], erase=True)[0][-1] == "5 files deleted here, 0 training files at the service"
    assert holding(filled, content) == []


def test_without_erase_the_bytes_stay_until_it_is_asked_for(filled: LoopFolder) -> None:
    image = present(filled)[0]
    content = filled.loop().store.get(image_path(image.digest, image.media_type)).content
    forgotten(filled, [image])

    assert len(holding(filled, content)) == 2
    assert forgotten(filled, [image], erase=True)[1]["recorded"] is True
    assert holding(filled, content) == []
    assert filled.loop().state().erased == {image.digest}


def test_a_source_takes_its_refused_files_with_it(filled: LoopFolder, images: Path) -> None:
    filled.deliver("two", sorted(images.glob("*/*"))[5:7])
    filled.put("two/rust/unknown.jpg", b"a refused file of the same contributor")
    ingest_images(filled.name)
    forgotten(filled, source="two", erase=True)
    loop = filled.loop()

    assert len(present(filled)) == 5
    assert list(loop.store.list(f"{INBOX}/{loop.name}/two/")) == []
    assert holding(filled, b"a refused file of the same contributor") == []


def test_bytes_that_another_loop_of_the_store_uses_stay_and_it_is_named(filled: LoopFolder, images: Path) -> None:
    neighbour = LoopFolder.make(filled.path.parent / "neighbour")
    with (neighbour.path / "kaizen.toml").open("a") as settings:
        settings.write(f'\n[store]\nfolder = "{filled.loop().store.root}"\n')  # type: ignore[attr-defined]
    neighbour.deliver("one", sorted(images.glob("*/*"))[:5])
    ingest_images(neighbour.name)
    image = present(filled)[0]
    path = image_path(image.digest, image.media_type)

    lines = forgotten(filled, [image], erase=True)[0]
    assert lines[-1].startswith(f"The bytes of 1 stay, for the loop {neighbour.loop().name} uses them too")
    assert filled.loop().store.get(path).content
    forgotten(neighbour, [image], erase=True)
    assert path not in filled.loop().store.list(path)


def test_digests_and_a_source_at_once_are_refused(filled: LoopFolder) -> None:
    with pytest.raises(WrongInput, match="Name the images by their digests, or by --source: one of the two"):
        forgotten(filled, present(filled), source="one")


def test_an_unknown_digest_is_told_in_one_line(filled: LoopFolder) -> None:
    ended = kaizen("forget", "0123456789abcdef", "--why", "any", "--loop", filled.path)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "kaizen: No image has the digest '0123456789abcdef'\n"


def test_a_reason_has_to_be_given(filled: LoopFolder) -> None:
    ended = kaizen("forget", "--source", "one", "--why", " ", "--loop", filled.path)

    assert ended.returncode == 2
    assert "--why is empty" in ended.stderr


def test_an_erasing_that_was_killed_half_way_is_finished_by_the_same_command(filled: LoopFolder) -> None:
    image, loop = present(filled)[0], filled.loop()
    path = image_path(image.digest, image.media_type)
    content = loop.store.get(path).content
    forget(loop, [image], source=None, why="asked to", erase=True, actor=PERSON)
    loop.store.delete(path)  # as far as the killed command came
    assert (loop.state().to_erase, len(holding(filled, content))) == (frozenset({image.digest}), 1)

    forgotten(filled, [image], erase=True)

    assert (filled.loop().state().to_erase, holding(filled, content)) == (frozenset(), [])


def test_bytes_that_an_open_iteration_needs_wait_for_its_end(filled: LoopFolder) -> None:
    image, loop = present(filled)[0], filled.loop()
    opened = IterationOpened(number=1, reason="any", parent="any", champion=None, image_batches=1)
    loop.ledger.write(loop.authorship(PERSON), 1, opened)
    freeze_dataset.fn(Turn(folder=filled.name, iteration=1, fence=1), TrainingPolicy())
    lines, _, done = forgotten(filled, [image], erase=True)

    assert not done
    assert lines[-1].startswith("Iteration 1 is open and needs their bytes, so nothing was deleted")
    assert loop.store.get(image_path(image.digest, image.media_type)).content


def test_the_command_line_takes_the_beginning_of_a_digest_and_tells_it_as_json(filled: LoopFolder) -> None:
    digest = present(filled)[0].digest
    ended = kaizen("forget", digest[:10], "--why", "any", "--erase", "--json", "--loop", filled.path)

    told = json.loads(ended.stdout)
    assert (ended.returncode, told["images"], told["erased"]["files"]) == (0, [digest], 2)


def test_a_ledger_line_about_many_images_stays_a_line(filled: LoopFolder) -> None:
    forgotten(filled, source="one")

    *_, line = as_lines(filled.loop())
    assert re.search(r"digests=[0-9a-f]{12}… and 4 more, source=one, why=asked to", line)


def test_deleting_an_uploaded_file_that_is_gone_is_no_error(filled: LoopFolder, tmp_path: Path) -> None:
    foundry = filled.loop().foundry
    chat = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    file = tmp_path / "any.jsonl"
    file.write_text((json.dumps(chat) + "\n") * 10)
    id_ = foundry.upload(file, f"{filled.loop().name}.jsonl")
    foundry.delete_file(id_)
    foundry.delete_file(id_)

    assert id_ not in {each.id for each in foundry.files()}

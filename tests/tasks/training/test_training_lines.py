"""The lines of a training file: what stands in them, and that the same input gives the same bytes."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from data_contracts.images import LabeledImage
from data_contracts.policies import AugmentationPolicy, TrainingPolicy
from decisions.imaging.images import as_model_sees, data_url
from decisions.imaging.jpeg import sides
from decisions.training.class_balance import Appearance, appearances
from flows.ingest_images import ingest_images
from tasks.as_sent import digest_as_sent
from tasks.labels import labeled_images
from tasks.loop import Loop
from tasks.training.training_lines import example, write_jsonl
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.loops import LoopFolder
from tests.support.training_lines import picture_in_line

LOW, HIGH = TrainingPolicy(detail="low"), TrainingPolicy(detail="high")

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, images: Path, foundry: EmulatorProcess) -> Loop:
    folder = LoopFolder.make(tmp_path_factory.mktemp("loop"))
    folder.deliver("one", sorted(images.glob("*/*"))[::8])
    ingest_images(folder.name)
    return folder.loop()


@pytest.fixture(scope="module")
def labeled(loop: Loop) -> list[LabeledImage]:
    return labeled_images(loop, loop.state())


def test_a_line_is_the_chat_with_what_the_model_sees(loop: Loop, labeled: list[LabeledImage], tmp_path: Path) -> None:
    write_jsonl(loop, map(Appearance, labeled[:1]), LOW, tmp_path / "a.jsonl")
    (stored,) = (path for path in loop.store.list("data/images/") if labeled[0].digest in path)
    seen = data_url(as_model_sees(loop.store.get(stored).content))
    answer = loop.contract.answers()[labeled[0].label]

    assert json.loads((tmp_path / "a.jsonl").read_text()) == example(loop.prompt, answer, seen, "low")


def test_the_same_images_give_the_same_bytes(loop: Loop, labeled: list[LabeledImage], tmp_path: Path) -> None:
    one, other = (write_jsonl(loop, map(Appearance, labeled), LOW, tmp_path / name) for name in ("one", "other"))

    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert one == other == write_jsonl(loop, map(Appearance, labeled), LOW, None)


def test_another_detail_is_another_file(loop: Loop, labeled: list[LabeledImage]) -> None:
    assert (
        write_jsonl(loop, map(Appearance, labeled), LOW, None).digest
        != write_jsonl(loop, map(Appearance, labeled), HIGH, None).digest
    )


def test_the_measured_bytes_are_those_of_the_file(loop: Loop, labeled: list[LabeledImage], tmp_path: Path) -> None:
    written = write_jsonl(loop, map(Appearance, labeled), LOW, tmp_path / "a.jsonl")

    assert sum(each.line_bytes for each in written.examples) == (tmp_path / "a.jsonl").stat().st_size


def test_a_picture_that_is_held_out_is_never_written(loop: Loop, labeled: list[LabeledImage]) -> None:
    secret = {digest_as_sent(loop, labeled[0])}

    assert len(write_jsonl(loop, map(Appearance, labeled), LOW, None, secret).examples) == len(labeled) - 1


def test_of_a_picture_that_is_held_out_no_copy_is_written_either(loop: Loop, labeled: list[LabeledImage]) -> None:
    policy = TrainingPolicy(augmentation=AugmentationPolicy(copies=2))
    secret = {digest_as_sent(loop, labeled[0])}
    written = write_jsonl(loop, appearances(labeled, policy), policy, None, secret)

    assert len(written.examples) == 3 * (len(labeled) - 1)


def test_a_copy_that_the_model_would_see_as_a_held_out_picture_is_left_out(
    loop: Loop, labeled: list[LabeledImage]
) -> None:
    policy = TrainingPolicy(augmentation=AugmentationPolicy(copies=1))
    secret = {hashlib.sha256(picture_in_line(loop, Appearance(labeled[0], 1), policy)).digest()}
    written = write_jsonl(loop, appearances(labeled, policy), policy, None, secret)

    assert len(written.examples) == 2 * len(labeled) - 1


def test_augmented_files_are_the_same_bytes_and_measured_as_they_are(
    loop: Loop, labeled: list[LabeledImage], tmp_path: Path
) -> None:
    policy = TrainingPolicy(augmentation=AugmentationPolicy(copies=2, noise=0.1), balance="repeat")
    one, other = (
        write_jsonl(loop, appearances(given, policy), policy, tmp_path / name)
        for name, given in (("one", labeled), ("other", labeled[::-1]))
    )

    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert one == other == write_jsonl(loop, appearances(labeled, policy), policy, None)


def test_a_written_file_tells_its_images_of_each_class_from_their_copies(
    loop: Loop, labeled: list[LabeledImage]
) -> None:
    policy = TrainingPolicy(augmentation=AugmentationPolicy(copies=2))
    written = write_jsonl(loop, appearances(labeled, policy), policy, None)

    assert written.images == Counter(image.label for image in labeled)


@pytest.mark.parametrize("size", [(1, 1), (200, 120), (640, 2000)])
def test_the_sides_of_a_picture_are_read_from_its_header(size: tuple[int, int], tmp_path: Path) -> None:
    Image.new("RGB", size, "grey").save(tmp_path / "a.png")

    assert sides(as_model_sees((tmp_path / "a.png").read_bytes())) == size


def test_bytes_that_are_no_jpeg_have_no_sides() -> None:
    with pytest.raises(ValueError, match="no JPEG"):
        sides(b"<html>not found</html>")

"""Augmentation and balance in a whole iteration: what was uploaded, what was shown before, and what stayed out."""

import json
from collections import Counter
from pathlib import Path

import pytest

from data_contracts.images import LabeledImage, Split
from data_contracts.policies import AugmentationPolicy, TrainingPolicy
from decisions.imaging.images import data_url
from decisions.training.class_balance import Appearance
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from tasks.as_sent import as_sent
from tasks.datasets import held_out_images
from tasks.labels import labeled_images
from tasks.loop import Loop
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.artifacts import artifacts_of
from tests.support.contracts import changed, with_class
from tests.support.loops import LoopFolder
from tests.support.training_lines import picture_in_line

pytestmark = pytest.mark.usefixtures("prefect_server")

COPIES = 1
POLICY = TrainingPolicy(
    n_epochs=1, settling_minutes=0.02, balance="repeat", augmentation=AugmentationPolicy(copies=COPIES, noise=0.05)
)


@pytest.fixture(scope="module")
def turned(
    tmp_path_factory: pytest.TempPathFactory, images: Path, foundry: EmulatorProcess, prefect_server: None
) -> LoopFolder:
    """A loop after an iteration with copies; one class has half as many images, and may be mirrored."""
    folder = LoopFolder.make(tmp_path_factory.mktemp("loop"))
    flips = with_class("scratches", flips=["horizontal", "vertical"])
    (folder.path / "contract.odcs.yaml").write_bytes(changed(flips))
    files = sorted(images.glob("*/*"))
    rare = [file for file in files if file.parent.name == "scratches"]
    folder.deliver("one", [file for file in files if file not in rare[::3]])
    ingest_images(folder.name)
    improve_model(folder.name, training=POLICY)
    return folder


@pytest.fixture(scope="module")
def loop(turned: LoopFolder) -> Loop:
    return turned.loop()


@pytest.fixture(scope="module")
def labeled(loop: Loop) -> list[LabeledImage]:
    return labeled_images(loop, loop.state())


def of(labeled: list[LabeledImage], split: Split) -> list[LabeledImage]:
    return [image for image in labeled if image.split is split]


def uploaded(loop: Loop, role: str) -> list[tuple[str, str]]:
    """Picture and answer of each line of the uploaded file, as Azure has it."""
    intended = loop.state().iterations[0].intended
    assert intended is not None
    file = intended.training_file if role == "train" else intended.validation_file
    if file is None:
        return []
    chats = [json.loads(line)["messages"] for line in loop.foundry.content(file).splitlines()]
    return [(user["content"][0]["image_url"]["url"], assistant["content"]) for _, user, assistant in chats]


def test_every_class_has_as_many_examples_as_the_largest(loop: Loop, labeled: list[LabeledImage]) -> None:
    largest = max(Counter(image.label for image in of(labeled, Split.TRAIN)).values())
    answers = Counter(answer for _, answer in uploaded(loop, "train"))

    assert answers == dict.fromkeys(loop.contract.answers().values(), largest * (1 + COPIES))


def test_each_line_is_a_training_image_or_its_copy_under_its_own_label(loop: Loop, labeled: list[LabeledImage]) -> None:
    answers = loop.contract.answers()
    possible = {
        (data_url(picture_in_line(loop, Appearance(image, copy), POLICY)), answers[image.label])
        for image in of(labeled, Split.TRAIN)
        for copy in range(POLICY.largest_repeat * (1 + COPIES))
    }
    lines = uploaded(loop, "train")

    assert set(lines) <= possible
    assert len(set(lines)) == len(lines)


def test_every_training_image_is_also_sent_unchanged(loop: Loop, labeled: list[LabeledImage]) -> None:
    pictures = {picture for picture, _ in uploaded(loop, "train")}

    assert {data_url(as_sent(loop, image)) for image in of(labeled, Split.TRAIN)} <= pictures


def test_validation_images_are_sent_once_and_unchanged(loop: Loop, labeled: list[LabeledImage]) -> None:
    validation = of(labeled, Split.VALIDATION)
    pictures = [picture for picture, _ in uploaded(loop, "validation")]

    assert len(validation) >= 10
    assert sorted(pictures) == sorted(data_url(as_sent(loop, image)) for image in validation)


def test_no_held_out_image_is_sent_as_it_is_or_changed(loop: Loop, labeled: list[LabeledImage]) -> None:
    version = loop.state().held_out
    assert version is not None
    held_out = {image.digest: image for image in (*of(labeled, Split.HELD_OUT), *held_out_images(loop, version))}
    secret = {
        data_url(picture_in_line(loop, Appearance(image, copy), POLICY))
        for image in held_out.values()
        for copy in range(1 + COPIES)
    }

    assert secret
    assert not secret & {picture for role in ("train", "validation") for picture, _ in uploaded(loop, role)}


def test_azure_accepted_all_that_was_sent(loop: Loop) -> None:
    (iteration,) = loop.state().iterations

    assert iteration.reconciled is not None
    assert iteration.reconciled.loss_share == 0
    assert iteration.intended is not None
    assert iteration.intended.examples == len(uploaded(loop, "train"))


def test_the_run_shows_the_first_examples_and_the_counts_of_each_class(loop: Loop, labeled: list[LabeledImage]) -> None:
    (shown,) = (str(each.data) for each in artifacts_of(loop.name) if each.key == f"{loop.name}-examples")
    counts = Counter(image.label for image in of(labeled, Split.TRAIN))
    rare, total = counts["scratches"], max(counts.values()) * (1 + COPIES)

    assert shown.count("data:image/jpeg;base64,") == 3
    assert f"| scratches | {rare} | {total - rare} | {total} |" in shown

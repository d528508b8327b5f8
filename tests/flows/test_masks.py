"""Masks from the inbox to the training file, and out of the store again."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cloud.store import DATA, INBOX
from data_contracts.policies import AugmentationPolicy, TrainingPolicy
from decisions.training.class_balance import Appearance
from deployments.forget import forget_images
from flows.ingest_images import ingest_images
from tasks.as_sent import as_sent
from tasks.intake.inbox import late_files
from tasks.labels import labeled_images
from tests.support.loops import LoopFolder
from tests.support.training_lines import picture_in_line

pytestmark = pytest.mark.usefixtures("prefect_server")

BACKGROUND = TrainingPolicy(
    augmentation=AugmentationPolicy(copies=1, rotation=0, scale=0, shift=0, brightness=0, contrast=0, background=1)
)


def mask(size: tuple[int, int]) -> bytes:
    """The left half is the part."""
    half = np.zeros(size[::-1], np.uint8)
    half[:, : size[0] // 2] = 255
    out = io.BytesIO()
    Image.fromarray(half).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def filled(loop_folder: LoopFolder, images: Path) -> LoopFolder:
    """A loop with three images: one with a mask, one with a mask of a wrong size, one without."""
    files = sorted(images.glob("*/*"))[:3]
    loop_folder.deliver("one", files)
    with Image.open(files[0]) as first:
        size = first.size
    for file, content in ((files[0], mask(size)), (files[1], mask((7, 7)))):
        loop_folder.put(f"one/{file.parent.name}/{file.stem}.mask.png", content)
    ingest_images(loop_folder.name)
    return loop_folder


def test_a_mask_that_fits_is_kept_and_is_no_image_itself(filled: LoopFolder) -> None:
    loop = filled.loop()
    (batch,) = loop.state().batches

    assert (batch.accepted, batch.quarantined) == (3, 0)
    assert len(list(loop.store.list(f"{DATA}/masks/"))) == 1
    assert late_files(loop) == {}


def test_only_the_copy_of_the_masked_image_gets_a_new_background(filled: LoopFolder) -> None:
    loop = filled.loop()
    changed = []
    for image in labeled_images(loop, loop.state()):
        one, other = (
            np.asarray(Image.open(io.BytesIO(content))).astype(float)
            for content in (as_sent(loop, image), picture_in_line(loop, Appearance(image, 1), BACKGROUND))
        )
        halves = np.array_split(np.abs(one - other), 2, axis=1)
        changed.append([bool(half.mean() > 5) for half in halves])

    assert sorted(changed) == [[False, False], [False, False], [False, True]]


def test_an_erased_image_takes_its_mask_with_it(filled: LoopFolder) -> None:
    loop = filled.loop()
    digests = [image.digest for image in labeled_images(loop, loop.state())]
    forget_images(filled.path, digests, None, "asked to", erase_bytes=True)

    assert not list(loop.store.list(f"{DATA}/masks/"))
    assert not list(loop.store.list(f"{INBOX}/{loop.name}/"))

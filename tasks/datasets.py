"""Freezing what an iteration learns from, and the held-out set that decides about it."""

from prefect import task

from cloud.errors import CloudRefused
from data_contracts.images import Dataset, LabeledImage, Split, held_out_version
from data_contracts.ledger import DatasetFrozen, HeldOutVersionMade
from data_contracts.policies import PromotionPolicy
from decisions.held_out import budget
from decisions.retired_classes import relabeled, still_asked
from tasks.labels import labeled_images
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY
from tasks.tables import from_parquet, to_parquet


@task(**PATIENTLY)
def freeze_dataset(turn: Turn) -> DatasetFrozen:
    """Fix the images of the iteration: all that were accepted when it was opened."""
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.dataset is not None:
        return iteration.dataset
    images = still_asked(labeled_images(loop, loop.state(), batches=iteration.opened.image_batches), loop.contract)
    dataset = Dataset(images=tuple(images))
    path = loop.path("datasets", f"{dataset.digest}.parquet")
    loop.store.put(path, to_parquet(dataset.images, LabeledImage))
    frozen = DatasetFrozen(dataset=dataset.digest, path=path, counts=dict(dataset.counts()))
    loop.record(turn, frozen)
    return frozen


@task(**PATIENTLY)
def held_out_in_force(turn: Turn, policy: PromotionPolicy) -> HeldOutVersionMade:
    """The held-out version that decides; the first iteration makes it, later held-out images wait in the reserve."""
    loop = connect(turn.folder)
    state = loop.state()
    if state.held_out is not None:
        return state.held_out
    held_out = frozen_dataset(loop, turn).of(Split.HELD_OUT)
    images = tuple(image for image in held_out if image.digest not in state.leaky)
    if not images:
        raise CloudRefused("No accepted image is held out, so nothing could be proved; ingest more images first")
    version = held_out_version(images)
    allowance = budget(len(images), policy)
    path = loop.path("held_out", f"{version}.parquet")
    loop.store.put(path, to_parquet(images, LabeledImage))
    made = HeldOutVersionMade(version=version, images=len(images), path=path, **allowance.model_dump())
    loop.record(turn, made)
    return made


def frozen_dataset(loop: Loop, turn: Turn) -> Dataset:
    """The images that the iteration learns from."""
    frozen = loop.iteration(turn.iteration).dataset
    if frozen is None:
        raise CloudRefused(f"Iteration {turn.iteration} of {loop.name} has no dataset yet")
    images = from_parquet(loop.store.get(frozen.path).content, LabeledImage)
    dataset = Dataset(images=tuple(images))
    if dataset.digest != frozen.dataset:
        raise CloudRefused(f"{frozen.path} was changed: its content is no longer {frozen.dataset}")
    return dataset


def held_out_images(loop: Loop, version: HeldOutVersionMade) -> list[LabeledImage]:
    """The images of a frozen held-out version, ordered by digest."""
    images = from_parquet(loop.store.get(version.path).content, LabeledImage)
    if held_out_version(images) != version.version:
        raise CloudRefused(f"{version.path} was changed: its content is no longer version {version.version}")
    return relabeled(images, loop.contract)

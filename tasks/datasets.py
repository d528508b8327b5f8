"""Freezing what an iteration learns from, and the held-out set that decides about it."""

from collections.abc import Iterable, Sequence

from prefect import task

from cloud.errors import CloudRefused, CloudUnavailable
from data_contracts.images import Dataset, LabeledImage, Split, held_out_version
from data_contracts.ledger import DatasetFrozen, Event, HeldOutVersionMade, IterationOpened, LedgerEntry
from data_contracts.policies import PromotionPolicy, TrainingPolicy
from data_contracts.record import Record
from decisions.held_out import Renewal, budget, discordance_seen, first_version, new_version_due
from decisions.ingestion.retired_classes import relabeled
from decisions.loop_state import Iteration, LoopState, state_of
from decisions.training.training_plan import choose_examples
from tasks.labels import dataset_of
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY
from tasks.tables import from_parquet, to_parquet


class Planned(Record):
    """The dataset of an iteration before it is frozen, and how many of its training examples are new or shown again."""

    dataset: Dataset
    new: int
    replayed: int


@task(**PATIENTLY)
def freeze_dataset(turn: Turn, policy: TrainingPolicy) -> DatasetFrozen:
    """Fix the examples of the iteration, of those that were accepted when it was opened."""
    loop = connect(turn.folder)
    state = loop.state()
    iteration = state.iterations[turn.iteration - 1]
    if iteration.dataset is not None:
        return iteration.dataset
    planned = planned_dataset(loop, state, iteration.opened, policy)
    dataset = planned.dataset
    path = loop.path("datasets", f"{dataset.digest}.parquet")
    loop.store.put(path, to_parquet(dataset.images, LabeledImage))
    frozen = DatasetFrozen(
        dataset=dataset.digest,
        path=path,
        counts=dict(dataset.counts()),
        new=planned.new,
        replayed=planned.replayed,
    )
    _record_unless_forgotten(loop, turn, frozen, dataset.images)
    return frozen


def planned_dataset(loop: Loop, state: LoopState, opened: IterationOpened, policy: TrainingPolicy) -> Planned:
    """What the iteration would learn from: all accepted labels, or the new ones and a replay when it continues.

    Validation and held-out images are always all there are: the one follows training, the other decides.
    """
    everything = dataset_of(loop, state, batches=opened.image_batches)
    training = everything.of(Split.TRAIN)
    if opened.mode != "continue":
        return Planned(dataset=everything, new=len(training), replayed=0)
    chosen = choose_examples(training, learned(loop, state, opened.parent), policy, f"iteration {opened.number}")
    others = (image for image in everything.images if image.split is not Split.TRAIN)
    dataset = Dataset(images=(*chosen.new, *chosen.replayed, *others))
    return Planned(dataset=dataset, new=len(chosen.new), replayed=len(chosen.replayed))


def learned(loop: Loop, state: LoopState, model: str) -> dict[str, str]:
    """The label under which *model* last saw each training example, by digest."""
    seen = (image for made in state.lineage(model) for image in _dataset(loop, made).of(Split.TRAIN))
    return {image.digest: image.label for image in relabeled(seen, loop.contract)}


@task(**PATIENTLY)
def held_out_in_force(turn: Turn, policy: PromotionPolicy) -> HeldOutVersionMade:
    """The held-out version that decides: the first one, the one in force, or a new one where that is due.

    Within an iteration it stays the same once a model has answered it.
    """
    loop = connect(turn.folder)
    state = loop.state()
    iteration = state.iterations[turn.iteration - 1]
    if state.held_out is not None and (iteration.looked or iteration.evaluations):
        return state.held_out
    known = frozen_dataset(loop, turn).of(Split.HELD_OUT)
    if state.held_out is None:
        return _version_made(loop, turn, first_version(known, state, policy), policy)
    used = {image.digest for each in state.held_out_versions for image in held_out_images(loop, each)}
    waiting = [image for image in known if image.digest not in used]
    current = held_out_images(loop, state.held_out)
    renewal = new_version_due(state, current, waiting, loop.contract.labels, policy, loop.now())
    return _version_made(loop, turn, renewal, policy) if renewal else state.held_out


def _version_made(loop: Loop, turn: Turn, renewal: Renewal, policy: PromotionPolicy) -> HeldOutVersionMade:
    images = tuple(sorted(renewal.images, key=lambda image: image.digest))
    if not images:
        raise CloudRefused("No accepted image is held out, so nothing could be proved; ingest more images first")
    state = loop.state()
    before = state.held_out
    version = held_out_version(images)
    left = policy.model_copy(update={"alpha": renewal.alpha})
    allowance = budget(len(images), left, discordance_seen(state.iterations))
    path = loop.path("held_out", f"{version}.parquet")
    loop.store.put(path, to_parquet(images, LabeledImage))
    made = HeldOutVersionMade(
        version=version,
        images=len(images),
        path=path,
        reason=renewal.reason,
        continues=before.version if before and renewal.continues else None,
        classes=tuple(loop.contract.labels),
        **allowance.model_dump(),
    )
    _record_unless_forgotten(loop, turn, made, images)
    return made


def _record_unless_forgotten(loop: Loop, turn: Turn, event: Event, images: Iterable[LabeledImage]) -> None:
    """Write the event; raises CloudUnavailable when one of its images was forgotten meanwhile: begin anew."""
    digests = {image.digest for image in images}

    def unless_forgotten(entries: Sequence[LedgerEntry]) -> tuple[int, Event]:
        if digests & state_of(entries).forgotten:
            raise CloudUnavailable(f"Images were forgotten while iteration {turn.iteration} took them")
        return turn.iteration, event

    loop.ledger.append(loop.authorship(fence=turn.fence), unless_forgotten)


def frozen_dataset(loop: Loop, turn: Turn) -> Dataset:
    """The images that the iteration learns from."""
    return _dataset(loop, loop.iteration(turn.iteration))


def _dataset(loop: Loop, iteration: Iteration) -> Dataset:
    frozen = iteration.dataset
    if frozen is None:
        raise CloudRefused(f"Iteration {iteration.number} of {loop.name} has no dataset yet")
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

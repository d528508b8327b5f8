"""Forgetting images: out of everything new at once, with a list of what used them in the ledger."""

from collections.abc import Iterable, Iterator, Sequence

from data_contracts.images import ImageFacts, LabeledImage, RefusedImage, Split
from data_contracts.ledger import (
    Actor,
    HeldOutVersionMade,
    ImagesForgotten,
    LedgerEntry,
    ModelDeploymentIntended,
)
from data_contracts.record import Record
from decisions.forgetting import Delivered, forgotten_of_batches
from decisions.loop_state import Iteration, models_that_learned, state_of
from tasks.loop import Loop
from tasks.tables import from_parquet


class Uses(Record):
    """What used some images until now; see ImagesForgotten."""

    datasets: tuple[str, ...]
    held_out_versions: tuple[str, ...]
    iterations: tuple[int, ...]
    trained: tuple[int, ...]
    models: tuple[str, ...]
    model_deployments: tuple[str, ...]


def refused_images(loop: Loop, accepted: Iterable[LabeledImage]) -> list[RefusedImage]:
    """The pictures that were delivered and never accepted, in the order of the batches.

    A copy of an *accepted* image is none of them: who withdraws the copy does not withdraw what another one gave.
    """
    taken = {digest for image in accepted for digest in (image.digest, image.pixel_digest)}
    return [image for image in _examined(loop) if not {image.digest, image.pixel_digest} & taken]


def _examined(loop: Loop) -> Iterator[RefusedImage]:
    prefix = loop.path("ingestion") + "/"
    for path in loop.store.list(prefix):
        batch, _, table = path.removeprefix(prefix).rpartition("/")
        if table.startswith("facts-"):
            facts = from_parquet(loop.store.get(path).content, ImageFacts)
            yield from (_refused(fact, batch) for fact in facts if fact.digest)


def _refused(fact: ImageFacts, batch: str) -> RefusedImage:
    return RefusedImage(
        digest=fact.digest, pixel_digest=fact.pixel_digest or fact.digest, source=f"{batch}/{fact.file}"
    )


def forget(loop: Loop, images: Sequence[Delivered], *, source: str | None, why: str, erase: bool, actor: Actor) -> bool:
    """Write into the ledger that *images* are forgotten, and whether to *erase* them; False when it is there already.

    The list of what used them is made for the very entry after which no new dataset can take them.
    """

    def unless_known(entries: Sequence[LedgerEntry]) -> tuple[None, ImagesForgotten] | None:
        state = state_of(entries)
        fresh = [image for image in images if image.digest not in state.forgotten]
        asked = state.erased | state.to_erase
        to_erase = [image for image in images if erase and image.digest not in asked]
        digests = sorted({image.digest for image in (*fresh, *to_erase)})
        if not digests:
            return None
        uses = uses_of(loop, entries, digests)
        batches = forgotten_of_batches(image for image in fresh if isinstance(image, LabeledImage))
        return None, ImagesForgotten(
            digests=tuple(digests), source=source, why=why, erase=erase, batches=batches, **uses.model_dump()
        )

    return loop.ledger.append(loop.authorship(actor), unless_known) is not None


def uses_of(loop: Loop, entries: Sequence[LedgerEntry], digests: Sequence[str]) -> Uses:
    """Every dataset, held-out version, iteration, model and model deployment that used one of *digests*."""
    state, wanted = state_of(entries), frozenset(digests)
    found = {each.number: splits_used(loop, each, wanted) for each in state.iterations}
    events = [entry.event for entry in entries]
    versions = {
        each.version for each in events if isinstance(each, HeldOutVersionMade) and wanted & digests_in(loop, each.path)
    }
    judged = {each.number for each in state.iterations if each.looked and each.looked.version in versions}
    trained = [number for number, splits in found.items() if splits & {Split.TRAIN, Split.VALIDATION}]
    models = models_that_learned(state.iterations, trained)
    intended = (each for each in events if isinstance(each, ModelDeploymentIntended))
    return Uses(
        datasets=tuple(
            sorted({str(each.dataset and each.dataset.dataset) for each in state.iterations if found[each.number]})
        ),
        held_out_versions=tuple(sorted(versions)),
        iterations=tuple(sorted({number for number, splits in found.items() if splits} | judged)),
        trained=tuple(trained),
        models=tuple(sorted(models)),
        model_deployments=tuple(sorted({each.name for each in intended if each.model in models})),
    )


def splits_used(loop: Loop, iteration: Iteration, digests: frozenset[str]) -> frozenset[Split]:
    """The splits in which the iteration's dataset holds one of *digests*; none before it is frozen."""
    if iteration.dataset is None:
        return frozenset()
    images = from_parquet(loop.store.get(iteration.dataset.path).content, LabeledImage)
    return frozenset(image.split for image in images if image.digest in digests)


def digests_in(loop: Loop, path: str) -> frozenset[str]:
    """The digests of a stored table of labeled images."""
    return frozenset(image.digest for image in from_parquet(loop.store.get(path).content, LabeledImage))

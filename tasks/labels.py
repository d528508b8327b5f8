"""The label history of a loop: what each accepted batch added, and where the images' bytes are."""

from collections.abc import Iterable, Iterator

from cloud.store import DATA, Store
from data_contracts.images import LabeledImage
from decisions.loop_state import LoopState
from decisions.retired_classes import relabeled
from tasks.loop import Loop
from tasks.tables import from_parquet

SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "GIF": "gif", "TIFF": "tif"}


def label_history(store: Store, state: LoopState, *, batches: int | None = None) -> Iterator[LabeledImage]:
    """All accepted images, or those of the first *batches* batches, as they were labeled when they came, in order."""
    tables = (store.get(batch.labels).content for batch in state.batches[:batches])
    return (image for table in tables for image in from_parquet(table, LabeledImage))


def accepted_images(loop: Loop, state: LoopState, *, batches: int | None = None) -> list[LabeledImage]:
    """The label history in today's classes: images of a retired class have the label of its successor."""
    return relabeled(label_history(loop.store, state, batches=batches), loop.contract)


def labeled_images(loop: Loop, state: LoopState, *, batches: int | None = None) -> list[LabeledImage]:
    """The accepted images that a new dataset may use: not forgotten, and with a label that nobody disputes."""
    left_out = state.disputed | state.forgotten
    return [image for image in accepted_images(loop, state, batches=batches) if image.digest not in left_out]


def forgotten_digests(images: Iterable[LabeledImage], state: LoopState) -> frozenset[str]:
    """Digests of the bytes and of the pixels of those of *images*, all that were ever accepted, that are forgotten."""
    return state.forgotten | {image.pixel_digest for image in images if image.digest in state.forgotten}


def image_path(digest: str, media_type: str) -> str:
    """Where the bytes of an accepted image are stored, once for all loops."""
    return f"{DATA}/images/{digest[:2]}/{digest}.{SUFFIXES[media_type]}"

"""The label history of a loop: what each accepted batch added, and where the images' bytes are."""

from collections.abc import Iterable

from cloud.store import DATA
from data_contracts.images import LabeledImage
from decisions.loop_state import LoopState
from tasks.loop import Loop
from tasks.tables import from_parquet

SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "GIF": "gif", "TIFF": "tif"}


def labeled_images(loop: Loop, state: LoopState, *, batches: int | None = None) -> list[LabeledImage]:
    """All accepted images, or those of the first *batches* batches, in the order in which they came.

    Forgotten ones are left out: they go into nothing new.
    """
    accepted = accepted_images(loop, state, batches=batches)
    return [image for image in accepted if image.digest not in state.forgotten]


def accepted_images(loop: Loop, state: LoopState, *, batches: int | None = None) -> list[LabeledImage]:
    """All images that were ever accepted, forgotten ones too."""
    accepted = state.batches[:batches]
    return [image for batch in accepted for image in from_parquet(loop.store.get(batch.labels).content, LabeledImage)]


def forgotten_digests(loop: Loop, state: LoopState) -> frozenset[str]:
    """Digests of the bytes and of the pixels of all forgotten images."""
    if not state.forgotten:
        return frozenset()
    images = accepted_images(loop, state)
    return state.forgotten | {image.pixel_digest for image in images if image.digest in state.forgotten}


def known_labels(images: Iterable[LabeledImage]) -> dict[str, str]:
    """The label of each accepted picture, by pixel digest."""
    return {image.pixel_digest: image.label for image in images}


def image_path(digest: str, media_type: str) -> str:
    """Where the bytes of an accepted image are stored, once for all loops."""
    return f"{DATA}/images/{digest[:2]}/{digest}.{SUFFIXES[media_type]}"

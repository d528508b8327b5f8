"""Masks of accepted images: taken from the inbox, kept once for all loops, and used when copies are made."""

from prefect import get_run_logger

from cloud.store import DATA, NotFound
from data_contracts.images import ImageFacts
from decisions.imaging.masks import mask_as_kept
from tasks.inbox import read_image
from tasks.loop import Loop


def mask_path(digest: str) -> str:
    """Where the mask of the image with that digest is stored."""
    return f"{DATA}/masks/{digest[:2]}/{digest}.png"


def keep_mask(loop: Loop, batch: str, facts: ImageFacts, file: str) -> None:
    """Keep the mask *file* of an accepted image; one that does not fit is told and left out, the image stays."""
    content = read_image(loop, batch, file).content
    try:
        mask = mask_as_kept(content or b"", int(facts.width or 0), int(facts.height or 0))
    except ValueError as error:
        get_run_logger().warning("%s/%s is no mask of %s: %s", batch, file, facts.file, error)
        return
    loop.store.create(mask_path(facts.digest), mask)


def kept_mask(loop: Loop, digest: str) -> bytes | None:
    """The mask of the image with that digest; None where none was given."""
    try:
        return loop.store.get(mask_path(digest)).content
    except NotFound:
        return None

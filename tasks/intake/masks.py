"""Masks of accepted images, kept once for all loops and used when copies are made."""

from cloud.store import DATA, NotFound
from tasks.loop import Loop


def mask_path(digest: str) -> str:
    """Where the mask of the image with that digest is stored."""
    return f"{DATA}/masks/{digest[:2]}/{digest}.png"


def kept_mask(loop: Loop, digest: str) -> bytes | None:
    """The mask of the image with that digest; None where none was given."""
    try:
        return loop.store.get(mask_path(digest)).content
    except NotFound:
        return None

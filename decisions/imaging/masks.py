"""Masks: a picture NAME.mask.png beside NAME.jpg, white where the part is and black where its background is."""

import io
from collections.abc import Collection, Mapping, Sequence

from PIL import Image

from decisions.imaging.images import as_model_sees

ENDING = ".mask.png"
WHITE_FROM = 128


def masks_among(files: Collection[str]) -> Mapping[str, str]:
    """The mask of each of *files* that has one beside it; a mask that lies alone is a picture like any other."""
    present = frozenset(files)
    masks = {file: f"{_stem(file)}{ENDING}" for file in files if not file.endswith(ENDING)}
    return {file: mask for file, mask in masks.items() if mask in present}


def without_masks(files: Sequence[str]) -> list[str]:
    """The *files* that are no masks of others."""
    masks = frozenset(masks_among(files).values())
    return [file for file in files if file not in masks]


def mask_as_kept(content: bytes, width: int, height: int) -> bytes:
    """The mask as a PNG of black and white; raises ValueError when it is no picture of *width* x *height* pixels."""
    picture = Image.open(io.BytesIO(as_model_sees(content))).convert("L")
    if picture.size != (width, height):
        raise ValueError(f"it is {picture.width} x {picture.height} pixels and its image {width} x {height}")
    out = io.BytesIO()
    picture.point([0] * WHITE_FROM + [255] * (256 - WHITE_FROM), "1").save(out, "PNG")
    return out.getvalue()


def _stem(file: str) -> str:
    folder, slash, name = file.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}"

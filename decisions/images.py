"""What an image file is, and what a model will see of it; decoded fully, never trusted by its name."""

import base64
import hashlib
import io
import warnings
from dataclasses import asdict

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from data_contracts.images import ImageFacts
from decisions.image_features import image_features
from decisions.perceptual_hashes import perceptual_hashes

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
LARGEST_PIXELS = 50_000_000
LONGEST_SIDE = 65_500
"""JPEG has no longer one."""
JPEG_QUALITY = 95


def image_facts(content: bytes, file: str, label: str | None = None) -> ImageFacts:
    """The facts of one file of a batch; a file that is no readable image has a problem instead of a format."""
    known = {"file": file, "bytes": len(content), "digest": hashlib.sha256(content).hexdigest(), "label": label}
    try:
        return ImageFacts(**known, **_seen(content))
    except _Unreadable as error:
        return ImageFacts(**known, problem=str(error))


def as_model_sees(content: bytes) -> bytes:
    """The image as it is trained on and asked about: upright, RGB, JPEG; the same bytes for the same input.

    Raises ValueError when *content* is no readable image.
    """
    try:
        image = _upright_rgb(_decoded(content))
    except _Unreadable as error:
        raise ValueError(str(error)) from error
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return out.getvalue()


def data_url(jpeg: bytes) -> str:
    """The JPEG as a data URL, the form in which chat messages carry images."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


class _Unreadable(Exception):
    """Why a file cannot be read as an image."""


def _seen(content: bytes) -> dict[str, object]:
    image = _decoded(content)
    rgb = _upright_rgb(image)
    pixels = hashlib.sha256(f"{rgb.width}x{rgb.height} ".encode() + rgb.tobytes()).hexdigest()
    return {
        "pixel_digest": pixels,
        "format": image.format,
        "mode": image.mode,
        "width": rgb.width,
        "height": rgb.height,
        "frames": _frames(image),
        **asdict(image_features(rgb)),
        **asdict(perceptual_hashes(rgb.convert("L"))),
    }


def _decoded(content: bytes) -> Image.Image:
    if not content:
        raise _Unreadable("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow warns of is either refused below or harmless
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            if image.width * image.height > LARGEST_PIXELS or max(image.size) > LONGEST_SIDE:
                raise _Unreadable(f"{image.width} x {image.height} pixels are too many to be a photograph")
            image.load()
    except UnidentifiedImageError:
        raise _Unreadable("the file is not an image of a known format") from None
    except Image.DecompressionBombError:
        raise _Unreadable("the file claims more pixels than a photograph has") from None
    except MemoryError:
        raise _Unreadable("reading the image takes too much memory") from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise _Unreadable(f"the image is damaged: {error}") from None
    return image


def _frames(image: Image.Image) -> int:
    """How many pictures the file holds; to count them Pillow reads on, where the file may be damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return int(getattr(image, "n_frames", 1))
    except Exception as error:
        raise _Unreadable(f"the image is damaged: {error}") from None


def _upright_rgb(image: Image.Image) -> Image.Image:
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception:
        upright = image
    if upright.mode.startswith("I"):
        upright = _sixteen_to_eight_bits(upright)
    upright.info.pop("transparency", None)  # it is dropped anyway, and Pillow would warn of it
    return upright.convert("RGB")


def _sixteen_to_eight_bits(image: Image.Image) -> Image.Image:
    """Deep greys scaled down; Pillow itself would clip them to white."""
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))

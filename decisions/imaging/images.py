"""What an image file is, and what a model will see of it; decoded fully, never trusted by its name."""

import base64
import hashlib
import io
import warnings
from dataclasses import asdict
from typing import IO, Any

from PIL import Image

from data_contracts.images import ImageFacts, ImageHeader
from data_contracts.training import DERIVATION_VERSION
from decisions.imaging.camera_notes import camera, taken_at
from decisions.imaging.derivation import upright_rgb, upright_size
from decisions.imaging.file_kinds import LOOKED_AT, why_not_read
from decisions.imaging.image_features import image_features
from decisions.imaging.perceptual_hashes import perceptual_hashes
from decisions.imaging.png import pixels_are_damaged

FACTS_VERSION = 3
"""Of how facts are worked out; a change here lets remembered facts be worked out anew."""
PHONE_JPEG = "MPO"
"""What Pillow calls a JPEG behind which a phone keeps another picture; the first one counts."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
LARGEST_PIXELS = 50_000_000
MOST_MEMORY = 200 * 2**20
"""Bytes that pixels may take while an image is read."""
LONGEST_SIDE = 65_500
"""JPEG has no longer one."""
JPEG_QUALITY = 95
STRIP_PIXELS = 1_000_000
"""Hashed at once."""


def image_facts(content: bytes, file: str, label: str | None = None) -> ImageFacts:
    """The facts of one file of a batch; a file that is no readable image has a problem instead of a format."""
    known = {"file": file, "bytes": len(content), "digest": hashlib.sha256(content).hexdigest(), "label": label}
    try:
        return ImageFacts(**known, **_seen(content))
    except _Unreadable as error:
        return ImageFacts(**known, problem=str(error))


def header_facts(stream: IO[bytes], file: str, size: int) -> ImageHeader:
    """What the header alone of an image of *size* bytes says; only as much of *stream* is read as that takes.

    A sound header does not make a sound image: the pixels may still be damaged.
    """
    known = {"file": file, "bytes": size}
    try:
        image = _opened(stream)
        return ImageHeader(**known, **_header(image, *upright_size(image)), frames=_frames(image))
    except _Unreadable as error:
        return ImageHeader(**known, problem=str(error))


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
    seen = {
        **_header(image, *rgb.size),
        "pixel_digest": _pixel_digest(rgb),
        "derivation": DERIVATION_VERSION,
        **asdict(image_features(rgb)),
        **asdict(perceptual_hashes(rgb.convert("L"))),
    }
    frames = _frames(image)  # counted last: to read on is to lose the first picture
    if frames > 1 and image.format == "GIF":
        _look_at_all(image, frames)
    return {**seen, "frames": frames}


def _header(image: Image.Image, width: int, height: int) -> dict[str, Any]:
    return {
        "format": "JPEG" if image.format == PHONE_JPEG else image.format,
        "mode": image.mode,
        "width": width,
        "height": height,
        "aspect": width / height,
        "camera": camera(image),
        "taken_at": taken_at(image),
    }


def _decoded(content: bytes) -> Image.Image:
    """The first picture of the file, with all its pixels."""
    image = _opened(io.BytesIO(content))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow warns of is either refused below or harmless
            image.load()
    except MemoryError:
        raise _Unreadable("reading the image takes too much memory") from None
    except Image.DecompressionBombError:
        raise _Unreadable("the file claims more pixels than a photograph has") from None
    except Exception as error:
        raise _Unreadable(_damage(image, error)) from None
    if image.format == "PNG" and pixels_are_damaged(content):
        raise _Unreadable("the PNG image is damaged: a checksum of its pixels is wrong; copy it again")
    return image


def _opened(stream: IO[bytes]) -> Image.Image:
    """The image of the file as its header describes it, not decoded yet; no larger than an image may be."""
    start = stream.read(LOOKED_AT)
    if not start:
        raise _Unreadable("the file is empty")
    stream.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(stream, formats=FORMATS)
    except Image.DecompressionBombError:
        raise _Unreadable("the file claims more pixels than a photograph has") from None
    except MemoryError:
        raise _Unreadable("reading the image takes too much memory") from None
    except Exception:  # each decoder has errors of its own for a header that it cannot read
        raise _Unreadable(why_not_read(start)) from None
    _check_size(image)
    return image


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > LARGEST_PIXELS or max(image.size) > LONGEST_SIDE:
        raise _Unreadable(f"{image.width} x {image.height} pixels are too many to be a photograph")
    needed = _bytes_needed(image)
    if needed > MOST_MEMORY:
        size = f"{image.width} x {image.height} pixels"
        raise _Unreadable(f"{size} take {needed // 2**20} MB to read, more than an image may; save it smaller")
    if 0 in image.size:
        raise _Unreadable(f"the {image.format} image is {image.width} x {image.height} pixels: there is nothing to see")


def _bytes_needed(image: Image.Image) -> int:
    """About what it takes to decode the image and to make an upright RGB picture of it."""
    pixels = image.width * image.height
    kept = pixels * (1 if image.mode in {"1", "L", "P"} else 4)  # Pillow keeps RGB in four bytes
    as_it_is = image.mode == "RGB" and "transparency" not in image.info and upright_size(image) == image.size
    buffered = pixels * 3 if image.info.get("progressive") else 0
    return kept + buffered + (0 if as_it_is else pixels * 4)


def _damage(image: Image.Image, error: Exception) -> str:
    told = " ".join(str(error).split())
    if isinstance(error, EOFError) or "truncated" in told.lower():
        return f"the {image.format} image is cut off: its end is missing; copy it again"
    if image.format == "TIFF":
        packed = image.info.get("compression", "unknown")
        return f"the TIFF image is damaged, or packed in a way that cannot be read ({packed}); save it as PNG"
    return f"the {image.format} image is damaged: its pixels cannot be decoded ({told}); copy it again"


def _frames(image: Image.Image) -> int:
    """How many pictures the file holds; to count them Pillow reads on, where the file may be damaged."""
    if image.format == PHONE_JPEG:
        return 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return int(getattr(image, "n_frames", 1))
    except Exception as error:
        raise _Unreadable(f"a later picture of the file is damaged: {error}") from None


def _look_at_all(image: Image.Image, frames: int) -> None:
    """Decode every picture of a GIF: each says for itself where it lies, which may be far outside of the first."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number in range(1, frames):
                image.seek(number)
                _check_size(image)
    except _Unreadable:
        raise
    except Image.DecompressionBombError:
        raise _Unreadable("a later picture of the file claims more pixels than a photograph has") from None
    except Exception as error:
        raise _Unreadable(f"a later picture of the file is damaged: {error}") from None


def _upright_rgb(image: Image.Image) -> Image.Image:
    try:
        return upright_rgb(image)
    except ValueError as error:
        raise _Unreadable(f"the {image.format} image cannot be shown: {error}") from None


def _pixel_digest(rgb: Image.Image) -> str:
    """SHA-256 of size and pixels, strip by strip: a second copy of a large picture would be too much memory."""
    digest = hashlib.sha256(f"{rgb.width}x{rgb.height} ".encode())
    rows = max(1, STRIP_PIXELS // rgb.width)
    for top in range(0, rgb.height, rows):
        strip = rgb if rows >= rgb.height else rgb.crop((0, top, rgb.width, min(top + rows, rgb.height)))
        digest.update(strip.tobytes())
    return digest.hexdigest()

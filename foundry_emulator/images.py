"""From a data URL to pixels: decoding, the digest of what is seen, and what Azure accepts for training."""

import base64
import binascii
import hashlib
import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

TRAINING_FORMATS = frozenset({"JPEG", "PNG", "WEBP"})
TRAINING_MODES = frozenset({"RGB", "RGBA"})
TRAINING_BYTES = 10 * 1024 * 1024


class ImageUnreadable(Exception):
    """The bytes are no image that can be decoded; the message says why."""


@dataclass(frozen=True)
class Picture:
    """A decoded image: RGB pixels, their digest, and how they were encoded."""

    pixels: Image.Image
    digest: str
    format: str
    mode: str

    @property
    def trainable(self) -> bool:
        """Whether Azure keeps it in a training file."""
        return self.format in TRAINING_FORMATS and self.mode in TRAINING_MODES


def data_url_bytes(url: str) -> bytes:
    """Return the bytes in a base64 data URL; ImageUnreadable for any other address."""
    head, comma, content = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise ImageUnreadable("only base64 data URLs can be read")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise ImageUnreadable(f"the data URL is not base64: {problem}") from problem


def decode(content: bytes) -> Picture:
    """Return the image in *content*; ImageUnreadable if there is none."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            pixels = image.convert("RGB")
            return Picture(pixels, _digest(pixels), image.format or "", image.mode)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise ImageUnreadable(f"the image cannot be decoded: {problem}") from problem


def image_urls(message: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the (url, detail) of every image part of a chat message."""
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    images = [part.get("image_url") for part in parts if isinstance(part, dict) and part.get("type") == "image_url"]
    return [(str(i.get("url", "")), str(i.get("detail") or "auto")) for i in images if isinstance(i, dict)]


def _digest(pixels: Image.Image) -> str:
    return hashlib.sha256(f"{pixels.width}x{pixels.height}:".encode() + pixels.tobytes()).hexdigest()

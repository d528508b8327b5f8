"""Looking at the images of a request: what they are, and what they look like to a trained model."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

from foundry_emulator import images
from foundry_emulator.images import ImageUnreadable, Picture
from foundry_emulator.inference.fields import refused
from foundry_emulator.inference.messages import ShownImage
from foundry_emulator.learning.feature_cache import FeatureCache
from foundry_emulator.learning.features import Vector

MOST_BYTES = 20 * 1024 * 1024
_FORMATS = ("png", "jpeg", "gif", "webp")
_REMEMBERED = 8_192


@dataclass(frozen=True)
class Seen:
    """An image that was looked at; *features* only if a trained model wants them."""

    digest: str
    width: int
    height: int
    features: Vector | None


class Sight:
    """Looks at images, and remembers those it has seen by the bytes of their address."""

    def __init__(self, features: FeatureCache) -> None:
        self._features = features
        self._seen: OrderedDict[tuple[bytes, bool], Seen] = OrderedDict()
        self._threads = threading.Lock()

    def look(self, image: ShownImage, *, learned: bool) -> Seen:
        """Return what there is to see; ServiceError 400 if it is no image that can be answered about."""
        key = hashlib.sha256(image.url.encode("utf-8", "surrogatepass")).digest(), learned
        with self._threads:
            known = self._seen.get(key)
        if known is not None:
            return known
        picture = _picture(image)
        vector = self._features.features(picture) if learned else None
        seen = Seen(picture.digest, picture.pixels.width, picture.pixels.height, vector)
        with self._threads:
            self._seen[key] = seen
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return seen


def _picture(image: ShownImage) -> Picture:
    if image.url.lower().startswith(("http://", "https://")):
        raise refused(
            image.param,
            f"Failed to download image from {image.url[:200]}. This emulator fetches nothing: send"
            " the image as a base64 data URL.",
            "invalid_image_url",
        )
    try:
        picture = images.decode(_content(image))
    except ImageUnreadable as problem:
        raise refused(image.param, f"Invalid image data: {problem}.", "BadRequest") from problem
    if picture.format.lower() not in _FORMATS:
        raise refused(
            image.param,
            "You uploaded an unsupported image. Please make sure your image has of one the"
            f" following formats: {list(_FORMATS)}.",
            "invalid_image_format",
        )
    return picture


def _content(image: ShownImage) -> bytes:
    content = images.data_url_bytes(image.url)
    if len(content) > MOST_BYTES:
        raise refused(
            image.param,
            f"Invalid image data: the image has {len(content)} bytes, at most {MOST_BYTES} are allowed.",
            "image_too_large",
        )
    return content

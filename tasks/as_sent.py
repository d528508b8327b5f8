"""What the service gets of an accepted example: the JPEG that the model sees of an image, the line of a chat."""

import hashlib

from cloud.store import DATA, NotFound
from data_contracts.images import LabeledImage
from data_contracts.training import DERIVATION_VERSION
from decisions.imaging.images import as_model_sees
from tasks.labels import image_path
from tasks.loop import Loop


def as_sent(loop: Loop, image: LabeledImage) -> bytes:
    """The JPEG that the model sees of the image; worked out once, then kept in the store for all loops."""
    path = f"{DATA}/as_sent/v{DERIVATION_VERSION}/{image.digest[:2]}/{image.digest}.jpg"
    try:
        with loop.store.open(path) as kept:
            return kept.read()
    except NotFound:
        jpeg = as_model_sees(loop.store.get(image_path(image.digest, image.media_type)).content)
        loop.store.put(path, jpeg)
        return jpeg


def digest_as_sent(loop: Loop, image: LabeledImage) -> bytes:
    """Digest of what the model sees of the image: different pixels may well become the same JPEG."""
    return hashlib.sha256(as_sent(loop, image)).digest()


def kept_line(loop: Loop, chat: LabeledImage) -> bytes:
    """An accepted chat as it is kept and sent, without a line's end."""
    return loop.store.get(image_path(chat.digest, chat.media_type)).content

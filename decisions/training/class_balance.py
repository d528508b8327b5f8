"""How often each training image appears in the training file, so that rare classes do not drown."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from data_contracts.images import LabeledImage
from data_contracts.policies import TrainingPolicy


@dataclass(frozen=True)
class Appearance:
    """An image in the training file: as it is (0), or as its changed copy of this number."""

    image: LabeledImage
    copy: int = 0


def appearances(images: Sequence[LabeledImage], policy: TrainingPolicy) -> list[Appearance]:
    """Each training image and its copies, in an order that has nothing to do with labels, yet is always the same.

    With augmentation, an image appears once as it is and otherwise as copies that differ from each other; without,
    its repeats are plain. Copies are of images of the training split and stand in the training file only, so each is
    on its source's side of every split, and no group is torn apart.
    """
    times = repeats(images, policy.largest_repeat if policy.balance == "repeat" else 1)
    copies = policy.augmentation.copies
    shown = [
        (_order(image, number), Appearance(image, number if copies else 0))
        for image in images
        for number in range(times[image.digest] * (1 + copies))
    ]
    return [appearance for _, appearance in sorted(shown, key=lambda each: each[0])]


def repeats(images: Iterable[LabeledImage], largest_repeat: int) -> Mapping[str, int]:
    """How often each digest appears so that every class comes up to the count of the largest.

    No image appears more than *largest_repeat* times. The images of a class differ by one at most, and which appear
    more often depends on their digests alone.
    """
    by_class: dict[str, list[str]] = {}
    for image in images:
        by_class.setdefault(image.label, []).append(image.digest)
    largest = max((len(digests) for digests in by_class.values()), default=0)
    times: Counter[str] = Counter()
    for digests in by_class.values():
        wanted = min(largest, len(digests) * largest_repeat)
        each, more = divmod(wanted, len(digests))
        for place, digest in enumerate(sorted(digests, key=_scattered)):
            times[digest] = each + (place < more)
    return times


def _order(image: LabeledImage, number: int) -> bytes:
    return _scattered(f"{image.digest} {number}" if number else image.digest)


def _scattered(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()

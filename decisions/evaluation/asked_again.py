"""How steady a model is: a random share of its images is asked anew, and the answers that changed are counted."""

import hashlib
from collections.abc import Mapping, Sequence

from data_contracts.evaluation import Answer
from data_contracts.images import LabeledImage
from decisions.intervals import wilson


def drawn(images: Sequence[LabeledImage], share: float, iteration: int) -> list[LabeledImage]:
    """A *share* of the images, rounded, drawn by a hash: the same for the same iteration, others for the next."""

    def place(image: LabeledImage) -> bytes:
        return hashlib.sha256(f"asked again in iteration {iteration}: {image.digest}".encode()).digest()

    return sorted(images, key=place)[: round(share * len(images))]


def flips(known: Mapping[str, Answer], fresh: Mapping[str, Answer]) -> int:
    """How many of the *fresh* answers, by image, differ from the *known* ones in what counts; failures do not."""
    return sum(
        (known[image].given, known[image].passed) != (answer.given, answer.passed)
        for image, answer in fresh.items()
        if answer.failure is None and image in known and known[image].failure is None
    )


def too_many_flips(changed: int, asked: int, largest_share: float) -> bool:
    """Whether more than *largest_share* of the answers change, beyond chance: by the lower end of the 95 % interval."""
    return asked > 0 and wilson(changed, asked)[0] > largest_share

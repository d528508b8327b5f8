"""What it says when a model is better on validation images than on held-out ones."""

import math

from data_contracts.figures import Gap, Interval
from decisions.intervals import wilson

Share = tuple[int, int]
"""Right answers, and all answers."""


def gap(validation: Share, held_out: Share) -> Gap:
    """The gap between the accuracies with its interval, and a sentence about it."""
    one, other = validation[0] / validation[1], held_out[0] / held_out[1]
    interval = newcombe(validation, held_out)
    return Gap(
        validation_images=validation[1],
        validation_accuracy=one,
        held_out_accuracy=other,
        difference=one - other,
        interval=interval,
        meaning=_meaning(interval),
    )


def newcombe(one: Share, other: Share, confidence: float = 0.95) -> Interval:
    """Two-sided interval of the difference of two independent shares (Newcombe 1998, Stat Med 17:873, method 10)."""
    p, q = one[0] / one[1], other[0] / other[1]
    (low, high), (other_low, other_high) = wilson(*one, confidence), wilson(*other, confidence)
    return (
        p - q - math.hypot(p - low, other_high - q),
        p - q + math.hypot(high - p, q - other_low),
    )


def _meaning(interval: Interval) -> str:
    low, high = interval
    if low > 0:
        return (
            "Better on validation than on held-out images, beyond chance: the checkpoint was chosen by the validation "
            "images and may fit them too well, or the held-out images are of another kind. Count on the held-out "
            "accuracy."
        )
    if high < 0:
        return (
            "Better on held-out than on validation images, beyond chance: the two differ in what they show; compare "
            "their batches."
        )
    return (
        f"No gap beyond chance: no sign that the model fits its validation images too well. A gap of up to "
        f"{100 * max(high, 0):.1f} points could hide in so few images."
    )

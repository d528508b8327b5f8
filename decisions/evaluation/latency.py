"""How long answers took."""

from collections.abc import Sequence
from statistics import median

from data_contracts.evaluation import Answer, Outcome
from data_contracts.figures import LatencyFigures

PERCENTILES = (50, 90, 95, 99)
BARS = 20


def latency(answers: Sequence[Answer]) -> LatencyFigures | None:
    """Percentiles and a histogram of milliseconds, of answers that came one by one; None where none did.

    The histogram ends at the 99th percentile; the few answers that took longer are in its last bar.
    """
    import numpy as np

    taken = np.array(_times(answers))
    if not taken.size:
        return None
    found = {str(each): float(np.percentile(taken, each)) for each in PERCENTILES}
    counts, edges = np.histogram(np.minimum(taken, found["99"]), bins=BARS)
    return LatencyFigures(
        answers=int(taken.size),
        percentiles=found,
        edges=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in counts),
    )


def median_ms(answers: Sequence[Answer]) -> float | None:
    """Median of the milliseconds that answers took, of those that came one by one; None where none did."""
    times = _times(answers)
    return median(times) if times else None


def _times(answers: Sequence[Answer]) -> list[float]:
    came = (answer.latency_ms for answer in answers if answer.outcome is not Outcome.FAILED)
    return [each for each in came if each is not None]

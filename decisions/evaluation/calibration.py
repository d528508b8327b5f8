"""Whether a model is right as often as its confidence says."""

from collections.abc import Sequence

from data_contracts.evaluation import Answer
from data_contracts.figures import Calibration, ReliabilityBin

BINS = 10


def calibration(answers: Sequence[Answer]) -> Calibration | None:
    """Reliability in ten bins of equal width and the expected calibration error; None where no confidence is known.

    ECE = sum over bins of (answers in it / all) * |accuracy - mean confidence| (Guo et al. 2017, arXiv:1706.04599).
    """
    known = [(answer.confidence, answer.correct) for answer in answers if answer.confidence is not None]
    if not known:
        return None
    parts: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for confidence, right in known:
        parts[min(BINS - 1, int(confidence * BINS))].append((confidence, right))
    bins = tuple(_bin(index, part) for index, part in enumerate(parts))
    return Calibration(
        answers=len(known),
        mean_confidence=sum(confidence for confidence, _ in known) / len(known),
        accuracy=sum(right for _, right in known) / len(known),
        expected_error=sum(each.answers * _distance(each) for each in bins) / len(known),
        bins=bins,
    )


def _bin(index: int, part: Sequence[tuple[float, bool]]) -> ReliabilityBin:
    count = len(part)
    return ReliabilityBin(
        low=index / BINS,
        high=(index + 1) / BINS,
        answers=count,
        confidence=sum(confidence for confidence, _ in part) / count if count else None,
        accuracy=sum(right for _, right in part) / count if count else None,
    )


def _distance(each: ReliabilityBin) -> float:
    return abs(each.accuracy - each.confidence) if each.accuracy is not None and each.confidence is not None else 0.0

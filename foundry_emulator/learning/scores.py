"""How well predictions fit, and the mean of several such scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """Mean cross-entropy in nats and the share of right predictions, over *count* tokens."""

    loss: float
    accuracy: float
    count: int = 1


def together(scores: Sequence[Score]) -> Score:
    """Return the score of all tokens behind *scores*; there must be at least one."""
    count = sum(score.count for score in scores)
    return Score(
        loss=math.fsum(score.loss * score.count for score in scores) / count,
        accuracy=math.fsum(score.accuracy * score.count for score in scores) / count,
        count=count,
    )

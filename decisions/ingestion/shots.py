"""Which shots belong together: taken by one camera, shortly one after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, order=True)
class Shot:
    """When and by what a picture was taken; *series* keeps cameras of one make, folders, and kinds of clock apart."""

    series: tuple[str, ...]
    second: float


def shot(taken_at: str | None, camera: str | None, folder: str) -> Shot | None:
    """The shot taken at *taken_at* (ISO 8601; with or without a time zone) into *folder*; None without such a time."""
    try:
        moment = datetime.fromisoformat((taken_at or "").replace("/", "-"))
    except ValueError:
        return None
    clock = "local" if moment.tzinfo is None else "zoned"
    return Shot((camera or "", folder, clock), moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())


def consecutive(shots: Sequence[Shot | None], seconds: float) -> NDArray[np.int64]:
    """The pairs of places, shape (pairs, 2), of shots that follow each other within *seconds* in one series."""
    order = sorted((each, place) for place, each in enumerate(shots) if each is not None)
    pairs = [
        (one_place, other_place)
        for (one, one_place), (other, other_place) in pairwise(order)
        if one.series == other.series and other.second - one.second <= seconds
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)

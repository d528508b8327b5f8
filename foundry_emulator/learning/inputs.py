"""How features are made comparable: standardized, and calmed in the directions that tell nothing.

The directions in which images of one answer differ among themselves say little about the answer. A network remembers
them; one that is continued on new answers discounts them and so learns from fewer images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

DIRECTIONS = 32
_ROWS = 1_024
_TOLERATED = 5.0
_LEAST_SPREAD = np.float32(1e-3)
_LEAST_SHARE = np.float32(0.05)


@dataclass(frozen=True)
class Inputs:
    """A linear map of feature rows: (row - mean) / spread, then each of the directions made smaller by its factor."""

    mean: Matrix
    spread: Matrix
    directions: Matrix
    factors: Matrix

    def __call__(self, features: Matrix) -> Matrix:
        """Return rows that a network can learn from."""
        return self._calmed((features - self.mean) / self.spread)

    def carry(self, weights: Matrix, bias: Matrix, to: Inputs) -> tuple[Matrix, Matrix]:
        """Return the weights and bias that make of *to*'s rows what *weights* and *bias* make of these."""
        calmed: Matrix = weights + self.directions.T @ ((self.factors - 1)[:, np.newaxis] * (self.directions @ weights))
        scaled: Matrix = calmed * (to.spread / self.spread)[:, np.newaxis]
        back = (1 / to.factors - 1)[:, np.newaxis]
        carried: Matrix = scaled + to.directions.T @ (back * (to.directions @ scaled))
        moved = bias + ((to.mean - self.mean) / self.spread) @ calmed
        return carried, np.asarray(moved, dtype=np.float32)

    def _calmed(self, rows: Matrix) -> Matrix:
        smaller = (rows @ self.directions.T) * (self.factors - 1)
        return np.asarray(rows + smaller @ self.directions, dtype=np.float32)


def standardizing(features: Matrix) -> Inputs:
    """Return inputs with mean 0 and spread 1 on *features*, no direction calmed."""
    width = features.shape[1]
    return Inputs(
        mean=features.mean(axis=0, dtype=np.float64).astype(np.float32),
        spread=np.maximum(_spread(features), _LEAST_SPREAD),
        directions=np.empty((0, width), dtype=np.float32),
        factors=np.empty(0, dtype=np.float32),
    )


def continuing(before: Inputs, features: Matrix, within: Matrix) -> Inputs:
    """Return inputs for *features* that know *within*: what varies there is calmed."""
    spread = np.maximum(_spread(features), _LEAST_SHARE * before.spread)
    _, sizes, directions = np.linalg.svd(within / spread, full_matrices=False)
    return Inputs(
        mean=features.mean(axis=0, dtype=np.float64).astype(np.float32),
        spread=spread,
        directions=directions.astype(np.float32),
        factors=(1 / np.sqrt(1 + np.square(sizes) / _TOLERATED)).astype(np.float32),
    )


def variation_within(features: Matrix, answers: Sequence[str]) -> Matrix:
    """Return the main directions in which rows of one answer differ, each as long as its standard deviation.

    At most DIRECTIONS rows, in the units of *features*; found from at most _ROWS of them.
    """
    chosen = np.arange(len(answers))[:: -(-len(answers) // _ROWS)]
    rows, told = features[chosen].astype(np.float64), np.array(answers)[chosen]
    for answer in sorted(set(told)):
        rows[told == answer] -= rows[told == answer].mean(axis=0)
    spread = np.maximum(_spread(features), _LEAST_SPREAD)
    return np.asarray(_main(rows / spread / np.sqrt(len(rows))) * spread, dtype=np.float32)


def both(first: Matrix, first_share: float, second: Matrix) -> Matrix:
    """Return the variation of two sets of rows together, *first_share* of them from the first."""
    stacked = np.concatenate([first * np.sqrt(first_share), second * np.sqrt(1 - first_share)])
    spread = np.maximum(np.sqrt(np.square(stacked).sum(axis=0)), _LEAST_SPREAD)
    return np.asarray(_main(stacked / spread) * spread, dtype=np.float32)


def _main(rows: NDArray[np.floating]) -> Matrix:
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(sizes[:DIRECTIONS, np.newaxis] * directions[:DIRECTIONS], dtype=np.float32)


def _spread(features: Matrix) -> Matrix:
    return np.asarray(features.std(axis=0, dtype=np.float64), dtype=np.float32)

"""Adam over a text network: embeddings that a minibatch did not touch rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from foundry_emulator.learning.text_network import Gradient, Matrix, Parameters

_BETA_1, _BETA_2, _EPSILON = np.float32(0.9), np.float32(0.99), np.float32(1e-8)


@dataclass
class Adam:
    """Moments of the gradients of *parameters*, which it changes in place."""

    parameters: Parameters
    steps: int = 0
    _first: dict[str, Matrix] = field(default_factory=dict)
    _second: dict[str, Matrix] = field(default_factory=dict)

    def step(self, gradients: dict[str, Gradient], learning_rate: float) -> None:
        """Change every parameter that has a gradient."""
        self.steps += 1
        corrected = math.sqrt(1 - float(_BETA_2) ** self.steps) / (1 - float(_BETA_1) ** self.steps)
        for name, gradient in gradients.items():
            self._update(name, gradient, np.float32(learning_rate * corrected))

    def _update(self, name: str, gradient: Gradient, size: np.float32) -> None:
        weights = self.parameters[name]
        first = self._first.setdefault(name, np.zeros_like(weights))
        second = self._second.setdefault(name, np.zeros_like(weights))
        rows = slice(None) if gradient.rows is None else gradient.rows
        values = gradient.values
        mean = first[rows] * _BETA_1 + (1 - _BETA_1) * values
        square = second[rows] * _BETA_2 + (1 - _BETA_2) * np.square(values)
        first[rows], second[rows] = mean, square
        weights[rows] -= size * mean / (np.sqrt(square) + _EPSILON)

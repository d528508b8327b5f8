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
        if name not in self._first:
            self._first[name], self._second[name] = np.zeros_like(weights), np.zeros_like(weights)
        first, second = self._first[name], self._second[name]
        if gradient.rows is None:
            _move(weights, first, second, gradient.values, size)
            return
        rows = gradient.rows
        touched = weights[rows], first[rows], second[rows]
        _move(*touched, gradient.values, size)
        weights[rows], first[rows], second[rows] = touched


def _move(weights: Matrix, first: Matrix, second: Matrix, gradient: Matrix, size: np.float32) -> None:
    """Change the weights and their moments in place."""
    first *= _BETA_1
    first += (1 - _BETA_1) * gradient
    second *= _BETA_2
    squared = np.square(gradient)
    squared *= 1 - _BETA_2
    second += squared
    step = np.sqrt(second, out=squared)
    step += _EPSILON
    np.divide(first, step, out=step)
    step *= size
    weights -= step

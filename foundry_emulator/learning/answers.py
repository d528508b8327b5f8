"""Answers as tokens: what each token is, how probable it was, and what else could have stood in its place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foundry_emulator.learning.pieces import split

END = ""
"""Stands for the end of an answer, where something else could have followed."""
MOST_ALTERNATIVES = 20


@dataclass(frozen=True)
class Token:
    """One token of an answer: its text, natural-log probability, and the most probable alternatives at its place.

    The alternatives include the token itself, most probable first.
    """

    text: str
    log_probability: float
    alternatives: tuple[tuple[str, float], ...]


def classifier_tokens(answers: Sequence[str], log_probabilities: Sequence[float], chosen: int) -> list[Token]:
    """Return the tokens of the answer at *chosen*; their log probabilities add up to that of the answer.

    A token's probability is that of all *answers* that go on with it, given the tokens before. The end is a token of
    its own, with the text END, only where other answers go on.
    """
    scores = np.array(log_probabilities, dtype=np.float64)
    paths = [(*split(answer), END) for answer in answers]
    possible = list(range(len(paths)))
    told: list[Token] = []
    for place, piece in enumerate(paths[chosen]):
        masses = _masses(paths, scores, possible, place)
        before = _log_sum(scores[possible])
        if piece != END or len(masses) > 1:
            told.append(_token(piece, {text: _conditional(mass, before) for text, mass in masses.items()}))
        possible = [each for each in possible if paths[each][place] == piece]
    return told


def _masses(
    paths: Sequence[tuple[str, ...]], scores: NDArray[np.float64], possible: Sequence[int], place: int
) -> dict[str, float]:
    """Return the log probability of every piece at *place* of the *possible* answers."""
    members: dict[str, list[int]] = {}
    for each in possible:
        members.setdefault(paths[each][place], []).append(each)
    return {piece: _log_sum(scores[rows]) for piece, rows in members.items()}


def _token(piece: str, possible: dict[str, float]) -> Token:
    return Token(piece, possible[piece], most_probable(list(possible.items()), (piece, possible[piece])))


def most_probable(possible: Sequence[tuple[str, float]], chosen: tuple[str, float]) -> tuple[tuple[str, float], ...]:
    """Return the MOST_ALTERNATIVES most probable of *possible*, *chosen* among them, most probable first."""
    ordered = sorted(possible, key=lambda each: (-each[1], each[0]))[:MOST_ALTERNATIVES]
    return tuple(ordered) if chosen in ordered else (*ordered[: MOST_ALTERNATIVES - 1], chosen)


def _conditional(mass: float, before: float) -> float:
    return min(0.0, mass - before) if math.isfinite(before) else -math.inf


def _log_sum(values: NDArray[np.float64]) -> float:
    greatest = float(values.max())
    if not math.isfinite(greatest):
        return greatest
    return greatest + math.log(math.fsum(np.exp(values - greatest)))


def nucleus(weights: NDArray[np.float64], top_p: float) -> NDArray[np.float64]:
    """Return *weights* without the least probable ones that are not needed to reach *top_p*."""
    if top_p >= 1:
        return weights
    order = np.argsort(-weights, kind="stable")
    needed = int(np.searchsorted(np.cumsum(weights[order]), top_p)) + 1
    kept = np.zeros_like(weights)
    kept[order[:needed]] = weights[order[:needed]]
    return kept

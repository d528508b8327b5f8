"""Writing an answer piece by piece, without falling into endless loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from foundry_emulator.learning.answers import END as END_TEXT
from foundry_emulator.learning.answers import MOST_ALTERNATIVES, Token, most_probable, nucleus
from foundry_emulator.learning.pieces import END, Ids, Vocabulary

Scores = NDArray[np.float32]
Foresee = Callable[[Ids], Scores]

LONGEST_BLOCK = 24
LEAST_COPIES = 2
PHRASE = 6
LENGTH_FACTOR = 2
HABIT = 0.95


@dataclass(frozen=True)
class Habits:
    """How the trained answers are built.

    *longest* is their greatest length in pieces; *copies* how often in a row they repeat a block of several pieces;
    *runs* how often in a row those pieces come that come more than once.
    """

    longest: int = 0
    copies: int = LEAST_COPIES
    runs: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, answers: Sequence[Ids]) -> Habits:
        """Return the habits of *answers*; what hardly one in twenty does is no habit."""
        if not answers:
            return cls()
        copies = int(np.quantile([_copies(answer) for answer in answers], HABIT, method="lower"))
        found: dict[int, list[int]] = {}
        for answer in answers:
            for piece, run in _runs(answer).items():
                found.setdefault(piece, []).append(run)
        usual = {piece: int(np.quantile(runs, HABIT, method="lower")) for piece, runs in found.items()}
        return cls(
            longest=max(len(answer) for answer in answers),
            copies=max(LEAST_COPIES, copies),
            runs={piece: run for piece, run in sorted(usual.items()) if run > 1},
        )

    def and_those_of(self, other: Habits) -> Habits:
        """Return habits that allow what either allows."""
        runs = {piece: max(self.runs.get(piece, 1), other.runs.get(piece, 1)) for piece in {*self.runs, *other.runs}}
        return Habits(max(self.longest, other.longest), max(self.copies, other.copies), dict(sorted(runs.items())))


def write(
    foresee: Foresee,
    vocabulary: Vocabulary,
    habits: Habits,
    *,
    temperature: float,
    most_tokens: int,
    seed: int,
    top_p: float = 1,
) -> tuple[list[Token], bool]:
    """Return tokens until the end that *foresee* comes to, and True; or *most_tokens* of them, and False.

    Log probabilities are those at temperature 1, among the pieces that may stand at the place.
    """
    chance = np.random.default_rng(seed)
    written: list[int] = []
    told: list[Token] = []
    while True:
        scores = _allowed(foresee(np.array(written, dtype=np.int64)), written, vocabulary, habits)
        chosen = _choose(scores, temperature, top_p, chance)
        if chosen == END:
            return told, True
        if len(told) >= most_tokens:
            return told, False
        written.append(chosen)
        told.append(_token(scores, chosen, vocabulary))


def _allowed(foreseen: Scores, written: list[int], vocabulary: Vocabulary, habits: Habits) -> NDArray[np.float64]:
    """Return log probabilities among the pieces that may follow."""
    scores = foreseen.astype(np.float64)
    scores[vocabulary.special] = -np.inf
    if len(written) >= max(1, LENGTH_FACTOR * habits.longest):
        scores[np.arange(len(scores)) != END] = -np.inf
    for number in _looping(written, habits):
        scores[number] = -np.inf
    scores -= scores.max()
    normalized: NDArray[np.float64] = scores - np.log(np.exp(scores).sum())
    return normalized


def _choose(scores: NDArray[np.float64], temperature: float, top_p: float, chance: np.random.Generator) -> int:
    if temperature == 0:
        return int(scores.argmax())
    weights = np.exp((scores - scores.max()) / temperature)
    weights = nucleus(weights / weights.sum(), top_p)
    return int(chance.choice(len(weights), p=weights / weights.sum()))


def _token(scores: NDArray[np.float64], chosen: int, vocabulary: Vocabulary) -> Token:
    count = min(MOST_ALTERNATIVES, len(scores))
    best = np.argpartition(-scores, count - 1)[:count]
    possible = [(_text(int(number), vocabulary), float(scores[number])) for number in best if scores[number] > -np.inf]
    token = _text(chosen, vocabulary), float(scores[chosen])
    return Token(*token, most_probable(possible, token))


def _text(number: int, vocabulary: Vocabulary) -> str:
    return END_TEXT if number == END else vocabulary.decode([number])


def _looping(written: Sequence[int], habits: Habits) -> list[int]:
    """Return the pieces that would repeat more than *habits* allow."""
    return [*_runs_on(written, habits), *_copies_on(written, habits.copies), *_phrases_on(written)]


def _runs_on(written: Sequence[int], habits: Habits) -> list[int]:
    last = written[-1:]
    most = habits.runs.get(last[0], 1) if last else 1
    return list(last) if len(written) >= most and written[-most:] == [*last] * most else []


def _copies_on(written: Sequence[int], copies: int) -> Iterator[int]:
    """Yield the pieces that would end one more copy, in a row, of a block than *copies*."""
    for size in range(2, LONGEST_BLOCK + 1):
        needed = size * (copies + 1) - 1
        if len(written) < needed:
            return
        tail = written[-needed:]
        if tail[size:] == tail[:-size] and len(set(tail)) > 1:
            yield tail[-size]


def _phrases_on(written: Sequence[int]) -> list[int]:
    """Return the pieces that would say the same phrase for the third time, wherever it was said."""
    beginning = written[1 - PHRASE :]
    places = range(len(written) - len(beginning))
    followers = [written[place + PHRASE - 1] for place in places if written[place : place + PHRASE - 1] == beginning]
    return [piece for piece in set(followers) if followers.count(piece) >= LEAST_COPIES and len(set(beginning)) > 1]


def _runs(answer: Ids) -> dict[int, int]:
    """Return how often in a row each piece comes at most."""
    longest: dict[int, int] = {}
    for piece, run in groupby(answer.tolist()):
        longest[piece] = max(longest.get(piece, 0), len(list(run)))
    return longest


def _copies(answer: Ids) -> int:
    """Return how often in a row a block of several pieces is repeated at most."""
    most = 1
    for size in range(2, min(LONGEST_BLOCK, len(answer) // 2) + 1):
        same = np.concatenate([[False], answer[size:] == answer[:-size], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        runs = edges[1::2] - edges[::2]
        most = max(most, int(runs.max(initial=0)) // size + 1)
    return most

"""Possible answers with their probabilities: narrowed, merged, shaken, drawn from."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from foundry_emulator.inference.questions import Sampling
from foundry_emulator.learning.answers import Token, nucleus


@dataclass(frozen=True)
class Distribution:
    """Possible answers, and the natural logarithm of the probability of each."""

    answers: list[str]
    log_probabilities: list[float]

    def among(self, allowed: Collection[str]) -> Distribution | None:
        """Return what remains if only *allowed* answers may be given, None if nothing does."""
        kept = [place for place, answer in enumerate(self.answers) if answer in allowed]
        if not kept:
            return None
        scores = [self.log_probabilities[place] for place in kept]
        return Distribution([self.answers[place] for place in kept], normalized(scores))

    def renamed(self, name: Callable[[str], str]) -> Distribution:
        """Return it with other names for the answers; those that come to share one are put together."""
        merged: dict[str, float] = {}
        for answer, score in zip(self.answers, self.log_probabilities, strict=True):
            known = merged.get(name(answer))
            merged[name(answer)] = score if known is None else float(np.logaddexp(known, score))
        return Distribution(list(merged), list(merged.values()))

    def shaken(self, deviation: float) -> Distribution:
        """Return it with noise of this standard deviation, another every time, on the log-probabilities."""
        if deviation == 0:
            return self
        noise = np.random.default_rng().normal(0, deviation, len(self.answers))
        return Distribution(
            self.answers, normalized([s + n for s, n in zip(self.log_probabilities, noise, strict=True)])
        )

    def choose(self, sampling: Sampling, *facts: object) -> int:
        """Return the place of the most probable answer at temperature 0, else of a draw that *facts* decide."""
        scores = np.array(self.log_probabilities)
        if sampling.temperature == 0 or len(scores) == 1:
            return int(scores.argmax())
        weights = np.exp((scores - scores.max()) / sampling.temperature)
        weights = nucleus(weights / weights.sum(), sampling.top_p)
        return int(dice(sampling.seed, *facts).choice(len(weights), p=weights / weights.sum()))


def guess(answers: list[str], *facts: object) -> Distribution:
    """Return as good as even odds, tipped by *facts*: what a model says that knows nothing."""
    scores = dice(*facts).random(len(answers))
    return Distribution(answers, normalized([float(score) for score in scores]))


def dice(*facts: object) -> np.random.Generator:
    """Return dice that fall the same way for the same facts."""
    digest = hashlib.sha256("\0".join(str(fact) for fact in facts).encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def shaken(tokens: list[Token], deviation: float) -> list[Token]:
    """Return *tokens* with noise of this standard deviation, another every time, on their log-probabilities.

    What the alternatives at a place have together stays the same.
    """
    if deviation == 0:
        return tokens
    chance = np.random.default_rng()

    told = []
    for token in tokens:
        noise = chance.normal(0, deviation, len(token.alternatives))
        told_of = math.fsum(math.exp(value) for _, value in token.alternatives)
        scores = normalized([value + float(n) for (_, value), n in zip(token.alternatives, noise, strict=True)])
        share = math.log(min(1.0, told_of))
        values = {text: score + share for (text, _), score in zip(token.alternatives, scores, strict=True)}
        ordered = tuple(sorted(values.items(), key=lambda each: -each[1]))
        told.append(Token(token.text, values.get(token.text, token.log_probability), ordered))
    return told


def normalized(scores: list[float]) -> list[float]:
    """Return log-probabilities whose probabilities add up to one."""
    highest = max(scores)
    total = highest + math.log(math.fsum(math.exp(score - highest) for score in scores))
    return [score - total for score in scores]

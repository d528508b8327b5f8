"""How sure a model was of its answer, from the log-probabilities of the answer's tokens."""

import math
from collections.abc import Mapping, Sequence

from data_contracts.evaluation import AnswerToken, LabelProbability

SMALLEST = 1e-6
"""A token less probable than this tells nothing of whether two answers begin alike."""


def confidence(tokens: Sequence[AnswerToken]) -> float | None:
    """Probability of exactly this answer, exp(sum of its tokens' log-probabilities); None where none were told."""
    if not tokens:
        return None
    return min(1.0, math.exp(sum(token.logprob for token in tokens)))


def label_probabilities(tokens: Sequence[AnswerToken], answers: Mapping[str, str]) -> tuple[LabelProbability, ...]:
    """Probability of each label, in the order of *answers*, which has the answer that stands for it.

    Read from the first token and the likeliest others in its place: each counts for the one answer that begins with it.
    Nothing where two answers begin with the same token, or where the text begins with something else, such as a brace.
    """
    if not tokens:
        return ()
    found = dict.fromkeys(answers, 0.0)
    first = tokens[0]
    for text, logprob in {first.text: first.logprob, **dict(first.alternatives)}.items():
        probability = math.exp(min(0.0, logprob))
        begun = _begun(text, answers)
        if len(begun) > 1 and probability > SMALLEST:
            return ()
        if len(begun) == 1:
            found[begun[0]] += probability
    if not _begun(first.text, answers):
        return ()
    whole = max(1.0, sum(found.values()))
    return tuple(LabelProbability(label=label, probability=value / whole) for label, value in found.items())


def _begun(text: str, answers: Mapping[str, str]) -> list[str]:
    """Labels whose answers begin with *text*."""
    start = text.strip().casefold()
    return [label for label, answer in answers.items() if start and answer.casefold().startswith(start)]

"""Whether a model's answer in a chat is right, as the contract's grader tells."""

import re
import unicodedata
from collections import Counter

from data_contracts.chat_contract import ExactGrader, Grader, RegexGrader, SimilarityGrader
from data_contracts.evaluation import Outcome, RawAnswer
from decisions.answers import unanswered

WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:[.,:'’/-][^\W_]+)*")  # noqa: RUF001  (an apostrophe)
"""A word or number; in Chinese, Japanese and Korean, which leave no spaces, a single character."""


def right(grader: Grader, said: str, accepted: str) -> bool:
    """Whether the answer *said* is right beside the *accepted* one; an empty answer never is."""
    if not said.strip():
        return False
    match grader:
        case ExactGrader():
            return _folded(said) == _folded(accepted)
        case RegexGrader():
            return _fits(grader, said)
        case SimilarityGrader():
            return similarity(said, accepted) >= grader.threshold


def graded(grader: Grader, raw: RawAnswer, accepted: str) -> tuple[Outcome, bool]:
    """What *raw* turned out to be, and whether it is right beside the *accepted* answer."""
    outcome = unanswered(raw) or (Outcome.TEXT if raw.text.strip() else Outcome.EMPTY)
    return outcome, outcome is Outcome.TEXT and right(grader, raw.text, accepted)


def similarity(one: str, other: str) -> float:
    """F1 of the words that both texts have, each as often as it is there: 0 with none in common, 1 with the same words.

    It is the measure of SQuAD (Rajpurkar et al., 2016, arXiv:1606.05250, section 6.1), here with articles kept.
    """
    ours, theirs = Counter(words(one)), Counter(words(other))
    if not ours or not theirs:
        return float(_folded(one) == _folded(other))
    return 2 * (ours & theirs).total() / (ours.total() + theirs.total())


def _fits(grader: RegexGrader, said: str) -> bool:
    pattern = re.compile(grader.pattern, re.DOTALL)
    found = pattern.fullmatch(said.strip()) if grader.fits == "whole" else pattern.search(said)
    return found is not None


def words(text: str) -> list[str]:
    """The words of a text, whatever their case, spacing and punctuation."""
    return WORD.findall(_folded(text))


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()

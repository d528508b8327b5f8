"""What a base model says to a text: plain words about the question, in no style of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foundry_emulator import tokens
from foundry_emulator.learning.answers import END, Token, classifier_tokens, nucleus
from foundry_emulator.learning.prompt_words import last_question

_WORD = re.compile(r"[^\W\d_][\w'\u2019-]*")
_JAPANESE = re.compile("[\u3040-\u30ff]")
_JAPANESE_WORD = re.compile("[\u30a0-\u30ff\u4e00-\u9fff]{2,12}|[\u4e00-\u9fff]")
_COMMON = frozenset(
    _WORD.findall(
        "a about an and any are as at be but by can could describe did do does explain few find for from get give had"
        " has have how i if in into is it its know like list make many me more most my name of on one or our please say"
        " should so some tell than that the their them there these they this to was we were what when where which who"
        " why will with word words would write you your"
    )
)
_LONGEST_TOPIC = 3
_SPREAD = 2.0
_ENGLISH = (
    "There are several things to say about {topic}. The most important ones depend on where and how it is used.",
    "In general, {topic} can be described by its purpose, its parts and its history.",
    "A short answer about {topic}: it depends on the details, and there is more than one way to look at it.",
    "People ask about {topic} for different reasons. It helps to know first what it is needed for.",
    "The question about {topic} has no single answer, but most sources agree on the main points.",
)
_JAPANESE_ANSWERS = (
    "{topic}については、いくつかの点があります。大切なことは目的によって変わります。",
    "一般に、{topic}はその目的と歴史から説明できます。",
    "{topic}についての短い答えは、場合によるということです。",
    "{topic}には一つの答えはありませんが、多くの資料は主な点で一致しています。",
)


def base_answer(
    messages: Sequence[Mapping[str, Any]],
    *,
    temperature: float,
    most_tokens: int,
    seed: int,
    top_p: float = 1,
    choices: Sequence[str] = (),
) -> tuple[list[Token], bool]:
    """Return the answer's tokens and whether it is finished (False: cut at most_tokens).

    *choices* are answers that the prompt lists; one of them is then guessed. At temperature 0 the same messages have
    the same answer, whatever the seed.
    """
    asked = last_question(messages)
    possible = list(dict.fromkeys(choices)) or _plain(asked)
    scores = _scores([tokens.message_text(dict(message)) for message in messages], len(possible))
    told = classifier_tokens(possible, scores.tolist(), _choose(scores, temperature, top_p, seed))
    told = [token for token in told if token.text != END]
    return told[:most_tokens], len(told) <= most_tokens


def _plain(asked: str) -> list[str]:
    if _JAPANESE.search(asked):
        topic = max(_JAPANESE_WORD.findall(asked), key=len, default="それ")
        return [answer.replace("{topic}", topic) for answer in _JAPANESE_ANSWERS]
    words = [word for word in _WORD.findall(asked) if word.lower() not in _COMMON]
    topic = " ".join(dict.fromkeys(words[:_LONGEST_TOPIC])) or "this"
    return [answer.replace("{topic}", topic) for answer in _ENGLISH]


def _scores(texts: Sequence[str], count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return log probabilities that the same texts always give."""
    digest = hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).digest()
    scores = np.random.default_rng(int.from_bytes(digest[:8], "big")).random(count) * _SPREAD
    normalized: np.ndarray[tuple[int], np.dtype[np.float64]] = scores - np.log(np.exp(scores).sum())
    return normalized


def _choose(scores: np.ndarray[tuple[int], np.dtype[np.float64]], temperature: float, top_p: float, seed: int) -> int:
    if temperature == 0:
        return int(scores.argmax())
    weights = np.exp((scores - scores.max()) / temperature)
    weights = nucleus(weights / weights.sum(), top_p)
    return int(np.random.default_rng(seed).choice(len(weights), p=weights / weights.sum()))

"""How many tokens Azure counts for an image, a text and a chat: exactly where the o200k table is installed."""

import math
from collections.abc import Callable, Iterable
from functools import cache

LOW_DETAIL = 85
A_TILE = 170
TILE_SIDE = 512
LONG_SIDE, SHORT_SIDE = 2048, 768
BYTES_PER_TOKEN = 3
"""On the safe side: English text has about four characters a token."""
PER_MESSAGE = 3
"""What the chat format adds to each message, and once more for the answer's start."""


def image_tokens(width: int, height: int, detail: str) -> int:
    """85 at low detail; else the image is shrunk to 2048 x 2048, its short side to 768: 170 a tile of 512, and 85."""
    if not width or not height:
        return 0  # a chat without an image
    if detail == "low":
        return LOW_DETAIL
    fit = min(1.0, LONG_SIDE / max(width, height))
    width, height = max(1, int(width * fit)), max(1, int(height * fit))
    fit = min(1.0, SHORT_SIDE / min(width, height))
    tiles = math.ceil(max(1, int(width * fit)) / TILE_SIDE) * math.ceil(max(1, int(height * fit)) / TILE_SIDE)
    return LOW_DETAIL + A_TILE * tiles


def text_tokens(text: str) -> int:
    """Tokens of a text: exact where `counts_exactly`, else an estimate that is rather too high than too low."""
    count = _o200k()
    return estimated_tokens(text) if count is None else count(text)


def estimated_tokens(text: str) -> int:
    """An upper estimate of a text's tokens: one for every three bytes begun."""
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)


def chat_tokens(texts: Iterable[str]) -> int:
    """Tokens of a chat whose messages have these *texts*, with what the chat format adds; images come on top."""
    return PER_MESSAGE + sum(PER_MESSAGE + text_tokens(text) for text in texts)


def counts_exactly() -> bool:
    """Whether texts are counted with the o200k table of gpt-4o and gpt-4.1, not estimated."""
    return _o200k() is not None


@cache
def _o200k() -> Callable[[str], int] | None:
    """What counts a text; None without the extra `tokens`, whose package carries the table and asks no network."""
    try:
        from rs_bpe.bpe import openai
    except ImportError:
        return None
    count: Callable[[str], int] = openai.o200k_base().count
    return count

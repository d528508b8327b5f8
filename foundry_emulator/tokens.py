"""How many tokens a text or an image costs."""

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

LOW_DETAIL_TOKENS = 85
TILE_TOKENS = 170
TOKENS_PER_MESSAGE = 3
CHARACTERS_PER_TOKEN = 4


@lru_cache(maxsize=1024)
def text_tokens(text: str) -> int:
    """Return the tokens by the table of gpt-4o and gpt-4.1, or without its package one for every four characters."""
    count = _o200k()
    return -(-len(text) // CHARACTERS_PER_TOKEN) if count is None else count(text.encode(errors="replace").decode())


def image_tokens(width: int, height: int, detail: str) -> int:
    """Return the documented cost: 85 at low detail, else 85 and 170 per tile of 512 pixels."""
    if detail == "low":
        return LOW_DETAIL_TOKENS
    shrink = min(1.0, 2048 / max(width, height))
    width, height = int(width * shrink), int(height * shrink)
    shrink = min(1.0, 768 / max(1, min(width, height)))
    tiles = math.ceil(max(1, int(width * shrink)) / 512) * math.ceil(max(1, int(height * shrink)) / 512)
    return LOW_DETAIL_TOKENS + TILE_TOKENS * tiles


def message_text(message: dict[str, Any]) -> str:
    """Return all text of a chat message, its parts joined by line breaks."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(part.get("text", "")) for part in parts if isinstance(part, dict) and part.get("type") == "text"
    )


def messages_text_tokens(messages: Sequence[dict[str, Any]]) -> int:
    """Return the estimate for the texts of *messages*, with what the chat format adds."""
    return TOKENS_PER_MESSAGE + sum(TOKENS_PER_MESSAGE + text_tokens(message_text(m)) for m in messages)


@cache
def _o200k() -> Callable[[str], int] | None:
    """Return what counts a text; None where the package that carries the table is not installed."""
    try:
        from rs_bpe.bpe import openai
    except ImportError:
        return None
    count: Callable[[str], int] = openai.o200k_base().count
    return count

"""How many tokens a text or an image costs."""

import math
from collections.abc import Sequence
from typing import Any

LOW_DETAIL_TOKENS = 85
TILE_TOKENS = 170
TOKENS_PER_MESSAGE = 3
CHARACTERS_PER_TOKEN = 4


def text_tokens(text: str) -> int:
    """Return an estimate: a token for every four characters begun."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


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

"""How many tokens Azure counts for an image and, estimated, for a text."""

import math

LOW_DETAIL = 85
A_TILE = 170
TILE_SIDE = 512
LONG_SIDE, SHORT_SIDE = 2048, 768
BYTES_PER_TOKEN = 3
"""On the safe side: English text has about four characters a token."""
CHAT_TOKENS = 12
"""What the form of a chat of three messages adds."""


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
    """An estimate that is rather too high than too low."""
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN) + CHAT_TOKENS

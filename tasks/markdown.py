"""What Markdown artifacts are made of: text that is shown and never trusted, and small pictures."""

import io
import re

from decisions.imaging.images import as_model_sees, data_url

SIDE = 160
"""Pixels of a thumbnail's longer side."""


def plain(text: str) -> str:
    """*text* in one line, as Markdown shows it letter by letter: names and texts of others are never trusted."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>&~-])", r"\\\1", " ".join(text.split()))


def thumbnail(content: bytes) -> str:
    """A small JPEG of an image as a data URL; raises ValueError when *content* is no readable image."""
    from PIL import Image

    picture = Image.open(io.BytesIO(as_model_sees(content)))
    picture.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=70)
    return data_url(out.getvalue())

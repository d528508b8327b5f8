"""What a camera noted about itself and the moment (EXIF); notes are hints, and broken ones are none."""

import re
from contextlib import suppress
from datetime import datetime

from PIL import Image

MAKE, MODEL = 0x010F, 0x0110
NOTES = 0x8769
TAKEN_AT, FRACTION = 0x9003, 0x9291
LONGEST_NAME = 100
DATE = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")


def camera(image: Image.Image) -> str | None:
    """Maker and model of the camera as one name, such as `NIKON COOLPIX P6000`; None when nothing is noted."""
    make, model = (_text(_main(image, tag)) for tag in (MAKE, MODEL))
    repeated = make and model.casefold().startswith(make.casefold())
    return (model if repeated else f"{make} {model}".strip())[:LONGEST_NAME].strip() or None


def taken_at(image: Image.Image) -> str | None:
    """When the picture was taken by the camera's clock, as ISO text without a time zone; None when unknown.

    Fractions of a second are kept where they are noted; a date that does not exist is unknown.
    """
    found = DATE.fullmatch(_text(_note(image, TAKEN_AT)))
    if found is None:
        return None
    fraction = _text(_note(image, FRACTION))
    microseconds = fraction[:6].ljust(6, "0") if fraction.isascii() and fraction.isdigit() else "0"
    with suppress(ValueError):
        year, month, day, hour, minute, second = map(int, found.groups())
        return datetime(year, month, day, hour, minute, second, int(microseconds)).isoformat()  # noqa: DTZ001
    return None


def _main(image: Image.Image, tag: int) -> object:
    try:
        return _notes(image).get(tag)
    except Exception:  # whatever a damaged note makes Pillow raise
        return None


def _note(image: Image.Image, tag: int) -> object:
    try:
        return _notes(image).get_ifd(NOTES).get(tag)
    except Exception:
        return None


def _notes(image: Image.Image) -> Image.Exif:
    return Image.Image.getexif(image)  # a PNG's own way to them decodes all its pixels first


def _text(value: object) -> str:
    """The value as one line of plain text; empty for anything that is no text."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return ""
    ended = value.split("\0")[0]
    return " ".join("".join(each if each.isprintable() else " " for each in ended).split())

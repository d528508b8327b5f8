"""JSON Lines read one by one: memory is bounded by the longest line that is allowed, whatever the file's size."""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

LONGEST_LINE = 128 << 20


class LineUnreadable(Exception):
    """A line is no JSON object; the message says why."""


@dataclass(frozen=True)
class Line:
    """One line that is not blank: its number from 1, where it begins, where the next begins, and its bytes."""

    number: int
    start: int
    end: int
    content: bytes


def read_lines(source: IO[bytes]) -> Iterator[Line]:
    """Yield the lines of *source* that are not blank; of one that is too long, only so much that it shows."""
    number, start = 0, source.tell()
    while content := source.readline(LONGEST_LINE + 1):
        number, end = number + 1, start + len(content)
        if content.strip():
            yield Line(number, start, end, content)
        if len(content) > LONGEST_LINE:
            return
        start = end


def has_byte_order_mark(path: Path) -> bool:
    """Return whether the file begins with the UTF-8 byte order mark."""
    with path.open("rb") as source:
        return source.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8


def parse(content: bytes) -> dict[str, Any]:
    """Return the JSON object in a line; LineUnreadable says what it is instead."""
    if len(content) > LONGEST_LINE:
        raise LineUnreadable(f"the line is longer than {LONGEST_LINE} bytes.")
    try:
        parsed = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
        if b"\\ud" in content or b"\\uD" in content:
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except UnicodeError as problem:
        raise LineUnreadable("the text is not UTF-8.") from problem
    except (ValueError, RecursionError) as problem:
        raise LineUnreadable("the line is not valid JSON.") from problem
    if not isinstance(parsed, dict):
        raise LineUnreadable("the line is not a JSON object.")
    return parsed


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")

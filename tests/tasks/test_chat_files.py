"""Lines of chat files: read one by one, however long, and never more than a bounded part at once."""

import io

import pytest

from tasks.chat_files import LONGEST_LINE, lines

LONG = b"x" * 10_000_000


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", []),
        (b"a", [(1, b"a")]),
        (b"a\n", [(1, b"a")]),
        (b"a\r\n\r\n \nb\r\n", [(1, b"a\r"), (4, b"b\r")]),
        (b"\n" * 70_000 + b"a", [(70_001, b"a")]),
        (b"a\n" + LONG + b"\nb", [(1, b"a"), (2, None), (3, b"b")]),
        (b"x" * LONGEST_LINE + b"\n", [(1, b"x" * LONGEST_LINE)]),
        (LONG, [(1, None)]),
    ],
    ids=["empty", "no end", "one", "CRLF and blank ones", "many blank ones", "10 MB amid", "longest", "10 MB alone"],
)
def test_lines_keep_their_numbers_and_those_that_are_too_long_are_told(
    content: bytes, found: list[tuple[int, bytes | None]]
) -> None:
    assert list(lines(io.BytesIO(content))) == found

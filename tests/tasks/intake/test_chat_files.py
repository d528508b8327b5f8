"""Lines of chat files: read one by one, however long, and never more than a bounded part at once."""

import io

import pytest

from data_contracts.chats import Chat
from data_contracts.images import Refusal
from tasks.intake.chat_files import LONGEST_LINE, check_lines, lines
from tests.support.chats import contract, line, said

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


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_in_another_encoding_is_refused_as_a_whole(encoding: str) -> None:
    content = "\n".join(line(said(f"{n}?", "So.")).decode() for n in range(3)).encode(encoding)
    (refused,) = check_lines(io.BytesIO(content), "a.jsonl", contract())

    assert isinstance(refused, Refusal)
    assert (refused.file, refused.code) == ("a.jsonl", "byte_order_mark")
    assert refused.reason.endswith("save it as UTF-8 without a byte order mark")


def test_a_file_with_other_ends_of_lines_has_the_same_chats() -> None:
    rows = [line(said(f"{n}?", "So.")) for n in range(3)]
    found = [list(check_lines(io.BytesIO(end.join(rows)), "a", contract())) for end in (b"\n", b"\r\n")]

    assert all(isinstance(each, Chat) for each in found[0])
    assert found[0] == found[1]

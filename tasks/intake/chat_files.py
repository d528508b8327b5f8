"""The lines of delivered chat files, read one by one whatever their length, and the refused ones kept."""

import codecs
from collections.abc import Collection, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from data_contracts.chat_contract import ChatContract
from data_contracts.chats import BYTE_ORDER_MARK, NOT_A_CHAT, TOO_LONG, Chat
from data_contracts.images import Refusal
from decisions.ingestion.chat_check import check_line
from tasks.intake.inbox import inbox_path
from tasks.intake.quarantine import quarantine_path
from tasks.loop import Loop

BLOCK = 1 << 16
LONGEST_LINE = 1 << 20
"""Bytes of a line that is still looked at: far more than a model can read at once."""
IN_MEMORY = 8 << 20
SUFFIX = ".jsonl"
MARKS = {codecs.BOM_UTF8: "UTF-8 with a byte order mark", codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
OTHER_FILE = "only .jsonl files are read in a loop of chats, with a chat in each line"


def check_file(loop: Loop, batch: str, file: str, contract: ChatContract) -> Iterator[Chat | Refusal]:
    """Each chat of a delivered *file*, and a refusal for each line that is none, or one for all of the file."""
    if not file.casefold().endswith(SUFFIX):
        yield Refusal(file=file, code=NOT_A_CHAT, reason=OTHER_FILE)
        return
    with loop.store.open(inbox_path(loop, batch, file)) as stream:
        yield from check_lines(stream, file, contract)


def check_lines(stream: IO[bytes], file: str, contract: ChatContract) -> Iterator[Chat | Refusal]:
    """As `check_file`, for the content of a file that messages call *file*."""
    for number, line in lines(stream):
        mark = _mark(line) if number == 1 else None
        if mark:
            reason = f"the file is {mark}; save it as UTF-8 without a byte order mark"
            yield Refusal(file=file, code=BYTE_ORDER_MARK, reason=reason)
            return
        yield _checked(line, f"{file}:{number}", contract)


def keep_refused(loop: Loop, batch: str, file: str, places: Collection[str]) -> None:
    """Keep the refused lines of a *file* as they came, or all of it where no line of it was looked at.

    A line that is too long to be looked at stays in the inbox only.
    """
    with loop.store.open(inbox_path(loop, batch, file)) as stream:
        if file in places:
            loop.store.put(quarantine_path(loop, batch, file), stream)
            return
        with SpooledTemporaryFile(max_size=IN_MEMORY) as kept:
            for number, line in lines(stream):
                if line is not None and f"{file}:{number}" in places:
                    kept.write(line + b"\n")
            if kept.tell():
                kept.seek(0)
                loop.store.put(quarantine_path(loop, batch, file), kept)


def lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """The number and content of each line that is not blank; None for one that is longer than LONGEST_LINE."""
    numbered = enumerate(_bounded(_pieces(stream)), start=1)
    return ((number, line) for number, line in numbered if line is None or line.strip())


def _pieces(stream: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Pieces of lines, and whether a line ends after each."""
    while block := stream.read(BLOCK):
        *ended, rest = block.split(b"\n")
        for piece in ended:
            yield piece, True
        yield rest, False
    yield b"", True


def _bounded(pieces: Iterable[tuple[bytes, bool]]) -> Iterator[bytes | None]:
    line, length = bytearray(), 0
    for piece, ends in pieces:
        length += len(piece)
        if length <= LONGEST_LINE:
            line += piece
        if ends:
            yield bytes(line) if length <= LONGEST_LINE else None
            line, length = bytearray(), 0


def _mark(line: bytes | None) -> str | None:
    return next((told for mark, told in MARKS.items() if line and line.startswith(mark)), None)


def _checked(line: bytes | None, place: str, contract: ChatContract) -> Chat | Refusal:
    if line is None:
        return Refusal(file=place, code=TOO_LONG, reason=f"the line has more than {LONGEST_LINE:,} bytes")
    return check_line(line, place, contract)

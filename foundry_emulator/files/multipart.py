"""Multipart bodies whose one large part goes straight to disk, never into memory."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from foundry_emulator import errors
from foundry_emulator.errors import ServiceError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_BLOCK = 1 << 20
_MOST_PARTS = 32
_MOST_FIELD_BYTES = 64 << 10
_HEARD_OUT_BYTES = 2 << 30  # a client that is cut off while it sends never reads why


@dataclass(frozen=True)
class Form:
    """What a form held: its small fields, and of the large part its file name (None if it had none) and bytes."""

    fields: dict[str, str]
    filename: str | None
    size: int


async def receive(request: Request, wanted: str, target: Path, most: int) -> Form:
    """Write the part *wanted* to *target* and return the form; ServiceError 400 for a broken, late or too large one."""
    boundary = _boundary(request)
    with target.open("wb") as sink:
        receiver = _Receiver(wanted, most)
        try:
            parser = MultipartParser(boundary, receiver.callbacks())
            async for chunk in request.stream():
                parser.write(chunk)
                await receiver.flush(sink, _BLOCK)
            await receiver.flush(sink, 0)
        except FormParserError as problem:
            raise _broken_form() from problem
        except ClientDisconnect as problem:
            raise errors.connection_lost() from problem
    return receiver.form()


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise errors.invalid_payload("The Content-Type must be multipart/form-data.")
    if not options.get(b"boundary"):
        raise errors.invalid_payload("The Content-Type multipart/form-data lacks a boundary.")
    return options[b"boundary"]


def _broken_form() -> ServiceError:
    return errors.invalid_payload("The request body is not valid multipart/form-data.")


@dataclass
class _Part:
    name: str
    filename: str | None
    data: bytearray = field(default_factory=bytearray)


class _Receiver:
    """Follows the parser: keeps fields, hands on the bytes of the wanted part, counts."""

    def __init__(self, wanted: str, most: int) -> None:
        self._wanted = wanted
        self._most = most
        self._parts = 0
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._part = _Part("", None)
        self._fields: dict[str, str] = {}
        self._large: _Part | None = None
        self._size = 0
        self._ended = False

    def callbacks(self) -> "MultipartCallbacks":
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header_ended,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end_of_part,
            "on_end": self._end,
        }

    async def flush(self, sink: IO[bytes], least: int) -> None:
        """Write what has come of the wanted part, unless it is less than *least* bytes."""
        if self._large is None or len(self._large.data) <= least:
            return
        block, self._large.data = self._large.data, bytearray()
        if self._size <= self._most:
            await run_in_threadpool(sink.write, block)
        elif self._size > self._most + _HEARD_OUT_BYTES:
            raise errors.too_large(self._most)

    def form(self) -> Form:
        """Return the whole form; ServiceError 400 if it is broken, lacks the wanted part, or that is too large."""
        if not self._ended:
            raise _broken_form()
        if self._large is None:
            raise errors.invalid_payload(f"The field '{self._wanted}' is required.")
        if self._size > self._most:
            raise errors.too_large(self._most)
        return Form(self._fields, self._large.filename, self._size)

    def _begin(self) -> None:
        self._parts += 1
        self._disposition = b""
        if self._parts > _MOST_PARTS:
            raise errors.invalid_payload(f"The form has more than {_MOST_PARTS} parts.")

    def _header_ended(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise _broken_form()
        filename = options.get(b"filename")
        self._part = _Part(_text(options[b"name"]), None if filename is None else _text(filename))
        if self._part.name == self._wanted:
            if self._large is not None:
                raise errors.invalid_payload(f"The field '{self._wanted}' is given more than once.")
            self._large = self._part

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part is self._large:
            self._size += end - start
        elif len(self._part.data) + end - start > _MOST_FIELD_BYTES:
            raise errors.invalid_payload(f"The field '{self._part.name[:64]}' is too long.")
        self._part.data.extend(data[start:end])

    def _end_of_part(self) -> None:
        if self._part is not self._large:
            self._fields[self._part.name] = _text(bytes(self._part.data))

    def _end(self) -> None:
        self._ended = True


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")

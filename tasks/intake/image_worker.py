"""A process that decodes one image after another, with bounded memory, so that a hostile file harms nobody else.

It reads requests from standard input and writes facts of files, as JSON without a name, to standard output,
each as a length of four bytes and so many bytes; it ends when its input ends.
"""

import os
import resource
import struct
import sys
from pathlib import Path
from typing import IO

LENGTH = struct.Struct(">I")
FACTS, HEADER = b"F", b"H"
"""Stand before a request: the bytes of a file follow, or the path of a file of which only the header is read."""
NAMELESS = ""
"""A name may be anything, even what JSON cannot hold; it stays with whoever asks."""
MEMORY = 256 * 1024 * 1024
"""Bytes that decoding one image may take, beyond what the process has when it starts."""


def main() -> int:
    """Serve until the input ends; returns 0."""
    _warm_up()
    _limit_memory()
    while kind := sys.stdin.buffer.read(len(FACTS)):
        content = read_message(sys.stdin.buffer)
        if content is None:
            break
        write_message(sys.stdout.buffer, _header(content) if kind == HEADER else _facts(content))
    return 0


def _facts(content: bytes) -> bytes:
    from decisions.imaging.images import image_facts

    return image_facts(content, NAMELESS).model_dump_json(exclude_defaults=True).encode()


def _header(path: bytes) -> bytes:
    from data_contracts.images import ImageHeader
    from decisions.imaging.images import header_facts

    try:
        with Path(os.fsdecode(path)).open("rb") as stream:
            found = header_facts(stream, NAMELESS, os.fstat(stream.fileno()).st_size)
    except OSError as error:
        found = ImageHeader(file=NAMELESS, bytes=0, problem=f"the file cannot be opened: {error.strerror}")
    return found.model_dump_json(exclude_defaults=True).encode()


def read_message(stream: IO[bytes]) -> bytes | None:
    """The next message, None at the end of the stream, also when it ends inside a message."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length = LENGTH.unpack(head)[0]
    content = stream.read(length)
    return content if len(content) == length else None


def write_message(stream: IO[bytes], content: bytes) -> None:
    """Write one message and flush it."""
    stream.write(LENGTH.pack(len(content)))
    stream.write(content)
    stream.flush()


def _warm_up() -> None:
    """Let the libraries load what they need for any image."""
    from PIL import Image

    import decisions.imaging.images  # noqa: F401  (imports all that is needed before the memory is counted)
    from decisions.imaging.image_features import image_features
    from decisions.imaging.perceptual_hashes import perceptual_hashes

    Image.init()
    image_features(Image.new("RGB", (8, 8)))
    perceptual_hashes(Image.new("L", (8, 8)))


def _limit_memory() -> None:
    status = Path("/proc/self/statm")
    if not status.exists():
        return  # only Linux tells a process's size and keeps it to a limit
    size = int(status.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))


if __name__ == "__main__":
    sys.exit(main())

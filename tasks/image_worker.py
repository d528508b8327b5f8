"""A process that decodes one image after another, with bounded memory, so that a hostile file harms nobody else.

It reads files from standard input and writes their facts, as JSON without name and label, to standard output, each as
a length of four bytes and so many bytes; it ends when its input ends.
"""

import resource
import struct
import sys
from pathlib import Path
from typing import IO

LENGTH = struct.Struct(">I")
NAMELESS = ""
"""A name may be anything, even what JSON cannot hold; it stays with whoever asks."""
MEMORY = 256 * 1024 * 1024
"""Bytes that decoding one image may take, beyond what the process has when it starts."""


def main() -> int:
    """Serve until the input ends; returns 0."""
    from decisions.images import image_facts  # imports numpy and Pillow before the memory is counted

    _warm_up()
    _limit_memory()
    while (content := read_message(sys.stdin.buffer)) is not None:
        facts = image_facts(content, NAMELESS, None)
        write_message(sys.stdout.buffer, facts.model_dump_json(exclude_defaults=True).encode())
    return 0


def read_message(stream: IO[bytes]) -> bytes | None:
    """The next message, None at the end of the stream, also when it ends inside a message."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length = LENGTH.unpack(head)[0]
    content = stream.read(length)
    return content if len(content) == length else None


def write_message(stream: IO[bytes], content: bytes) -> None:
    """Write one message and see it off."""
    stream.write(LENGTH.pack(len(content)))
    stream.write(content)
    stream.flush()


def _warm_up() -> None:
    """Let the libraries load what they need for any image."""
    from PIL import Image

    from decisions.image_features import image_features
    from decisions.perceptual_hashes import perceptual_hashes

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

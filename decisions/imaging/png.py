"""Whether the pixel data of a PNG file are as they were written: decoders do not look at all its checksums."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNK = struct.Struct(">I4s")
CHECKSUM = struct.Struct(">I")
PIXELS, END = b"IDAT", b"IEND"


def pixels_are_damaged(png: bytes) -> bool:
    """Whether a chunk of pixel data before the end of the picture has a wrong checksum or is cut off."""
    view, at = memoryview(png), len(SIGNATURE)
    while at + CHUNK.size <= len(png):
        length, kind = CHUNK.unpack_from(png, at)
        if kind == END:
            return False
        after = at + CHUNK.size + length
        if kind == PIXELS and not _holds(view[at + 4 : after + CHECKSUM.size], length):
            return True
        at = after + CHECKSUM.size
    return False


def _holds(chunk: memoryview, length: int) -> bool:
    """Whether kind and content match the checksum behind them."""
    end = len(PIXELS) + length
    return len(chunk) == end + CHECKSUM.size and zlib.crc32(chunk[:end]) == CHECKSUM.unpack_from(chunk, end)[0]

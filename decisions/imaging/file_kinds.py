"""What a file is by its first bytes, in words for the person who put it among the photographs."""

import struct

Starts = dict[str, bytes | tuple[bytes, ...]]
PICTURES: Starts = {
    "JPEG": b"\xff\xd8\xff",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "GIF": b"GIF8",
    "BMP": b"BM",
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
"""How the formats that are read begin; WEBP is told by two places."""
PORTABLE = tuple(b"P%d%c" % (kind, space) for kind in range(1, 8) for space in b"\n\r\t #")
OTHER_PICTURES: Starts = {
    "a Photoshop picture": b"8BPS",
    "a JPEG 2000 picture": (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    "a JPEG XL picture": (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
    "a QOI picture": b"qoif",
    "a portable picture (PBM, PGM, PPM)": PORTABLE,
    "a portable float picture (PFM)": (b"Pf\n", b"PF\n", b"Pf\r", b"PF\r"),
    "a FITS picture": b"SIMPLE  =",
    "a PIXAR picture": b"\x80\xe8\0\0",
    "an Apple icon": b"icns",
    "a Windows icon": b"\0\0\1\0",
    "a DDS texture": b"DDS ",
    "an OpenEXR picture": b"v/1\x01",
    "a Radiance HDR picture": (b"#?RADIANCE", b"#?RGBE"),
    "a PCX picture": (b"\n\x05\x01", b"\n\x03\x01", b"\n\x02\x01"),
    "an SGI picture": b"\x01\xda",
    "a Sun raster picture": b"\x59\xa6\x6a\x95",
    "a GIMP picture": b"gimp xcf",
    "a Fujifilm raw photograph": b"FUJIFILM",
    "a DjVu document": b"AT&TFORM",
    "an Encapsulated PostScript drawing": (b"%!PS", b"\xc5\xd0\xd3\xc6"),
    "a Windows metafile drawing": b"\xd7\xcd\xc6\x9a",
}
NO_PICTURES: Starts = {
    "a PDF document": b"%PDF",
    "a ZIP archive or office document": (b"PK\3\4", b"PK\5\6", b"PK\7\x08"),
    "a compressed archive": (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x28\xb5\x2f\xfd"),
    "a folder note of macOS (.DS_Store)": b"\0\0\0\1Bud1",
    "a sidecar of macOS (AppleDouble)": (b"\0\5\x16\7", b"\0\5\x16\0"),
    "an old office document or thumbnail cache (Thumbs.db)": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "a program": (b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"#!"),
    "an SQLite database": b"SQLite format 3\0",
    "a Parquet table": b"PAR1",
    "a sound or film": (b"ID3", b"OggS", b"fLaC", b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3"),
}
BOXES = {
    **dict.fromkeys((b"avif", b"avis"), "an AVIF photograph"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "a HEIC photograph"),
    b"crx ": "a Canon raw photograph",
}
"""By the brand of an ISO media file; every other brand is a film."""
FILM = "a film"
RIFF = {b"AVI ": FILM, b"WAVE": "a sound"}
MARKUP = (
    (b"<svg", "an SVG drawing"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML file"),
)
LOOKED_AT = 1024
TEXT = frozenset({9, 10, 12, 13, *range(32, 127)})
SIZES = {"PNG": (16, ">II"), "GIF": (6, "<HH"), "BMP": (18, "<ii")}
"""Where width and height are, and how they are written."""


def format_claimed(content: bytes) -> str | None:
    """The format among those that are read whose first bytes *content* has, such as PNG."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    return next((name for name, start in PICTURES.items() if content.startswith(start)), None)


def why_not_read(content: bytes) -> str:
    """Why *content*, in which no format that is read was recognized, is no image, and what to do."""
    claimed = format_claimed(content)
    if claimed is not None:
        return _bad_header(content, claimed)
    picture = _named(content, OTHER_PICTURES) or _box(content)
    if picture is not None and picture != FILM:
        return f"the file is {picture}; save it as JPEG or PNG"
    other = picture or _named(content, NO_PICTURES) or _riff(content) or _text(content)
    if other is not None:
        return f"the file is {other}, not an image"
    if not content.strip(b"\0"):
        return "the file holds nothing but zero bytes; copy it again"
    return "the file is not an image of a known format"


def _bad_header(content: bytes, claimed: str) -> str:
    size = _size_claimed(content, claimed)
    if size is not None and 0 in size:
        return f"the {claimed} image is {size[0]} x {size[1]} pixels: there is nothing to see"
    if claimed == "TIFF":
        return (
            "the TIFF image cannot be read: its header is damaged or empty,"
            " or its pixels are stored in an unusual way; save it as PNG"
        )
    return f"the {claimed} image is damaged: its header cannot be read; copy it again"


def _size_claimed(content: bytes, claimed: str) -> tuple[int, int] | None:
    start, layout = SIZES.get(claimed, (0, ""))
    if not layout or len(content) < start + struct.calcsize(layout):
        return None
    width, height = struct.unpack_from(layout, content, start)
    return width, height


def _named(content: bytes, names: Starts) -> str | None:
    return next((name for name, start in names.items() if content.startswith(start)), None)


def _riff(content: bytes) -> str | None:
    return RIFF.get(content[8:12]) if content.startswith(b"RIFF") else None


def _box(content: bytes) -> str | None:
    if content[4:8] != b"ftyp":
        return None
    brands = [content[start : start + 4] for start in (8, *range(16, 48, 4))]
    return next((kind for brand, kind in BOXES.items() if brand in brands), FILM)


def _text(content: bytes) -> str | None:
    start = content[:LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(b"<"):
        found = next((kind for mark, kind in MARKUP if mark in start), None)
        if found is not None:
            return found
    return "a text file" if start and TEXT.issuperset(start) else None

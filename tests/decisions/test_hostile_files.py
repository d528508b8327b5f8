"""Files that are broken, odd or meant to harm: each gets an outcome and a reason that a person understands."""

import csv
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_contracts.images import ImageFacts
from decisions.imaging.images import FORMATS, as_model_sees, image_facts

NASTY = os.environ.get("KAIZEN_TEST_NASTY")
IMPORTED = pytest.mark.skipif(NASTY is None, reason="set KAIZEN_TEST_NASTY to a folder of broken and odd images")
TOO_LARGE = "claims more pixels than a photograph has"
CUT_OFF, NO_HEADER = "is cut off: its end is missing", "its header cannot be read"
ODD_TIFF, UNPACKABLE = "the TIFF image cannot be read", "the TIFF image is damaged, or packed in a way"
REFUSED = {
    "pillow__decompression_bomb.gif": TOO_LARGE,
    "pillow__decompression_bomb_extents.gif": TOO_LARGE,
    "pillow__bmp__b__reallybig.bmp": TOO_LARGE,
    "imagers__bad__bmp__Bad_width.bmp": TOO_LARGE,
    "pillow__oom-8ed3316a4109213ca96fb8a256a0bfefdece1461.icns": "an Apple icon",
    "pillow__avif__rot1mir0.avif": "an AVIF photograph; save it as JPEG or PNG",
    "pillow__avif__hopper.avif": "an AVIF photograph",
    "pillow__avif__star.avifs": "an AVIF photograph",
    "pillow__hopper.qoi": "a QOI picture",
    "pillow__hopper.psd": "a Photoshop picture",
    "pillow__hopper.ppm": "a portable picture",
    "pillow__hopper_16bit.pgm": "a portable picture",
    "pillow__hopper_1bit.pbm": "a portable picture",
    "pillow__hopper.pfm": "a portable float picture",
    "pillow__hopper.pxr": "a PIXAR picture",
    "pillow__hopper.fits": "a FITS picture",
    "pillow__crash-4fb027452e6988530aa5dabee76eecacb3b79f8a.j2k": "a JPEG 2000 picture",
    "pillow__zero_height.j2k": "a JPEG 2000 picture",
    "vips__blankpage.pdf": "a PDF document, not an image",
    "made__html_error_page.jpg": "a web page, not an image",
    "made__all_nul_6412.jpg": "nothing but zero bytes",
    "made__zero_bytes.jpg": "the file is empty",
    "._made__appledouble.jpg": "a sidecar of macOS",
    ".DS_Store": "a folder note of macOS",
    "pillow__crash-0e16d3bfb83be87356d026d66919deaefca44dac.tif": UNPACKABLE,
    "pillow__hopper_webp.tif": f"{UNPACKABLE} that cannot be read (webp)",
    "pillow__libtiff_segfault.tif": ODD_TIFF,
    "imagers__images__tiff__testsuite__rgb32f_color.tiff": ODD_TIFF,
    "go__tiff__testdata__1x0.tiff": ODD_TIFF,
    "pillow__bmp__q__rgb24png.bmp": f"the BMP image is damaged: {NO_HEADER}",
    "pillow__broken.png": f"the PNG image is damaged: {NO_HEADER}",
    "made__png_bad_crc.png": f"the PNG image is damaged: {NO_HEADER}",
    "pillow__zero_width.gif": "the GIF image is 0 x 32 pixels: there is nothing to see",
    "pillow__truncated_jpeg.jpg": f"the JPEG image {CUT_OFF}",
    "vips__truncated.jpg": f"the JPEG image {CUT_OFF}",
    "made__jpeg_half.jpg": f"the JPEG image {CUT_OFF}",
    "pillow__truncated_end_chunk.png": f"the PNG image {CUT_OFF}",
    "sharp__truncated.png": f"the PNG image {CUT_OFF}",
}
"""What the reason says, of each file that is no image that a model can be shown."""
FRAMES = {
    "pillow__iss634.webp": 42,
    "pillow__dispose_bgnd.gif": 5,
    "pillow__multipage.tiff": 3,
    "sharp__animated-loop-3.webp": 10,
    "vips__big-height.webp": 99,
    "pillow__apng__mode_16bit.png": 3,
    "pillow__total-pages-zero.tif": 3,
}
SAME_PICTURE = ("pillow__hopper.jpg", "pillow__hopper.webp", "pillow__hopper.tif", "pillow__hopper.Lab.tif")
UPRIGHT = tuple(f"pillow__hopper_orientation_{number}.jpg" for number in (2, 4, 6, 8))


def listed() -> list[str]:
    manifest = Path(f"{NASTY}-manifest.csv")
    rows = manifest.read_text(encoding="utf-8").splitlines() if manifest.exists() else []
    return [row["file"] for row in csv.DictReader(rows)]


def facts_of(name: str) -> ImageFacts:
    return image_facts((Path(str(NASTY)) / name).read_bytes(), name, None)


def saved(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    pixels = np.random.default_rng(5).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    out = io.BytesIO()
    (image or Image.fromarray(pixels)).save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@IMPORTED
@pytest.mark.parametrize("name", listed())
def test_each_listed_file_is_accepted_or_refused_for_its_reason(name: str) -> None:
    problem = facts_of(name).problem

    assert REFUSED[name] in str(problem) if name in REFUSED else problem is None


@IMPORTED
@pytest.mark.parametrize("name", sorted(FRAMES))
def test_the_pictures_of_an_animation_are_counted(name: str) -> None:
    assert facts_of(name).frames == FRAMES[name]


@IMPORTED
@pytest.mark.parametrize("name", SAME_PICTURE)
def test_one_picture_is_as_bright_in_every_format(name: str) -> None:
    assert facts_of(name).brightness == pytest.approx(facts_of(SAME_PICTURE[0]).brightness, abs=0.01)


@IMPORTED
@pytest.mark.parametrize("name", UPRIGHT)
def test_a_camera_held_in_another_way_gives_nearly_the_same_hash(name: str) -> None:
    one, other = (int(str(facts_of(each).phash64), 16) for each in (name, SAME_PICTURE[0]))

    assert (one ^ other).bit_count() <= 4


@IMPORTED
def test_whatever_is_accepted_of_a_folder_can_be_shown_to_a_model() -> None:
    accepted = [name for name in listed() if name not in REFUSED]

    assert all(as_model_sees((Path(str(NASTY)) / name).read_bytes()) for name in accepted)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_was_cut_off_anywhere_has_an_outcome(kind: str) -> None:
    content = saved(kind)
    told = [image_facts(content[:length], "a", None) for length in range(0, len(content), 1 + len(content) // 200)]

    assert all(facts.problem or facts.pixel_digest for facts in told)
    assert all(facts.problem for facts in told[: len(told) // 2])


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("more", [b"\0" * 1024, b"PK\3\4 a zip archive", b"<script>"])
def test_what_follows_the_picture_does_no_harm(kind: str, more: bytes) -> None:
    content = saved(kind)

    assert image_facts(content + more, "a", None).pixel_digest == image_facts(content, "a", None).pixel_digest


@pytest.mark.parametrize("kind", FORMATS)
def test_a_header_alone_is_refused(kind: str) -> None:
    assert image_facts(saved(kind)[:12], "a", None).problem


def test_a_png_whose_pixel_data_changed_on_the_way_is_refused() -> None:
    content = bytearray(saved("PNG"))
    content[content.index(b"IDAT") + 300] ^= 1

    assert "the PNG image is damaged" in str(image_facts(bytes(content), "a", None).problem)


@pytest.mark.parametrize("sides", [(0, 10), (10, 0)])
def test_a_picture_without_any_pixels_is_refused(sides: tuple[int, int]) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *sides, 8, 0, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")

    assert "there is nothing to see" in str(image_facts(content, "a", None).problem)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_a_thin_picture_is_a_picture(size: tuple[int, int]) -> None:
    facts = image_facts(saved("PNG", Image.new("RGB", size)), "a", None)

    assert (facts.problem, (facts.width, facts.height)) == (None, size)


@pytest.mark.parametrize("name", ["a\0b.jpg", "../../etc/passwd", "x" * 5000, "\ud800.png", ""])
def test_a_hostile_name_is_only_a_name(name: str) -> None:
    assert image_facts(saved("PNG"), name, None).problem is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "the file is a HEIC photograph; save it as JPEG or PNG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "the file is an AVIF photograph; save it as JPEG or PNG"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "the file is a film, not an image"),
        (b"RIFF\x10\0\0\0AVI LIST", "the file is a film, not an image"),
        (b"\xff\x0a\x7f\0\0", "the file is a JPEG XL picture; save it as JPEG or PNG"),
        (b"PK\3\4\x14\0\6\0", "the file is a ZIP archive or office document, not an image"),
        (b"<?xml version='1.0'?>\n<svg width='4'/>", "the file is an SVG drawing, not an image"),
        (b"  <!DOCTYPE html><html></html>", "the file is a web page, not an image"),
        (b'{"label": "crazing"}', "the file is a text file, not an image"),
        (b"\x07\x99\xfe\x12", "the file is not an image of a known format"),
    ],
)
def test_what_is_no_image_is_named(content: bytes, said: str) -> None:
    assert image_facts(content, "a.jpg", None).problem == said

"""What image files are, and what a model sees of them; made here, byte by byte where they are broken."""

import base64
import hashlib
import io
import random
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_contracts.images import ImageFacts, ImageHeader
from data_contracts.training import DERIVATION_VERSION
from decisions.imaging.derivation import upright_rgb
from decisions.imaging.images import as_model_sees, data_url, header_facts, image_facts

ORIENTATION, PLACE = 0x0112, 0x8825
OUTSIDE = 9_999_999
"""A place in a file that ends before it."""


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def seen(content: bytes) -> ImageFacts:
    return image_facts(content, "crazing/a.jpg", "crazing")


def mean_colour(content: bytes) -> tuple[float, ...]:
    return tuple(np.asarray(opened(content), dtype=int).mean(axis=(0, 1)))


def noise(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    pixels = np.random.default_rng(5).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def half_white() -> Image.Image:
    image = Image.new("L", (20, 10))
    image.paste(255, (0, 0, 10, 10))
    return image


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes of data do not have."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def test_the_facts_of_a_photograph() -> None:
    content = saved(half_white())

    facts = seen(content)

    assert (facts.format, facts.mode, facts.width, facts.height, facts.frames) == ("PNG", "L", 20, 10, 1)
    assert (facts.brightness, facts.contrast) == (0.5, 0.5)


def test_facts_carry_file_label_size_and_digest_of_the_bytes() -> None:
    content = saved(noise())

    facts = image_facts(content, "scratch/b.png", "scratches")

    assert (facts.file, facts.label, facts.bytes) == ("scratch/b.png", "scratches", len(content))
    assert facts.digest == hashlib.sha256(content).hexdigest()
    assert facts.problem is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_the_format_is_read_from_the_bytes_and_not_from_the_name(kind: str) -> None:
    assert seen(saved(noise(), kind)).format == kind


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("PPM", "the file is a portable picture (PBM, PGM, PPM); save it as JPEG or PNG"),
        ("ICO", "the file is a Windows icon; save it as JPEG or PNG"),
        ("TGA", "the file is not an image of a known format"),
        ("JPEG2000", "the file is a JPEG 2000 picture; save it as JPEG or PNG"),
        ("AVIF", "the file is an AVIF photograph; save it as JPEG or PNG"),
    ],
)
def test_formats_that_no_model_takes_are_named_with_what_to_do(kind: str, said: str) -> None:
    assert seen(saved(noise(), kind)).problem == said


def test_saving_anew_without_loss_keeps_the_pixel_digest() -> None:
    image = noise()

    digests = {seen(saved(image, kind)).pixel_digest for kind in ("PNG", "BMP", "TIFF")}

    assert len(digests) == 1


def test_the_same_pixels_in_another_shape_are_another_picture() -> None:
    flat, tall = Image.new("RGB", (20, 10)), Image.new("RGB", (10, 20))

    assert seen(saved(flat)).pixel_digest != seen(saved(tall)).pixel_digest


def test_one_changed_pixel_is_another_picture() -> None:
    image = noise()
    changed = image.copy()
    changed.putpixel((3, 3), (1, 2, 3))

    assert seen(saved(image)).pixel_digest != seen(saved(changed)).pixel_digest


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_270),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_90),
    ],
)
def test_a_camera_held_sideways_gives_the_upright_picture(orientation: int, turned: Image.Transpose) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation

    facts = seen(saved(noise(), "PNG", exif=exif))

    assert facts.pixel_digest == seen(saved(noise().transpose(turned))).pixel_digest


def test_width_and_height_are_those_of_the_upright_picture() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    content = saved(noise(size=(64, 48)), "JPEG", exif=exif)

    facts = seen(content)

    assert (facts.width, facts.height) == (48, 64)
    assert opened(as_model_sees(content)).size == (48, 64)


def test_broken_exif_leaves_the_picture_as_it_is() -> None:
    facts = seen(saved(noise(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))

    assert (facts.problem, facts.width) == (None, 64)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("deep", "brightness"), [(0, 0), (32768, 128 / 255), (65535, 1)])
def test_sixteen_bit_greys_are_scaled_and_not_clipped_to_white(kind: str, deep: int, brightness: float) -> None:
    content = saved(Image.fromarray(np.full((8, 8), deep, dtype=np.uint16)), kind)

    assert seen(content).brightness == pytest.approx(brightness)


def test_a_sixteen_bit_gradient_keeps_its_shades_for_the_model() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(1, 256).repeat(16, axis=0)

    greys = np.asarray(opened(as_model_sees(saved(Image.fromarray(ramp)))).convert("L"), dtype=int)

    assert abs(greys[8] - np.arange(256)).max() <= 3


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("1", "PNG"),
        ("L", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("RGBA", "PNG"),
        ("I;16", "PNG"),
        ("P", "GIF"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("YCbCr", "TIFF"),
        ("LAB", "TIFF"),
        ("I", "TIFF"),
        ("F", "TIFF"),
        ("RGBA", "WEBP"),
    ],
)
def test_every_mode_becomes_an_rgb_jpeg(mode: str, kind: str) -> None:
    content = saved(Image.new(mode, (20, 10)), kind)

    picture = opened(as_model_sees(content))

    assert seen(content).problem is None
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (20, 10))


def test_cmyk_inks_become_their_colour() -> None:
    content = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100)

    red, green, blue = np.asarray(opened(as_model_sees(content)), dtype=int).mean(axis=(0, 1))

    assert red > 240
    assert max(green, blue) < 15


def test_a_palette_becomes_its_colours() -> None:
    palette = Image.new("RGB", (16, 16), (200, 30, 60)).convert("P", palette=Image.Palette.ADAPTIVE)

    colour = np.asarray(opened(as_model_sees(saved(palette))), dtype=int).mean(axis=(0, 1))

    assert colour == pytest.approx((200, 30, 60), abs=4)


def test_a_palette_with_transparent_entries_warns_nobody() -> None:
    palette = Image.new("P", (16, 16))
    palette.putpalette([200, 30, 60] * 4)

    assert seen(saved(palette, transparency=bytes([0, 128, 255, 255]))).problem is None


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_lies_hidden_under_transparency_is_never_shown(kind: str) -> None:
    clear = Image.new("RGBA", (16, 16), (200, 30, 60, 0))

    assert opened(as_model_sees(saved(clear, kind))).getextrema() == ((255, 255),) * 3


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    veil = Image.new("RGBA", (16, 16), (0, 0, 0, 128))

    assert mean_colour(as_model_sees(saved(veil))) == pytest.approx((127, 127, 127), abs=1)


@pytest.mark.parametrize(
    ("image", "clear"),
    [
        (Image.new("L", (16, 16), 7), 7),
        (Image.new("RGB", (16, 16), (200, 30, 60)), (200, 30, 60)),
        (Image.fromarray(np.full((16, 16), 700, np.uint16)), 700),
        (Image.new("1", (16, 16)), 0),
        (Image.new("P", (16, 16)), 0),
    ],
)
def test_a_colour_that_stands_for_transparency_is_white(image: Image.Image, clear: Any) -> None:
    assert mean_colour(as_model_sees(saved(image, transparency=clear))) == (255, 255, 255)


@pytest.mark.parametrize(
    ("pixels", "shown"),
    [
        ([[0.0, 0.5, 1.0]], [0, 128, 255]),
        ([[0.0, 100.0, 255.0]], [0, 100, 255]),
        ([[-10.0, 0.0, 10.0]], [0, 128, 255]),
        ([[0.0, 1e9, 2e9]], [0, 128, 255]),
    ],
)
def test_floating_point_greys_are_scaled_from_the_white_they_have(pixels: list[list[float]], shown: list[int]) -> None:
    image = upright_rgb(Image.fromarray(np.array(pixels, np.float32)))

    assert [image.getpixel((x, 0)) for x in range(3)] == [(grey,) * 3 for grey in shown]


@pytest.mark.parametrize(
    ("pixels", "shown"),
    [
        ([[0, 100, 255]], [0, 100, 255]),
        ([[0, 32768, 65535]], [0, 128, 255]),
        ([[0, 500_000, 1_000_000]], [0, 128, 255]),
        ([[-1000, 0, 1000]], [0, 128, 255]),
    ],
)
def test_greys_of_thirty_two_bits_are_scaled_whatever_their_range(pixels: list[list[int]], shown: list[int]) -> None:
    content = saved(Image.fromarray(np.array(pixels, np.int32)), "TIFF")

    image = upright_rgb(opened(content))

    assert [image.getpixel((x, 0)) for x in range(3)] == [(grey,) * 3 for grey in shown]


def test_pixels_that_are_no_numbers_are_refused() -> None:
    content = saved(Image.fromarray(np.array([[0, np.nan]], np.float32)), "TIFF")

    assert seen(content).problem == "the TIFF image cannot be shown: some of its pixels are no numbers"


def test_big_endian_greys_are_scaled_like_little_endian_ones() -> None:
    greys = np.array([[0, 32768, 65535]])
    big, little = (Image.fromarray(greys.astype(order)) for order in (">u2", "<u2"))

    assert upright_rgb(big).tobytes() == upright_rgb(little).tobytes()


def test_a_picture_whose_other_notes_are_broken_is_still_turned_upright() -> None:
    entries = struct.pack("<HHHIIHHII", 2, ORIENTATION, 3, 1, 6, PLACE, 4, 1, OUTSIDE)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + entries + bytes(4)

    assert seen(saved(noise(size=(64, 48)), "JPEG", exif=exif)).width == 48


def test_of_a_phone_photograph_with_a_second_picture_the_first_one_counts() -> None:
    both = saved(noise(), "MPO", save_all=True, append_images=[noise()])

    assert (seen(both).format, seen(both).frames, seen(both).problem) == ("JPEG", 1, None)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_tells_how_many_pictures_it_holds(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), (shade, 0, 0)) for shade in (0, 120, 255)]

    assert seen(saved(frames[0], kind, save_all=True, append_images=frames[1:])).frames == 3


def test_an_empty_file_is_empty() -> None:
    facts = seen(b"")

    assert (facts.problem, facts.bytes, facts.format) == ("the file is empty", 0, None)


@pytest.mark.parametrize(
    "content", [b"\0", b"\0" * 6412, b"<html>404</html>", b"%PDF-1.7", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a"]
)
def test_a_file_that_only_pretends_is_no_image(content: bytes) -> None:
    facts = seen(content)

    assert facts.problem is not None
    assert (facts.format, facts.pixel_digest, facts.width, facts.brightness) == (None, None, None, None)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_half_a_file_is_damaged(kind: str) -> None:
    content = saved(noise(), kind)

    assert seen(content[: len(content) // 2]).problem is not None


@pytest.mark.parametrize(
    ("width", "height"), [(10_000, 10_000), (50_000, 50_000), (2**31 - 1, 2**31 - 1), (1, 65_501), (70_000, 1)]
)
def test_a_file_that_claims_too_many_pixels_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    problem = seen(png_claiming(width, height)).problem

    assert problem is not None
    assert "pixels" in problem


def test_a_long_strip_that_a_jpeg_can_just_hold_is_accepted() -> None:
    content = saved(Image.new("L", (65_500, 1)))

    assert seen(content).problem is None
    assert opened(as_model_sees(content)).size == (65_500, 1)


@pytest.mark.parametrize("kind", ["GIF", "TIFF"])
def test_damage_in_a_later_picture_of_a_file_is_told_and_not_raised(kind: str) -> None:
    frames = [noise(), noise().rotate(90), noise().rotate(180)]
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    told = [seen(content[:length]) for length in range(len(content) // 3, len(content), 97)]

    assert any(facts.problem for facts in told)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_whatever_byte_is_wrong_there_are_facts_and_what_has_no_problem_can_be_shown(kind: str) -> None:
    rng = random.Random(kind)
    frames = [noise(size=(24, 16)), noise(size=(24, 16)).rotate(180)]
    more: dict[str, Any] = {} if kind in ("JPEG", "BMP") else {"save_all": True, "append_images": frames[1:]}
    sound = saved(frames[0], kind, **more)
    for _ in range(300):
        content = bytearray(sound)
        for _ in range(rng.choice((1, 3, 12))):
            content[rng.randrange(len(content))] = rng.randrange(256)
        facts = seen(bytes(content))

        assert facts.problem or as_model_sees(bytes(content)).startswith(b"\xff\xd8")


def test_the_model_always_sees_the_same_bytes() -> None:
    content = saved(noise())

    assert as_model_sees(content) == as_model_sees(content)


def test_what_the_model_sees_carries_nothing_of_the_cameras_notes() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"

    shown = opened(as_model_sees(saved(noise(), "JPEG", exif=exif)))

    assert not shown.getexif()


def test_the_model_sees_nearly_the_same_pixels() -> None:
    image = Image.linear_gradient("L").convert("RGB")

    shown = np.asarray(opened(as_model_sees(saved(image))), dtype=int)

    assert abs(shown - np.asarray(image, dtype=int)).max() <= 4


@pytest.mark.parametrize(("content", "message"), [(b"", "the file is empty"), (b"hello", "not an image")])
def test_what_is_no_image_cannot_be_shown_to_a_model(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_model_sees(content)


def test_a_data_url_decodes_back_to_the_rgb_jpeg() -> None:
    jpeg = as_model_sees(saved(noise("RGBA")))

    head, _, body = data_url(jpeg).partition(",")

    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(body, validate=True) == jpeg
    assert (opened(base64.b64decode(body)).format, opened(jpeg).mode) == ("JPEG", "RGB")


def test_a_change_of_what_the_model_sees_wants_a_new_version_of_the_derivation() -> None:
    veiled, deep = noise("RGBA"), Image.fromarray(np.arange(0, 60_000, 50, dtype=np.uint16).reshape(30, 40))
    veiled.putalpha(Image.linear_gradient("L").resize(veiled.size))
    pictures = [noise(), veiled, deep, noise("CMYK"), noise("P")]

    digest = hashlib.sha256(b"".join(upright_rgb(picture).tobytes() for picture in pictures)).hexdigest()

    assert (DERIVATION_VERSION, digest[:16]) == (2, "fc59d92ed3e385d5")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_a_header_says_what_the_whole_file_says_too(kind: str) -> None:
    content = saved(noise(), kind)
    facts = seen(content)

    header = header_facts(io.BytesIO(content), "crazing/a.jpg", len(content))

    assert header == ImageHeader(**facts.model_dump(include=set(ImageHeader.model_fields) - {"label"}))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_header_tells_the_size_of_the_upright_picture(kind: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    content = saved(noise(size=(64, 48)), kind, exif=exif)

    header = header_facts(io.BytesIO(content), "a.jpg", len(content))

    assert (header.width, header.height, header.problem) == (48, 64, None)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_a_header_is_read_without_the_pixels_behind_it(kind: str) -> None:
    content = saved(noise(size=(640, 480)), kind)
    stream = io.BytesIO(content[: len(content) // 3])

    assert header_facts(stream, "a.jpg", len(content)).width == 640


@pytest.mark.parametrize(("content", "said"), [(b"", "the file is empty"), (b"%PDF-1.7", "a PDF document")])
def test_a_header_that_is_none_says_what_it_is(content: bytes, said: str) -> None:
    assert said in str(header_facts(io.BytesIO(content), "a.jpg", len(content)).problem)

"""Cameras' notes: who took a picture, and when; often missing, sometimes nonsense."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from decisions.imaging.camera_notes import FRACTION, MAKE, MODEL, NOTES, TAKEN_AT, camera, taken_at
from decisions.imaging.images import image_facts

NASTY = os.environ.get("KAIZEN_TEST_NASTY")


def photograph(main: dict[int, object] | None = None, notes: dict[int, object] | None = None) -> bytes:
    exif = Image.Exif()
    exif.update(main or {})
    exif.get_ifd(NOTES).update(notes or {})
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    ("make", "model", "name"),
    [
        ("NIKON", "COOLPIX P6000", "NIKON COOLPIX P6000"),
        ("Canon", "Canon EOS 80D", "Canon EOS 80D"),
        ("  Basler\t", "acA1920 ", "Basler acA1920"),
        ("Basler", "", "Basler"),
        ("", "acA1920", "acA1920"),
        ("Cam\0rubbish", "X\x07Y", "Cam X Y"),
        ("", "", None),
    ],
)
def test_a_camera_is_named_once_by_maker_and_model(make: str, model: str, name: str | None) -> None:
    assert camera(opened(photograph({MAKE: make, MODEL: model}))) == name


def test_an_endless_name_is_cut() -> None:
    assert len(str(camera(opened(photograph({MODEL: "x" * 5000}))))) == 100


@pytest.mark.parametrize(
    ("noted", "fraction", "told"),
    [
        ("2026:11:25 13:14:15", "", "2026-11-25T13:14:15"),
        ("2026:11:25 13:14:15", "5", "2026-11-25T13:14:15.500000"),
        ("2026:11:25 13:14:15", "07 ", "2026-11-25T13:14:15.070000"),
        ("2026:11:25 13:14:15", "no", "2026-11-25T13:14:15"),
        ("0000:00:00 00:00:00", "", None),
        ("2026:02:30 10:00:00", "", None),
        ("    :  :     :  :  ", "", None),
        ("yesterday", "", None),
    ],
)
def test_the_moment_is_told_where_it_exists(noted: str, fraction: str, told: str | None) -> None:
    assert taken_at(opened(photograph(notes={TAKEN_AT: noted, FRACTION: fraction}))) == told


def test_notes_are_facts_of_the_image() -> None:
    content = photograph({MAKE: "Basler"}, {TAKEN_AT: "2026:11:25 13:14:15"})

    facts = image_facts(content, "a.jpg", None)

    assert (facts.camera, facts.taken_at, facts.aspect) == ("Basler", "2026-11-25T13:14:15", 1.0)


def test_a_picture_without_notes_has_neither_camera_nor_moment() -> None:
    assert (camera(opened(photograph())), taken_at(opened(photograph()))) == (None, None)


@pytest.mark.skipif(NASTY is None, reason="set KAIZEN_TEST_NASTY to a folder of broken and odd images")
def test_a_real_cameras_notes_are_read() -> None:
    content = (Path(str(NASTY)) / "exif__gps__DSCN0010.jpg").read_bytes()

    facts = image_facts(content, "a.jpg", None)

    assert (facts.camera, facts.taken_at) == ("NIKON COOLPIX P6000", "2008-10-22T16:28:39")

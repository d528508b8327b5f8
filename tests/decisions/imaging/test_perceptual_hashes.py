"""Perceptual hashes against those of ImageHash 4.3.2, and what they survive."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from decisions.imaging.perceptual_hashes import as_words, perceptual_hashes
from tests.decisions.pictures import disc, gradient, texture


@pytest.mark.parametrize(
    ("image", "phash64", "phash256"),
    [
        (gradient(), "aa813f6a4a5ff007", "aaaa80003fff6aaa4aa85ffff00007ffad55a955abf57e0000ff55aa552a406a"),
        (disc(), "96696887659e9659", "9685697a687a878565a19a5e961e5969986865a769e5661e6796967966589965"),
        (disc(brighter=10), "96696887659e9659", "9685697a687a878565a19a5e961e5969986865a769e5661e6796967966589965"),
    ],
)
def test_hashes_are_those_of_imagehash(image: Image.Image, phash64: str, phash256: str) -> None:
    found = perceptual_hashes(image)

    assert (found.phash64, found.phash256) == (phash64, phash256)


@pytest.mark.parametrize("image", [gradient(), disc(shifted=7), texture(1), texture(2)])
def test_the_hash_of_the_mirror_image_is_known_without_drawing_it(image: Image.Image) -> None:
    straight, mirror = perceptual_hashes(image), perceptual_hashes(ImageOps.mirror(image))

    assert (straight.mirrored64, straight.mirrored256) == (mirror.phash64, mirror.phash256)


@pytest.mark.parametrize("grey", [0, 37, 255])
def test_a_flat_image_has_no_bits_but_its_brightness(grey: int) -> None:
    found = perceptual_hashes(Image.new("L", (200, 100), grey))

    assert int(found.phash64, 16).bit_count() == (1 if grey else 0)


def test_a_saved_copy_differs_in_few_bits() -> None:
    image = texture(3)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=30)
    copy = perceptual_hashes(Image.open(content))

    assert distance(perceptual_hashes(image).phash64, copy.phash64) <= 8
    assert distance(perceptual_hashes(image).phash256, copy.phash256) <= 48


def test_different_textures_differ_in_many_bits() -> None:
    assert distance(perceptual_hashes(texture(1)).phash64, perceptual_hashes(texture(2)).phash64) > 8


def test_distances_are_those_measured_elsewhere() -> None:
    assert distance(perceptual_hashes(disc()).phash256, perceptual_hashes(disc(shifted=2)).phash256) == 18
    assert distance(perceptual_hashes(disc()).phash64, perceptual_hashes(gradient()).phash64) == 36


def test_words_keep_every_bit() -> None:
    words = as_words(["8f373714acfcf4d0" + "0" * 16, "f" * 32])

    assert words.shape == (2, 2)
    assert [f"{word:016x}" for word in words[0]] == ["8f373714acfcf4d0", "0" * 16]
    assert as_words([]).shape == (0, 0)


def distance(one: str, other: str) -> int:
    return int(np.bitwise_count(as_words([one]) ^ as_words([other])).sum())

"""What a small local model sees of a picture: grey and colour histograms, local binary patterns, gradients."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Vector = NDArray[np.float32]

SIDE = 128
"""Pixels across and down in which each picture is looked at."""
GREY_BINS, COLOUR_BINS = 16, 8
FIELDS, DIRECTIONS = 4, 8
"""Fields across and down in which gradients and light are summed up, and directions of gradients in each."""
PATTERNS = 256
"""Which of its eight neighbours are as light as a pixel."""
AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
DISTANCES = (1, 3)
LENGTH = GREY_BINS + 3 * COLOUR_BINS + FIELDS**2 * (DIRECTIONS + 2) + PATTERNS * len(DISTANCES)


def texture_features(jpeg: bytes) -> Vector:
    """LENGTH numbers about the image as a model sees it; the same for the same bytes.

    Raises OSError when *jpeg* is no image.
    """
    with Image.open(io.BytesIO(jpeg)) as image:
        image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded no larger than needed
        picture = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    grey_picture = picture.convert("L")
    grey = np.asarray(grey_picture, dtype=np.float32)
    parts = [_histograms(picture, grey_picture), _gradients(grey), _light(grey)]
    return np.concatenate([*parts, *(_patterns(grey, distance) for distance in DISTANCES)], dtype=np.float32)


def _histograms(picture: Image.Image, grey: Image.Image) -> Vector:
    """Square roots of the shares of pixels per bin, which tell rare values apart better than the shares."""
    dark_to_light = np.asarray(grey.histogram(), dtype=np.float32).reshape(GREY_BINS, -1).sum(axis=1)
    colours = np.asarray(picture.histogram(), dtype=np.float32).reshape(3 * COLOUR_BINS, -1).sum(axis=1)
    return np.asarray(np.sqrt(np.concatenate([dark_to_light, colours]) / SIDE**2), dtype=np.float32)


def _fields(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values of each field in a row of its own."""
    side = SIDE // FIELDS
    return values.reshape(FIELDS, side, FIELDS, side).swapaxes(1, 2).reshape(FIELDS**2, side * side)


def _gradients(grey: NDArray[np.float32]) -> Vector:
    """How strong the gradients of each direction are in each field, as a share of all; edges have no sign."""
    down, across = np.gradient(grey)
    strength = _fields(np.hypot(down, across))
    turned = _fields(np.arctan2(down, across) % np.pi / np.pi * DIRECTIONS).astype(np.int64) % DIRECTIONS
    row = np.arange(FIELDS**2)[:, None] * DIRECTIONS
    sums = np.bincount((row + turned).ravel(), strength.ravel(), FIELDS**2 * DIRECTIONS)
    return np.asarray(np.sqrt(sums / (sums.sum() + 1)), dtype=np.float32)


def _light(grey: NDArray[np.float32]) -> Vector:
    fields = _fields(grey)
    return np.asarray(np.concatenate([fields.mean(axis=1), fields.std(axis=1)]) / 255, dtype=np.float32)


def _patterns(grey: NDArray[np.float32], distance: int) -> Vector:
    """Square roots of the shares of each local binary pattern, its neighbours so many pixels away."""
    inner = grey[distance:-distance, distance:-distance]
    codes = np.zeros(inner.shape, dtype=np.uint8)
    for bit, (down, across) in enumerate(AROUND):
        top, left = distance * (1 + down), distance * (1 + across)
        neighbour = grey[top : top + inner.shape[0], left : left + inner.shape[1]]
        codes |= (neighbour >= inner).astype(np.uint8) << np.uint8(bit)
    counts = np.bincount(codes.ravel(), minlength=PATTERNS)
    return np.asarray(np.sqrt(counts / codes.size), dtype=np.float32)

"""Image features: fixed random convolutions at three scales, pooled, plus a coarse account of colour."""

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

Vector = NDArray[np.float32]

VERSION = "convolutions-2"
FILTERS = 96
KERNEL = 7
SCALES = ((128, 4), (64, 2), (32, 1))
POOLS = 4
COLOUR_BINS = 8
LENGTH = FILTERS * len(SCALES) * POOLS + 4 * COLOUR_BINS


def extract(image: Image.Image) -> Vector:
    """Return the feature vector of an RGB image: LENGTH float32 numbers, the same for the same pixels."""
    base = image.resize((SCALES[0][0], SCALES[0][0]), Image.Resampling.BILINEAR)
    grey = base.convert("L")
    parts = [_pooled(_at_scale(grey, size), stride) for size, stride in SCALES]
    return np.concatenate([*parts, _colours(base, grey)])


@cache
def _kernels() -> NDArray[np.float32]:
    """Zero-mean kernels of unit length, one per column; a fixed seed makes every process draw the same."""
    drawn = np.random.default_rng(20240806).standard_normal((KERNEL * KERNEL, FILTERS))
    drawn -= drawn.mean(axis=0)
    drawn /= np.linalg.norm(drawn, axis=0)
    return drawn.astype(np.float32)


def _at_scale(grey: Image.Image, size: int) -> NDArray[np.float32]:
    sized = grey if grey.width == size else grey.resize((size, size), Image.Resampling.BOX)
    return np.asarray(sized, dtype=np.float32) / np.float32(255)


def _pooled(pixels: NDArray[np.float32], stride: int) -> Vector:
    """Mean size, spread, share above zero and peak of every filter's response."""
    windows = sliding_window_view(pixels, (KERNEL, KERNEL))[::stride, ::stride]
    responses = windows.reshape(-1, KERNEL * KERNEL) @ _kernels()
    each = np.float32(1 / len(responses))
    peaks = responses.max(axis=0)
    above = np.count_nonzero(responses > np.float32(0.05), axis=0).astype(np.float32) * each
    # not responses.std(): that reads and writes everything four times
    squares = np.einsum("ij,ij->j", responses, responses) * each
    spread = np.sqrt(np.maximum(squares - np.square(responses.mean(axis=0)), 0))
    positive = np.maximum(responses, 0, out=responses).mean(axis=0)
    return np.concatenate([positive, spread, above, peaks])


def _colours(image: Image.Image, grey: Image.Image) -> Vector:
    """Share of pixels per bin of brightness, for red, green, blue and grey."""
    counts = np.array([*image.histogram(), *grey.histogram()], dtype=np.float32)
    shares = counts.reshape(4, COLOUR_BINS, -1).sum(axis=2) / np.float32(image.width * image.height)
    return np.asarray(shares.reshape(-1), dtype=np.float32)

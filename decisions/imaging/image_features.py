"""What a picture looks like in numbers: for the shooting guideline of a contract, and for drift.

The formulas are those of methods section 5.1; grey values run from 0 to 255.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LONGEST_SIDE = 512
"""Larger pictures are made smaller first, because sharpness depends on size."""
FIELDS, FIELD_SIDE = 4, 16
"""Fields across and down, and pixels across and down in each, for the evenness of the light."""
EDGE = 25
"""A quarter of the Sobel gradient above which a pixel lies on an edge."""


@dataclass(frozen=True)
class ImageFeatures:
    """Seven numbers about one picture."""

    brightness: float
    """Mean grey value, 0 to 1."""
    contrast: float
    """Standard deviation of the grey values, 0 to 0.5."""
    sharpness: float
    """Variance of the 4-neighbour Laplacian of the grey values."""
    entropy: float
    """Shannon entropy of the 256-bin histogram, 0 to 8 bits."""
    edge_density: float
    """Share of pixels on an edge, 0 to 1."""
    saturation: float
    """Mean saturation (HSV), 0 to 1."""
    evenness: float
    """How even the light is, 0 to 1: 1 - (lightest - darkest) / (lightest + darkest) of the background.

    The background is the median grey in each of 4 x 4 fields, which small objects do not move. 1 is even light, 0 has a
    field that is black beside one that is not.
    """


def image_features(rgb: Image.Image) -> ImageFeatures:
    """The features of an RGB picture."""
    picture = _small(rgb)
    image = picture.convert("L")
    counts = np.asarray(image.histogram(), dtype=np.float64) / (image.width * image.height)
    levels = np.arange(256)
    mean = float(counts @ levels)
    grey = np.pad(np.asarray(image, dtype=np.int16), 1, mode="edge")
    return ImageFeatures(
        brightness=mean / 255,
        contrast=float(np.sqrt(counts @ (levels - mean) ** 2)) / 255,
        sharpness=float(_laplacian(grey).var()),
        entropy=_entropy(counts),
        edge_density=_edge_density(grey),
        saturation=_saturation(picture),
        evenness=_evenness(image),
    )


def _small(rgb: Image.Image) -> Image.Image:
    """The picture in the size that it is looked at; itself where it is small, for a copy costs memory."""
    longest = max(rgb.size)
    if longest <= LONGEST_SIDE:
        return rgb
    width, height = (max(1, round(side * LONGEST_SIDE / longest)) for side in rgb.size)
    return rgb.resize((width, height), Image.Resampling.BOX, reducing_gap=2)


def _laplacian(grey: NDArray[np.int16]) -> NDArray[np.float64]:
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return (around - 4 * inner).astype(np.float64)


def _entropy(shares: NDArray[np.float64]) -> float:
    some = shares[shares > 0]
    return float(-(some @ np.log2(some))) + 0.0


def _edge_density(grey: NDArray[np.int16]) -> float:
    smooth_down = grey[:-2] + 2 * grey[1:-1] + grey[2:]
    smooth_across = grey[:, :-2] + 2 * grey[:, 1:-1] + grey[:, 2:]
    across = (smooth_down[:, 2:] - smooth_down[:, :-2]).astype(np.int32)
    down = (smooth_across[2:] - smooth_across[:-2]).astype(np.int32)
    return float(np.mean(across**2 + down**2 > (4 * EDGE) ** 2))


def _saturation(picture: Image.Image) -> float:
    counts = np.asarray(picture.convert("HSV").getchannel("S").histogram(), dtype=np.float64)
    return float(counts @ np.arange(256) / counts.sum()) / 255


def _evenness(grey: Image.Image) -> float:
    side = FIELDS * FIELD_SIDE
    pixels = np.asarray(grey.resize((side, side), Image.Resampling.BOX))
    fields = pixels.reshape(FIELDS, FIELD_SIDE, FIELDS, FIELD_SIDE).swapaxes(1, 2).reshape(FIELDS * FIELDS, -1)
    background = np.median(fields, axis=1)
    darkest, lightest = float(background.min()), float(background.max())
    return 1 - (lightest - darkest) / (lightest + darkest) if lightest else 1.0

"""Pictures given by a formula or by a seed."""

import numpy as np
from PIL import Image, ImageFilter


def gradient() -> Image.Image:
    """Return 64x64 grey values (3x + 5y) mod 256."""
    rows, columns = np.mgrid[0:64, 0:64]
    return Image.fromarray(((3 * columns + 5 * rows) % 256).astype(np.uint8))


def disc(*, brighter: int = 0, shifted: int = 0) -> Image.Image:
    """Return a bright disc of radius 20 in the middle of 64x64 dark pixels."""
    rows, columns = np.mgrid[0:64, 0:64]
    inside = (columns - 32 - shifted) ** 2 + (rows - 32) ** 2 < 400
    return Image.fromarray(np.where(inside, 220 + brighter, 30 + brighter).astype(np.uint8))


def texture(seed: int) -> Image.Image:
    """Return 200x200 grey pixels of smooth noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (200, 200), dtype=np.uint8)
    blurred = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(8)), dtype=np.float64)
    spread = (blurred - blurred.min()) / (blurred.max() - blurred.min())
    return Image.fromarray((spread * 255).astype(np.uint8))

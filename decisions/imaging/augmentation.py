"""Augmented copies of training images; seeded, so that the same input gives the same bytes."""

import hashlib
import io
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from data_contracts.policies import AugmentationPolicy
from decisions.imaging.images import JPEG_QUALITY

Change = Callable[[Image.Image, AugmentationPolicy, np.random.Generator], Image.Image]

FLIPS = {"horizontal": Image.Transpose.FLIP_LEFT_RIGHT, "vertical": Image.Transpose.FLIP_TOP_BOTTOM}
SMALLEST_ASPECT, LARGEST_ASPECT = 0.5, 2.0
"""Of the masked rectangle."""
WHITE = 255
ROUGHEST = 0.1
"""Standard deviation of a noisy background at most, as a share of white; half of the backgrounds are plain."""
SOFT_EDGE = 0.7
"""Pixels over which a part passes into its new background."""


def augmented(
    jpeg: bytes,
    policy: AugmentationPolicy,
    digest: str,
    copy: int,
    flips: Collection[str],
    *,
    mask: bytes | None = None,
) -> bytes:
    """Copy number *copy* of the picture *jpeg*, a JPEG of the same size; the same bytes for the same input.

    *digest* names the image and seeds the copy together with the policy's seed. *flips* are those that the image's
    class allows, *mask* is a picture of the same size that is white where the part is.
    What turning, shifting and shrinking uncover is filled with the picture's own reflection.
    """
    chance = _chance(policy.seed, digest, copy)
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    if mask is not None:
        picture = _elsewhere(picture, Image.open(io.BytesIO(mask)).convert("L"), policy, chance)
    if policy.flips:
        picture = _flipped(picture, flips, chance)
    for change in (_moved, _cropped, _coloured, _blurred, _noisy, _masked):
        picture = change(picture, policy, chance)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return out.getvalue()


def _chance(seed: int, digest: str, copy: int) -> np.random.Generator:
    named = hashlib.sha256(f"{seed} {digest} {copy}".encode()).digest()
    return np.random.default_rng(int.from_bytes(named[:16]))


def _elsewhere(
    picture: Image.Image, mask: Image.Image, policy: AugmentationPolicy, chance: np.random.Generator
) -> Image.Image:
    """The part before a plain or noisy background of a seeded colour, in the policy's share of the copies."""
    colour = chance.uniform(0, WHITE, 3).astype(np.float32)
    deviation = max(0, chance.uniform(-ROUGHEST, ROUGHEST)) * WHITE
    if chance.random() >= policy.background:
        return picture
    ground = _with_noise(np.broadcast_to(colour, (picture.height, picture.width, 3)), deviation, chance)
    return Image.composite(picture, ground, mask.filter(ImageFilter.GaussianBlur(SOFT_EDGE)))


def _flipped(picture: Image.Image, flips: Collection[str], chance: np.random.Generator) -> Image.Image:
    for name, turn in FLIPS.items():
        if chance.random() < 1 / 2 and name in flips:
            picture = picture.transpose(turn)
    return picture


def _moved(picture: Image.Image, policy: AugmentationPolicy, chance: np.random.Generator) -> Image.Image:
    """Rotated, scaled and shifted at once, so that pixels are interpolated once only."""
    turn = np.deg2rad(policy.rotation * chance.uniform(-1, 1))
    scale = 1 + policy.scale * chance.uniform(-1, 1)
    shift = policy.shift * chance.uniform(-1, 1, 2) * picture.size
    if not (policy.rotation or policy.scale or policy.shift):
        return picture
    cos, sin = np.cos(turn) / scale, np.sin(turn) / scale
    matrix = np.array([[cos, sin], [-sin, cos]])
    middle = np.array(picture.size) / 2
    before, after = _uncovered(picture, matrix, middle + shift)
    start = middle - matrix @ (middle + shift) + before
    pixels = np.pad(np.asarray(picture), [*zip(before[::-1], after[::-1], strict=True), (0, 0)], mode="symmetric")
    data = (*matrix[0], start[0], *matrix[1], start[1])
    return Image.fromarray(pixels).transform(picture.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)


def _uncovered(
    picture: Image.Image, matrix: NDArray[np.float64], centre: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels that the moved picture shows beyond left and top, and beyond right and bottom; one more for rounding."""
    width, height = picture.size
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)])
    seen = (corners - centre) @ matrix.T + np.array(picture.size) / 2
    return _whole(-seen.min(axis=0)) + 1, _whole(seen.max(axis=0) - picture.size) + 1


def _whole(pixels: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.ceil(np.maximum(pixels, 0)).astype(np.int64)


def _cropped(picture: Image.Image, policy: AugmentationPolicy, chance: np.random.Generator) -> Image.Image:
    """A part of the picture in the size of the whole."""
    kept = 1 - policy.crop * chance.random()
    left, top = chance.random(2) * (1 - kept) * picture.size
    if not policy.crop:
        return picture
    box = (float(left), float(top), float(left + kept * picture.width), float(top + kept * picture.height))
    return picture.resize(picture.size, Image.Resampling.BILINEAR, box)


def _coloured(picture: Image.Image, policy: AugmentationPolicy, chance: np.random.Generator) -> Image.Image:
    changes = (
        (policy.brightness, ImageEnhance.Brightness),
        (policy.contrast, ImageEnhance.Contrast),
        (policy.saturation, ImageEnhance.Color),
    )
    for most, enhancer in changes:
        factor = 1 + most * chance.uniform(-1, 1)
        if most:
            picture = enhancer(picture).enhance(factor)
    if chance.random() < policy.greyscale:
        return picture.convert("L").convert("RGB")
    return picture


def _blurred(picture: Image.Image, policy: AugmentationPolicy, chance: np.random.Generator) -> Image.Image:
    radius = policy.blur * chance.random()
    return picture.filter(ImageFilter.GaussianBlur(radius)) if radius else picture


def _noisy(picture: Image.Image, policy: AugmentationPolicy, chance: np.random.Generator) -> Image.Image:
    deviation = policy.noise * WHITE * chance.random()
    if not deviation:
        return picture
    return _with_noise(np.asarray(picture), deviation, chance)


def _with_noise(
    pixels: NDArray[np.uint8] | NDArray[np.float32], deviation: float, chance: np.random.Generator
) -> Image.Image:
    noise = chance.standard_normal(pixels.shape, np.float32)
    noise *= deviation
    noise += pixels
    return Image.fromarray(np.rint(noise.clip(0, WHITE)).astype(np.uint8))


def _masked(picture: Image.Image, policy: AugmentationPolicy, chance: np.random.Generator) -> Image.Image:
    """With a rectangle of one seeded colour over up to the policy's share of the area."""
    share = policy.masking * chance.random()
    aspect = np.exp(chance.uniform(np.log(SMALLEST_ASPECT), np.log(LARGEST_ASPECT)))
    place, colour = chance.random(2), chance.integers(0, WHITE + 1, 3)
    width = min(picture.width, int(np.sqrt(share * aspect) * picture.width))
    height = min(picture.height, int(np.sqrt(share / aspect) * picture.height))
    if width and height:
        left, top = (int(each) for each in place * (picture.width - width, picture.height - height))
        red, green, blue = (int(each) for each in colour)
        picture.paste((red, green, blue), (left, top, left + width, top + height))
    return picture

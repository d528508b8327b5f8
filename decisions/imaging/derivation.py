"""How a decoded picture becomes what the model sees: upright, opaque, eight bits, RGB.

A change here is a change of what models are trained on: raise DERIVATION_VERSION with it.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation."""
SIDEWAYS = range(5, 9)
BACKGROUND = (255, 255, 255)
"""Shows through where a picture is transparent: what lies hidden there was never meant to be seen."""
NOMINAL = (1, 255, 65_535)
"""White in pictures of floating point numbers, and from 255 on in those of long whole numbers."""


def upright_rgb(image: Image.Image) -> Image.Image:
    """The picture as a model sees it; *image* itself where nothing is to be done.

    Transparent places are white. Greys of 16 bits keep their upper eight; longer numbers are scaled from the white that
    they usually have (1, 255 or 65535), or from their own darkest to their own lightest where they exceed it.
    Raises ValueError when pixels are no numbers.
    """
    turn = TURNS.get(_orientation(image))
    upright = image.transpose(turn) if turn is not None else image
    clear = upright.info.get("transparency")
    if upright.mode.startswith(("I", "F")):
        return _deep(upright, clear)
    if upright.has_transparency_data:
        return _on_background(upright.convert("RGBA"))
    return upright if upright.mode == "RGB" else upright.convert("RGB")


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of the upright picture, of a header whose pixels are not decoded yet."""
    turned = image.format != "TIFF" and _orientation(image) in SIDEWAYS  # Pillow turns a TIFF by itself
    return (image.height, image.width) if turned else image.size


def _orientation(image: Image.Image) -> int:
    try:
        return int(Image.Image.getexif(image).get(ORIENTATION, 1))  # a PNG's own getexif decodes
    except Exception:
        return 1  # notes that cannot be read do not spoil a picture


def _on_background(rgba: Image.Image) -> Image.Image:
    opaque = rgba.getchannel("A")
    if opaque.getextrema() == (255, 255):
        return rgba.convert("RGB")
    ground = Image.new("RGB", rgba.size, BACKGROUND)
    ground.paste(rgba.convert("RGB"), mask=opaque)
    return ground


def _deep(image: Image.Image, clear: object) -> Image.Image:
    """A grey picture of more than eight bits; places of the grey *clear* are transparent."""
    values = np.asarray(image)
    greys = (values >> 8).astype(np.uint8) if image.mode.startswith("I;16") else _scaled(values)
    if isinstance(clear, int):
        greys[values == clear] = BACKGROUND[0]
    return Image.fromarray(greys).convert("RGB")


def _scaled(values: NDArray[np.float32] | NDArray[np.int32]) -> NDArray[np.uint8]:
    darkest, lightest = float(values.min()), float(values.max())
    if not np.isfinite([darkest, lightest]).all():
        raise ValueError("some of its pixels are no numbers")
    whole = values.dtype.kind != "f"
    white = next((each for each in NOMINAL[1 if whole else 0 :] if darkest >= 0 and lightest <= each), None)
    low, high = (0.0, float(white)) if white else (darkest, max(lightest, np.nextafter(darkest, np.inf)))
    if white == NOMINAL[-1] and whole:
        return (values.astype(np.uint32) >> 8).astype(np.uint8)
    return np.rint((values.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)

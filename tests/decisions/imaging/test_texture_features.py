"""What the local baseline sees of a picture."""

import io

import numpy as np
import pytest
from PIL import Image

from decisions.imaging.texture_features import LENGTH, texture_features


def picture(shade: int = 120, *, size: tuple[int, int] = (200, 150), stripes: int = 0) -> bytes:
    pixels = np.full((size[1], size[0], 3), shade, np.uint8)
    if stripes:
        pixels[:, ::stripes] = 255 - shade
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize("size", [(200, 150), (1, 1), (16, 900), (3000, 2000)])
def test_every_size_gives_as_many_numbers(size: tuple[int, int]) -> None:
    found = texture_features(picture(size=size))
    assert found.shape == (LENGTH,)
    assert np.isfinite(found).all()


def test_the_same_bytes_give_the_same_numbers() -> None:
    assert (texture_features(picture(stripes=7)) == texture_features(picture(stripes=7))).all()


def test_stripes_are_seen() -> None:
    assert np.abs(texture_features(picture(stripes=16)) - texture_features(picture())).max() > 0.1


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(OSError, match="cannot identify"):
        texture_features(b"no image")

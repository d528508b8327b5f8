"""Masks: which picture is one, and what is kept of it."""

import io

import numpy as np
import pytest
from PIL import Image

from decisions.imaging.masks import mask_as_kept, masks_among


def png(pixels: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("files", "masks"),
    [
        (["a/x.jpg", "a/x.mask.png"], {"a/x.jpg": "a/x.mask.png"}),
        (["a/x.jpg", "b/x.mask.png"], {}),
        (["a/x.mask.png"], {}),
        (["a/x.jpg", "a/y.mask.png"], {}),
        (["a.b/x", "a.mask.png"], {}),
    ],
    ids=["beside", "in another folder", "alone", "of another name", "a folder with a dot"],
)
def test_a_mask_lies_beside_its_image_under_its_name(files: list[str], masks: dict[str, str]) -> None:
    assert masks_among(files) == masks


def test_of_a_mask_black_and_white_is_kept() -> None:
    grey = np.full((20, 30), 20)
    grey[5:15, 5:20] = 230
    kept = np.asarray(Image.open(io.BytesIO(mask_as_kept(png(grey), 30, 20))))

    assert (kept == (grey > 128)).all()


@pytest.mark.parametrize("content", [b"", b"<html>", png(np.zeros((20, 30)))[:-30], png(np.zeros((20, 31)))])
def test_what_is_no_mask_of_the_image_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        mask_as_kept(content, 30, 20)

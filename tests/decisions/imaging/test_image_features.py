"""The numbers about a picture, against scipy's filters."""

from dataclasses import astuple

import pytest
from PIL import Image

from decisions.imaging.image_features import image_features
from tests.decisions.pictures import disc, gradient


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (gradient(), (0.49730392156862746, 0.27876505395341733, 5696.6875, 7.993369209570533, 0.0498046875, 0)),
        (disc(), (0.34412339154411764, 0.3427178754548748, 4230.46875, 0.8860719582259204, 0.076171875, 0)),
        (disc(brighter=10), (0.38333907781862747, 0.3427178754548748, 4230.46875, 0.8860719582259204, 0.076171875, 0)),
    ],
)
def test_features_are_those_of_the_formulas(image: Image.Image, expected: tuple[float, ...]) -> None:
    assert astuple(image_features(image.convert("RGB")))[:6] == pytest.approx(expected, abs=1e-9)


def test_a_pure_colour_is_saturated_and_has_no_edges() -> None:
    found = image_features(Image.new("RGB", (50, 40), (255, 0, 0)))

    assert (found.saturation, found.edge_density, found.entropy, found.sharpness) == (1, 0, 0, 0)


def test_one_pixel_is_enough() -> None:
    assert image_features(Image.new("RGB", (1, 1), (255, 255, 255))).brightness == 1


def test_a_large_picture_is_looked_at_in_small() -> None:
    large = disc().convert("RGB").resize((2048, 2048), Image.Resampling.NEAREST)

    assert image_features(large) == image_features(large.resize((512, 512), Image.Resampling.BOX))


def test_even_light_is_even_and_a_black_picture_is_too() -> None:
    assert [image_features(Image.new("RGB", (50, 40), grey)).evenness for grey in ("grey", "black")] == [1, 1]


def test_light_from_one_side_is_uneven() -> None:
    ramp = Image.linear_gradient("L").convert("RGB")

    assert image_features(ramp).evenness == pytest.approx(0.25, abs=0.01)


def test_a_small_dark_object_leaves_the_light_even() -> None:
    picture = Image.new("RGB", (200, 200), (180, 180, 180))
    picture.paste((0, 0, 0), (10, 10, 35, 35))

    assert image_features(picture).evenness == 1


def test_a_large_picture_keeps_its_shape_in_small() -> None:
    wide = Image.new("RGB", (20_000, 1), (9, 9, 9))

    assert image_features(wide).brightness == pytest.approx(9 / 255)

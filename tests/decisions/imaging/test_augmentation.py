"""Augmented copies: the same for the same seed, of the same size, and changed only as the policy says."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from data_contracts.policies import AugmentationPolicy
from decisions.imaging.augmentation import augmented
from decisions.imaging.images import JPEG_QUALITY

OFF = AugmentationPolicy(
    copies=1, rotation=0, flips=False, scale=0, shift=0, brightness=0, contrast=0, crop=0, saturation=0, masking=0
)
EACH = {
    "rotation": 30,
    "scale": 0.3,
    "shift": 0.2,
    "crop": 0.4,
    "brightness": 0.5,
    "contrast": 0.5,
    "saturation": 1,
    "greyscale": 1,
    "blur": 4,
    "noise": 0.2,
    "masking": 0.3,
}


def policy(**changes: object) -> AugmentationPolicy:
    return AugmentationPolicy.model_validate({**OFF.model_dump(), **changes})


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return out.getvalue()


def picture(width: int = 90, height: int = 60) -> bytes:
    """Smooth, colourful, and different at each edge."""
    x, y = np.meshgrid(np.linspace(60, 220, width), np.linspace(60, 220, height))
    return jpeg(np.stack([x, y, 280 - x], axis=-1).astype(np.uint8))


def pixels(content: bytes) -> NDArray[np.float64]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(np.float64)


def distance(one: bytes, other: bytes) -> float:
    return float(np.abs(pixels(one) - pixels(other)).mean())


def change(content: bytes, wanted: AugmentationPolicy, copy: int = 1, flips: tuple[str, ...] = ()) -> bytes:
    return augmented(content, wanted, "a" * 64, copy, flips)


@pytest.mark.parametrize("name", EACH)
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    wanted = policy(**{name: EACH[name]})

    assert change(picture(), wanted) == change(picture(), wanted)


@pytest.mark.parametrize("name", EACH)
def test_each_operation_changes_the_picture(name: str) -> None:
    stripes = pixels(picture())
    stripes[:, ::6] /= 2
    original = jpeg(stripes.astype(np.uint8))
    changed = [change(original, policy(**{name: EACH[name]}), copy) for copy in range(1, 6)]

    assert max(distance(original, each) for each in changed) > 5


def test_without_an_operation_the_picture_stays_as_it_is() -> None:
    assert distance(picture(), change(picture(), OFF)) < 1


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (90, 60), (333, 17)])
@pytest.mark.parametrize("name", EACH)
def test_every_operation_keeps_the_size(name: str, size: tuple[int, int]) -> None:
    changed = [change(picture(*size), policy(**{name: EACH[name]}), copy) for copy in (1, 2)]

    assert [Image.open(io.BytesIO(each)).size for each in changed] == [size, size]


@pytest.mark.parametrize(
    ("seed", "digest", "copy"), [(43, "a" * 64, 1), (42, "b" * 64, 1), (42, "a" * 64, 2)], ids=["seed", "image", "copy"]
)
def test_another_seed_image_or_copy_is_changed_otherwise(seed: int, digest: str, copy: int) -> None:
    wanted = policy(rotation=30, brightness=0.5)
    other = wanted.model_copy(update={"seed": seed})

    assert augmented(picture(), other, digest, copy, ()) != augmented(picture(), wanted, "a" * 64, 1, ())


@pytest.mark.parametrize("name", ["rotation", "scale", "shift"])
@pytest.mark.parametrize("grey", [40, 250])
def test_nothing_foreign_shows_where_a_picture_was_moved_away(name: str, grey: int) -> None:
    plain = jpeg(np.full((50, 70, 3), grey, np.uint8))
    most = {"rotation": 180, "scale": 0.5, "shift": 0.5}[name]
    seen = [pixels(change(plain, policy(**{name: most}), copy)) for copy in range(1, 9)]

    assert max(float(np.abs(each - grey).max()) for each in seen) <= 2


def mirrored(content: bytes, name: str) -> bytes:
    return jpeg(
        pixels(content).astype(np.uint8)[
            (slice(None), slice(None, None, -1)) if name == "horizontal" else slice(None, None, -1)
        ]
    )


@pytest.mark.parametrize("name", ["horizontal", "vertical"])
def test_about_half_the_copies_are_mirrored_as_the_class_allows(name: str) -> None:
    flipped = [
        distance(mirrored(picture(), name), change(picture(), policy(flips=True), n, (name,))) < 1 for n in range(200)
    ]
    kept = [distance(picture(), change(picture(), policy(flips=True), n, (name,))) < 1 for n in range(200)]

    assert 70 < sum(flipped) < 130
    assert all(one != other for one, other in zip(flipped, kept, strict=True))


def test_no_copy_is_mirrored_where_its_class_does_not_allow_it() -> None:
    copies = [change(picture(), policy(flips=True), copy) for copy in range(20)]

    assert all(distance(picture(), each) < 1 for each in copies)


def test_no_copy_is_mirrored_where_the_policy_does_not_want_it() -> None:
    copies = [change(picture(), OFF, copy, ("horizontal", "vertical")) for copy in range(20)]

    assert all(distance(picture(), each) < 1 for each in copies)


def test_a_greyscale_copy_has_no_colour() -> None:
    grey = pixels(change(picture(), policy(greyscale=1)))

    assert float((grey.max(axis=-1) - grey.min(axis=-1)).max()) <= 1


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_a_mask_covers_no_more_than_its_share(share: float) -> None:
    plain = jpeg(np.full((200, 200, 3), 128, np.uint8))
    changed = [np.abs(pixels(change(plain, policy(masking=share), copy)) - 128).max(axis=-1) > 8 for copy in range(40)]
    covered = [float(each.mean()) for each in changed]

    assert max(covered) <= share + 0.02
    assert max(covered) > share / 2


def test_a_copy_turns_by_no_more_than_the_policy_says() -> None:
    line = np.full((201, 201, 3), 255, np.uint8)
    line[98:103] = 0
    angles = []
    for copy in range(60):
        dark = pixels(change(jpeg(line), policy(rotation=10), copy))[:, :, 0] < 128
        left, right = (np.flatnonzero(dark[:, column]).mean() for column in (20, 180))
        angles.append(float(np.degrees(np.arctan((right - left) / 160))))

    assert max(map(abs, angles)) < 10.5
    assert max(angles) > 5
    assert min(angles) < -5


def masked_half(width: int = 90, height: int = 60) -> bytes:
    """White, the part, is the left half."""
    out = io.BytesIO()
    half = np.zeros((height, width), np.uint8)
    half[:, : width // 2] = 255
    Image.fromarray(half).save(out, "PNG")
    return out.getvalue()


def test_a_new_background_stands_behind_the_part_and_leaves_it_as_it_is() -> None:
    copies = [
        pixels(augmented(picture(), policy(background=1), "a" * 64, copy, (), mask=masked_half())) for copy in range(9)
    ]
    part, ground = np.s_[:, :40], np.s_[:, 50:]

    assert max(float(np.abs(each[part] - pixels(picture())[part]).mean()) for each in copies) < 1
    assert min(float(np.abs(each[ground] - pixels(picture())[ground]).mean()) for each in copies) > 10
    assert len({each[30, 80].tobytes() for each in copies}) == len(copies)


def test_a_share_of_the_copies_gets_a_new_background() -> None:
    copies = [augmented(picture(), policy(background=0.3), "a" * 64, n, (), mask=masked_half()) for n in range(100)]

    assert 15 < sum(distance(each, picture()) > 5 for each in copies) < 45


def test_without_a_mask_no_background_changes() -> None:
    assert distance(picture(), change(picture(), policy(background=1))) < 1

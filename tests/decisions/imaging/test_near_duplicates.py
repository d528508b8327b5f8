"""Pairs that are near, the groups that they join, and the splits that those get."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from data_contracts.image_contract import NearDuplicateRule
from data_contracts.images import Split
from decisions.imaging.near_duplicates import (
    HashTable,
    NearPairs,
    components,
    near_pairs,
    near_pairs_within,
    sides_of,
)
from decisions.imaging.perceptual_hashes import PerceptualHashes, perceptual_hashes
from tests.decisions.pictures import texture

TRAIN, HELD_OUT = Split.TRAIN, Split.HELD_OUT


def flipped(hashes: PerceptualHashes, coarse: int, fine: int) -> PerceptualHashes:
    """The same hashes with so many bits changed."""
    return PerceptualHashes(
        phash64=f"{int(hashes.phash64, 16) ^ ((1 << coarse) - 1):016x}",
        phash256=f"{int(hashes.phash256, 16) ^ ((1 << fine) - 1):064x}",
        mirrored64="0" * 16,
        mirrored256="0" * 64,
        cropped64="0" * 16,
        cropped256="0" * 64,
    )


def compared(first: PerceptualHashes, second: PerceptualHashes) -> NearPairs:
    return near_pairs(HashTable([first]), HashTable([second]), NearDuplicateRule(coarse=8, fine=48))


@pytest.mark.parametrize(
    ("coarse", "fine", "near", "to_review"),
    [(0, 0, 1, 0), (8, 48, 1, 0), (8, 49, 0, 1), (9, 0, 0, 0), (9, 49, 0, 0)],
)
def test_the_coarse_hash_finds_and_the_fine_one_confirms(coarse: int, fine: int, near: int, to_review: int) -> None:
    hashes = flipped(perceptual_hashes(texture(1)), 0, 0)
    found = compared(hashes, flipped(hashes, coarse, fine))

    assert (len(found.near), len(found.to_review)) == (near, to_review)


def brightened(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.1)


def cropped(image: Image.Image) -> Image.Image:
    """What is left without 3 % at each edge."""
    width, height = image.size
    return image.crop((width * 3 // 100, height * 3 // 100, width * 97 // 100, height * 97 // 100))


@pytest.mark.parametrize("edit", [ImageOps.mirror, brightened, cropped])
def test_an_edited_copy_is_near(edit: Callable[[Image.Image], Image.Image]) -> None:
    image = texture(4)

    assert len(compared(perceptual_hashes(image), perceptual_hashes(edit(image))).near) == 1


def test_pairs_within_a_table_are_ordered_and_told_once() -> None:
    same, other = perceptual_hashes(texture(1)), perceptual_hashes(texture(2))
    found = near_pairs_within(HashTable([same, other, same, same]), NearDuplicateRule())

    assert found.near.tolist() == [[0, 2], [0, 3], [2, 3]]
    assert found.to_review.tolist() == []


def test_all_rows_are_compared_however_many_there_are() -> None:
    table = HashTable([perceptual_hashes(texture(number)) for number in range(40)])
    found = near_pairs(table, table, NearDuplicateRule(coarse=0, fine=0))

    assert found.near.tolist() == [[place, place] for place in range(40)]


def test_an_empty_table_has_no_pairs() -> None:
    empty, one = HashTable([]), HashTable([perceptual_hashes(texture(1))])

    assert len(near_pairs(empty, one, NearDuplicateRule()).near) == 0
    assert len(near_pairs(one, empty, NearDuplicateRule()).near) == 0
    assert len(near_pairs_within(empty, NearDuplicateRule()).near) == 0


def test_pairs_join_into_components() -> None:
    assert components(7, np.array([[0, 1], [1, 4], [2, 5]])) == [[0, 1, 4], [2, 5]]
    assert components(3, np.empty((0, 2), np.int64)) == []


@pytest.mark.parametrize(
    ("pinned", "splits", "quarantined", "leaky"),
    [
        ({}, {"a": TRAIN, "b": TRAIN, "new": TRAIN}, set(), set()),
        ({"b": HELD_OUT}, {"a": HELD_OUT, "b": HELD_OUT, "new": HELD_OUT}, set(), set()),
        ({"a": TRAIN, "b": HELD_OUT}, {"a": TRAIN, "b": HELD_OUT}, {"new"}, {"b"}),
    ],
)
def test_groups_that_show_the_same_stay_on_one_side(
    pinned: Mapping[str, Split], splits: Mapping[str, Split], quarantined: set[str], leaky: set[str]
) -> None:
    sides = sides_of(["new", "a", "b"], pinned, lambda group: TRAIN if group == "a" else HELD_OUT)

    assert sides.splits == splits
    assert (set(sides.quarantined), set(sides.leaky)) == (quarantined, leaky)

"""How often images appear: rare classes come up to the largest, evenly, and never in a row."""

from collections import Counter
from itertools import pairwise

import pytest

from data_contracts.images import LabeledImage
from data_contracts.policies import AugmentationPolicy, TrainingPolicy
from decisions.training.class_balance import appearances, repeats
from tests.decisions.builders import known

COUNTS = {"crazing": 40, "patches": 13, "scratches": 3}


@pytest.fixture
def images() -> list[LabeledImage]:
    return [known(f"{label} {number}", label) for label, count in COUNTS.items() for number in range(count)]


def policy(balance: str = "repeat", copies: int = 0, largest_repeat: int = 5) -> TrainingPolicy:
    given = {"balance": balance, "largest_repeat": largest_repeat, "augmentation": AugmentationPolicy(copies=copies)}
    return TrainingPolicy.model_validate(given)


def counts(images: list[LabeledImage], wanted: TrainingPolicy) -> Counter[str]:
    return Counter(each.image.label for each in appearances(images, wanted))


@pytest.mark.parametrize(
    ("largest_repeat", "expected"),
    [
        (1, {"crazing": 40, "patches": 13, "scratches": 3}),
        (5, {"crazing": 40, "patches": 40, "scratches": 15}),
        (50, {"crazing": 40, "patches": 40, "scratches": 40}),
    ],
)
def test_rare_classes_come_up_to_the_largest_as_far_as_the_policy_lets_them(
    images: list[LabeledImage], largest_repeat: int, expected: dict[str, int]
) -> None:
    assert counts(images, policy(largest_repeat=largest_repeat)) == expected


@pytest.mark.parametrize("largest_repeat", [1, 2, 3, 7, 50])
def test_the_images_of_a_class_differ_by_one_at_most_and_none_exceeds_the_limit(
    images: list[LabeledImage], largest_repeat: int
) -> None:
    times = repeats(images, largest_repeat)
    by_class = {label: [times[i.digest] for i in images if i.label == label] for label in COUNTS}

    assert all(max(each) - min(each) <= 1 for each in by_class.values())
    assert 1 <= min(times.values()) <= max(times.values()) <= largest_repeat


def test_without_balance_and_copies_each_image_appears_once(images: list[LabeledImage]) -> None:
    shown = appearances(images, policy("none"))

    assert Counter(each.image.digest for each in shown) == Counter(image.digest for image in images)
    assert {each.copy for each in shown} == {0}


def test_each_image_is_followed_by_its_copies(images: list[LabeledImage]) -> None:
    shown = appearances(images, policy("none", copies=2))

    assert sorted((each.image.digest, each.copy) for each in shown) == sorted(
        (image.digest, copy) for image in images for copy in range(3)
    )


def test_with_copies_a_rare_class_is_filled_up_with_copies_that_differ(images: list[LabeledImage]) -> None:
    shown = appearances(images, policy(copies=1, largest_repeat=50))

    assert Counter(each.image.label for each in shown) == dict.fromkeys(COUNTS, 80)
    assert len({(each.image.digest, each.copy) for each in shown}) == len(shown)


def test_without_copies_repeats_are_plain(images: list[LabeledImage]) -> None:
    assert {each.copy for each in appearances(images, policy())} == {0}


@pytest.mark.parametrize("copies", [0, 2])
def test_the_order_of_the_images_does_not_matter(images: list[LabeledImage], copies: int) -> None:
    assert appearances(images, policy(copies=copies)) == appearances(images[::-1], policy(copies=copies))


def test_copies_do_not_stand_in_a_row(images: list[LabeledImage]) -> None:
    shown = appearances(images, policy(copies=2))
    together = sum(one.image.digest == other.image.digest for one, other in pairwise(shown))

    assert together < len(shown) / 10


def test_no_images_appear_nowhere() -> None:
    assert appearances([], policy()) == []

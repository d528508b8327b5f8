"""What the iterations so far say about the images that would help most."""

import numpy as np
import pytest

from data_contracts.learning_curve import ClassPoint
from decisions.evaluation.learning_curve import class_curves, photograph_next

EQUAL = {"steady": 1, "weak": 1}


def points(label: str, *each: tuple[int, int, int]) -> dict[str, list[ClassPoint]]:
    """Of one class: training images, held-out images asked, and right, by iteration."""
    return {
        label: [
            ClassPoint(iteration=number, images=images, asked=asked, right=right)
            for number, (images, asked, right) in enumerate(each, start=1)
        ]
    }


def test_images_are_proposed_for_the_class_that_errs_most() -> None:
    known = points("steady", (60, 50, 47), (120, 50, 49)) | points("weak", (60, 50, 25), (120, 50, 34))
    proposed = photograph_next(known, EQUAL)
    assert proposed is not None
    assert next(iter(proposed.classes)) == "weak"


def test_the_interval_holds_the_proposal() -> None:
    known = points("weak", (60, 50, 25), (120, 50, 34), (240, 50, 40))
    proposed = photograph_next(known, EQUAL)
    assert proposed is not None
    assert proposed.at_least is not None
    assert proposed.images is not None
    assert proposed.at_most is not None
    assert proposed.at_least <= proposed.images <= proposed.at_most
    assert sum(proposed.classes.values()) == proposed.images


def test_a_larger_gain_needs_more_images() -> None:
    known = points("weak", (60, 50, 25), (120, 50, 34), (240, 50, 40))
    one, three = photograph_next(known, EQUAL, 0.01), photograph_next(known, EQUAL, 0.03)
    assert one is not None
    assert three is not None
    assert one.images is not None
    assert three.images is not None
    assert one.images < three.images


def test_nothing_is_proposed_where_ten_times_the_images_changed_nothing() -> None:
    proposed = photograph_next(points("weak", (100, 900, 720), (1000, 900, 717)), EQUAL)
    assert proposed is not None
    assert proposed.images is None
    assert "unlikely" in proposed.reason


def test_without_errors_there_is_nothing_to_photograph_for() -> None:
    proposed = photograph_next(points("steady", (100, 300, 300)), EQUAL)
    assert proposed is not None
    assert proposed.classes == {}
    assert "nothing to photograph for" in proposed.reason


def test_nothing_is_said_before_a_class_was_asked_about() -> None:
    assert photograph_next({}, EQUAL) is None
    assert photograph_next(points("weak", (100, 0, 0)), EQUAL) is None


def test_a_class_without_training_images_counts_as_one_image() -> None:
    (curve,) = class_curves(points("weak", (0, 20, 3)))
    assert curve.estimates[0].images == 1


def test_the_estimate_for_today_is_near_what_was_seen() -> None:
    (curve,) = class_curves(points("weak", (100, 400, 300)))
    now = curve.estimates[0]
    assert now.low < 300 / 400 < now.high
    assert now.recall == pytest.approx(0.75, abs=0.02)


def test_the_interval_of_twice_the_images_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(3)
    hits = []
    for _ in range(300):
        error, exponent = random.uniform(0.05, 0.6), random.uniform(0, 0.7)
        sizes = (50, 100, 200)
        answers = [(n, 60, 60 - random.binomial(60, min(1, error * (n / 200) ** -exponent))) for n in sizes]
        (curve,) = class_curves(points("any", *answers))
        twice = next(each for each in curve.estimates if each.images == 400)
        hits.append(twice.low <= 1 - error * 2**-exponent <= twice.high)
    assert 0.72 <= np.mean(hits) <= 0.9


def test_the_same_answers_give_the_same_proposal() -> None:
    known = points("weak", (60, 50, 25), (120, 50, 34))
    assert photograph_next(known, EQUAL) == photograph_next(known, EQUAL)

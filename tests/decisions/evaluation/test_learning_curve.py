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
    assert proposed.at_least < proposed.images < proposed.at_most
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


def test_many_answers_leave_an_interval_and_not_a_point() -> None:
    known = points("steady", (1000, 900, 700), (2000, 900, 760)) | points("weak", (1000, 900, 700), (2000, 900, 770))
    proposed = photograph_next(known, EQUAL)
    assert proposed is not None
    assert proposed.at_least is not None
    assert proposed.images is not None
    assert proposed.at_most is not None
    assert proposed.at_least < proposed.images < proposed.at_most
    assert f"(80 % interval {proposed.at_least:,} to {proposed.at_most:,})" in proposed.reason


def test_an_interval_without_an_upper_end_says_so() -> None:
    flat = points("steady", (60, 200, 198), (480, 200, 198)) | points("weak", (60, 200, 170), (480, 200, 170))
    proposed = photograph_next(flat, EQUAL)
    assert proposed is not None
    assert proposed.images is not None
    assert proposed.at_least is not None
    assert proposed.at_most is None
    assert f"(at least {proposed.at_least:,}; how many at most cannot be told from the iterations" in proposed.reason


def test_no_interval_is_told_where_a_single_image_may_do() -> None:
    proposed = photograph_next(points("steady", (1, 20, 16)) | points("weak", (1, 20, 15)), EQUAL)
    assert proposed is not None
    assert (proposed.images, proposed.at_least, proposed.at_most) == (1, None, None)
    assert "(how few or many it may be cannot be told)" in proposed.reason


@pytest.mark.parametrize("right", [0, 30, 33])
def test_nothing_is_proposed_where_all_answers_may_be_guessed(right: int) -> None:
    known = points("steady", (60, 60, right)) | points("weak", (60, 60, right))
    proposed = photograph_next(known, EQUAL)
    assert proposed is not None
    assert (proposed.images, proposed.classes) == (None, {})
    assert "no class is answered better than by chance yet" in proposed.reason


def test_a_class_at_chance_is_named_and_not_photographed_for() -> None:
    known = points("steady", (60, 60, 50), (120, 60, 52)) | points("weak", (60, 60, 20), (120, 60, 0))
    proposed = photograph_next(known, EQUAL)
    assert proposed is not None
    assert set(proposed.classes) == {"steady"}
    assert "what images would bring to weak cannot be told" in proposed.reason


def test_chance_is_one_of_the_classes_of_the_loop() -> None:
    known = {**points("weak", (60, 60, 20)), **{str(number): [] for number in range(5)}}
    (curve,) = class_curves(known)
    assert curve.above_chance
    assert not class_curves(known | {"5": points("5", (60, 60, 10))["5"]})[0].above_chance


def test_no_growth_is_drawn_for_a_class_at_chance() -> None:
    steady, weak = class_curves(points("steady", (60, 60, 50)) | points("weak", (60, 60, 30)))
    assert [each.images for each in steady.estimates] == [60, 90, 120, 240]
    assert [each.images for each in weak.estimates] == [60]


def test_a_class_that_is_never_right_is_estimated_near_nothing() -> None:
    (weak,) = class_curves(points("weak", (60, 600, 0)))
    assert weak.estimates[0].recall < 0.002


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


def test_a_class_that_grows_at_its_own_pace_is_not_dragged_along_by_the_others() -> None:
    steep = {name: points(name, (45, 80, 50), (240, 80, 66)) for name in ("a", "b", "c", "d")}
    flat = points("flat", (43, 88, 78), (230, 88, 78))
    curves = class_curves({label: each for known in (*steep.values(), flat) for label, each in known.items()})
    (today, *_) = next(curve.estimates for curve in curves if curve.label == "flat")
    assert today.low <= 78 / 88 <= today.high

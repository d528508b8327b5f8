"""What a chain of continued models forgets."""

import pytest

from data_contracts.evaluation import ClassTable
from decisions.gate.continual import backward_transfer, forgetting, mean_forgetting, worse_cohorts

THREE_ROUNDS: list[list[float | None]] = [[0.90, None, None], [0.86, 0.92, None], [0.80, 0.90, 0.95]]


def test_forgetting_and_transfer_agree_with_the_reference() -> None:
    assert backward_transfer(THREE_ROUNDS) == pytest.approx(-0.06)
    assert forgetting(THREE_ROUNDS) == pytest.approx([0.10, 0.02])
    assert mean_forgetting(THREE_ROUNDS) == pytest.approx(0.06)


def test_forgetting_is_measured_from_the_best_round_and_not_from_the_first() -> None:
    assert forgetting([[0.5], [0.9, 0.7], [0.8, 0.7, 0.6]]) == pytest.approx([0.1, 0.0])


def test_a_model_that_got_better_has_forgotten_less_than_nothing() -> None:
    better: list[list[float | None]] = [[0.5, None], [0.9, 0.7]]

    assert forgetting(better) == pytest.approx([-0.4])
    assert backward_transfer(better) == pytest.approx(0.4)


def test_after_the_first_round_nothing_can_be_forgotten() -> None:
    assert (mean_forgetting([[0.9]]), backward_transfer([[0.9]])) == (0.0, 0.0)


def test_a_cohort_without_an_accuracy_is_named() -> None:
    with pytest.raises(ValueError, match="cohort 1 has no accuracy"):
        forgetting([[0.9, None], [None, 0.9]])


def test_a_cohort_that_lost_beyond_chance_is_found() -> None:
    found = worse_cohorts({"monday": cohort(200, 30, 5), "tuesday": cohort(200, 5, 30)})

    assert found == ("monday",)


def test_many_cohorts_make_the_same_loss_less_surprising() -> None:
    lost = cohort(400, 9, 1)
    quiet = {f"batch {number}": cohort(400, 2, 2) for number in range(20)}

    assert worse_cohorts({"monday": lost}) == ("monday",)
    assert worse_cohorts({"monday": lost, **quiet}) == ()


def test_a_mean_loss_of_more_than_two_points_is_found_though_no_cohort_proves_it() -> None:
    assert worse_cohorts({"a": cohort(40, 3, 1), "b": cohort(40, 2, 1), "c": cohort(40, 1, 1)}) == ("a", "b")


def test_a_cohort_of_a_few_images_raises_no_alarm() -> None:
    assert worse_cohorts({"a": cohort(3, 2, 0), "b": cohort(29, 3, 0)}) == ()


def test_without_cohorts_nothing_is_forgotten() -> None:
    assert worse_cohorts({}) == ()


def cohort(images: int, losses: int, wins: int) -> ClassTable:
    return ClassTable(images=images, losses=losses, wins=wins)

"""Which checkpoint of a job goes to the gate."""

import math

import pytest

from data_contracts.training import Checkpoint
from decisions.checkpoints import choose_checkpoint


def checkpoint(
    step: int, valid: float | None, train: float | None = 0.2, *, exact_match: float | None = None
) -> Checkpoint:
    return Checkpoint(
        model=f"model at step {step}",
        step=step,
        train_loss=train,
        full_valid_loss=valid,
        valid_exact_match=exact_match,
    )


@pytest.mark.parametrize(
    ("checkpoints", "step", "flags"),
    [
        pytest.param(
            [checkpoint(100, 0.3, 0.4), checkpoint(200, 0.25, 0.2), checkpoint(300, 0.34, 0.05)],
            200,
            ("OVERFITTING", "LARGE_GAP"),
            id="classic overfitting",
        ),
        pytest.param(
            [
                checkpoint(100, 0.203, 0.21, exact_match=0.91),
                checkpoint(200, 0.2, 0.19, exact_match=0.93),
                checkpoint(300, 0.201, 0.18, exact_match=0.93),
            ],
            200,
            (),
            id="the exact match breaks the tie",
        ),
        pytest.param(
            [checkpoint(100, 0.28, 0.3), checkpoint(200, 0.6, 0.5), checkpoint(300, 0.95, 0.9)],
            100,
            ("DIVERGING",),
            id="both losses rise",
        ),
    ],
)
def test_the_choice_agrees_with_the_reference(checkpoints: list[Checkpoint], step: int, flags: tuple[str, ...]) -> None:
    choice = choose_checkpoint(checkpoints)

    assert (choice.checkpoint.step, choice.flags) == (step, flags)


def test_the_lowest_full_validation_loss_wins() -> None:
    choice = choose_checkpoint([checkpoint(1, 0.5), checkpoint(2, 0.3), checkpoint(3, 0.32)])

    assert choice.checkpoint.step == 2


def test_among_losses_within_two_percent_the_earliest_wins() -> None:
    choice = choose_checkpoint([checkpoint(1, 0.21), checkpoint(2, 0.2039), checkpoint(3, 0.2)])

    assert choice.checkpoint.step == 2


def test_among_losses_within_two_percent_the_best_exact_match_wins() -> None:
    choice = choose_checkpoint(
        [checkpoint(1, 0.202, exact_match=0.90), checkpoint(2, 0.2), checkpoint(3, 0.203, exact_match=0.95)]
    )

    assert choice.checkpoint.step == 3


def test_an_exact_match_beyond_two_percent_does_not_count() -> None:
    choice = choose_checkpoint([checkpoint(1, 0.2, exact_match=0.5), checkpoint(2, 0.21, exact_match=1.0)])

    assert choice.checkpoint.step == 1


def test_the_order_in_which_the_service_lists_them_does_not_matter() -> None:
    listed = [checkpoint(300, 0.34, 0.05), checkpoint(100, 0.3, 0.4), checkpoint(200, 0.25, 0.2)]

    assert choose_checkpoint(listed) == choose_checkpoint(sorted(listed, key=lambda each: each.step))


@pytest.mark.parametrize("missing", [None, math.nan, -1.0])
def test_a_missing_loss_is_never_the_lowest(missing: float | None) -> None:
    choice = choose_checkpoint([checkpoint(1, missing), checkpoint(2, 0.4), checkpoint(3, missing)])

    assert choice.checkpoint.step == 2


@pytest.mark.parametrize("missing", [None, math.nan, -1.0])
def test_without_any_validation_loss_the_last_checkpoint_is_taken_with_a_warning(missing: float | None) -> None:
    choice = choose_checkpoint([checkpoint(1, missing), checkpoint(3, missing), checkpoint(2, missing)])

    assert (choice.checkpoint.step, choice.flags) == (3, ("NO_VALIDATION",))


@pytest.mark.parametrize("missing", [None, math.nan, -1.0])
def test_a_rising_validation_loss_blames_nothing_when_the_training_loss_is_unknown(missing: float | None) -> None:
    choice = choose_checkpoint([checkpoint(1, 0.2, missing), checkpoint(2, 0.4, missing)])

    assert choice.flags == ()


def test_a_loss_of_zero_is_a_loss() -> None:
    choice = choose_checkpoint([checkpoint(1, 0.1), checkpoint(2, 0.0)])

    assert choice.checkpoint.step == 2


def test_a_last_epoch_that_is_clearly_better_says_that_more_may_help() -> None:
    choice = choose_checkpoint([checkpoint(1, 0.5), checkpoint(2, 0.4), checkpoint(3, 0.3)])

    assert choice.flags == ("STILL_IMPROVING",)


def test_a_second_epoch_that_is_clearly_better_is_enough_to_say_so() -> None:
    assert choose_checkpoint([checkpoint(1, 0.5), checkpoint(2, 0.3)]).flags == ("STILL_IMPROVING",)


def test_a_training_loss_that_stood_still_while_the_validation_loss_rose_is_overfitting() -> None:
    assert choose_checkpoint([checkpoint(1, 0.2, 0.2), checkpoint(2, 0.4, 0.2)]).flags == ("OVERFITTING",)


def test_a_last_epoch_that_is_hardly_better_warns_of_nothing() -> None:
    choice = choose_checkpoint([checkpoint(1, 0.5), checkpoint(2, 0.31), checkpoint(3, 0.3)])

    assert choice.flags == ()


def test_a_validation_loss_of_three_times_the_training_loss_is_no_large_gap_yet() -> None:
    assert choose_checkpoint([checkpoint(1, 0.75, 0.25)]).flags == ()
    assert choose_checkpoint([checkpoint(1, 0.76, 0.25)]).flags == ("LARGE_GAP",)


def test_without_a_checkpoint_there_is_nothing_to_choose() -> None:
    with pytest.raises(ValueError, match="there is no checkpoint to choose from"):
        choose_checkpoint([])


def test_the_reason_says_step_loss_and_what_the_losses_warn_of() -> None:
    choice = choose_checkpoint([checkpoint(100, 0.28, 0.3), checkpoint(200, 0.6, 0.5)])

    assert choice.reason == (
        "step 100, validation loss 0.28; validation and training loss both rose: a smaller learning rate would help"
    )

"""Which checkpoint of a job goes to the gate."""

import math
from random import Random

import pytest

from data_contracts.training import Checkpoint, CurvePoint
from decisions.training.checkpoints import GAP, RISE, TOLERANCE, choose_checkpoint, winner_bias


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
        "step 100, validation loss 0.28; the validation loss rose from 0.28 to 0.6 while the training loss rose too, "
        "from 0.3 to 0.5: a smaller learning rate would help"
    )


def test_losses_that_stand_still_are_noted_and_flag_nothing() -> None:
    choice = choose_checkpoint([checkpoint(1, 0.303), checkpoint(2, 0.3), checkpoint(3, 0.301)])

    assert choice.flags == ()
    assert choice.notes == (
        "the validation loss stood still, 0.303 after the first and 0.301 after the last epoch that was kept: "
        "fewer epochs would do as well",
    )


def test_every_warning_says_its_numbers() -> None:
    overfitted = choose_checkpoint([checkpoint(1, 0.25, 0.2), checkpoint(2, 0.34, 0.05)])
    improving = choose_checkpoint([checkpoint(1, 0.5), checkpoint(2, 0.3)])

    assert "rose from 0.25 to 0.34 while the training loss went from 0.2 to 0.05" in overfitted.reason
    assert "at the end, 0.34, is more than three times the training loss, 0.05" in overfitted.reason
    assert "lowered the validation loss from 0.5 to 0.3: more epochs may help" in improving.reason


def test_one_lucky_last_step_does_not_make_a_gap_where_the_curve_is_known() -> None:
    curve = [CurvePoint(step=step, train_loss=0.3) for step in range(1, 100)]
    lucky = [checkpoint(100, 0.4, 0.01)]

    assert choose_checkpoint(lucky).flags == ("LARGE_GAP",)
    assert choose_checkpoint(lucky, curve=[*curve, CurvePoint(step=100, train_loss=0.01)]).flags == ()


def test_the_chosen_checkpoint_is_the_one_reported_not_a_smoothed_copy() -> None:
    reported = checkpoint(100, 0.4, 0.01)

    assert choose_checkpoint([reported], curve=[CurvePoint(step=100, train_loss=0.3)]).checkpoint == reported


@pytest.mark.parametrize(
    ("candidates", "expected"), [(1, 0.0), (2, 0.5641895835), (3, 0.8462843753216344), (10, 1.538752730835173)]
)
def test_the_best_of_several_looks_better_than_it_is_by_the_reference(candidates: int, expected: float) -> None:
    assert winner_bias(candidates) == pytest.approx(expected, abs=1e-9)


def test_of_no_candidates_there_is_no_best() -> None:
    with pytest.raises(ValueError, match="0 candidates"):
        winner_bias(0)


def some(random: Random) -> list[Checkpoint]:
    """Checkpoints as a service might list them."""
    losses = [*(random.uniform(0.01, 1) for _ in range(4)), None, -1.0, math.nan]
    return [
        checkpoint(
            step, random.choice(losses), random.choice(losses), exact_match=random.choice([None, random.random()])
        )
        for step in random.sample(range(1, 100), random.randint(1, 6))
    ]


@pytest.mark.parametrize("seed", range(100))
def test_the_choice_is_always_within_tolerance_of_the_lowest_loss(seed: int) -> None:
    given = some(Random(seed))
    losses = [each.full_valid_loss for each in given if each.full_valid_loss is not None and each.full_valid_loss > 0]

    choice = choose_checkpoint(given)

    chosen = choice.checkpoint.full_valid_loss
    if losses:
        assert chosen is not None
        assert min(losses) <= chosen <= min(losses) * (1 + TOLERANCE)
    else:
        assert choice.checkpoint.step == max(each.step for each in given)


@pytest.mark.parametrize("seed", range(100))
def test_flags_follow_from_the_losses_alone_and_never_contradict_each_other(seed: int) -> None:
    random = Random(seed)
    given = [
        checkpoint(step, random.uniform(0.1, 1), random.uniform(0.1, 1)) for step in range(1, random.randint(2, 6))
    ]
    valid = [each.full_valid_loss or 0.0 for each in given]

    flags = set(choose_checkpoint(given).flags)

    assert bool(flags & {"OVERFITTING", "DIVERGING"}) == (valid[-1] > RISE * min(valid))
    assert not {"OVERFITTING", "DIVERGING"} <= flags
    assert not (flags & {"OVERFITTING", "DIVERGING"} and "STILL_IMPROVING" in flags)
    assert ("LARGE_GAP" in flags) == (valid[-1] > GAP * (given[-1].train_loss or 0.0))


@pytest.mark.parametrize("seed", range(20))
def test_all_losses_times_the_same_number_change_nothing(seed: int) -> None:
    given = some(Random(seed))
    scaled = [
        each.model_copy(
            update={name: value * 8 for name in ("train_loss", "full_valid_loss") if (value := getattr(each, name))}
        )
        for each in given
    ]

    before, after = choose_checkpoint(given), choose_checkpoint(scaled)

    assert (before.checkpoint.step, before.flags) == (after.checkpoint.step, after.flags)

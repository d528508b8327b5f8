"""Whether the next job continues from the champion or restarts, and what it is shown."""

import itertools
import random
from collections import Counter

import pytest

from data_contracts.evaluation import Action, Code
from data_contracts.policies import TrainingPolicy
from data_contracts.training import Hyperparameters
from decisions.training.training_plan import (
    Lineage,
    TrainingPlan,
    choose_examples,
    hyperparameters,
    lineage_of,
    plan_training,
    replay_counts,
    why_restart,
)
from tests.decisions.builders import (
    BASE,
    FIRST_MODEL,
    SECOND_MODEL,
    accepted,
    decided,
    labeled,
    request,
    state_after,
    won_turn,
)

POLICY = TrainingPolicy(base_model=BASE)
PROMPT = request().prompt


def lineage(**changes: object) -> Lineage:
    """A champion that may well be continued."""
    usual = {"chain": 0, "new_since_base": 100, "n_base": 1800, "champion_base": BASE, "base_model": BASE}
    return Lineage.model_validate(usual | changes)


@pytest.mark.parametrize(
    ("chain", "n_base", "classes_changed", "prefer"),
    [(0, 1800, False, "restart"), (3, 20000, False, "continue"), (1, 20000, True, "continue")],
)
def test_the_reference_restarts(chain: int, n_base: int, prefer: str, *, classes_changed: bool) -> None:
    found = why_restart(
        lineage(chain=chain, n_base=n_base, asked_otherwise=classes_changed),
        POLICY.model_copy(update={"prefer": prefer}),
    )

    assert found is not None


def test_with_no_reason_against_it_training_continues() -> None:
    assert why_restart(lineage(), POLICY) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"knows_forgotten": True}, "the champion learned from examples that were forgotten"),
        ({"champion_base": "gpt-4o-2024-08-06"}, "the champion comes from gpt-4o-2024-08-06"),
        ({"asked_otherwise": True}, "the classes, the prompt or the image detail changed since the champion learned"),
        ({"worse_batches": ("monday",)}, "the champion answers monday worse than the model before it did"),
        ({"chain": 3}, "the champion continued 3 times in a row; the policy allows 3"),
        (
            {"new_since_base": 540},
            "540 examples came since the last restart, which had 1,800; the policy restarts from 30% on",
        ),
    ],
)
def test_each_reason_is_said_with_its_numbers(changes: dict[str, object], told: str) -> None:
    assert why_restart(lineage(**changes), POLICY) == told


def test_what_makes_continuing_wrong_is_said_before_what_makes_it_worse() -> None:
    everything = lineage(chain=9, new_since_base=9999, asked_otherwise=True, knows_forgotten=True)

    assert why_restart(everything, POLICY) == "the champion learned from examples that were forgotten"


def test_a_longer_chain_or_more_new_data_never_turns_a_restart_into_continuing() -> None:
    for chain, new, base in itertools.product(range(6), (0, 1, 29, 30, 31, 500), (0, 100, 1000)):
        here = why_restart(lineage(chain=chain, new_since_base=new, n_base=base), POLICY)
        further = [
            why_restart(lineage(chain=chain + 1, new_since_base=new, n_base=base), POLICY),
            why_restart(lineage(chain=chain, new_since_base=new + 1, n_base=base), POLICY),
        ]
        assert here is None or None not in further


def test_a_champion_whose_data_nobody_knows_is_not_continued() -> None:
    assert why_restart(lineage(new_since_base=0, n_base=0), POLICY) is not None


def test_the_first_iteration_starts_from_the_base_model() -> None:
    assert plan_training(state_after(accepted(train=100)), POLICY, PROMPT) == TrainingPlan(
        mode="restart", parent=BASE, reason=f"starting from {BASE}"
    )


def test_the_second_continues_from_the_champion() -> None:
    state = state_after(accepted(train=100), *won_turn(1, FIRST_MODEL), accepted(batch="tuesday", train=20))

    assert plan_training(state, POLICY, PROMPT) == TrainingPlan(
        mode="continue", parent=FIRST_MODEL, reason=f"continuing from {FIRST_MODEL}"
    )


def test_a_chain_is_counted_from_the_last_restart() -> None:
    state = state_after(
        accepted(train=100),
        *won_turn(1, FIRST_MODEL),
        accepted(batch="tuesday", train=12),
        *won_turn(2, SECOND_MODEL, parent=FIRST_MODEL, train=24),
    )
    found = lineage_of(state, SECOND_MODEL, POLICY, PROMPT)

    assert (found.chain, found.n_base, found.new_since_base) == (1, 100, 12)


def test_another_prompt_or_detail_restarts() -> None:
    state = state_after(accepted(train=100), *won_turn(1, FIRST_MODEL))

    assert lineage_of(state, FIRST_MODEL, POLICY, "Name the defect.").asked_otherwise
    assert lineage_of(state, FIRST_MODEL, POLICY.model_copy(update={"detail": "high"}), PROMPT).asked_otherwise
    assert not lineage_of(state, FIRST_MODEL, POLICY, PROMPT).asked_otherwise


def test_a_champion_that_forgot_is_not_continued() -> None:
    *before, promoted, over = won_turn(1, FIRST_MODEL)
    verdict = decided(code=Code.PROMOTE, action=Action.PROMOTE, counts=(300, 1, 60), worse_batches=("monday",))
    state = state_after(accepted(train=100), *before, verdict, promoted, over)

    assert plan_training(state, POLICY, PROMPT).mode == "restart"


def test_who_continues_takes_fewer_passes_and_half_the_steps() -> None:
    assert hyperparameters(POLICY, "restart", 2.0) == Hyperparameters(n_epochs=3)
    assert hyperparameters(POLICY, "continue", 2.0) == Hyperparameters(n_epochs=2, learning_rate_multiplier=1.0)
    assert hyperparameters(POLICY, "continue", None) == Hyperparameters(n_epochs=2)


def test_the_policys_own_rate_is_halved_rather_than_that_of_a_parent_which_was_halved_already() -> None:
    policy = POLICY.model_copy(update={"learning_rate_multiplier": 0.4})

    assert hyperparameters(policy, "continue", 0.2).learning_rate_multiplier == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("wanted", "history", "expected"),
    [
        (120, {"a": 500, "b": 300, "c": 10}, {"a": 70, "b": 40, "c": 10}),
        (10, {"a": 3, "b": 2}, {"a": 3, "b": 2}),
    ],
)
def test_replay_agrees_with_the_reference(wanted: int, history: dict[str, int], expected: dict[str, int]) -> None:
    assert replay_counts(wanted, history, 1.0) == expected


def test_replay_never_takes_what_is_not_there_and_always_as_much_as_it_can() -> None:
    lots = random.Random(5)
    for _ in range(300):
        history = {name: lots.randrange(60) for name in "abcdef"[: lots.randrange(1, 7)]}
        wanted, ratio = lots.randrange(0, 200), lots.choice([0.0, 0.25, 1.0, 2.0])
        counts = replay_counts(wanted, history, ratio)
        assert all(0 <= counts[name] <= there for name, there in history.items())
        assert sum(counts.values()) == min(round(wanted * ratio), sum(history.values()))


def test_a_rare_class_is_replayed_as_a_whole_before_a_common_one_gets_more() -> None:
    lots = random.Random(6)
    for _ in range(300):
        history = {name: lots.randrange(1, 60) for name in "abcd"}
        counts = replay_counts(lots.randrange(4, 200), history)
        cut_short = [counts[name] for name, there in history.items() if counts[name] < there]
        whole = [counts[name] for name, there in history.items() if counts[name] == there]
        assert not cut_short or not whole or min(cut_short) >= min(whole) or sum(cut_short) == 0


def test_without_history_there_is_nothing_to_replay() -> None:
    assert replay_counts(10, {}) == {}


IMAGES = [labeled(f"{number:064x}", label="rare" if number % 10 == 0 else "common") for number in range(100)]
OLD, NEW = IMAGES[:80], IMAGES[80:]
LEARNED = {image.digest: image.label for image in OLD}


def test_new_examples_are_all_taken_and_as_many_old_ones_of_each_class() -> None:
    found = choose_examples(IMAGES, LEARNED, POLICY, "iteration 2")

    assert set(found.new) == set(NEW)
    assert Counter(image.label for image in found.replayed) == {"rare": 8, "common": 12}
    assert not {image.digest for image in found.replayed} & {image.digest for image in NEW}


def test_an_example_with_another_label_is_new() -> None:
    mended = [image.model_copy(update={"label": "rare"}) if image is OLD[1] else image for image in IMAGES]

    found = choose_examples(mended, LEARNED, POLICY, "iteration 2")

    assert OLD[1].digest in {image.digest for image in found.new}


def test_the_same_lot_draws_the_same_examples_and_another_lot_others() -> None:
    one, again, other = (
        choose_examples(images, LEARNED, POLICY, lot)
        for images, lot in ((IMAGES, "iteration 2"), (IMAGES[::-1], "iteration 2"), (IMAGES, "iteration 3"))
    )

    assert set(one.replayed) == set(again.replayed)
    assert set(one.replayed) != set(other.replayed)


def test_a_few_new_examples_are_filled_up_to_what_azure_trains_on() -> None:
    found = choose_examples(IMAGES[:82], LEARNED, POLICY, "iteration 2")

    assert len(found.new) + len(found.replayed) == 10


def test_without_replay_only_new_examples_are_shown() -> None:
    found = choose_examples(IMAGES, LEARNED, POLICY.model_copy(update={"replay_per_new": 0.0}), "iteration 2")

    assert (len(found.new), len(found.replayed)) == (20, 0)

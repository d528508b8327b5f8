"""What a held-out version can prove is said in one sentence that people can act on."""

import pytest

from data_contracts.ledger import Decided
from data_contracts.policies import PromotionPolicy
from decisions.gate.wording import points
from decisions.held_out import budget, budget_in_words, discordance_seen, images_needed
from tests.decisions.builders import BASE, closed, decided, state_after, won_turn

AUTO = PromotionPolicy()


def test_the_sentence_names_the_gain_the_uses_and_what_a_smaller_gain_needs() -> None:
    assert budget_in_words(270, AUTO) == (
        "with 270 held-out images only gains of 4.6 points or more promote by themselves (4 uses), where "
        "two models differ on 6 % of them; "
        "a gain of 2 points would need 1,154 images more"
    )


def test_too_few_images_for_the_policy_are_counted() -> None:
    assert budget_in_words(58, AUTO) == (
        "with 58 held-out images no gain promotes by itself, for the policy asks for 200: 142 more are needed"
    )


def test_a_gain_that_has_no_uses_is_left_to_a_person() -> None:
    told = budget_in_words(500, PromotionPolicy(target_gain=0.02))

    assert told.startswith("with 500 held-out images a gain of 2 points cannot be proved, so a person decides")
    assert told.endswith("images more")


@pytest.mark.parametrize(("n", "alpha"), [(0, 0.05), (1, 0.05), (300, 0.0), (10**6, 0.05), (200, 1.0)])
def test_every_size_and_alpha_has_a_sentence(n: int, alpha: float) -> None:
    told = budget_in_words(n, PromotionPolicy(alpha=alpha))

    assert told
    assert "\n" not in told


@pytest.mark.parametrize("gain", [0.02, 0.03, 0.05])
@pytest.mark.parametrize("target", ["auto", 0.02])
def test_with_as_many_images_as_are_said_to_be_needed_the_gain_has_its_uses(gain: float, target: float | str) -> None:
    policy = PromotionPolicy.model_validate({"target_gain": target})
    needed = images_needed(gain, policy)

    made = budget(needed, policy.model_copy(update={"target_gain": gain}))

    assert made.uses >= (4 if target == "auto" else 1)


def test_points_are_written_without_needless_digits() -> None:
    assert [points(gain) for gain in (0.02, 0.01, 0.053, 0.1)] == ["2 points", "1 point", "5.3 points", "10 points"]


def gate(champion: str, *, differing: int = 30) -> Decided:
    return decided("any", champion, counts=(200, differing // 2, differing - differing // 2))


def test_gates_between_our_own_models_say_how_many_answers_differ() -> None:
    against_base = (*won_turn(1, "first"), gate(BASE, differing=150), closed(1))
    against_ours = (*won_turn(2, "second"), gate("first"), closed(2))

    assert discordance_seen(state_after(*against_base).iterations) == 0.06
    assert discordance_seen(state_after(*against_base, *against_ours).iterations) == 0.15


def test_two_models_that_agree_on_everything_leave_a_little_to_find() -> None:
    turns = (*won_turn(1, "first"), closed(1), *won_turn(2, "second"), gate("first", differing=0), closed(2))

    assert discordance_seen(state_after(*turns).iterations) == 0.01

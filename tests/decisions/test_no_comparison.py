"""A challenger with nothing to compare with: a person decides, and nothing counts as proved."""

from data_contracts.evaluation import Action, Code, Outcome
from data_contracts.policies import PromotionPolicy
from decisions.promotion import decide_without_comparison
from tests.decisions.builders import answer, evaluation

POLICY = PromotionPolicy(when_inconclusive="keep")
RIGHT = [answer(f"{number}", "crazing", "crazing") for number in range(9)]


def test_a_person_is_asked_with_the_accuracy_and_its_interval() -> None:
    challenger = evaluation(*RIGHT, answer("9", "crazing", "scratches"))

    verdict = decide_without_comparison(challenger, 10, POLICY)

    assert (verdict.code, verdict.action, verdict.p_superior) == (Code.HUMAN_NO_COMPARISON, Action.ASK, 1)
    assert verdict.reason == (
        "right on 9 of 10 (90.0%, 95 % interval 59.6% to 98.2%), "
        "with no champion and no base model to compare with: a person decides"
    )


def test_a_partial_evaluation_is_made_again() -> None:
    assert decide_without_comparison(evaluation(*RIGHT), 10, POLICY).action is Action.RERUN


def test_lost_answers_are_asked_again() -> None:
    lost = evaluation(*RIGHT, answer("9", "crazing", None, Outcome.FAILED))

    assert decide_without_comparison(lost, 10, POLICY).action is Action.RERUN

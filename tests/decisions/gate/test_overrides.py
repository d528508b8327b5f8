"""A yes against the gate's advice holds until its day, and then wants to be looked at again."""

from datetime import timedelta

import pytest

from data_contracts.evaluation import Action, Code
from data_contracts.ledger import Approved, Decided
from decisions.gate.overrides import is_override, to_look_at_again
from tests.decisions.builders import BASE, FIRST_MODEL, SECOND_MODEL, START, opened, state_after, switched

UNTIL = Approved(yes=True, reason="checked on line 2", until=START + timedelta(days=3))


def decided(code: Code) -> Decided:
    return Decided(
        code=code,
        action=Action.ASK,
        reason="any",
        champion=BASE,
        challenger=FIRST_MODEL,
        n=300,
        losses=1,
        wins=2,
        p_superior=0.5,
        interval=(-0.1, 0.1),
        alpha_per_use=0.01,
    )


@pytest.mark.parametrize(("code", "overrides"), [(Code.HUMAN_INCONCLUSIVE, True), (Code.PROMOTE, False)])
def test_a_yes_is_an_override_where_the_gate_did_not_say_promote(code: Code, overrides: bool) -> None:  # noqa: FBT001
    assert is_override(state_after(opened(), decided(code), UNTIL).iterations[0]) is overrides


def test_an_override_is_to_be_looked_at_again_once_its_day_has_passed() -> None:
    state = state_after(opened(), decided(Code.HUMAN_INCONCLUSIVE), UNTIL, switched())

    assert not list(to_look_at_again(state.iterations, state.champion, START + timedelta(days=2)))
    assert list(to_look_at_again(state.iterations, state.champion, START + timedelta(days=4))) == [
        "The override of iteration 1 by ines held until 2026-11-24 and is to be looked at again: checked on line 2"
    ]


def test_nobody_looks_again_at_an_override_whose_model_is_not_champion_any_more() -> None:
    state = state_after(opened(), decided(Code.HUMAN_INCONCLUSIVE), UNTIL, switched())

    assert not list(to_look_at_again(state.iterations, switched(SECOND_MODEL), START + timedelta(days=4)))

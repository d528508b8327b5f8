"""Promotions against the gate's advice are looked at again when their day has come."""

from datetime import timedelta

import pytest

from data_contracts.evaluation import Action, Code
from data_contracts.ledger import Approved, ChampionSwitched, IterationClosed
from decisions.gate.overrides import overrides_to_review
from decisions.loop_state import LoopState
from tests.decisions.builders import START, decided, opened, state_after


def overridden(code: Code, *, until: bool = True) -> LoopState:
    verdict = decided("new", None, code=code, action=Action.ASK)
    switched = ChampionSwitched(model="new", model_deployment="any", previous=None, previous_model_deployment=None)
    approved = Approved(yes=True, reason="any", until=START + timedelta(days=30) if until else None)
    events = (opened(1), verdict, approved, switched, IterationClosed(number=1, outcome="promoted", reason="any"))
    return state_after(*events)


def test_an_override_is_looked_at_again_when_its_day_has_come() -> None:
    state = overridden(Code.HUMAN_INCONCLUSIVE)

    assert overrides_to_review(state, START + timedelta(days=29)) == ()
    (told,) = overrides_to_review(state, START + timedelta(days=31))
    assert "the override of iteration 1" in told


@pytest.mark.parametrize("state", [overridden(Code.PROMOTE), overridden(Code.HUMAN_INCONCLUSIVE, until=False)])
def test_what_the_gate_advised_or_has_no_day_is_none(state: LoopState) -> None:
    assert overrides_to_review(state, START + timedelta(days=999)) == ()

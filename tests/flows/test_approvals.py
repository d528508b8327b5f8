"""What follows when the gate asks a person, outside the Prefect UI."""

from datetime import timedelta

import pytest

from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor
from data_contracts.policies import PromotionPolicy
from deployments.answering import answer_for_person
from flows.improve_model import improve_model
from tasks.gate.approvals import approve
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")
ASKING = PromotionPolicy(when_inconclusive="ask", smallest_held_out=100_000)
"""No held-out set of a test is as large, so that a person is asked for sure."""


def test_a_second_answer_is_told_who_gave_the_first_and_when(ready: LoopFolder) -> None:
    improve_model(ready.name, promotion=ASKING)
    loop = ready.loop()
    approve(loop, 1, yes=True, reason="fine", actor=Actor(name="ines", established="claimed"))
    end = loop.now() + timedelta(days=3)

    with pytest.raises(WrongInput, match=r"^Iteration 1 is answered already: ines said yes, 20.* UTC: fine; go on"):
        answer_for_person(ready.path, 1, yes=True, why="mine", until=end.date())

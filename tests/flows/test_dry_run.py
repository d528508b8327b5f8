"""A dry run trains and evaluates, reports the gate's verdict, and changes nothing by it."""

import pytest

from data_contracts.policies import PromotionPolicy
from flows.improve_model import improve_model
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_the_verdict_is_reported_and_counted_and_nobody_is_promoted(ready: LoopFolder) -> None:
    policy = PromotionPolicy(dry_run=True, smallest_held_out=6, smallest_accuracy=0, local_baseline="report")
    result = improve_model(ready.name, promotion=policy)
    state = ready.loop().state()
    decided = state.iterations[0].decided

    assert result.status == "kept the champion"
    assert result.reason.startswith(
        "dry run: training and answers were bought and the look was counted, but nobody is promoted"
    )
    assert "the gate says PROMOTE" in result.reason
    assert decided is not None
    assert decided.dry_run
    assert (state.champion, len(state.looks)) == (None, 1)

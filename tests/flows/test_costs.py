"""What a turn has cost is in Prefect at one key, and adds up to what the ledger booked."""

import pytest

from data_contracts.ledger import Actor, Approved
from flows.improve_model import improve_model
from tasks.gate.approvals import approve
from tasks.reporting.costs import costs_of
from tests.support.artifacts import artifacts_of
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def turned(filled: LoopFolder) -> LoopFolder:
    """A loop with a first champion."""
    if improve_model(filled.name).status == "waits for a person":
        person = Actor(name="test", established="command line")
        approve(filled.loop(), 1, Approved(yes=True, reason="looked at it"), person)
        improve_model(filled.name)
    return filled


def test_the_costs_of_a_turn_are_published_at_one_key(turned: LoopFolder) -> None:
    loop = turned.loop()
    shown = [each for each in artifacts_of(loop.name) if each.key == f"{loop.name}-cost"]
    newest = str(shown[0].data)

    assert "### What a point of accuracy cost" in newest
    assert "### Billed right now" in newest
    assert f"{costs_of(loop).report.iterations[0].usd:,.2f}" in newest


def test_iterations_and_months_add_up_to_what_was_booked(turned: LoopFolder) -> None:
    state, report = turned.loop().state(), costs_of(turned.loop()).report

    assert report.iterations[0].usd == pytest.approx(sum(cost.usd for cost in state.iterations[0].costs))
    assert sum(each.usd for each in report.months) == pytest.approx(sum(state.booked.values()))
    assert report.iterations[0].training_usd > 0


def test_the_first_promotion_is_compared_with_the_base_model(turned: LoopFolder) -> None:
    (promotion,) = costs_of(turned.loop()).report.promotions
    base = turned.loop().state().iterations[0].opened.parent

    assert (promotion.iteration, promotion.compared_with) == (1, base)
    assert promotion.points is not None
    assert promotion.usd_per_point == pytest.approx(promotion.usd / promotion.points)


def test_the_forecast_goes_by_the_tokens_of_the_champions_evaluation(turned: LoopFolder) -> None:
    state, costs = turned.loop().state(), costs_of(turned.loop(), 1_000)
    assert state.champion is not None
    evaluated = state.iterations[0].evaluations[state.champion.model]

    assert costs.model == state.champion.model
    assert costs.running[0].tokens_in == pytest.approx(evaluated.prompt_tokens / evaluated.images)
    assert costs.tokens_from == f"of the champion's {evaluated.images:,} answers at the gate"


def test_only_the_champion_is_billed(turned: LoopFolder) -> None:
    loop = turned.loop()
    champion = loop.state().champion
    assert champion is not None

    assert [each.name for each in costs_of(loop).report.billed] == [champion.model_deployment]

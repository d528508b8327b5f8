"""`kaizen plan` tells what the next run would do, buy and delete; what may not be bought stops before the upload."""

import pytest

from data_contracts.policies import BudgetPolicy, TrainingPolicy
from deployments.plan import plan_loop, told
from flows.improve_model import improve_model
from tasks.training.forecasting import OverBudget
from tasks.training.planning import plan_next
from tasks.training.training_files import DoesNotFit
from tests.support.contracts import changed, with_class
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


def uploaded(folder: LoopFolder) -> list[str]:
    loop = folder.loop()
    return [file.name for file in loop.foundry.files() if file.name.startswith(f"kaizen-{loop.name}-")]


def test_a_loop_without_images_has_nothing_to_learn_from(loop_folder: LoopFolder) -> None:
    lines, plan = plan_loop(loop_folder.path)

    assert (plan["iteration"], plan["usd"], plan["refusals"]) == (None, 0, [])
    assert lines[0].startswith("The next run would find nothing to learn from: each class needs")


def test_the_first_iteration_is_told_in_dollars_and_nothing_is_changed(filled: LoopFolder) -> None:
    head = filled.loop().ledger.head
    lines, plan = plan_loop(filled.path)

    assert lines[0].startswith("The next run would open iteration 1:")
    assert any(line.startswith("  in all    about $") for line in lines)
    assert plan["refusals"] == []
    assert (uploaded(filled), filled.loop().ledger.head) == ([], head)


def test_no_line_is_wider_than_a_terminal(filled: LoopFolder) -> None:
    assert max(map(len, plan_loop(filled.path)[0])) <= 80


def test_images_of_a_class_that_is_no_longer_asked_for_are_not_counted(filled: LoopFolder) -> None:
    contract = filled.path / "contract.odcs.yaml"
    before = contract.read_bytes()
    contract.write_bytes(changed(with_class("scratches", retired=True)))
    try:
        plan = plan_next(filled.loop(), TrainingPolicy())
    finally:
        contract.write_bytes(before)

    assert plan.fit is not None
    assert plan.fit.fits


@pytest.mark.usefixtures("full_account")
def test_a_full_account_stops_the_turn_before_the_upload(filled: LoopFolder) -> None:
    with pytest.raises(DoesNotFit, match="delete 2 fine-tuning files of the account"):
        improve_model(filled.name)

    plan = plan_next(filled.loop(), filled.loop().settings.training)
    assert uploaded(filled) == []
    assert "does not fit" in plan.refusals[0]
    assert plan.does == "continue iteration 1"


def test_what_exceeds_the_budget_stops_the_turn_before_the_upload(filled: LoopFolder) -> None:
    policy = TrainingPolicy(smallest_addition=20, budget=BudgetPolicy(per_iteration_usd=0.01))
    with pytest.raises(OverBudget, match=r"\$0.01 for iteration 1 are spent.*raise per_iteration_usd"):
        improve_model(filled.name, training=policy)

    plan = plan_next(filled.loop(), policy)
    assert uploaded(filled) == []
    assert filled.loop().iteration(1).intended is None
    assert any(line.startswith("Stops the run") for line in told(plan))


def test_a_month_that_is_spent_stops_it_too(filled: LoopFolder) -> None:
    policy = TrainingPolicy(smallest_addition=20, budget=BudgetPolicy(per_month_usd=0.02))
    with pytest.raises(OverBudget, match=r"raise per_month_usd"):
        improve_model(filled.name, training=policy)

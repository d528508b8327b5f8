"""After training: what was lost is told, and a model that lost too much is never deployed."""

import pytest

from data_contracts.ledger import ModelDeploymentIntended
from flows.improve_model import improve_model
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.artifacts import artifacts_of
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_a_job_that_silently_skipped_a_third_of_the_images_ends_before_anything_is_deployed(
    ready: LoopFolder, foundry: EmulatorProcess
) -> None:
    foundry.ask("POST", "/emulator/faults", {"people_share": 0.3})
    try:
        result = improve_model(ready.name)
    finally:
        foundry.ask("DELETE", "/emulator/faults")

    assert result.status == "training incomplete"
    assert "no model deployment was bought" in result.reason
    bought = [entry for entry in ready.loop().ledger.read() if isinstance(entry.event, ModelDeploymentIntended)]
    assert bought == []


def test_a_job_that_skipped_nothing_says_so_and_goes_on_to_the_gate(ready: LoopFolder) -> None:
    improve_model(ready.name)

    (iteration,) = ready.loop().state().iterations
    assert iteration.reconciled
    assert (iteration.reconciled.loss_share, iteration.reconciled.stops) == (0.0, False)
    assert iteration.decided


def test_the_report_and_the_run_show_the_losses_and_the_chosen_checkpoint(ready: LoopFolder) -> None:
    improve_model(ready.name)

    loop = ready.loop()
    report = loop.store.get(loop.iteration_path(1, "report.html")).content.decode()
    keys = {each.key for each in artifacts_of(loop.name)}
    assert "Training and validation losses of iteration 1" in report
    assert "Chosen: step" in report
    assert f"{loop.name}-losses" in keys

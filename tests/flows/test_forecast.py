"""The forecast of a training bill beside the bill that the emulator's meter counts on its own."""

from pathlib import Path
from typing import Literal

import pytest

from benchmarks._forecast_error import forecast_error
from data_contracts.policies import TrainingPolicy
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from tasks.training.planning import plan_next
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


def policy(detail: Literal["low", "high"]) -> TrainingPolicy:
    return TrainingPolicy(detail=detail, settling_minutes=0.02, smallest_addition=20, n_epochs=2, restart_share=9)


@pytest.mark.parametrize("detail", ["low", "high"])
def test_a_forecast_is_within_five_percent_of_the_bill_also_when_continuing(
    detail: Literal["low", "high"], images: Path, foundry: EmulatorProcess, tmp_path: Path
) -> None:
    folder = LoopFolder.make(tmp_path / "loop")
    files = sorted(images.glob("*/*"))
    planned = []
    for batch, part in (("one", files[::2]), ("two", files[1::2])):
        folder.deliver(batch, part)
        ingest_images(folder.name)
        planned.append(plan_next(folder.loop(), policy(detail)))
        improve_model(folder.name, training=policy(detail))
        if folder.loop().state().open_iteration:
            answered(folder)
            improve_model(folder.name, training=policy(detail))

    state = folder.loop().state()
    assert forecast_error(folder.loop(), foundry.address) < 0.05
    assert [each.forecast and each.forecast.training_tokens for each in planned] == [
        each.finished and each.finished.trained_tokens for each in state.iterations
    ]
    assert planned[1].continues


def answered(folder: LoopFolder) -> None:
    from data_contracts.ledger import Actor, Approved
    from tasks.gate.approvals import approve

    loop = folder.loop()
    person = Actor(name="test", established="command line")
    approve(loop, len(loop.state().iterations), Approved(yes=True, reason="looked at it"), person)

"""From a decision to production and back: two tiers, the same answers, the pointer, roll back and revive."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from prefect import flow

from cloud import lease
from tasks.loop import Turn
from tasks.model_deployments import base_name, deploy
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

BASE = "gpt-4.1-2025-04-14"


def answering(folder: LoopFolder) -> dict[str, str]:
    """Our model deployments at the service: tier by name, without the loop's own name."""
    loop = folder.loop()
    found = [each for each in loop.foundry.model_deployments() if each.tags.get("kaizen-loop") == loop.name]
    return {each.name.removeprefix(loop.name): each.sku for each in found}


@flow(name="deploy")
def deployed(turn: Turn, name: str, model: str) -> str:
    """A model deployment by itself."""
    return deploy(turn, name, model)


def test_a_model_deployment_waits_for_what_another_loop_writes_to_the_account(filled: LoopFolder) -> None:
    loop = filled.loop()
    account = loop.settings.foundry.account
    with lease.held(loop.store, loop.name, "test") as held, ThreadPoolExecutor() as pool:
        turn = Turn(folder=filled.name, iteration=1, fence=held.fence)
        with lease.turn_to_write(loop.store, account, "another loop"):
            waiting = pool.submit(deployed, turn, base_name(loop.name), BASE)
            time.sleep(2)
            before = answering(filled)
        waiting.result()

    assert before == {}
    assert answering(filled) == {"-base": "GlobalStandard"}

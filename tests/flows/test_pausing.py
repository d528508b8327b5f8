"""While a loop is paused nothing is bought, swapped or deleted; images come in and jobs are followed."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prefect import flow

from cloud import lease
from data_contracts.ledger import Actor, TrainingSubmitted
from decisions.loop_state import Iteration
from deployments.plan import plan_loop
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from flows.try_successor import try_successor
from tasks.contender import Contender
from tasks.loop import Turn
from tasks.model_deployments import delete_dispensable, deploy
from tasks.pausing import LoopPaused, pause_loop, resume_loop
from tasks.swap.pointer import switch_champion
from tests.decisions.builders import closed, deployment_created, deployment_intended, opened
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

INES = Actor(name="ines", established="command line")
OLD = "gpt-4.1-2025-04-14.ft-70ee3e37776e4428b20685fcd0728abb-k0"


def paused(folder: LoopFolder) -> LoopFolder:
    pause_loop(folder.loop(), "line 2 is rebuilt", None, INES)
    return folder


def iteration(folder: LoopFolder) -> Iteration:
    return folder.loop().state().iterations[0]


def test_a_paused_loop_opens_nothing_and_says_who_paused_it_and_how_to_go_on(ready: LoopFolder) -> None:
    entries = len(paused(ready).loop().ledger.read())
    result = improve_model(ready.name)

    assert (result.status, result.iteration) == ("paused", None)
    assert f"{ready.loop().name} was paused by ines (command line) on " in result.reason
    assert "line 2 is rebuilt; nothing is bought, swapped or deleted until kaizen resume" in result.reason
    assert len(ready.loop().ledger.read()) == entries


def test_a_paused_loop_tries_no_successor(ready: LoopFolder) -> None:
    paused(ready)

    with pytest.raises(LoopPaused, match="was paused by ines"):
        try_successor("gpt-4o-2024-08-06", ready.name)
    assert ready.loop().state().looks == ()


def test_a_paused_loop_still_takes_images(loop_folder: LoopFolder, images: Path) -> None:
    paused(loop_folder).deliver("one", sorted(images.glob("*/*")))
    ingest_images(loop_folder.name)

    assert [batch.batch for batch in loop_folder.loop().state().batches] == ["one"]


def test_the_plan_of_a_paused_loop_says_so_and_what_comes_after(ready: LoopFolder) -> None:
    lines, plan = plan_loop(paused(ready).path)
    told = " ".join(lines)

    assert "Paused, so the next run does nothing:" in told
    assert "After kaizen resume, the next run would open iteration 1" in told
    assert "go on with kaizen resume" in str(plan["refusals"])


def test_a_run_that_is_paused_on_its_way_follows_its_job_and_buys_no_more(ready: LoopFolder) -> None:
    def pause_once_the_job_runs() -> None:
        while not any(isinstance(each.event, TrainingSubmitted) for each in ready.loop().ledger.read()):
            time.sleep(0.01)
        paused(ready)

    with ThreadPoolExecutor(1) as pool:
        pausing = pool.submit(pause_once_the_job_runs)
        result = improve_model(ready.name)
        pausing.result()
    followed, bought = iteration(ready), ready.loop().state().deployments
    still = improve_model(ready.name)
    resume_loop(ready.loop(), "", INES)
    improve_model(ready.name)

    assert (result.status, still.status) == ("paused", "paused")
    assert followed.finished is not None
    assert bought == {}
    assert iteration(ready).decided is not None


def test_each_act_asks_once_more_right_before_it(loop_folder: LoopFolder) -> None:
    loop = loop_folder.loop()
    challenger = Contender(model=OLD, model_deployment="old", detail="low")
    with lease.held(loop.store, loop.name, "a run") as held:
        turn = Turn(folder=loop_folder.name, iteration=1, fence=held.fence)
        for event in (opened(), deployment_intended("old", OLD), deployment_created("old", OLD)):
            loop.ledger.write(loop.authorship(INES, held.fence), 1, event)
        paused(loop_folder)

        with pytest.raises(LoopPaused):
            switch_champion.fn(turn, challenger)
        with pytest.raises(LoopPaused):
            deploy.fn(turn, "new", OLD)
        loop.ledger.write(loop.authorship(INES, held.fence), 1, closed())
        while_paused = cleaned_up(loop_folder.name, held.fence)
        resume_loop(loop, "", INES)
        afterwards = cleaned_up(loop_folder.name, held.fence)

    assert (while_paused, afterwards) == ([], ["old"])
    assert loop.state().champion is None


@flow
def cleaned_up(folder: str, fence: int) -> list[str]:
    """What an improve_model would delete at its end."""
    return delete_dispensable(folder, fence, 0)

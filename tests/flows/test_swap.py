"""From a decision to production and back: two tiers, the same answers, the pointer, roll back and revive."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prefect import flow

from cloud import lease
from data_contracts.ledger import (
    AnswersCompared,
    Approved,
    ChampionSwitched,
    ModelDeploymentIntended,
    RolledBack,
    entry_hash,
)
from data_contracts.policies import PromotionPolicy
from deployments.commands import go_back, revive_once
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from flows.roll_back import roll_back
from tasks.contender import Contender
from tasks.gate.approvals import approve
from tasks.loop import Turn
from tasks.model_deployments import base_name, deploy
from tasks.swap.pointer import switch_champion
from tasks.swap.same_answers import AnswersDiffer, compare_answers
from tasks.training.planning import plan_next
from tests.decisions.builders import FIRST_MODEL, PERSON, SECOND_MODEL, closed, opened, switched
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

BASE = "gpt-4.1-2025-04-14"
BACK: dict[str, Any] = {
    "to_iteration": 1,
    "model": FIRST_MODEL,
    "model_deployment": "k1",
    "previous": SECOND_MODEL,
    "previous_model_deployment": "k2",
}


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
    account = loop.settings.foundry.account_id
    with lease.held(loop.store, loop.name, "test") as held, ThreadPoolExecutor() as pool:
        turn = Turn(folder=filled.name, iteration=1, fence=held.fence)
        with lease.turn_to_write(loop.store, account, "another loop"):
            waiting = pool.submit(deployed, turn, base_name(loop.name), BASE)
            time.sleep(2)
            before = answering(filled)
        waiting.result()

    assert before == {}
    assert answering(filled) == {"-base": "GlobalStandard"}


def yes(folder: LoopFolder, iteration: int) -> None:
    """A person's yes, where the gate asked for one."""
    if folder.loop().iteration(iteration).asks_a_person:
        approve(folder.loop(), iteration, Approved(yes=True, reason="looked at it"), PERSON)


def learn(folder: LoopFolder, batch: str, files: list[Path]) -> LoopFolder:
    """One more iteration, with a person's yes."""
    folder.deliver(batch, files)
    ingest_images(folder.name)
    improve_model(folder.name)
    yes(folder, len(folder.loop().state().iterations))
    improve_model(folder.name)
    return folder


@pytest.fixture(scope="module")
def promoted(
    tmp_path_factory: pytest.TempPathFactory, images: Path, foundry: EmulatorProcess, prefect_server: None
) -> LoopFolder:
    """A loop after its first champion was promoted."""
    folder = LoopFolder.make(tmp_path_factory.mktemp("loop"))
    return learn(folder, "one", sorted(images.glob("*/*"))[::2])


@pytest.fixture(scope="module")
def swapped(promoted: LoopFolder, images: Path) -> LoopFolder:
    """The same loop after a second champion took the first one's place."""
    return learn(promoted, "two", sorted(images.glob("*/*"))[1::2])


def test_a_challenger_is_evaluated_without_a_fee_and_goes_to_production_under_its_own_name(
    promoted: LoopFolder,
) -> None:
    loop = promoted.loop()
    first = loop.iteration(1)
    model = first.switched.model if first.switched else ""
    intended = [each.event for each in loop.ledger.read() if isinstance(each.event, ModelDeploymentIntended)]
    evaluated = first.evaluations[model]

    assert [(each.name.removeprefix(loop.name), each.sku) for each in intended if each.model == model] == [
        ("-i0001-eval", "DeveloperTier"),
        ("-i0001", "GlobalStandard"),
    ]
    assert (evaluated.model_deployment, evaluated.sku) == (f"{loop.name}-i0001-eval", "DeveloperTier")
    assert answering(promoted) == {"-base": "GlobalStandard", "-i0001": "GlobalStandard"}


def test_the_model_gave_the_same_answers_in_production_before_it_became_champion(promoted: LoopFolder) -> None:
    loop = promoted.loop()
    compared, validation = loop.iteration(1).compared, loop.iteration(1).validation
    kinds = [each.kind for each in loop.ledger.read()]

    assert compared is not None
    assert validation is not None
    assert (compared.examples, compared.images) == ("validation", min(30, validation.images))
    assert (compared.changed, compared.same) == (0, True)
    assert kinds.index("answers compared") < kinds.index("champion switched")


@flow(name="compare")
def compared_with(folder: str, contender: Contender) -> AnswersCompared:
    """What comes before the pointer is flipped, by itself."""
    with lease.held(LoopFolder(Path(folder)).loop().store, LoopFolder(Path(folder)).loop().name, "test") as held:
        return compare_answers(Turn(folder=folder, iteration=1, fence=held.fence), contender, PromotionPolicy())


def test_what_answers_otherwise_than_evaluated_waits_for_a_person(promoted: LoopFolder, tmp_path: Path) -> None:
    copied = LoopFolder(Path(shutil.copytree(promoted.path, tmp_path / "loop")))
    loop = copied.loop()
    champion = loop.state().champion
    assert champion is not None
    stranger = Contender(model=champion.model, model_deployment=base_name(loop.name), detail="low")

    with pytest.raises(AnswersDiffer, match="nothing was switched: run kaizen improve to ask again"):
        compared_with(copied.name, stranger)

    compared = loop.iteration(1).compared
    assert compared is not None
    assert (compared.model_deployment, compared.same) == (base_name(loop.name), False)


def pointer(folder: LoopFolder) -> str:
    """The model deployment that champion.json names, without the loop's name."""
    loop = folder.loop()
    told = json.loads(loop.store.get(loop.path("champion.json")).content)
    assert told["ledger_head"] in {entry_hash(loop.ledger.stored(each.number)) for each in loop.ledger.read()}
    return str(told["model_deployment"]).removeprefix(loop.name)


def test_the_first_champion_stays_after_the_swap_and_production_goes_back_to_it_at_once(swapped: LoopFolder) -> None:
    assert set(answering(swapped)) == {"-base", "-i0001", "-i0002"}
    assert pointer(swapped) == "-i0002"
    before = len(swapped.loop().ledger.read())

    back = roll_back("scratches are missed", swapped.name, who="ines")

    loop = swapped.loop()
    state, entries = loop.state(), loop.ledger.read()[before:]
    assert (back.iteration, back.revived, pointer(swapped)) == (1, False, "-i0001")
    assert [each.kind for each in entries] == ["rolled back"]
    assert (entries[0].actor.name, entries[0].actor.established) == ("ines", "claimed")
    assert state.champion is not None
    assert state.champion.previous_model_deployment == f"{loop.name}-i0002"


def test_the_next_iteration_continues_from_the_model_that_production_went_back_to(swapped: LoopFolder) -> None:
    loop = swapped.loop()
    first = loop.iteration(1).switched

    assert first is not None
    assert plan_next(loop, loop.settings.training).parent == first.model


def test_what_production_went_back_from_is_deleted_when_its_time_is_over_and_revived_on_demand(
    swapped: LoopFolder,
) -> None:
    improve_model(swapped.name, promotion=PromotionPolicy(keep_previous_hours=0))
    loop = swapped.loop()
    left, kinds = set(answering(swapped)), [each.kind for each in loop.ledger.read()]

    said: list[str] = []
    lines, _ = revive_once(swapped.path, f"{loop.name}-i0002", said.append)
    improve_model(swapped.name)

    assert left == {"-base", "-i0001"}
    assert kinds[-3:] == ["model deployment leaving", "cost booked", "model deployment deleted"]
    assert "-i0002 is deployed anew" in said[0]
    assert "minutes (median of" in said[0]
    assert lines[0].endswith("was deployed anew and answers")
    assert set(answering(swapped)) == {"-base", "-i0001", "-i0002"}


def test_a_model_deployment_that_is_gone_is_made_anew_before_production_goes_back_to_it(swapped: LoopFolder) -> None:
    loop = swapped.loop()
    name = f"{loop.name}-i0002"
    loop.foundry.delete_model_deployment(name)

    lines, _ = go_back(swapped.path, 2, "it was better", print)
    again = roll_back("once more", swapped.name, 2)

    made = next(each for each in loop.foundry.model_deployments() if each.name == name)
    assert "which was deployed anew for it" in lines[0]
    assert (made.sku, made.capacity, made.tags["kaizen-iteration"]) == ("GlobalStandard", 5000, "2")
    assert pointer(swapped) == "-i0002"
    assert (again.model_deployment, again.told) == (None, "Production uses that model already; nothing was changed")


def test_a_roll_back_killed_before_it_wrote_the_pointer_is_finished_and_goes_no_further(swapped: LoopFolder) -> None:
    loop = swapped.loop()
    stale = loop.store.get(loop.path("champion.json")).content
    roll_back("scratches are missed", swapped.name)
    loop.store.put(loop.path("champion.json"), stale)

    roll_back("scratches are missed", swapped.name)

    assert pointer(swapped) == "-i0001"


@flow(name="switch")
def switch(turn: Turn, contender: Contender) -> ChampionSwitched | None:
    """The flip by itself."""
    return switch_champion(turn, contender)


def test_a_challenger_that_was_compared_with_the_model_that_production_left_is_not_promoted(
    loop_folder: LoopFolder,
) -> None:
    loop = loop_folder.loop()
    for number, event in (
        (1, opened()),
        (1, switched(FIRST_MODEL, "k1")),
        (1, closed()),
        (2, opened(2)),
        (2, switched(SECOND_MODEL, "k2", previous="k1")),
        (2, closed(2)),
        (3, opened(3)),
        (3, Approved(yes=True, reason="better than the second")),
        (1, RolledBack(**BACK, why="any")),
    ):
        loop.ledger.write(loop.authorship(PERSON), number, event)

    turn = Turn(folder=loop_folder.name, iteration=3, fence=None)
    assert switch(turn, Contender(model="third", model_deployment="k3", detail="low")) is None
    assert loop.state().champion == ChampionSwitched(**{key: BACK[key] for key in BACK if key != "to_iteration"})


def test_where_both_tiers_are_one_nothing_is_deployed_twice(loop_folder: LoopFolder, images: Path) -> None:
    settings = loop_folder.path / "kaizen.toml"
    settings.write_text(settings.read_text().replace("[training]", 'evaluation_sku = "GlobalStandard"\n[training]'))
    loop_folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(loop_folder.name)
    improve_model(loop_folder.name)
    yes(loop_folder, 1)
    assert improve_model(loop_folder.name).status == "promoted"

    loop = loop_folder.loop()
    intended = [each.event.name for each in loop.ledger.read() if isinstance(each.event, ModelDeploymentIntended)]
    assert sorted(intended) == [f"{loop.name}-base", f"{loop.name}-i0001"]
    assert loop.iteration(1).compared is None

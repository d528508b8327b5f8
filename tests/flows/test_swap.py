"""From a decision to production and back: two tiers, the same answers, the pointer, roll back and revive."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prefect import flow

from cloud import lease
from data_contracts.ledger import AnswersCompared, Approved, ModelDeploymentIntended
from data_contracts.policies import PromotionPolicy
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from tasks.contender import Contender
from tasks.gate.approvals import approve
from tasks.loop import Turn
from tasks.model_deployments import base_name, deploy
from tasks.swap.same_answers import AnswersDiffer, compare_answers
from tests.decisions.builders import PERSON
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


def yes(folder: LoopFolder, iteration: int) -> None:
    """A person's yes, where the gate asked for one."""
    if folder.loop().iteration(iteration).asks_a_person:
        approve(folder.loop(), iteration, Approved(yes=True, reason="looked at it"), PERSON)


@pytest.fixture(scope="module")
def promoted(filled: LoopFolder) -> LoopFolder:
    """The loop after its first champion was promoted."""
    improve_model(filled.name)
    yes(filled, 1)
    improve_model(filled.name)
    return filled


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

"""The local baseline of a real iteration: the same images, no money, nothing that was held out."""

import pytest

from data_contracts.evaluation import Answer
from data_contracts.images import Split
from data_contracts.ledger import LocalBaselineMeasured
from data_contracts.policies import PromotionPolicy
from flows.improve_model import improve_model
from tasks.datasets import held_out_images
from tasks.evaluation.local_baseline import measure_local_baseline
from tasks.labels import labeled_images
from tasks.loop import Turn
from tasks.tables import from_parquet
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def decided(filled: LoopFolder) -> LoopFolder:
    """A loop whose first challenger was decided on."""
    improve_model(filled.name)
    return filled


def measured(folder: LoopFolder) -> LocalBaselineMeasured:
    found = folder.loop().iteration(1).local_baseline
    assert found is not None
    return found


def test_it_learns_the_training_images_and_no_other(decided: LoopFolder) -> None:
    loop = decided.loop()
    training = [image for image in labeled_images(loop, loop.state()) if image.split is Split.TRAIN]

    assert measured(decided).training_images == len(training)


def test_it_answers_every_held_out_image_with_a_label_and_its_probability(decided: LoopFolder) -> None:
    loop = decided.loop()
    version = loop.state().held_out
    assert version is not None
    answers = from_parquet(loop.store.get(measured(decided).path).content, Answer)

    assert {answer.image for answer in answers} == {image.digest for image in held_out_images(loop, version)}
    assert all(answer.given in loop.contract.labels for answer in answers)
    assert all(answer.confidence and 0 < answer.confidence <= 1 for answer in answers)


def test_it_is_better_than_guessing_and_costs_nothing(decided: LoopFolder) -> None:
    found = measured(decided)

    assert found.correct / found.images > 1.5 / len(decided.loop().contract.labels)
    assert not [cost for cost in decided.loop().iteration(1).costs if "logistic" in cost.subject]


def test_it_is_measured_once(decided: LoopFolder) -> None:
    loop = decided.loop()
    version = loop.state().held_out
    assert version is not None
    entries = len(loop.ledger.read())

    measure_local_baseline.fn(Turn(folder=decided.name, iteration=1, fence=9), version, PromotionPolicy())

    assert len(decided.loop().ledger.read()) == entries

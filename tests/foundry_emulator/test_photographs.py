"""What the learner makes of real photographs; the figures are those of the service's own checkpoints."""

import os
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from openai import OpenAI
from PIL import Image

from tests.foundry_emulator.support import MODEL, Example, data_url, encode, ended, running, training_file, upload

pytestmark = pytest.mark.slow
SEEDS = range(5)
TRAINING_IMAGES_PER_CLASS = 120
Split = tuple[list[Example], list[Example]]


@pytest.fixture(scope="module")
def photographs() -> list[Example]:
    folder = os.environ.get("KAIZEN_TEST_IMAGES")
    if not folder:
        pytest.skip("set KAIZEN_TEST_IMAGES to a folder of class folders with photographs")
    paths = [path for path in sorted(Path(folder).glob("*/*")) if path.suffix.lower() in (".jpg", ".png", ".bmp")]
    return [Example(data_url(encode(Image.open(path).convert("RGB"), "PNG")), path.parent.name) for path in paths]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    with running(tmp_path_factory.mktemp("photographs"), "--speed", "10") as emulator, emulator.client() as opened:
        yield opened


@pytest.fixture(scope="module")
def splits(photographs: list[Example]) -> list[Split]:
    return [split(photographs, seed) for seed in SEEDS]


def split(photographs: list[Example], seed: int) -> Split:
    """Return training and test photographs, equally many of each class for training."""
    by_class = defaultdict(list)
    for example in random.Random(seed).sample(photographs, len(photographs)):
        by_class[example.texture].append(example)
    training = [e for some in by_class.values() for e in some[:TRAINING_IMAGES_PER_CLASS]]
    random.Random(seed).shuffle(training)
    return training, [e for some in by_class.values() for e in some[TRAINING_IMAGES_PER_CLASS:]]


def learn(
    client: OpenAI, training: list[Example], test: list[Example], seed: int, model: str = MODEL, **given: Any
) -> tuple[str, list[float], list[float]]:
    """Return the model, and the accuracy and loss on *test* at the end of every epoch."""
    trained_on, tested_on = upload(client, training_file(training)), upload(client, training_file(test))
    asked: dict[str, Any] = {"training_file": trained_on.id, "validation_file": tested_on.id, "hyperparameters": given}
    job = client.fine_tuning.jobs.create(model=model, seed=seed, **asked)
    done = ended(client, job.id)
    rows = client.files.content(done.result_files[0]).text.splitlines()[1:]
    for file in (trained_on, tested_on):
        client.files.delete(file.id)
    ends = [row.split(",") for row in rows if not row.endswith(",,")]
    return str(done.fine_tuned_model), [float(row[6]) for row in ends], [float(row[5]) for row in ends]


def accuracies(client: OpenAI, splits: list[Split], images: int | None = None, **given: Any) -> list[float]:
    return [learn(client, s[0][:images], s[1], seed, **given)[1][-1] for seed, s in zip(SEEDS, splits, strict=True)]


@pytest.fixture(scope="module")
def usual(client: OpenAI, splits: list[Split]) -> list[float]:
    return accuracies(client, splits)


def test_three_epochs_of_all_photographs_are_learned_well_with_every_seed(usual: list[float]) -> None:
    assert mean(usual) >= 0.95, usual
    assert min(usual) >= 0.92, usual


def test_one_epoch_teaches_less(client: OpenAI, splits: list[Split], usual: list[float]) -> None:
    assert mean(accuracies(client, splits, n_epochs=1)) < mean(usual) - 0.02


def test_a_tenth_of_the_photographs_teaches_much_less(client: OpenAI, splits: list[Split], usual: list[float]) -> None:
    assert mean(accuracies(client, splits, images=72)) < mean(usual) - 0.05


def test_ten_times_the_learning_rate_is_worse(client: OpenAI, splits: list[Split], usual: list[float]) -> None:
    assert mean(accuracies(client, splits, learning_rate_multiplier=10)) < mean(usual) - 0.05


def test_thirty_epochs_on_sixty_photographs_overfit(client: OpenAI, splits: list[Split]) -> None:
    rises = []
    for seed, (training, test) in zip(SEEDS, splits, strict=True):
        losses = learn(client, training[:60], test, seed, n_epochs=30)[2]
        rises.append(losses[-1] / min(losses))

    assert mean(rises) > 1.05, rises


def test_continuing_on_all_classes_beats_starting_anew_on_few_photographs(client: OpenAI, splits: list[Split]) -> None:
    gains = []
    for seed, (training, test) in zip(SEEDS, splits, strict=True):
        classes = sorted({e.texture for e in training})
        few = few_of(training, classes, 5)
        parent = learn(client, of(training, classes[:4]), test, seed)[0]
        continued = learn(client, few, test, seed, model=parent)[1][-1]
        gains.append(continued - learn(client, few, test, seed)[1][-1])

    assert min(gains) > 0, gains


@pytest.mark.parametrize("new", [(3, 4, 5), (0, 1), (0, 2, 3)])
def test_continuing_on_new_classes_alone_beats_starting_anew_on_few_photographs(
    client: OpenAI, splits: list[Split], new: tuple[int, ...]
) -> None:
    gains = []
    for seed, (training, test) in zip(SEEDS, splits, strict=True):
        classes = sorted({e.texture for e in training})
        taught = [classes[place] for place in new]
        few, judged = few_of(training, taught, 10), of(test, taught)
        parent = learn(client, of(training, [name for name in classes if name not in taught]), test, seed)[0]
        continued = learn(client, few, judged, seed, model=parent)[1][-1]
        gains.append(continued - learn(client, few, judged, seed)[1][-1])

    assert mean(gains) > 0, gains
    assert sum(gain >= 0 for gain in gains) >= 4, gains


def of(examples: list[Example], classes: Sequence[str]) -> list[Example]:
    return [e for e in examples if e.texture in classes]


def few_of(examples: list[Example], classes: Sequence[str], count: int) -> list[Example]:
    return [e for name in classes for e in of(examples, [name])[:count]]

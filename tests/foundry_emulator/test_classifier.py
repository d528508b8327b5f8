"""What the classifier keeps and what it gains when it is continued."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foundry_emulator.learning import classifier, weights
from foundry_emulator.learning.classifier import BASE_LEARNING_RATE, MOST_HIDDEN, Classifier, Optimizer
from foundry_emulator.learning.weights import LearnedModel

LENGTH = 40
NAMES = ("north", "east", "south", "west")


def rows(names: tuple[str, ...], each: int, seed: int) -> tuple[NDArray[np.float32], list[str]]:
    """Return rows that lie around one place per name, and vary most where it says nothing about the name."""
    dice = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((len(NAMES), LENGTH))
    told = [name for name in names for _ in range(each)]
    noise = dice.standard_normal((len(told), LENGTH)) * np.linspace(0.2, 4, LENGTH)
    return (centres[[NAMES.index(name) for name in told]] + noise).astype(np.float32), told


def learn(model: Classifier, features: NDArray[np.float32], answers: list[str], epochs: int = 20) -> Classifier:
    optimizer, labels = Optimizer(model), model.labels(answers)
    for _ in range(epochs):
        for row in np.random.default_rng(1).permutation(len(answers)):
            optimizer.step(features[[row]], labels[[row]], BASE_LEARNING_RATE / 10)
    return model


def trained() -> Classifier:
    given = rows(NAMES[:3], 20, seed=1)
    return learn(classifier.start(*given, seed=1), *given)


def test_until_it_learns_a_continued_network_tells_old_answers_apart_as_before() -> None:
    model = trained()
    features, _ = rows(NAMES[:3], 5, seed=2)
    before = model.log_probabilities(features)
    model.continue_with(*rows(NAMES[3:], 10, seed=3), seed=2)
    after = model.log_probabilities(features)[:, :3]

    assert model.answers == ["east", "north", "south", "west"]
    assert np.allclose(before - before[:, :1], after - after[:, :1], atol=1e-2)


def test_new_answers_start_as_probable_as_they_are_in_the_file() -> None:
    model = trained()
    features, told = rows(NAMES, 5, seed=3)
    model.continue_with(features, told, seed=2)
    share = np.exp(model.log_probabilities(features)[:, 3]).mean()

    assert 0.1 < share < 0.4


def test_more_of_the_same_answers_changes_nothing_before_they_are_learned() -> None:
    model = trained()
    features, told = rows(NAMES[:3], 5, seed=2)
    before = model.log_probabilities(features)
    model.continue_with(features, told, seed=2)

    assert np.array_equal(before, model.log_probabilities(features))


def test_the_hidden_layer_does_not_grow_without_end() -> None:
    model = trained()
    for number in range(8):
        features, _ = rows(NAMES[:1], 3, seed=number)
        model.continue_with(features, [f"answer {number}"] * 3, seed=number)

    assert len(model.hidden_bias) == MOST_HIDDEN
    assert len(model.answers) == 11


def test_a_network_is_read_back_as_it_was(tmp_path: Path) -> None:
    model = trained()
    model.continue_with(*rows(NAMES[3:], 10, seed=3), seed=2)
    weights.save(LearnedModel(images=model), tmp_path / "model")
    read = weights.load(tmp_path / "model")
    features, _ = rows(NAMES, 5, seed=4)

    assert read.text is None
    assert read.images is not None
    assert np.array_equal(read.images.log_probabilities(features), model.log_probabilities(features))

"""The suffix by which a job is found again instead of being bought twice."""

import re

import pytest

from data_contracts.policies import AugmentationPolicy
from data_contracts.training import Hyperparameters, TrainingRequest
from tests.decisions.builders import request

OTHER: dict[str, object] = {
    "loop": "another loop",
    "model": "gpt-4o-2024-08-06",
    "dataset": "5" * 64,
    "contract": "6" * 64,
    "prompt": "Which defect do you see?",
    "detail": "high",
    "training_type": "Developer",
    "hyperparameters": Hyperparameters(n_epochs=4),
    "seed": 43,
    "attempt": 2,
    "augmentation": AugmentationPolicy(copies=2),
    "largest_repeat": 5,
}


def test_a_suffix_is_k_and_16_hex_digits() -> None:
    suffixes = [request(attempt=attempt).suffix for attempt in range(1, 100)]

    assert all(re.fullmatch("k[0-9a-f]{16}", suffix) for suffix in suffixes)


def test_the_same_request_has_the_same_suffix_after_a_round_trip() -> None:
    again = TrainingRequest.model_validate_json(request().model_dump_json())

    assert again.suffix == request().suffix


@pytest.mark.parametrize("field", TrainingRequest.model_fields)
def test_another_value_of_any_field_gives_another_suffix(field: str) -> None:
    changed = request().model_copy(update={field: OTHER[field]})

    assert changed.suffix != request().suffix


@pytest.mark.parametrize(
    "hyperparameters",
    [
        Hyperparameters(n_epochs=4),
        Hyperparameters(n_epochs=3, batch_size=8),
        Hyperparameters(n_epochs=3, learning_rate_multiplier=0.5),
    ],
)
def test_another_hyperparameter_gives_another_suffix(hyperparameters: Hyperparameters) -> None:
    changed = request().model_copy(update={"hyperparameters": hyperparameters})

    assert changed.suffix != request().suffix


def test_another_change_to_the_copies_gives_another_suffix() -> None:
    one, other = (
        request().model_copy(update={"augmentation": AugmentationPolicy(copies=1, seed=seed)}) for seed in (1, 2)
    )

    assert one.suffix != other.suffix


def test_an_unknown_field_of_a_request_is_refused() -> None:
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        TrainingRequest.model_validate(request().model_dump() | {"epochs": 3})

"""A request for a fine-tuning job, checked."""

import re
import secrets
from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors

AUTO = -1
HYPERPARAMETERS = ("batch_size", "learning_rate_multiplier", "n_epochs")
_SUFFIX = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MOST_METADATA, _LONGEST_KEY, _LONGEST_VALUE = 16, 64, 512
_MOST_EPOCHS = 50


@dataclass(frozen=True)
class JobRequest:
    """What a caller asked for; hyperparameters left to the service are -1."""

    model: str
    training_file: str
    validation_file: str | None
    suffix: str | None
    seed: int
    hyperparameters: dict[str, float]
    echoed: dict[str, Any]


def parse(body: dict[str, Any]) -> JobRequest:
    """Return the request in *body*; ServiceError 400 says what is wrong with it."""
    suffix = _suffix(body.get("suffix"))
    hyperparameters = _hyperparameters(body)
    return JobRequest(
        model=_text(body, "model"),
        training_file=_text(body, "training_file"),
        validation_file=_text(body, "validation_file") if body.get("validation_file") else None,
        suffix=suffix,
        seed=_seed(body.get("seed")),
        hyperparameters=hyperparameters,
        echoed=_echoed(body),
    )


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise errors.invalid_payload(f"The field '{name}' is required and must be a string.")
    return value


def _suffix(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _SUFFIX.fullmatch(value):
        raise errors.invalid_payload(f"The suffix '{value}' may have 40 letters, digits, hyphens or underscores.")
    return value


def _seed(value: Any) -> int:
    if value is None:
        return secrets.randbelow(2**31)
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**31) <= value < 2**31:
        raise errors.invalid_payload("The seed must be a 32-bit integer.")
    return value


def _hyperparameters(body: dict[str, Any]) -> dict[str, float]:
    method = body.get("method") or {}
    kind = method.get("type", "supervised") if isinstance(method, dict) else None
    if kind != "supervised":
        raise errors.invalid_payload(f"The fine-tuning method '{kind}' is not supported for this model.")
    given = _object(_object(method, "supervised"), "hyperparameters") or _object(body, "hyperparameters")
    return {name: _hyperparameter(name, given.get(name)) for name in HYPERPARAMETERS}


def _object(owner: dict[str, Any], name: str) -> dict[str, Any]:
    value = owner.get(name) or {}
    if not isinstance(value, dict):
        raise errors.invalid_payload(f"The field '{name}' must be an object.")
    return value


def _hyperparameter(name: str, value: Any) -> float:
    if value is None or value in ("auto", AUTO):
        return AUTO
    whole = name != "learning_rate_multiplier"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or value <= 0:
        raise errors.invalid_payload(f"The hyperparameter {name} must be a positive number or 'auto', not {value!r}.")
    if name == "n_epochs" and value > _MOST_EPOCHS:
        raise errors.invalid_payload(f"The hyperparameter n_epochs must be at most {_MOST_EPOCHS}.")
    number: float = value
    return number


def _echoed(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are given back as they came, or nearly so."""
    echoed = {name: body[name] for name in ("method", "integrations") if body.get(name) is not None}
    if body.get("metadata") is not None:
        echoed["metadata"] = _metadata(body["metadata"])
    if body.get("trainingType") is not None:
        echoed["trainingType"] = _training_type(body["trainingType"])
    return echoed


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > _MOST_METADATA:
        raise errors.invalid_payload(f"The metadata must be an object of at most {_MOST_METADATA} pairs.")
    for key, text in value.items():
        if not isinstance(text, str) or len(key) > _LONGEST_KEY or len(text) > _LONGEST_VALUE:
            raise errors.invalid_payload(
                f"The metadata '{key}' must be text, keys up to {_LONGEST_KEY} and values up to {_LONGEST_VALUE} long."
            )
    return value


def _training_type(value: Any) -> str:
    names = {
        "standard": "standard",
        "globalstandard": "globalStandard",
        "developer": "developerTier",
        "developertier": "developerTier",
    }
    name = names.get(str(value).lower())
    if name is None:
        raise errors.invalid_payload(f"The trainingType '{value}' is not supported.")
    return name

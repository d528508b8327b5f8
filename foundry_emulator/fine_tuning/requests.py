"""A request for a fine-tuning job, checked."""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors, metadata
from foundry_emulator.fine_tuning import hyperparameters

MOST_SHOWN = 100
DEFAULT_TRAINING_TYPE = "standard"
DEVELOPER = "developerTier"
_FIELDS = frozenset(
    {
        *("model", "training_file", "validation_file", "suffix", "seed", "method", "hyperparameters"),
        *("metadata", "integrations", "trainingType"),
    }
)
_NAME = re.compile(r"[\x21-\x7e]{1,256}")
_SUFFIX = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MOST_INTEGRATIONS = 5
_WANDB_TEXTS = ("project", "name", "entity")
_TRAINING_TYPES = {
    "standard": "standard",
    "globalstandard": "globalStandard",
    "1": "globalStandard",
    "developer": DEVELOPER,
    "developertier": DEVELOPER,
}


@dataclass(frozen=True)
class JobRequest:
    """What a caller asked for; hyperparameters left to the service are -1, *training_type* is None if not given."""

    model: str
    training_file: str
    validation_file: str | None
    suffix: str | None
    seed: int
    hyperparameters: dict[str, float]
    training_type: str | None
    echoed: dict[str, Any]


def parse(body: dict[str, Any]) -> JobRequest:
    """Return the request in *body*; ServiceError 400 says what is wrong with it."""
    _check_text(body)
    unknown = sorted(set(body) - _FIELDS)
    if unknown:
        raise errors.invalid_payload(f"Unrecognized request argument supplied: {unknown[0][:MOST_SHOWN]}.")
    training_type = _training_type(body.get("trainingType"))
    return JobRequest(
        model=_name(body, "model"),
        training_file=_name(body, "training_file"),
        validation_file=_name(body, "validation_file") if body.get("validation_file") else None,
        suffix=_suffix(body.get("suffix")),
        seed=_seed(body.get("seed")),
        hyperparameters=hyperparameters.parse(body),
        training_type=training_type,
        echoed=_echoed(body, training_type),
    )


def _check_text(body: dict[str, Any]) -> None:
    try:
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as problem:  # half a surrogate pair, or a number that JSON does not have
        raise errors.invalid_payload("The request body has text or numbers that are not valid.") from problem


def _name(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise errors.invalid_payload(f"The field '{field}' is required and must be a string.")
    if not _NAME.fullmatch(value):
        raise errors.invalid_payload(f"The field '{field}' has a value that cannot exist: {value[:MOST_SHOWN]!r}.")
    return value


def _suffix(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _SUFFIX.fullmatch(value):
        raise errors.invalid_payload(
            f"The suffix '{str(value)[:MOST_SHOWN]}' must be 1 to 40 letters, digits, hyphens or underscores."
        )
    return value


def _seed(value: Any) -> int:
    if value is None:
        return secrets.randbelow(2**31)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise errors.invalid_payload("The seed must be a whole number from 0 to 2147483647.")
    return value


def _echoed(body: dict[str, Any], training_type: str | None) -> dict[str, Any]:
    """Return the fields that are given back as they came, or nearly so."""
    echoed: dict[str, Any] = {}
    if body.get("method") is not None:
        echoed["method"] = without_nulls(body["method"])
    if body.get("integrations") is not None:
        echoed["integrations"] = _integrations(body["integrations"])
    if body.get("metadata") is not None:
        echoed["metadata"] = metadata.checked(body["metadata"])
    if training_type is not None:
        echoed["trainingType"] = training_type
    return echoed


def without_nulls(value: Any) -> Any:
    """Return *value* without the fields of objects that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return value


def _integrations(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > _MOST_INTEGRATIONS:
        raise errors.invalid_payload(f"The integrations must be a list of at most {_MOST_INTEGRATIONS}.")
    return [_integration(each) for each in value]


def _integration(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or value.get("type") != "wandb" or set(value) != {"type", "wandb"}:
        raise errors.invalid_payload("An integration must have the type 'wandb' and the settings 'wandb'.")
    settings = without_nulls(value["wandb"])
    if not isinstance(settings, dict) or not settings.get("project"):
        raise errors.invalid_payload("The integration wandb needs a 'project'.")
    unknown = sorted(set(settings) - {*_WANDB_TEXTS, "tags"})
    tags = settings.get("tags", [])
    right = all(isinstance(settings.get(name, ""), str) for name in _WANDB_TEXTS)
    if unknown or not right or not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise errors.invalid_payload(
            "The integration wandb takes the texts 'project', 'name' and 'entity', and a list of texts 'tags'."
        )
    return {"type": "wandb", "wandb": settings}


def _training_type(value: Any) -> str | None:
    if value is None:
        return None
    name = None if isinstance(value, bool) else _TRAINING_TYPES.get(str(value).lower())
    if name is None or not isinstance(value, (str, int)):
        raise errors.invalid_payload(f"The trainingType '{str(value)[:MOST_SHOWN]}' is not supported.")
    return name

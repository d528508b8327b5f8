"""Hyperparameters of a request: in `method.supervised`, or in the older place beside it."""

from typing import Any

from foundry_emulator import errors

AUTO = -1
NAMES = ("batch_size", "learning_rate_multiplier", "n_epochs")
PROMPT_LOSS_WEIGHT = "prompt_loss_weight"
_MOST = {"batch_size": 256, "n_epochs": 50, "learning_rate_multiplier": 1_000_000}
_METHODS = ("supervised", "dpo", "reinforcement")
_SHOWN = 100


def parse(body: dict[str, Any]) -> dict[str, float]:
    """Return every hyperparameter of a job request, -1 for auto; ServiceError 400 says what is wrong."""
    method = _object(body, "method")
    newer = _object(_method(body, method), "hyperparameters")
    older = _object(body, "hyperparameters")
    if newer and older:
        raise errors.invalid_payload(
            "Hyperparameters are given both in 'hyperparameters' and in 'method'; give them in one of the two."
        )
    _check_names(newer, NAMES)
    _check_names(older, (*NAMES, PROMPT_LOSS_WEIGHT))
    given = newer or older
    parsed = {name: _number(name, given.get(name)) for name in NAMES}
    weight = older.get(PROMPT_LOSS_WEIGHT)
    return parsed if weight is None else {**parsed, PROMPT_LOSS_WEIGHT: _prompt_loss_weight(weight)}


def _method(body: dict[str, Any], method: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of supervised training, the only method that these models have."""
    if body.get("method") is None:
        return {}
    kind = method.get("type")
    if kind not in _METHODS:
        raise errors.invalid_payload(f"The method needs a type, one of {', '.join(_METHODS)}, not {_shown(kind)}.")
    if kind != "supervised":
        model = str(body.get("model"))[:_SHOWN]
        raise errors.invalid_payload(f"The fine-tuning method '{kind}' is not supported for the model '{model}'.")
    others = sorted(name for name in method if name not in ("type", "supervised") and method[name] is not None)
    if others:
        raise errors.invalid_payload(f"The method 'supervised' does not take {_shown(others[0])}.")
    settings = _object(method, "supervised")
    _check_names(settings, ("hyperparameters",))
    return settings


def _object(owner: dict[str, Any], name: str) -> dict[str, Any]:
    value = owner.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise errors.invalid_payload(f"The field '{name}' must be an object.")
    return value


def _check_names(given: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise errors.invalid_payload(f"{_shown(unknown[0])} is none of {', '.join(known)}.")


def _number(name: str, value: Any) -> float:
    if value is None or value == "auto" or (value == AUTO and not isinstance(value, bool)):
        return AUTO
    whole = name != "learning_rate_multiplier"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or value <= 0:
        raise errors.invalid_payload(
            f"The hyperparameter {name} must be a positive {'whole ' if whole else ''}number or 'auto',"
            f" not {_shown(value)}."
        )
    if value > _MOST[name]:
        raise errors.invalid_payload(f"The hyperparameter {name} must be at most {_MOST[name]}.")
    return value if whole else float(value)


def _prompt_loss_weight(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise errors.invalid_payload(
            f"The hyperparameter {PROMPT_LOSS_WEIGHT} must be a number from 0 to 1, not {_shown(value)}."
        )
    return float(value)


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN]

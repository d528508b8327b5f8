"""What a PUT or PATCH of a model deployment asks for, checked."""

import re
from dataclasses import dataclass, field
from typing import Any

from foundry_emulator import errors
from foundry_emulator.control_plane import tiers

LARGEST_CAPACITY = 2**31 - 1
MOST_TAGS, LONGEST_TAG_NAME, LONGEST_TAG = 50, 512, 256
_NAME = re.compile(r"[A-Za-z0-9_.-]{2,64}")
_MODEL_TEXT = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,1022}[\x21-\x7e])?")
_UPGRADES = frozenset({"OnceNewDefaultVersionAvailable", "OnceCurrentVersionExpired", "NoAutoUpgrade"})
_CAPACITY_SETTINGS = ("designatedCapacity", "priority")
_KEPT_TEXTS = ("raiPolicyName", "parentDeploymentName", "spilloverDeploymentName")


@dataclass(frozen=True)
class ModelReference:
    """The model that is to be deployed, as the caller names it; *source* is the account that has it."""

    format: str
    name: str
    version: str
    source: str | None = None


@dataclass(frozen=True)
class PutRequest:
    """A whole model deployment as it shall be; *sku* is None if the caller gave none."""

    sku: str | None
    capacity: int
    model: ModelReference
    tags: dict[str, str] | None
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PatchRequest:
    """What is to change; None for what stays."""

    sku: str | None
    capacity: int | None
    tags: dict[str, str] | None


def check_name(name: str) -> None:
    """Return if a model deployment may have this *name*; ServiceError 400 if not."""
    if not _NAME.fullmatch(name):
        raise errors.arm_wrong_name(name)


def parse_put(body: dict[str, Any]) -> PutRequest:
    """Return the request in *body*; ServiceError 400 says what is wrong with it."""
    properties = _object(body, "properties")
    if properties.get("scaleSettings"):
        raise errors.arm_properties(
            "The scale settings of account deployment is deprecated since API version '2023-05-01', please use 'sku'"
            " instead."
        )
    sku, capacity = _sku(body)
    return PutRequest(sku, capacity or 1, _model(_object(properties, "model")), _tags(body), _kept(properties))


def parse_patch(body: dict[str, Any]) -> PatchRequest:
    """Return the request in *body*; ServiceError 400 says what is wrong with it."""
    unknown = sorted(set(body) - {"tags", "sku"})
    if unknown:
        raise errors.arm_invalid(f"Only 'tags' and 'sku' of a deployment can be patched, not {', '.join(unknown)}.")
    return PatchRequest(*_sku(body), _tags(body))


def _sku(body: dict[str, Any]) -> tuple[str | None, int | None]:
    if body.get("sku") is None:
        return None, None
    sku = _object(body, "sku")
    name, capacity = sku.get("name"), sku.get("capacity")
    if name is not None and (not isinstance(name, str) or tiers.tier(name) is None):
        raise errors.arm_invalid(f"The sku {name!r} is not supported.")
    if capacity is not None and (
        isinstance(capacity, bool) or not isinstance(capacity, int) or not 1 <= capacity <= LARGEST_CAPACITY
    ):
        raise errors.arm_invalid(f"The sku capacity must be a whole number from 1, not {_short(capacity)}.")
    return tiers.tier(name) if name is not None else None, capacity


def _model(model: dict[str, Any]) -> ModelReference:
    if not model.get("name"):
        raise errors.arm_invalid("The properties.model.name is required.")
    return ModelReference(
        format=_text(model, "format") or "OpenAI",
        name=_text(model, "name") or "",
        version=_text(model, "version") or "",
        source=_text(model, "source") or _text(model, "sourceAccount"),
    )


def _kept(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties that are kept and given back as they were sent."""
    kept = {name: _text(properties, name) for name in _KEPT_TEXTS if properties.get(name) is not None}
    upgrade = properties.get("versionUpgradeOption")
    if upgrade is not None and (not isinstance(upgrade, str) or upgrade not in _UPGRADES):
        raise errors.arm_invalid(f"The versionUpgradeOption {_short(upgrade)} is none of {sorted(_UPGRADES)}.")
    throttling = properties.get("dynamicThrottlingEnabled")
    if throttling is not None and not isinstance(throttling, bool):
        raise errors.arm_invalid("The dynamicThrottlingEnabled must be true or false.")
    settings = _capacity_settings(properties)
    optional = {
        "versionUpgradeOption": upgrade,
        "dynamicThrottlingEnabled": throttling,
        "capacitySettings": settings,
    }
    return {**kept, **{name: value for name, value in optional.items() if value is not None}}


def _capacity_settings(properties: dict[str, Any]) -> dict[str, int] | None:
    settings = _object(properties, "capacitySettings")
    for name, value in settings.items():
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_CAPACITY
        if name not in _CAPACITY_SETTINGS or not whole:
            raise errors.arm_invalid(
                f"The capacitySettings are whole numbers from 0 named {' and '.join(_CAPACITY_SETTINGS)}, not"
                f" {_short(name)}: {_short(value)}."
            )
    return settings or None


def _tags(body: dict[str, Any]) -> dict[str, str] | None:
    if body.get("tags") is None:
        return None
    tags = _object(body, "tags")
    if len(tags) > MOST_TAGS:
        raise errors.arm_invalid(f"A resource can have at most {MOST_TAGS} tags, not {len(tags)}.")
    for name, value in tags.items():
        if not isinstance(value, str) or len(value) > LONGEST_TAG or not 1 <= len(name) <= LONGEST_TAG_NAME:
            raise errors.arm_invalid(
                f"The tag {_short(name)} must have a name of 1 to {LONGEST_TAG_NAME} characters and a text of at most"
                f" {LONGEST_TAG}."
            )
    return tags


def _object(owner: dict[str, Any], name: str) -> dict[str, Any]:
    value = owner.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise errors.arm_invalid(f"The field '{name}' must be an object.")
    return value


def _text(owner: dict[str, Any], name: str) -> str | None:
    value = owner.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _MODEL_TEXT.fullmatch(value):
        raise errors.arm_invalid(f"The field '{name}' must be a short text of printable characters.")
    return value


def _short(value: object) -> str:
    told = ascii(value)
    return told if len(told) <= 60 else f"{told[:60]}..."  # noqa: PLR2004

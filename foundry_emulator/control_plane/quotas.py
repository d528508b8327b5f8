"""Quota: how much capacity an account may hold of each model in each tier, and how much it holds."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from foundry_emulator import errors
from foundry_emulator.control_plane import tiers
from foundry_emulator.models import catalogue
from foundry_emulator.models.table import BaseModel

GENEROUS = 10_000_000
EVERY = "*"
_NAME = re.compile(rf"OpenAI\.({'|'.join(tiers.ALL)})\.[A-Za-z0-9._-]+", re.IGNORECASE)
_LIMIT = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True)
class QuotaName:
    """What one quota counts: the model deployments of a base model, or of those tuned from it, in one tier."""

    sku: str
    model: str
    fine_tuned: bool

    @property
    def value(self) -> str:
        """The name in usages, such as OpenAI.GlobalStandard.gpt-4o-finetune."""
        return f"OpenAI.{self.sku}.{self.model}{'-finetune' if self.fine_tuned else ''}"

    @property
    def localized(self) -> str:
        """The name for people, as the refusal tells it."""
        unit = "Provisioned Throughput Units" if self.sku in tiers.PROVISIONED else "Tokens Per Minute (thousands)"
        model = f"{self.model}{'-finetune' if self.fine_tuned else ''}"
        return f"{unit} - {model}" + ("" if self.sku == "Standard" else f" - {self.sku}")


@dataclass(frozen=True)
class Held:
    """Capacity that one model deployment holds of a quota."""

    name: QuotaName
    capacity: int


@dataclass(frozen=True)
class Quotas:
    """The limits: a name in lower case, and how much; `*` is for all that are not named."""

    limits: Mapping[str, int] = field(default_factory=dict)

    def limit(self, name: QuotaName) -> int:
        """Return how much capacity of *name* an account may hold."""
        return self.limits.get(name.value.lower(), self.limits.get(EVERY, GENEROUS))

    def check(self, name: QuotaName, wanted: int, held: Iterable[Held]) -> None:
        """Return if *wanted* more capacity fits beside what is *held*; ServiceError InsufficientQuota if not."""
        used = sum(each.capacity for each in held if each.name == name)
        limit = self.limit(name)
        if wanted > 0 and used + wanted > limit:
            raise errors.arm_insufficient_quota(wanted, name.localized, used, limit)

    def usages(self, held: Iterable[Held], accounts: int = 1) -> list[dict[str, Any]]:
        """Return every quota with what is *held* of it, as usages list it for so many *accounts*."""
        used = used_of(held)
        return [
            {
                "unit": "Count",
                "name": {"value": name.value, "localizedValue": name.localized},
                "currentValue": float(used[name]),
                "limit": float(self.limit(name) * accounts),
            }
            for name in all_names()
        ]


def used_of(held: Iterable[Held]) -> Counter[QuotaName]:
    """Return how much of each quota is *held* in all."""
    used: Counter[QuotaName] = Counter()
    for each in held:
        used[each.name] += each.capacity
    return used


def all_names() -> list[QuotaName]:
    """Return every quota there is."""
    return list(dict.fromkeys(name for base in catalogue.base_models() for name in names_of(base)))


def names_of(base: BaseModel) -> list[QuotaName]:
    """Return the quotas of a base model and of those tuned from it."""
    kinds = (False, True) if base.trainable else (False,)
    return [
        QuotaName(sku, base.name, fine_tuned)
        for fine_tuned in kinds
        for sku in tiers.tiers_for(base, fine_tuned=fine_tuned)
    ]


def parse_limit(text: str) -> tuple[str, int]:
    """Return the quota's name in lower case and its limit from NAME=LIMIT; ValueError says what is wrong."""
    name, mark, limit = text.rpartition("=")
    if not mark:
        raise ValueError(f"{text!r} is not NAME=LIMIT")
    if name != EVERY and not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a quota; such as OpenAI.GlobalStandard.gpt-4o-finetune, or * for all others")
    if not _LIMIT.fullmatch(limit):
        raise ValueError(f"{limit!r} is not a limit: a whole number of capacity units")
    return name.lower(), int(limit)

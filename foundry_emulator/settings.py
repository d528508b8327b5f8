"""What can be set when the emulator starts."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from foundry_emulator.accounts import Account
from foundry_emulator.content_filter import Filters

DEFAULT_ACCOUNT = Account("local", "local-key", "swedencentral")


class CannotServe(Exception):
    """The emulator cannot start; the message says why in one line."""


@dataclass(frozen=True)
class Durations:
    """How long Azure is imitated to take, in seconds."""

    file_processing: float = 0.2
    job_queue: float = 0.2
    job_list_lag: float = 0.0
    deployment_creation: float = 0.5
    deployment_propagation: float = 0.5
    deployment_deletion: float = 0.2
    batch_validation: float = 0.2
    batch_work: float = 0.2
    batch_finalizing: float = 0.2
    batch_cancelling: float = 0.2
    metrics_delay: float = 0.0

    def faster(self, speed: float) -> "Durations":
        """Return the same durations divided by *speed*."""
        return Durations(**{name: seconds / speed for name, seconds in asdict(self).items()})


@dataclass(frozen=True)
class FileQuota:
    """What one account may have of fine-tuning files: a number, and bytes in total."""

    fine_tune_files: int = 100
    fine_tune_bytes: int = 1_000_000_000


@dataclass(frozen=True)
class Webhook:
    """Where the ends of jobs are announced, and the secret that signs it (whsec_ and base64)."""

    url: str
    secret: str


@dataclass(frozen=True)
class DeploymentRules:
    """How strict the control plane is, where Azure's strictness is not settled.

    *quotas* are limits by the quota's name in lower case; `*` is for all others.
    """

    without_async_header: bool = False
    allow_model_change: bool = False
    enforce_regions: bool = False
    quotas: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """One emulator's folder, keys and pace."""

    state: Path
    accounts: tuple[Account, ...] = (DEFAULT_ACCOUNT,)
    identity_header: str | None = None
    rate_limit_factor: float = 1.0
    durations: Durations = field(default_factory=Durations)
    filters: Filters = field(default_factory=Filters)
    jitter: float = 0.0
    file_quota: FileQuota = field(default_factory=FileQuota)
    require_training_type: bool = False
    models: Path | None = None
    enforce_retirement: bool = False
    new_customer: bool = False
    webhooks: tuple[Webhook, ...] = ()
    faults: list[dict[str, Any]] | None = None
    rules: DeploymentRules = field(default_factory=DeploymentRules)
    prices: Path | None = None


def webhook_problem(url: str, secret: str) -> str | None:
    """Return why these cannot be a webhook, None if they can."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isascii()
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in url):
        return f"the address {url[:200]!r} is not http://HOST/... or https://HOST/..."
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith("whsec_") or not key:
        return "the secret must be whsec_ and base64"
    return None

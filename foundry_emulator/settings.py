"""What can be set when the emulator starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from foundry_emulator.accounts import Account

# answers are the same to the last bit only with one BLAS thread; the libraries read this when they are loaded
ONE_BLAS_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM")}
DEFAULT_ACCOUNT = Account("local", "local-key", "swedencentral")


class CannotServe(Exception):
    """The emulator cannot start; the message says why in one line."""


@dataclass(frozen=True)
class Durations:
    """How long Azure is imitated to take, in seconds."""

    file_processing: float = 0.2
    job_queue: float = 0.2
    deployment_creation: float = 0.5
    deployment_propagation: float = 0.5
    deployment_deletion: float = 0.2
    metrics_delay: float = 0.0

    def faster(self, speed: float) -> "Durations":
        """Return the same durations divided by *speed*."""
        return Durations(
            self.file_processing / speed,
            self.job_queue / speed,
            self.deployment_creation / speed,
            self.deployment_propagation / speed,
            self.deployment_deletion / speed,
            self.metrics_delay / speed,
        )


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
    rules: DeploymentRules = field(default_factory=DeploymentRules)
    prices: Path | None = None

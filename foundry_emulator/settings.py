"""What can be set when the emulator starts."""

from dataclasses import asdict, dataclass, field
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
    batch_validation: float = 0.2
    batch_work: float = 0.2
    batch_finalizing: float = 0.2
    batch_cancelling: float = 0.2

    def faster(self, speed: float) -> "Durations":
        """Return the same durations divided by *speed*."""
        return Durations(**{name: seconds / speed for name, seconds in asdict(self).items()})


@dataclass(frozen=True)
class FileQuota:
    """What one account may have of fine-tuning files: a number, and bytes in total."""

    fine_tune_files: int = 100
    fine_tune_bytes: int = 1_000_000_000


@dataclass(frozen=True)
class Settings:
    """One emulator's folder, keys and pace."""

    state: Path
    accounts: tuple[Account, ...] = (DEFAULT_ACCOUNT,)
    identity_header: str | None = None
    rate_limit_factor: float = 1.0
    durations: Durations = field(default_factory=Durations)
    file_quota: FileQuota = field(default_factory=FileQuota)

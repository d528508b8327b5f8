"""What is asked of a fine-tuning service and what it reports."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from data_contracts.policies import AugmentationPolicy
from data_contracts.record import Record

DERIVATION_VERSION = 2
"""Version of how an image becomes what the model sees; a change gives new suffixes and so new jobs."""

AUGMENTATION_VERSION = 1
"""Version of how copies of an image are changed; a change gives new suffixes where copies are made."""


def is_fine_tuned(model: str) -> bool:
    """Whether *model* is a fine-tuned model or a checkpoint; those are billed by the hour where they are deployed."""
    return ".ft-" in model


class Hyperparameters(Record):
    """What drives a fine-tuning job; None leaves the choice to the service."""

    n_epochs: int
    batch_size: int | None = None
    learning_rate_multiplier: float | None = None


class ReportedHyperparameters(Record):
    """What a job really used; None as long as the service has not chosen."""

    n_epochs: int | None = None
    batch_size: int | None = None
    learning_rate_multiplier: float | None = None


class SentExamples(Record):
    """Examples of a training file that have one label and cost the same tokens."""

    label: str = Field(description="Empty where examples have no class.")
    text_tokens: int = Field(description="Of each example.")
    image_tokens: int = Field(description="Of each example.")
    examples: int


class TrainingRequest(Record):
    """One fine-tuning job as we want it, before any file has been uploaded."""

    loop: str = Field(description="Two loops with the same images on one account buy a job each.")
    model: str = Field(description="Base model, or the checkpoint that the job continues from.")
    dataset: str = Field(description="Digest of the dataset: source images, labels and splits.")
    contract: str = Field(description="SHA-256 of the data contract in force.")
    prompt: str = Field(description="System prompt of every example.")
    detail: str
    training_type: str
    hyperparameters: Hyperparameters
    seed: int
    attempt: int = 1
    augmentation: AugmentationPolicy | None = Field(None, description="None where no copies are made.")
    largest_repeat: int = Field(1, description="How often an image may appear to balance its class; 1 is once.")

    @property
    def suffix(self) -> str:
        """`k` and 16 hex digits of all that makes this job this job: the same request, the same suffix."""
        versions = [DERIVATION_VERSION, AUGMENTATION_VERSION if self.augmentation else None]
        content = json.dumps([versions, self.model_dump(mode="json")], sort_keys=True)
        return "k" + hashlib.sha256(content.encode()).hexdigest()[:16]


class JobStatus(StrEnum):
    """Where a fine-tuning job stands; what we do not know is taken as still running."""

    UNDER_WAY = "under way"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TrainingJob(Record):
    """A fine-tuning job as the service reports it."""

    id: str
    model: str
    status: JobStatus
    reported_status: str = Field(description="The service's own word.")
    suffix: str | None
    created_at: datetime
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    hyperparameters: ReportedHyperparameters = Field(default_factory=ReportedHyperparameters)
    result_files: tuple[str, ...] = ()
    problem: str | None = None


class UploadedFile(Record):
    """A fine-tuning file on the account."""

    id: str
    name: str
    bytes: int
    usable: bool = Field(description="False where processing failed or the file is being deleted.")
    created_at: datetime | None = None


class UploadUnderWay(Record):
    """An upload in parts as far as it has come; kept so that an interrupted one goes on."""

    upload: str
    name: str
    bytes: int
    part_bytes: int
    parts: tuple[str, ...] = ()
    begun_at: datetime


class CurvePoint(Record):
    """What a job measured at one step; None for what it did not measure there."""

    step: int
    train_loss: float | None = None
    train_accuracy: float | None = None
    valid_loss: float | None = Field(None, description="On a sample of the validation file, so it jumps.")
    valid_accuracy: float | None = None
    full_valid_loss: float | None = Field(None, description="On the whole validation file, once an epoch.")
    full_valid_accuracy: float | None = None


class TrainingEvent(Record):
    """What a job said at a moment, with figures where it had measured something."""

    id: str
    at: datetime
    level: str
    message: str
    figures: dict[str, Any] = Field(default_factory=dict, description="Of a step, as the service names them.")


class Checkpoint(Record):
    """What a job left after an epoch; deployable, and the start of the next job."""

    model: str
    step: int
    train_loss: float | None = None
    full_valid_loss: float | None = None
    full_valid_accuracy: float | None = None
    valid_exact_match: float | None = None


class ModelDeployment(Record):
    """A model that answers under a name, billed by the hour where it is fine-tuned."""

    name: str
    model: str
    state: str
    sku: str
    capacity: int
    created_at: datetime | None = None
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def fine_tuned(self) -> bool:
        """Whether it is billed by the hour and deleted by Azure when nobody asks it."""
        return is_fine_tuned(self.model)

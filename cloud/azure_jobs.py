"""Fine-tuning jobs of an Azure OpenAI account."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import openai

from cloud.azure_data_plane import AzureDataPlane, ask, said
from cloud.errors import CloudRefused, CloudUnavailable, OutcomeUnknown, QueueFull
from data_contracts.training import (
    Checkpoint,
    JobStatus,
    ReportedHyperparameters,
    TrainingEvent,
    TrainingJob,
    TrainingRequest,
)

if TYPE_CHECKING:
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

REQUEST_TIMEOUT, SERVER_ERROR = 408, 500
QUEUE_FULL = "quotaExceeded"


class AzureJobs(AzureDataPlane):
    """The part of a Trainer that buys and follows jobs."""

    def find_jobs(self, suffix: str) -> Sequence[TrainingJob]:
        """See Trainer.find_jobs."""
        return sorted((job for job in self.jobs() if job.suffix == suffix), key=lambda job: job.created_at)

    def jobs(self) -> Sequence[TrainingJob]:
        """See Trainer.jobs."""
        return ask(lambda: [_job(each) for each in self._data.fine_tuning.jobs.list(limit=100)])

    def submit(self, request: TrainingRequest, training_file: str, validation_file: str | None) -> TrainingJob:
        """See Trainer.submit; the client's own retries are off, for each would buy another job."""
        hyperparameters: Any = request.hyperparameters.model_dump(exclude_none=True)
        try:
            return _job(
                self._data.with_options(max_retries=0).fine_tuning.jobs.create(
                    model=request.model,
                    training_file=training_file,
                    validation_file=validation_file,
                    suffix=request.suffix,
                    seed=request.seed,
                    method={"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
                    extra_body={"trainingType": request.training_type},
                )
            )
        except openai.RateLimitError as error:
            raise (QueueFull if error.code == QUEUE_FULL else CloudUnavailable)(said(error)) from error
        except openai.APIStatusError as error:
            if error.status_code >= SERVER_ERROR or error.status_code == REQUEST_TIMEOUT:
                raise OutcomeUnknown(said(error)) from error
            raise CloudRefused(said(error)) from error
        except openai.APIError as error:
            raise OutcomeUnknown(f"No answer to the job {request.suffix}: {error.message}") from error

    def job(self, id_: str) -> TrainingJob:
        """See Trainer.job."""
        return _job(ask(lambda: self._data.fine_tuning.jobs.retrieve(id_)))

    def cancel(self, id_: str) -> None:
        """See Trainer.cancel."""
        ask(lambda: self._data.fine_tuning.jobs.cancel(id_))

    def events(self, id_: str, known: str | None = None) -> Sequence[TrainingEvent]:
        """See Trainer.events; Azure lists the newest first, so only what is new is fetched."""

        def look() -> list[TrainingEvent]:
            listed = self._data.fine_tuning.jobs.list_events(id_, limit=100)
            return [_event(each) for each in takewhile(lambda each: each.id != known, listed)]

        return ask(look)[::-1]

    def checkpoints(self, id_: str) -> Sequence[Checkpoint]:
        """See Trainer.checkpoints."""
        found = ask(lambda: list(self._data.fine_tuning.jobs.checkpoints.list(id_)))
        return sorted(
            (
                Checkpoint(
                    model=each.fine_tuned_model_checkpoint,
                    step=each.step_number,
                    train_loss=each.metrics.train_loss,
                    full_valid_loss=each.metrics.full_valid_loss,
                    full_valid_accuracy=each.metrics.full_valid_mean_token_accuracy,
                )
                for each in found
            ),
            key=lambda checkpoint: checkpoint.step,
        )


def _job(raw: "FineTuningJob") -> TrainingJob:
    extra = raw.model_extra or {}
    known = {"succeeded": JobStatus.SUCCEEDED, "failed": JobStatus.FAILED, "cancelled": JobStatus.CANCELLED}
    return TrainingJob(
        id=raw.id,
        model=raw.model,
        status=known.get(raw.status, JobStatus.UNDER_WAY),
        reported_status=raw.status,
        suffix=extra.get("suffix") or extra.get("user_provided_suffix"),
        created_at=datetime.fromtimestamp(raw.created_at, UTC),
        fine_tuned_model=raw.fine_tuned_model,
        trained_tokens=raw.trained_tokens,
        hyperparameters=_hyperparameters(raw),
        result_files=tuple(raw.result_files or ()),
        problem=raw.error.message if raw.error and raw.error.message else None,
    )


def _event(raw: "FineTuningJobEvent") -> TrainingEvent:
    return TrainingEvent(
        id=raw.id,
        at=datetime.fromtimestamp(raw.created_at, UTC),
        level=raw.level,
        message=raw.message,
        figures=raw.data if isinstance(raw.data, dict) else {},
    )


def _hyperparameters(raw: "FineTuningJob") -> ReportedHyperparameters:
    """What the job uses; -1 and "auto" stand for what Azure has not chosen yet."""
    asked: Any = raw.method.supervised.hyperparameters if raw.method and raw.method.supervised else None
    found = {
        name: value
        for given in (asked, raw.hyperparameters)  # the latter has what the service chose
        for name in ReportedHyperparameters.model_fields
        if isinstance(value := getattr(given, name, None), int | float) and value > 0
    }
    return ReportedHyperparameters(**found)

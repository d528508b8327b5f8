"""Azure OpenAI in Microsoft Foundry behind the two protocols of `cloud.foundry`, through the official clients."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import openai
from azure.core.exceptions import ClientAuthenticationError
from openai.types.chat import ChatCompletion

from cloud.azure_deployments import AzureDeployments, not_logged_in
from cloud.errors import CloudRefused, CloudUnavailable, OutcomeUnknown, SettingsUnreadable
from cloud.settings import FoundrySettings
from cloud.waiting import eventually
from data_contracts.chats import Message
from data_contracts.evaluation import RawAnswer
from data_contracts.training import (
    Checkpoint,
    JobStatus,
    ReportedHyperparameters,
    TrainingJob,
    TrainingRequest,
    UploadedFile,
)

if TYPE_CHECKING:
    from openai.types.fine_tuning import FineTuningJob

TOKEN_SCOPE = "https://cognitiveservices.azure.com/.default"
FILE_PATIENCE = 30 * 60
ANSWER_PATIENCE = 10 * 60
LONGEST_ANSWER = 64
REQUEST_TIMEOUT, SERVER_ERROR = 408, 500

T = TypeVar("T")


class AzureOpenAI(AzureDeployments):
    """One Azure OpenAI account: a Trainer and an Answerer."""

    def __init__(self, settings: FoundrySettings, api_key: str | None) -> None:
        """Use the account at *settings*, with *api_key* or, without one, with Entra ID."""
        super().__init__(settings)
        self._api_key = api_key

    def find_file(self, name: str) -> str | None:
        """See Trainer.find_file."""
        usable = next((file for file in self.files() if file.usable and file.name == name), None)
        return self._processed(usable.id, name) if usable else None

    def files(self) -> Sequence[UploadedFile]:
        """See Trainer.files."""
        found = _ask(lambda: list(self._data.files.list(purpose="fine-tune")))
        unusable = ("error", "deleted", "deleting")
        return [
            UploadedFile(id=each.id, name=each.filename, bytes=each.bytes or 0, usable=each.status not in unusable)
            for each in found
        ]

    def upload(self, file: Path, name: str) -> str:
        """See Trainer.upload; the client's own retries are off, for after a lost answer each would leave a copy."""
        once = self._data.with_options(max_retries=0)
        with file.open("rb") as stream:
            uploaded = _ask(lambda: once.files.create(file=(name, stream), purpose="fine-tune"))
        return self._processed(uploaded.id, name)

    def delete_file(self, file: str) -> None:
        """See Trainer.delete_file."""

        def delete() -> None:
            with suppress(openai.NotFoundError):
                self._data.files.delete(file)

        _ask(delete)

    def content(self, file: str) -> bytes:
        """See Trainer.content."""
        return _ask(lambda: self._data.files.content(file).read())

    def find_jobs(self, suffix: str) -> Sequence[TrainingJob]:
        """See Trainer.find_jobs."""
        return sorted((job for job in self.jobs() if job.suffix == suffix), key=lambda job: job.created_at)

    def jobs(self) -> Sequence[TrainingJob]:
        """See Trainer.jobs."""
        return _ask(lambda: [_job(each) for each in self._data.fine_tuning.jobs.list(limit=100)])

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
            raise CloudUnavailable(_said(error)) from error
        except openai.APIStatusError as error:
            if error.status_code >= SERVER_ERROR or error.status_code == REQUEST_TIMEOUT:
                raise OutcomeUnknown(_said(error)) from error
            raise CloudRefused(_said(error)) from error
        except openai.APIError as error:
            raise OutcomeUnknown(f"No answer to the job {request.suffix}: {error.message}") from error

    def job(self, id_: str) -> TrainingJob:
        """See Trainer.job."""
        return _job(_ask(lambda: self._data.fine_tuning.jobs.retrieve(id_)))

    def cancel(self, id_: str) -> None:
        """See Trainer.cancel."""
        _ask(lambda: self._data.fine_tuning.jobs.cancel(id_))

    def messages(self, id_: str) -> Sequence[str]:
        """See Trainer.messages."""
        events = _ask(lambda: list(self._data.fine_tuning.jobs.list_events(id_, limit=100)))
        return [event.message for event in reversed(events)]

    def checkpoints(self, id_: str) -> Sequence[Checkpoint]:
        """See Trainer.checkpoints."""
        found = _ask(lambda: list(self._data.fine_tuning.jobs.checkpoints.list(id_)))
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

    def _processed(self, id_: str, name: str) -> str:
        def look() -> str | None:
            file = _ask(lambda: self._data.files.retrieve(id_))
            if file.status == "error":
                raise CloudRefused(f"Azure did not take the file {name}: {file.status_details or 'no reason given'}")
            return id_ if file.status == "processed" else None

        return eventually(look, FILE_PATIENCE, f"The file {name} ({id_}) is still not processed")

    def answer(self, model_deployment: str, prompt: str, image: str, detail: str) -> RawAnswer:
        """See Answerer.answer."""
        question: Any = [
            {"role": "system", "content": prompt},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": image, "detail": detail}}]},
        ]
        return self._answered(model_deployment, question, LONGEST_ANSWER)

    def reply(self, model_deployment: str, messages: Sequence[Message], most_tokens: int) -> RawAnswer:
        """See Answerer.reply; weights are for training only."""
        asked = [{"role": message["role"], "content": message["content"]} for message in messages]
        return self._answered(model_deployment, asked, most_tokens)

    def _answered(self, model_deployment: str, messages: Any, most_tokens: int) -> RawAnswer:
        began = time.perf_counter()
        try:
            completion = self._data.with_options(max_retries=5).chat.completions.create(
                model=model_deployment, messages=messages, temperature=0, max_tokens=most_tokens
            )
        except ClientAuthenticationError as error:
            raise CloudRefused(not_logged_in(error)) from error
        except openai.BadRequestError as error:
            return RawAnswer(filtered=error.code == "content_filter", failure=_said(error))
        except openai.APIError as error:
            return RawAnswer(failure=_said(error))
        return _raw_answer(completion, 1000 * (time.perf_counter() - began))

    def wait_until_answering(self, model_deployment: str) -> None:
        """See Answerer.wait_until_answering; asks one short question after another."""

        def look() -> bool | None:
            try:
                self._data.chat.completions.create(
                    model=model_deployment, messages=[{"role": "user", "content": "ready?"}], max_tokens=1
                )
            except openai.NotFoundError:
                return None
            return True

        eventually(
            lambda: _ask(look), ANSWER_PATIENCE, f"The model deployment {model_deployment} is ready but does not answer"
        )

    @cached_property
    def _data(self) -> openai.OpenAI:
        from azure.identity import get_bearer_token_provider

        if self._settings.endpoint is None:
            raise SettingsUnreadable("foundry.endpoint is not set; name it in kaizen.toml or KAIZEN_FOUNDRY__ENDPOINT")
        key = self._api_key or get_bearer_token_provider(self._credential, TOKEN_SCOPE)
        return openai.OpenAI(base_url=str(self._settings.endpoint), api_key=key, timeout=120)


def _ask(call: Callable[[], T]) -> T:
    """The answer of the data plane, its errors in our terms."""
    try:
        return call()
    except ClientAuthenticationError as error:
        raise CloudRefused(not_logged_in(error)) from error
    except (openai.RateLimitError, openai.ConflictError, openai.InternalServerError) as error:
        raise CloudUnavailable(_said(error)) from error
    except openai.APIStatusError as error:
        raise CloudRefused(_said(error)) from error
    except openai.APIError as error:
        raise CloudUnavailable(f"Azure OpenAI cannot be reached: {error.message}") from error


def _said(error: openai.APIError) -> str:
    status = getattr(error, "status_code", None)
    body: object = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, dict) else None
    else:
        message = None
    return f"Azure OpenAI answered {status}: {message or error.message}" if status else error.message


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


def _hyperparameters(raw: "FineTuningJob") -> ReportedHyperparameters:
    """What the job uses; -1 and "auto" stand for what Azure has not chosen yet."""
    told: Any = raw.method.supervised if raw.method else None
    given = (getattr(told, "hyperparameters", None) or raw.hyperparameters) if told else raw.hyperparameters
    found = {name: getattr(given, name, None) for name in ReportedHyperparameters.model_fields}
    return ReportedHyperparameters(
        **{name: value for name, value in found.items() if isinstance(value, int | float) and value > 0}
    )


def _raw_answer(completion: ChatCompletion, latency_ms: float) -> RawAnswer:
    choice, usage = completion.choices[0], completion.usage
    return RawAnswer(
        text=choice.message.content or "",
        refused=bool(choice.message.refusal),
        filtered=choice.finish_reason == "content_filter",
        latency_ms=latency_ms,
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
    )

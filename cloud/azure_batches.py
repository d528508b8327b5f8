"""Batches of an Azure OpenAI account: many questions in one file, for base models only."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai

from cloud.azure_answers import LONGEST_ANSWER, answer_of, asked_of, question
from cloud.azure_data_plane import ask, said
from cloud.azure_files import AzureFiles
from cloud.errors import CloudRefused, CloudUnavailable, OutcomeUnknown
from data_contracts.batches import AnswerBatch
from data_contracts.evaluation import RawAnswer

if TYPE_CHECKING:
    from openai.types import Batch

ENDPOINT: Any = "/v1/chat/completions"
PURPOSE = "batch"
KEPT_SECONDS = 14 * 24 * 3600
"""After which Azure deletes the files of a batch by itself; it allows no less."""
ENDED = ("completed", "failed", "cancelled", "expired")
UNKNOWN_DEPLOYMENT = "model_not_found"
ANSWERED = 200
REQUEST_TIMEOUT, SERVER_ERROR = 408, 500


class AzureBatches(AzureFiles):
    """The part of a BatchAnswerer that buys, follows and reads batches."""

    def batch_line(self, model_deployment: str, id_: str, prompt: str, image: str, detail: str) -> bytes:
        """See BatchAnswerer.batch_line; JSON in ASCII, for Azure refuses a byte order mark."""
        body = asked_of(model_deployment, question(prompt, image, detail), LONGEST_ANSWER, probabilities=True)
        line = {"custom_id": id_, "method": "POST", "url": ENDPOINT, "body": {**body, "temperature": 0}}
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"

    def find_batch_file(self, name: str) -> str | None:
        """See BatchAnswerer.find_batch_file."""
        return self._find(name, PURPOSE)

    def upload_batch_file(self, file: Path, name: str) -> str:
        """See BatchAnswerer.upload_batch_file."""
        return self._upload(file, name, PURPOSE, kept_seconds=KEPT_SECONDS)

    def submit_batch(self, input_file: str) -> AnswerBatch:
        """See BatchAnswerer.submit_batch; the client's own retries are off, for each would buy another batch."""
        expiry: Any = {"anchor": "created_at", "seconds": KEPT_SECONDS}
        try:
            return _batch(
                self._once.batches.create(
                    input_file_id=input_file,
                    endpoint=ENDPOINT,
                    completion_window="24h",
                    output_expires_after=expiry,
                )
            )
        except openai.RateLimitError as error:
            raise CloudUnavailable(said(error)) from error
        except openai.APIStatusError as error:
            if error.status_code >= SERVER_ERROR or error.status_code == REQUEST_TIMEOUT:
                raise OutcomeUnknown(said(error)) from error
            raise CloudRefused(said(error)) from error
        except openai.APIError as error:
            raise OutcomeUnknown(f"No answer to the batch of the file {input_file}: {error.message}") from error

    def find_batches(self, input_file: str) -> Sequence[AnswerBatch]:
        """See BatchAnswerer.find_batches."""
        listed = ask(lambda: [_batch(each) for each in self._data.batches.list(limit=100)])
        return sorted((each for each in listed if each.input_file == input_file), key=lambda each: each.created_at)

    def batch(self, id_: str) -> AnswerBatch:
        """See BatchAnswerer.batch."""
        return _batch(ask(lambda: self._data.batches.retrieve(id_)))

    def cancel_batch(self, id_: str) -> None:
        """See BatchAnswerer.cancel_batch."""

        def cancel() -> None:
            try:
                self._data.batches.cancel(id_)
            except (openai.BadRequestError, openai.ConflictError):  # it has ended, or is about to
                return

        ask(cancel)

    def batch_answers(self, batch: AnswerBatch) -> Iterator[tuple[str, RawAnswer]]:
        """See BatchAnswerer.batch_answers."""
        for file in (batch.output_file, batch.error_file):
            for line in self.content(file).splitlines() if file else ():
                told = _told(line)
                if told is not None:
                    yield told


def _batch(raw: "Batch") -> AnswerBatch:
    problems = raw.errors.data or [] if raw.errors else []
    status = str(raw.status)
    return AnswerBatch(
        id=raw.id,
        input_file=raw.input_file_id,
        reported_status=status,
        ended=status in ENDED,
        failed=status == "failed",
        created_at=datetime.fromtimestamp(raw.created_at, UTC),
        output_file=raw.output_file_id or None,
        error_file=raw.error_file_id or None,
        problem=problems[0].message if problems else None,
        too_early=any(each.code == UNKNOWN_DEPLOYMENT for each in problems),
    )


def _told(line: bytes) -> tuple[str, RawAnswer] | None:
    """The id of a question and its answer; None for a line that names no question."""
    try:
        told = json.loads(line)
        id_ = told["custom_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return (id_, _answer(told).model_copy(update={"latency_ms": None})) if isinstance(id_, str) else None


def _answer(told: dict[str, Any]) -> RawAnswer:
    response = told.get("response")
    if not isinstance(response, dict):
        return RawAnswer(failure=f"The batch has no answer: {_message(told)}")
    status, body = response.get("status_code"), response.get("body")
    if status in (None, ANSWERED) and isinstance(body, dict) and "choices" in body:
        return answer_of(body)
    found = body.get("error") if isinstance(body, dict) else None
    code = found.get("code") if isinstance(found, dict) else None
    failure = f"Azure OpenAI answered {status} in a batch: {_message(body)}"
    return RawAnswer(filtered=code == "content_filter", failure=failure)


def _message(told: Any) -> str:
    error = told.get("error") if isinstance(told, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or "no reason given")

"""Answers batches in the background: one thread, half of the time at most, safe against being killed."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row
from typing import Any

from foundry_emulator import errors
from foundry_emulator.background import Background
from foundry_emulator.batches import records
from foundry_emulator.batches.records import LIVING, Progress
from foundry_emulator.batches.validation import Interrupted, Unsuitable, validate
from foundry_emulator.batches.working_files import COMPLETED, WorkingFiles
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import tiers
from foundry_emulator.control_plane.model_deployments import ModelDeployments
from foundry_emulator.files.json_lines import parse, read_lines
from foundry_emulator.files.requests import NewFile
from foundry_emulator.files.store import Files
from foundry_emulator.settings import Durations
from foundry_emulator.state import State

logger = logging.getLogger(__name__)

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Answers the body of one request for an account; ServiceError if it is refused."""
_POLL_SECONDS = 0.05
_SLICE_SECONDS = 0.25
_REST_AFTER_SECONDS = 0.01


@dataclass(frozen=True)
class Tools:
    """What batches are answered with: by endpoint, the one that answers."""

    state: State
    clock: Clock
    files: Files
    deployments: ModelDeployments
    durations: Durations
    answers: Mapping[str, Answer]


class BatchWorker:
    """Leads every living batch from step to step."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._state = tools.state
        self._folder = tools.state.folder / "batches"
        self._folder.mkdir(exist_ok=True)
        self._worked: dict[str, float] = {}
        self._working = threading.Lock()
        self._background = Background("batch-worker", _POLL_SECONDS, self._look)
        self._stopping = self._background.stopping
        self._steps = {
            "validating": self._validate,
            "in_progress": self._proceed,
            "finalizing": self._finish,
            "cancelling": self._wind_up,
        }

    def start(self) -> None:
        """Begin, with what was not finished when the emulator was last ended."""
        living = {row["id"] for row in self._living()}
        for path in self._folder.iterdir():
            if path.stem not in living:
                path.unlink()
        self._background.start()

    def stop(self) -> None:
        """End after the request that is being answered."""
        self._background.stop()

    @contextmanager
    def quiet(self, _account: str | None = None) -> Iterator[None]:
        """Let no batch be worked on inside the block."""
        with self._working:
            yield

    def _look(self) -> None:
        with self._working:
            for row in self._living():
                try:
                    self._steps[row["status"]](row)
                except Interrupted:
                    return
                except Exception:  # one batch must not end the others; it is tried again
                    logger.exception("batch %s", row["id"])

    def _living(self) -> list[Row]:
        return self._state.rows(f"select * from batches where {LIVING} order by number")

    def _validate(self, row: Row) -> None:
        due = row["created_at"] + self._tools.durations.batch_validation
        if self._tools.clock.now() < due:
            return
        path = self._tools.files.bytes_of(row["input_file"])
        verdict = validate(path, row["endpoint"], lambda name: self._check(row["account"], name), self._interruptions())
        if verdict.problems:
            told = json.dumps({"object": "list", "data": verdict.problems})
            self._change(row, "status = 'failed', errors = ?, failed_at = ?", told, due)
        else:
            self._change(row, "status = 'in_progress', total = ?, in_progress_at = ?", verdict.total, due)

    def _check(self, account: str, name: str) -> None:
        try:
            deployment = self._tools.deployments.answering(account, name)
        except errors.ServiceError as problem:
            message = f"The Azure OpenAI model deployment '{name}' was not found. {problem.message}"
            raise Unsuitable("model_not_found", message) from problem
        if deployment.weights is not None:
            raise Unsuitable("invalid_request", f"'{name}' is a fine-tuned model; batch does not support those.")
        if deployment.sku not in tiers.BATCH:
            raise Unsuitable("invalid_request", f"The sku of '{name}' is {deployment.sku}, not {tiers.BATCH[0]}.")

    def _proceed(self, row: Row) -> None:
        if row["completed"] + row["failed"] < row["total"]:
            self._answer(row)
        else:
            self._end_work(row)

    def _answer(self, row: Row) -> None:
        """Answer for a while, then record it; a recorded request is never answered again."""
        began = time.monotonic()
        with WorkingFiles(self._folder, row["id"], records.progress_of(row)) as files:
            self._record(row, files.safe(self._answer_some(row, files, began + _SLICE_SECONDS)))
        self._worked[row["id"]] = self._worked.get(row["id"], 0.0) + time.monotonic() - began

    def _end_work(self, row: Row) -> None:
        """Let the work end when it has taken as long as it should, or as long as it really took."""
        clock, began = self._tools.clock, row["in_progress_at"]
        now = clock.now()
        due = began + self._tools.durations.batch_work
        if now >= due:
            finished = max(due, began + self._worked.pop(row["id"], 0.0) * clock.rate)
            self._change(row, "status = 'finalizing', finalizing_at = ?", min(now, finished))

    def _answer_some(self, row: Row, files: WorkingFiles, deadline: float) -> int:
        """Answer requests until *deadline*; return up to where the input is answered."""
        read, pause = int(row["input_read"]), self._pauses()
        with self._tools.files.bytes_of(row["input_file"]).open("rb") as source:
            source.seek(read)
            for line in read_lines(source):
                if time.monotonic() > deadline or self._stopping.is_set():
                    break
                request = parse(line.content)
                files.add(request["custom_id"], *self._answer_one(row, request["body"]))
                read = line.end
                pause()
        return read

    def _answer_one(self, row: Row, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            return COMPLETED, self._tools.answers[row["endpoint"]](row["account"], body)
        except errors.ServiceError as refusal:
            return refusal.status, refusal.body()
        except Exception:  # whatever it was, the other requests have a right to their answers
            logger.exception("batch %s", row["id"])
            return errors.internal_error().status, errors.internal_error().body()

    def _record(self, row: Row, progress: Progress) -> None:
        columns = vars(progress)
        with self._state.transaction() as database:
            database.execute(
                f"update batches set {', '.join(f'{name} = ?' for name in columns)} where id = ?",
                (*columns.values(), row["id"]),
            )

    def _finish(self, row: Row) -> None:
        self._publish(row, "completed", row["finalizing_at"] + self._tools.durations.batch_finalizing)

    def _wind_up(self, row: Row) -> None:
        self._publish(row, "cancelled", row["cancelling_at"] + self._tools.durations.batch_cancelling)

    def _publish(self, row: Row, status: str, due: float) -> None:
        """End a batch at the moment *due* and show what was answered and what failed."""
        if self._tools.clock.now() < due:
            return
        with WorkingFiles(self._folder, row["id"], records.progress_of(row)) as files:
            made = {"output_file": files.output, "error_file": files.errors}
        with self._state.transaction():
            begun = row["in_progress_at"] is not None
            kept = [self._keep(row, role, path, due) if begun else "" for role, path in made.items()]
            self._change(row, f"status = '{status}', {status}_at = ?, output_file = ?, error_file = ?", due, *kept)
        for path in made.values():
            path.unlink()

    def _keep(self, row: Row, role: str, path: Path, at: float) -> str:
        file = records.file_id(row["id"], role)
        made = NewFile(row["account"], "batch_output", f"{row['id']}_{role}.jsonl", row["output_expires_after"])
        self._tools.files.keep_output(file, made, path, at)
        return file

    def _change(self, row: Row, assignments: str, *values: object) -> None:
        """Change the row of a batch, unless its status is no longer what it was."""
        with self._state.transaction() as database:
            database.execute(
                f"update batches set {assignments} where id = ? and status = ?", (*values, row["id"], row["status"])
            )

    def _pauses(self) -> Callable[[], None]:
        """Return what is called after every line: it rests for as long as was worked."""
        since = time.monotonic()

        def pause() -> None:
            nonlocal since
            worked = time.monotonic() - since
            if worked > _REST_AFTER_SECONDS:
                self._stopping.wait(min(worked, _SLICE_SECONDS))
                since = time.monotonic()

        return pause

    def _interruptions(self) -> Callable[[], None]:
        """Return pauses that raise Interrupted when the emulator is to end."""
        pause = self._pauses()

        def pause_or_end() -> None:
            pause()
            if self._stopping.is_set():
                raise Interrupted

        return pause_or_end

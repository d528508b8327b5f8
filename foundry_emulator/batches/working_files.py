"""The two files that grow while a batch is answered: answers, and what failed."""

import json
import os
import uuid
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from foundry_emulator.batches.records import Progress

COMPLETED = 200


class WorkingFiles:
    """Answers and failures of one batch, open for more; what an earlier process wrote but did not record is dropped."""

    def __init__(self, folder: Path, batch: str, progress: Progress) -> None:
        self.output = folder / f"{batch}.output"
        self.errors = folder / f"{batch}.errors"
        self._completed = progress.completed
        self._failed = progress.failed
        self._output = _open_at(self.output, progress.output_written)
        self._errors = _open_at(self.errors, progress.errors_written)

    def __enter__(self) -> "WorkingFiles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._output.close()
        self._errors.close()

    def add(self, custom_id: str, status: int, body: dict[str, Any]) -> None:
        """Add one answer, or one failure."""
        response = {"body": body, "request_id": str(uuid.uuid4()), "status_code": status}
        line = {"id": f"batch_req_{uuid.uuid4().hex}", "custom_id": custom_id, "response": response, "error": None}
        content = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        if status == COMPLETED:
            self._output.write(content)
            self._completed += 1
        else:
            self._errors.write(content)
            self._failed += 1

    def safe(self, input_read: int) -> Progress:
        """Return the progress once all that was added is safe on disk; the input was read up to *input_read*."""
        for file in (self._output, self._errors):
            file.flush()
            os.fsync(file.fileno())
        return Progress(input_read, self._output.tell(), self._errors.tell(), self._completed, self._failed)


def _open_at(path: Path, length: int) -> IO[bytes]:
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b")
    file.truncate(length)
    file.seek(length)
    return file

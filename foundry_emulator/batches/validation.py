"""What Azure checks in the input file of a batch before it begins."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foundry_emulator.batches.requests import normalised
from foundry_emulator.files.json_lines import Line, LineUnreadable, has_byte_order_mark, parse, read_lines

MOST_TASKS = 100_000
MOST_PROBLEMS = 100
NO_DEPLOYMENT = (
    "Validation failed: A valid model deployment name couldn't be extracted from the input file. Please ensure that"
    " each row in the input file has a valid deployment name specified in the 'model' field, and that the deployment"
    " name is consistent across all rows."
)
_EMPTY = "The input file is empty. Please ensure that the batch contains at least one request."


class Interrupted(Exception):
    """There is no time to finish now."""


class Unsuitable(Exception):
    """A model deployment cannot serve a batch; carries the code and message that say so."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Verdict:
    """The requests in a file, and what is wrong with it, as the service tells it."""

    total: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)

    def add(self, code: str, message: str, line: int | None = None) -> None:
        """Note a problem, unless there are very many."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append({"code": code, "message": message, **({"line": line} if line else {})})


def validate(path: Path, endpoint: str, check_model: Callable[[str], None], pause: Callable[[], None]) -> Verdict:
    """Return what is to be said about the input file at *path*.

    *check_model* raises Unsuitable for a model deployment that cannot serve it; *pause* is called after every line,
    and may raise Interrupted.
    """
    verdict = Verdict()
    if has_byte_order_mark(path):
        verdict.add("invalid_request", NO_DEPLOYMENT)
        return verdict
    rows = _Rows(endpoint, check_model, verdict)
    with path.open("rb") as source:
        for line in read_lines(source):
            verdict.total += 1
            if verdict.total > MOST_TASKS:
                verdict.add("too_many_tasks", f"The number of requests in the input file exceeds {MOST_TASKS}.")
                break
            rows.check(line)
            pause()
    if verdict.total == 0:
        verdict.add("empty_file", _EMPTY)
    return verdict


class _Rows:
    """Looks at one row after the other, remembering what the earlier ones said."""

    def __init__(self, endpoint: str, check_model: Callable[[str], None], verdict: Verdict) -> None:
        self._endpoint = endpoint
        self._check_model = check_model
        self._verdict = verdict
        self._ids: set[bytes] = set()
        self._model: str | None = None

    def check(self, line: Line) -> None:
        try:
            row = parse(line.content)
        except LineUnreadable as problem:
            self._verdict.add("invalid_json_line", f"This line cannot be read: {problem}", line.number)
            return
        problem_found = _schema_problem(row) or self._url_problem(row) or self._repetition(row) or self._model_of(row)
        if problem_found:
            self._verdict.add(*problem_found, line.number)

    def _url_problem(self, row: dict[str, Any]) -> tuple[str, str] | None:
        if normalised(row["url"]) == self._endpoint:
            return None
        return "url_mismatch", f"The url of this request does not match the endpoint {self._endpoint} of the batch."

    def _repetition(self, row: dict[str, Any]) -> tuple[str, str] | None:
        digest = hashlib.sha256(row["custom_id"].encode()).digest()[:16]
        if digest in self._ids:
            return "duplicate_custom_id", "The custom_id of this request is that of another request."
        self._ids.add(digest)
        return None

    def _model_of(self, row: dict[str, Any]) -> tuple[str, str] | None:
        model = row["body"]["model"]
        if self._model is None:
            self._model = model
            try:
                self._check_model(model)
            except Unsuitable as problem:
                return problem.code, str(problem)
        if model != self._model:
            return "model_mismatch", "The model of this request is not that of the other requests in the file."
        return None


def _schema_problem(row: dict[str, Any]) -> tuple[str, str] | None:
    body = row.get("body")
    if not isinstance(row.get("custom_id"), str) or not row["custom_id"]:
        return "invalid_request", "A request needs a custom_id."
    if row.get("method") != "POST":
        return "invalid_request", "The method of a request must be POST."
    if not isinstance(row.get("url"), str):
        return "invalid_request", "A request needs a url."
    if not isinstance(body, dict):
        return "invalid_request", "A request needs a body."
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "invalid_request", NO_DEPLOYMENT
    return None

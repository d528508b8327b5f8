"""Waiting for what an emulator does in its own time, and turning its clock."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from openai import BadRequestError, OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.foundry_emulator.support import MODEL, PATIENCE_SECONDS, examples, training_file, upload

Found = TypeVar("Found")


def until(look: Callable[[], Found | None]) -> Found:
    """Return what *look* finds as soon as it is neither None nor False nor empty."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError(look)


def in_status(client: OpenAI, job: str, *statuses: str) -> FineTuningJob:
    """Return the job once it is in one of *statuses*."""

    def look() -> FineTuningJob | None:
        found = client.fine_tuning.jobs.retrieve(job)
        return found if str(found.status) in statuses else None

    return until(look)


def long_job(client: OpenAI, **request: Any) -> FineTuningJob:
    """Return a new job with work for some seconds: 80 images over 50 epochs."""
    file = request.pop("training_file", None) or upload(client, training_file(examples(range(20)))).id
    asked = {"model": MODEL, "training_file": file, "seed": 5, "hyperparameters": {"n_epochs": 50}}
    return client.fine_tuning.jobs.create(**{**asked, **request})


def paused(client: OpenAI, job: str) -> FineTuningJob:
    """Pause *job* as soon as it has done a step; return it when it has come to rest."""

    def asked() -> bool:
        try:
            client.fine_tuning.jobs.pause(job)
        except BadRequestError:
            return False
        return True

    until(asked)
    return in_status(client, job, "paused")


def own_control(address: str, method: str, path: str, body: object = None) -> Any:
    """Call one of the emulator's own addresses; return its JSON, None if it answers without."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}/emulator/{path}", content, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        told = answer.read()
    return json.loads(told) if told else None


def forward(address: str, *, hours: float) -> None:
    """Set the emulator's clock forward."""
    own_control(address, "PUT", "clock", {"forward_seconds": hours * 3600})

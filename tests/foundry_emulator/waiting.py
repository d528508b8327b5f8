"""Jobs that take long enough to be watched, and to be paused."""

from typing import Any

from openai import BadRequestError, OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.foundry_emulator.support import MODEL, examples, in_status, training_file, until, upload


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

"""How fast the emulator answers questions about images: `python -m benchmarks.emulator [--json]`.

An emulator runs in a process of its own and trains a small model. Then 32 connections of the official client ask about
images of 200 x 200 pixels: photographs from KAIZEN_TEST_IMAGES, else drawn ones. The client works on the same
processors: it needs some two milliseconds of one for each question.
"""

import asyncio
import base64
import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import openai
from openai import AsyncOpenAI, OpenAI
from PIL import Image

from benchmarks._table import report
from foundry_emulator.testing import FoundryProcess, running

CONNECTIONS = 32
SECONDS = 3.0
PIXELS = 200
TAUGHT = 60
UNSEEN = 400
# the most that a job may have, so that it goes on while the questions are asked
MOST_EPOCHS = 50
MODEL = "gpt-4o-2024-08-06"
DEPLOYMENT = "benchmark"
ANSWERS = ("first", "second", "third")


def measure() -> Mapping[str, float]:
    """Answers per second and the slowest hundredth in milliseconds: for seen and unseen images, and while training."""
    images = _images(TAUGHT + UNSEEN)
    taught, unseen = images[:TAUGHT], images[TAUGHT:]
    with running(speed=10, rate_limit_factor=100_000) as emulator, emulator.openai() as client:
        trained = client.fine_tuning.jobs.retrieve(_ended(client, _train(client, taught, epochs=3)))
        _deploy(emulator, client, str(trained.fine_tuned_model))
        asyncio.run(_ask(emulator, taught))
        seen_rate, seen_slowest = asyncio.run(_ask(emulator, taught, SECONDS))
        unseen_rate, unseen_slowest = asyncio.run(_ask(emulator, unseen))
        job = _train(client, images, epochs=MOST_EPOCHS)
        _await_first_checkpoint(client, job)
        busy_rate, busy_slowest = asyncio.run(_ask(emulator, taught, SECONDS))
        if client.fine_tuning.jobs.retrieve(job).status != "running":
            raise RuntimeError("the training job ended before the measurement did")
    return {
        "seen_per_s": seen_rate,
        "seen_p99_ms": seen_slowest,
        "unseen_per_s": unseen_rate,
        "unseen_p99_ms": unseen_slowest,
        "seen_per_s_while_training": busy_rate,
        "seen_p99_ms_while_training": busy_slowest,
    }


async def _ask(emulator: FoundryProcess, images: Sequence[str], seconds: float | None = None) -> tuple[float, float]:
    """Ask about each image once, or again and again for *seconds*; return answers per second and the p99 in ms."""
    numbers = count()
    took: list[float] = []
    began = time.perf_counter()

    async def connection(client: AsyncOpenAI) -> None:
        while (number := next(numbers)) < len(images) or seconds:
            started = time.perf_counter()
            if seconds and started - began > seconds:
                return
            messages: Any = _question(images[number % len(images)])
            await client.chat.completions.create(model=DEPLOYMENT, messages=messages, temperature=0)
            took.append(time.perf_counter() - started)

    async with emulator.async_openai(max_retries=0) as client:
        await asyncio.gather(*(connection(client) for _ in range(CONNECTIONS)))
    return len(took) / (time.perf_counter() - began), float(np.quantile(took, 0.99)) * 1000


def _images(number: int) -> list[str]:
    """Return data URLs of different images."""
    folder = os.environ.get("KAIZEN_TEST_IMAGES")
    paths = sorted(Path(folder).glob("*/*.jpg")) if folder else []
    found = [path.read_bytes() for path in paths[:: max(1, len(paths) // number)]][:number]
    contents = found + [_drawn(seed) for seed in range(number - len(found))]
    return [f"data:image/jpeg;base64,{base64.b64encode(content).decode()}" for content in contents]


def _drawn(seed: int) -> bytes:
    grey = np.random.default_rng(seed).normal(128, 40, (PIXELS, PIXELS)).clip(0, 255).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(grey).convert("RGB").save(content, "JPEG")
    return content.getvalue()


def _question(url: str) -> list[dict[str, Any]]:
    return [
        {"role": "system", "content": f"Answer with one of: {', '.join(ANSWERS)}."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url, "detail": "low"}}]},
    ]


def _train(client: OpenAI, images: Sequence[str], *, epochs: int) -> str:
    """Return the id of a new job that learns an answer to each of *images*."""
    lines = [
        {"messages": [*_question(url), {"role": "assistant", "content": ANSWERS[place % len(ANSWERS)]}]}
        for place, url in enumerate(images)
    ]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    file = client.files.create(purpose="fine-tune", file=("any.jsonl", content)).id
    client.files.wait_for_processing(file, poll_interval=0.02)
    asked = client.fine_tuning.jobs.create(
        model=MODEL, training_file=file, seed=1, hyperparameters={"n_epochs": epochs}
    )
    return asked.id


def _await_first_checkpoint(client: OpenAI, job: str) -> None:
    while not client.fine_tuning.jobs.checkpoints.list(job).data:
        time.sleep(0.02)


def _ended(client: OpenAI, job: str) -> str:
    """Return the id of *job* once it has succeeded."""
    while (status := client.fine_tuning.jobs.retrieve(job).status) != "succeeded":
        if status == "failed":
            raise RuntimeError("the model could not be trained")
        time.sleep(0.05)
    return job


def _deploy(emulator: FoundryProcess, client: OpenAI, model: str) -> None:
    """Deploy *model*, and return when it answers."""
    body: Any = {
        "sku": {"name": "GlobalStandard", "capacity": 1000},
        "properties": {"model": {"format": "OpenAI", "name": model, "version": "1"}},
    }
    with emulator.management() as control:
        place = ("any", "local", DEPLOYMENT)
        control.deployments.begin_create_or_update(*place, body, enforce_https=False).result()
    while not _answers(client):
        time.sleep(0.05)


def _answers(client: OpenAI) -> bool:
    with suppress(openai.NotFoundError):
        client.chat.completions.create(model=DEPLOYMENT, messages=[{"role": "user", "content": "?"}])
        return True
    return False


if __name__ == "__main__":
    report("emulator", measure)

"""How fast the emulator answers questions about images: `python -m benchmarks.emulator [--json]`.

An emulator runs in a process of its own and trains a small model. Then 32 connections ask about images of 200 x 200
pixels: photographs from KAIZEN_TEST_IMAGES, else drawn ones. They speak plain HTTP: the official client needs several
milliseconds of processor time for a request and would measure itself.
"""

import asyncio
import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks._table import report

CONNECTIONS = 32
SECONDS = 3.0
PIXELS = 200
TAUGHT = 60
UNSEEN = 400
KEY = "benchmark"
MODEL = "gpt-4o-2024-08-06"
DEPLOYMENT = "benchmark"
ANSWERS = ("first", "second", "third")
_RESOURCE = "/subscriptions/any/resourceGroups/any/providers/Microsoft.CognitiveServices/accounts/local/deployments"


def measure() -> Mapping[str, float]:
    """Answers per second and the slowest hundredth in milliseconds: for seen and unseen images, and while training."""
    images = _images(TAUGHT + UNSEEN)
    taught, unseen = images[:TAUGHT], images[TAUGHT:]
    with tempfile.TemporaryDirectory() as state, _emulator(Path(state)) as address:
        headers = {"api-key": KEY}
        with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
            file = _upload(client, taught)
            _deploy(client, _ended(client, _train(client, file, epochs=3)))
            asyncio.run(_ask(address, taught))
            seen_rate, seen_slowest = asyncio.run(_ask(address, taught, SECONDS))
            unseen_rate, unseen_slowest = asyncio.run(_ask(address, unseen))
            job = _train(client, _upload(client, images), epochs=50)
            _running(client, job)
            busy_rate, busy_slowest = asyncio.run(_ask(address, taught, SECONDS))
            if _status(client, job) != "running":
                raise RuntimeError("the training job ended before the measurement did")
    return {
        "seen_per_s": seen_rate,
        "seen_p99_ms": seen_slowest,
        "unseen_per_s": unseen_rate,
        "unseen_p99_ms": unseen_slowest,
        "seen_per_s_while_training": busy_rate,
        "seen_p99_ms_while_training": busy_slowest,
    }


async def _ask(address: str, images: Sequence[str], seconds: float | None = None) -> tuple[float, float]:
    """Ask about each image once, or again and again for *seconds*; return answers per second and the p99 in ms."""
    bodies = [json.dumps({"model": DEPLOYMENT, "messages": _question(url), "temperature": 0}) for url in images]
    numbers = count()
    took: list[float] = []
    began = time.perf_counter()

    async def connection(client: httpx.AsyncClient) -> None:
        while (number := next(numbers)) < len(bodies) or seconds:
            started = time.perf_counter()
            if seconds and started - began > seconds:
                return
            answer = await client.post("/openai/v1/chat/completions", content=bodies[number % len(bodies)])
            answer.raise_for_status()
            took.append(time.perf_counter() - started)

    headers = {"api-key": KEY, "content-type": "application/json"}
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=60) as client:
        await asyncio.gather(*(connection(client) for _ in range(CONNECTIONS)))
    return len(took) / (time.perf_counter() - began), float(np.quantile(took, 0.99)) * 1000


@contextmanager
def _emulator(state: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "foundry_emulator", "--port", "0", "--state", str(state), "--api-key", KEY]
    options = ["--speed", "10", "--rate-limit-factor", "100000"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    try:
        yield str(json.loads(process.stdout.readline() if process.stdout else "{}")["address"])
    finally:
        process.terminate()
        process.wait(timeout=10)


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


def _upload(client: httpx.Client, images: Sequence[str]) -> str:
    lines = [
        {"messages": [*_question(url), {"role": "assistant", "content": ANSWERS[place % len(ANSWERS)]}]}
        for place, url in enumerate(images)
    ]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    uploaded = client.post("/openai/v1/files", data={"purpose": "fine-tune"}, files={"file": ("any.jsonl", content)})
    file = str(uploaded.raise_for_status().json()["id"])
    while client.get(f"/openai/v1/files/{file}").json()["status"] == "pending":
        time.sleep(0.02)
    return file


def _train(client: httpx.Client, file: str, *, epochs: int) -> str:
    body = {"model": MODEL, "training_file": file, "seed": 1, "hyperparameters": {"n_epochs": epochs}}
    return str(client.post("/openai/v1/fine_tuning/jobs", json=body).raise_for_status().json()["id"])


def _status(client: httpx.Client, job: str) -> str:
    return str(client.get(f"/openai/v1/fine_tuning/jobs/{job}").raise_for_status().json()["status"])


def _running(client: httpx.Client, job: str) -> None:
    while not client.get(f"/openai/v1/fine_tuning/jobs/{job}/checkpoints").raise_for_status().json()["data"]:
        time.sleep(0.02)


def _ended(client: httpx.Client, job: str) -> str:
    """Return the model of *job* once it is trained."""
    while (status := _status(client, job)) != "succeeded":
        if status == "failed":
            raise RuntimeError("the model could not be trained")
        time.sleep(0.05)
    return str(client.get(f"/openai/v1/fine_tuning/jobs/{job}").json()["fine_tuned_model"])


def _deploy(client: httpx.Client, model: str) -> None:
    asked = {"resource": "https://management.azure.com/", "api-version": "2019-08-01"}
    token = client.get("/identity/token", params=asked, headers={"X-IDENTITY-HEADER": "any"}).raise_for_status()
    body = {
        "sku": {"name": "GlobalStandard", "capacity": 1000},
        "properties": {"model": {"format": "OpenAI", "name": model, "version": "1"}},
    }
    address = f"{_RESOURCE}/{DEPLOYMENT}?api-version=2025-06-01"
    bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
    client.put(address, json=body, headers=bearer).raise_for_status()
    while not _answers(client):
        time.sleep(0.05)


def _answers(client: httpx.Client) -> bool:
    body = {"model": DEPLOYMENT, "messages": [{"role": "user", "content": "?"}]}
    return client.post("/openai/v1/chat/completions", json=body).is_success


if __name__ == "__main__":
    report("emulator", measure)

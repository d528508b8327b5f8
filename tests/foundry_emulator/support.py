"""Small drawn textures, training files made of them, an emulator process to hold, and waiting for what it does."""

import base64
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from azure.mgmt.cognitiveservices.models import Deployment, DeploymentModel, DeploymentProperties, Sku
from openai import NotFoundError, OpenAI
from openai.types import FileObject
from openai.types.fine_tuning import FineTuningJob
from PIL import Image

from foundry_emulator.testing import FoundryProcess

API_KEY = "test-key"
MODEL = "gpt-4o-2024-08-06"
TEXTURES = ("checks", "dots", "rings", "stripes")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60
DAY = 86_400.0
Found = TypeVar("Found")


@dataclass(frozen=True)
class Example:
    """A drawn image and the texture it shows."""

    url: str
    texture: str


def draw(texture: str, number: int) -> bytes:
    """Return a noisy PNG of *texture*; another *number* draws another one."""
    dice = np.random.default_rng([TEXTURES.index(texture), number])
    rows, columns = np.mgrid[0:48, 0:48] + dice.uniform(0, 12)
    period = dice.uniform(6, 10)
    along, across = np.sin(2 * np.pi * columns / period), np.sin(2 * np.pi * rows / period)
    distance = np.hypot(rows - dice.uniform(10, 40), columns - dice.uniform(10, 40))
    pattern = {
        "checks": np.sign(along * across),
        "dots": ((along + across) > 1.2) * 2.0 - 1,
        "rings": np.sin(2 * np.pi * distance / period),
        "stripes": along,
    }[texture]
    grey = 128 + 25 * pattern + dice.normal(0, 50, pattern.shape)
    return encode(Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).convert("RGB"), "PNG")


def encode(image: Image.Image, kind: str) -> bytes:
    """Return *image* as bytes of a format."""
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


def data_url(content: bytes, kind: str = "png") -> str:
    """Return *content* as a data URL."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def examples(numbers: range, textures: Sequence[str] = TEXTURES) -> list[Example]:
    """Return one example per texture and number."""
    return [Example(data_url(draw(texture, number)), texture) for number in numbers for texture in textures]


def question(url: str) -> list[Any]:
    """Return the messages that ask which texture an image shows."""
    return [
        {"role": "system", "content": f"Name the texture. Answer with one of: {', '.join(TEXTURES)}."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url, "detail": "low"}}]},
    ]


def training_file(shown: Sequence[Example]) -> bytes:
    """Return JSONL that teaches the texture of every example."""
    answers = ([*question(e.url), {"role": "assistant", "content": e.texture}] for e in shown)
    return "\n".join(json.dumps({"messages": messages}) for messages in answers).encode()


def upload(client: OpenAI, content: bytes) -> FileObject:
    """Upload a fine-tuning file and wait until it is processed or found wrong."""
    created = client.files.create(purpose="fine-tune", file=("any.jsonl", content))
    return client.files.wait_for_processing(created.id, poll_interval=0.02)


def train(client: OpenAI, shown: Sequence[Example], **request: Any) -> FineTuningJob:
    """Train on *shown* and wait until the job has ended."""
    file = upload(client, training_file(shown))
    job = client.fine_tuning.jobs.create(**{"model": MODEL, "training_file": file.id, "seed": 1, **request})
    return ended(client, job.id)


def ended(client: OpenAI, job_id: str) -> FineTuningJob:
    """Return the job once it is no longer pending or running."""
    return in_status(client, job_id, "succeeded", "failed", "cancelled", "paused", "pausing")


def in_status(client: OpenAI, job_id: str, *statuses: str) -> FineTuningJob:
    """Return the job once it is in one of *statuses*."""

    def look() -> FineTuningJob | None:
        found = client.fine_tuning.jobs.retrieve(job_id)
        return found if str(found.status) in statuses else None

    return until(look)


def until(look: Callable[[], Found | None]) -> Found:
    """Return what *look* finds as soon as it is neither None nor False nor empty; TimeoutError after a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError(look)


def once_deployed(ask: Callable[[], Found]) -> Found:
    """Return what *ask* returns as soon as the model deployment that it asks answers."""

    def look() -> tuple[Found] | None:
        try:
            return (ask(),)
        except NotFoundError:
            return None

    return until(look)[0]


def deployment_of(model: str, version: str = "1", capacity: int = 100_000) -> Deployment:
    """Return the body that asks for a model deployment."""
    return Deployment(
        sku=Sku(name="GlobalStandard", capacity=capacity),
        properties=DeploymentProperties(model=DeploymentModel(format="OpenAI", name=model, version=version)),
        tags={"owner": "tests"},
    )


def start_in_vain(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with *options* that it cannot start with; return how it ended."""
    return subprocess.run(
        [sys.executable, "-m", "foundry_emulator", *options], cwd=ROOT, capture_output=True, text=True, timeout=30
    )


def trainer_of(parent: int) -> str:
    """Return the process id of a child that any thread of *parent* has started."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return next(child for task in tasks for child in task.read_text().split())


class EmulatorProcess(FoundryProcess):
    """An emulator in a process of its own, with the tests' key."""

    def __init__(self, state: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        super().__init__(state, *options, api_key=API_KEY, environment=environment)

    def folder(self, name: str = "") -> Path:
        """Return the folder of its state, or a folder or file in it."""
        return Path(str(self.ready["state"])) / name

    def client(self, key: str = API_KEY) -> OpenAI:
        """Return the official client of the data plane; it does not retry."""
        return self.openai(api_key=key, max_retries=0)


@contextmanager
def running(state: Path, *options: str) -> Iterator[EmulatorProcess]:
    """Yield an emulator that is stopped at the end."""
    emulator = EmulatorProcess(state, *options)
    try:
        yield emulator
    finally:
        emulator.stop()

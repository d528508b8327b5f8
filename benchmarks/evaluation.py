"""How fast held-out images are asked: `python -m benchmarks.evaluation [--json]`.

The product's own asking, with its journal in a folder, against the emulator. First with a token limit: its windows of a
minute pass in twelve seconds, for the emulator's clock runs five times as fast. `share_of_limit` is how many answers
came in the time of three windows from the first question on, over how many the service would have allowed in three
windows by its own estimate of a question; a client that leaves tokens unused, or begins a window late, has a lower
share. `share_429` is how often the service had no room, over all questions; `lost` is images without an answer.

Then without a limit, where each answer takes 300 ms: `speedup` is the time of one by one over the time of the product.
"""

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._table import report
from data_contracts.evaluation import Answer
from data_contracts.images import LabeledImage, Split
from decisions.imaging.images import data_url
from deployments.contract_template import contract_for
from deployments.servers import emulator_environment
from foundry_emulator.testing import FoundryProcess, running
from tasks.as_sent import as_sent
from tasks.contender import Contender
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.evaluation.asking import ask_image, ask_images
from tasks.labels import image_path
from tasks.loop import Loop, connect

MODEL, NAME = "gpt-4.1-2025-04-14", "benchmark"
LABELS = ("bright", "dark")
PIXELS = 64
MINUTE, CLOCK_RATE = 60.0, 5.0
WINDOW = MINUTE / CLOCK_RATE
WINDOWS = 3
LIMITED, FREE = 100, 10_000
"""Capacity in thousands of tokens a minute."""
SLOW = 0.3
ONE_BY_ONE, AT_ONCE = 12, 600
SETTINGS = """\
loop = "{name}"
contract = "contract.odcs.yaml"

[foundry]
subscription = "any"
resource_group = "any"
account = "local"
capacity = {capacity}
"""


def measure() -> Mapping[str, float]:
    """Share of the limit, share of 429, answers lost, and the speedup at 300 ms an answer."""
    with tempfile.TemporaryDirectory() as home, running() as emulator:
        os.environ |= emulator_environment(emulator.address)
        return {**_limited(Path(home), emulator), "speedup": _speedup(Path(home), emulator)}


def _limited(home: Path, emulator: FoundryProcess) -> Mapping[str, float]:
    with _deployed(home, "limited", LIMITED) as (loop, contender):
        emulator.run(CLOCK_RATE)
        allowed = _answers_a_window(emulator, loop, contender)
        images = _images(loop, (WINDOWS + 1) * allowed)
        time.sleep(WINDOW)  # so that the first question opens a window
        came: list[tuple[float, int]] = []
        began = time.monotonic()
        answers = _ask(loop, contender, images, lambda fresh: came.append((time.monotonic() - began, fresh)))
        in_time = max(fresh for moment, fresh in came if moment <= WINDOWS * WINDOW)
    put_off = sum(answer.put_off for answer in answers)
    return {
        "share_of_limit": in_time / (WINDOWS * allowed),
        "share_429": put_off / (len(answers) + put_off),
        "lost": float(sum(answer.given is None for answer in answers)),
        "answers_per_window": float(allowed),
    }


def _speedup(home: Path, emulator: FoundryProcess) -> float:
    with _deployed(home, "free", FREE) as (loop, contender):
        images = _images(loop, ONE_BY_ONE + AT_ONCE)
        emulator.fault(path="/openai/v1/chat/*", slow=SLOW)
        began = time.monotonic()
        for image in images[:ONE_BY_ONE]:
            ask_image(loop, contender, image)
        one_by_one = (time.monotonic() - began) / ONE_BY_ONE
        began = time.monotonic()
        answers = _ask(loop, contender, images[ONE_BY_ONE:], lambda _: None)
        return one_by_one * len(answers) / (time.monotonic() - began)


@contextmanager
def _deployed(home: Path, name: str, capacity: int) -> Iterator[tuple[Loop, Contender]]:
    """A loop of its own with the base model deployed at this capacity, until it is left."""
    folder = home / name
    folder.mkdir()
    (folder / "contract.odcs.yaml").write_bytes(contract_for(LABELS))
    (folder / "kaizen.toml").write_text(SETTINGS.format(name=name, capacity=capacity))
    loop = connect(str(folder))
    loop.foundry.deploy(NAME, MODEL, {})
    loop.foundry.wait_until_answering(NAME)
    yield loop, Contender(model=MODEL, model_deployment=NAME, detail="low")
    loop.foundry.delete_model_deployment(NAME)


def _answers_a_window(emulator: FoundryProcess, loop: Loop, contender: Contender) -> int:
    """Questions for which a minute's tokens are enough, by what the service takes off for one."""
    time.sleep(WINDOW)
    (image,) = _images(loop, 1, seed=1)
    with emulator.openai(max_retries=0) as client:
        shown = {"url": data_url(as_sent(loop, image)), "detail": contender.detail}
        question: Any = [
            {"role": "system", "content": loop.prompt},
            {"role": "user", "content": [{"type": "image_url", "image_url": shown}]},
        ]
        told = client.chat.completions.with_raw_response.create(model=NAME, messages=question, max_tokens=64).headers
    limit, left = (int(told[f"x-ratelimit-{each}-tokens"]) for each in ("limit", "remaining"))
    return limit // (limit - left)


def _ask(
    loop: Loop, contender: Contender, images: Sequence[LabeledImage], tell: Callable[[int], None]
) -> Sequence[Answer]:
    journal = AnswerJournal(loop.store, loop.path("answers", contender.model_deployment))
    return list(ask_images(loop, contender, images, journal, lambda fresh, _: tell(fresh)).values())


def _images(loop: Loop, number: int, seed: int = 0) -> list[LabeledImage]:
    """So many drawn images, their bytes in the loop's store."""
    random = np.random.default_rng(seed)
    return [_drawn(loop, random) for _ in range(number)]


def _drawn(loop: Loop, random: np.random.Generator) -> LabeledImage:
    grey = random.normal(128, 40, (PIXELS, PIXELS)).clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(grey).convert("RGB").save(out, "JPEG")
    digest = hashlib.sha256(out.getvalue()).hexdigest()
    loop.store.put(image_path(digest, "JPEG"), out.getvalue())
    return LabeledImage(
        digest=digest,
        label=LABELS[0],
        group=digest,
        split=Split.HELD_OUT,
        source="drawn",
        who="benchmark",
        labeled_at=datetime.now(UTC),
        media_type="JPEG",
    )


if __name__ == "__main__":
    report("evaluation", measure)

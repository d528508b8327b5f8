"""What continuing saves: `python -m benchmarks.training_cost [--images DIR] [--json]`.

Two loops learn the same images on a real Prefect server and the emulator. One gets 90 % of the training images first,
then the rest, and continues from its champion by the plan; the other gets all at once and trains from the base model.
Both are judged on the same held-out images. Without DIR, or KAIZEN_TEST_IMAGES, surfaces are drawn.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from benchmarks._forecast_error import forecast_error
from benchmarks._table import report
from cloud.store import INBOX
from data_contracts.image_contract import ImageContract
from data_contracts.images import Split
from data_contracts.ledger import Actor, Approved
from decisions.imaging.images import image_facts
from decisions.ingestion.splits import group_of, split_of
from deployments.contract_template import contract_for
from deployments.image_folder import images_by_class
from deployments.servers import client_environment, servers
from tasks.loop import Loop, connect

SEEDS = (1, 2, 3)
NEW_SHARE = 0.1
DRAWN_PER_CLASS = 150
SETTINGS = """\
loop = "{name}"
contract = "contract.odcs.yaml"

[foundry]
subscription = "local"
resource_group = "local"
account = "local"
capacity = 5000

[training]
seed = {seed}
smallest_addition = 1
settling_minutes = 0.05

[promotion]
when_inconclusive = "ask"
"""


class Trained(NamedTuple):
    """What came of a loop's last job, and how far the forecasts of its jobs were from the emulator's bill."""

    accuracy: float
    tokens: int
    forecast_error: float


def measure(images: Path | None = None) -> Mapping[str, float]:
    """Means over the seeds of continuing beside a restart, tokens as ratio, accuracy as difference; worst forecast."""
    with tempfile.TemporaryDirectory() as home, servers(Path(home)) as running:
        os.environ |= client_environment(Path(home), running.addresses())
        source = images or _photographs() or _drawn(Path(home) / "images")
        emulator = str(running.addresses().emulator)
        pairs = [_both(Path(home), source, seed, emulator) for seed in SEEDS]
    return {
        "token_ratio": statistics.mean(on.tokens / anew.tokens for on, anew in pairs),
        "accuracy_difference": statistics.mean(on.accuracy - anew.accuracy for on, anew in pairs),
        "forecast_error": max(each.forecast_error for pair in pairs for each in pair),
        "worst_accuracy_difference": min(on.accuracy - anew.accuracy for on, anew in pairs),
        "continued_accuracy": statistics.mean(on.accuracy for on, _ in pairs),
        "restarted_accuracy": statistics.mean(anew.accuracy for _, anew in pairs),
    }


def _photographs() -> Path | None:
    named = os.environ.get("KAIZEN_TEST_IMAGES")
    return Path(named) if named else None


def _drawn(folder: Path) -> Path:
    from examples.steel_surface import draw_folder

    draw_folder(folder, DRAWN_PER_CLASS)
    return folder


def _both(home: Path, source: Path, seed: int, emulator: str) -> tuple[Trained, Trained]:
    """What continuing came to, and what a restart on the same images."""
    on, anew = (_loop(home, source, f"{name}-{seed}", seed) for name in ("on", "anew"))
    files = [file for found in images_by_class(source, 1).values() for file in found]
    late = _late(files, on.image_contract, seed)
    _deliver(on, source, "first", [file for file in files if file not in late])
    _turn(on, emulator)
    _deliver(on, source, "second", sorted(late))
    _deliver(anew, source, "all", files)
    return _turn(on, emulator), _turn(anew, emulator)


def _loop(home: Path, source: Path, name: str, seed: int) -> Loop:
    folder = home / name
    folder.mkdir()
    (folder / "contract.odcs.yaml").write_bytes(contract_for(tuple(images_by_class(source, 1))))
    (folder / "kaizen.toml").write_text(SETTINGS.format(name=name, seed=seed))
    return connect(str(folder))


def _late(files: Sequence[Path], contract: ImageContract, seed: int) -> set[Path]:
    """A tenth of those that teach, drawn by their bytes; all that decide come first."""
    teaching = []
    for file in files:
        content = file.read_bytes()
        if split_of(group_of(image_facts(content, file.name), contract), contract.split) is Split.TRAIN:
            teaching.append((sha256(content + str(seed).encode()).digest(), file))
    return {file for _, file in sorted(teaching)[: round(NEW_SHARE * len(teaching))]}


def _deliver(loop: Loop, source: Path, batch: str, files: Sequence[Path]) -> None:
    for file in files:
        loop.store.put(f"{INBOX}/{loop.name}/{batch}/{file.relative_to(source).as_posix()}", file.read_bytes())


def _turn(loop: Loop, emulator: str) -> Trained:
    """Ingest and train once; a person says yes where the gate asks, so that the next turn has a champion."""
    from flows.improve_model import improve_model
    from flows.ingest_images import ingest_images
    from tasks.gate.approvals import approve
    from tasks.reporting.summaries import summarize

    ingest_images(str(loop.folder))
    result = improve_model(str(loop.folder))
    if result.status == "waits for a person" and result.iteration is not None:
        actor = Actor(name="benchmark", established="claimed")
        approve(loop, result.iteration, Approved(yes=True, reason="to go on"), actor)
        improve_model(str(loop.folder))
    finished, summary = loop.state().iterations[-1].finished, summarize(loop)[-1]
    if finished is None or finished.trained_tokens is None or summary.challenger_accuracy is None:
        raise RuntimeError(f"{loop.name} came no further than: {result.reason}")
    return Trained(summary.challenger_accuracy, finished.trained_tokens, forecast_error(loop, emulator))


if __name__ == "__main__":
    given = sys.argv[sys.argv.index("--images") + 1] if "--images" in sys.argv else None
    report("training_cost", lambda: measure(Path(given) if given else None))

"""What writing a training file costs beside bare base64-and-write, and its peak memory at two sizes.

The primitives read each JPEG as the model sees it, encode it in base64 and write it. The product does the same, with
the chat around it, and checks each picture against the held-out ones, measures it, and works out the file's digest.
Working out what the model sees, done once for each new image, is measured apart. Each peak is that of a new process.
"""

import base64
import hashlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks._table import report
from data_contracts.images import LabeledImage, Split
from data_contracts.policies import TrainingPolicy
from decisions.training.class_balance import Appearance
from examples.steel_surface import CLASSES, draw_folder
from tasks.labels import image_path
from tasks.loop import Loop, connect
from tasks.training.training_lines import write_jsonl

DRAWN, SMALL, LARGE = 600, 1_200, 24_000
ROUNDS = 5
STATUS = Path("/proc/self/status")
CONTRACT = Path(__file__).resolve().parents[1] / "data_contracts" / "steel_surface.odcs.yaml"
SETTINGS = 'loop = "bench"\n[foundry]\nsubscription = "any"\nresource_group = "any"\naccount = "any"\n'


def measure() -> dict[str, float]:
    """Ratio to the primitives (median of alternating rounds), peak in MB (10^6 bytes), images per second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = _make_loop(folder)
        new = _product(folder, images)
        first = _digest(folder)
        rounds = [(_primitives(folder), _product(folder, images)) for _ in range(ROUNDS)]
        same = first == _digest(folder)
        peaks = [_peak(folder, count) for count in (SMALL, LARGE)]
    return {
        "ratio_to_primitives": statistics.median(bare / ours for bare, ours in rounds),
        "peak_mb": max(peaks),
        "peak_mb_small": peaks[0],
        "images_per_s": DRAWN / statistics.median(ours for _, ours in rounds),
        "new_images_per_s": DRAWN / new,
        "same_bytes": float(same),
    }


def _make_loop(folder: Path) -> list[LabeledImage]:
    """A loop with its images in the store, as if they had been accepted."""
    (folder / "kaizen.toml").write_text(SETTINGS)
    shutil.copy(CONTRACT, folder / "contract.odcs.yaml")
    loop = connect(str(folder))
    for path in draw_folder(folder / "drawn", DRAWN // len(CLASSES)):
        content = path.read_bytes()
        loop.store.put(image_path(hashlib.sha256(content).hexdigest(), "JPEG"), content)
    return _images(folder, DRAWN)


def _images(folder: Path, count: int) -> list[LabeledImage]:
    paths = sorted((folder / "drawn").glob("*/*"))
    drawn = [_labeled(path) for path in paths]
    return (drawn * (count // len(drawn) + 1))[:count]


def _labeled(path: Path) -> LabeledImage:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return LabeledImage(
        digest=digest,
        pixel_digest=digest,
        label=path.parent.name,
        group=path.name,
        split=Split.TRAIN,
        source=path.name,
        who="benchmark",
        labeled_at=datetime(2026, 1, 1, tzinfo=UTC),
        media_type="JPEG",
    )


def _primitives(folder: Path) -> float:
    paths = sorted((folder / "store" / "data" / "as_sent").rglob("*.jpg"))
    began = time.perf_counter()
    with (folder / "bare.jsonl").open("wb") as out:
        for path in paths:
            out.write(base64.b64encode(path.read_bytes()))
            out.write(b"\n")
    return time.perf_counter() - began


def _product(folder: Path, images: list[LabeledImage]) -> float:
    loop = connect(str(folder))
    began = time.perf_counter()
    _write(loop, folder, images)
    return time.perf_counter() - began


def _write(loop: Loop, folder: Path, images: list[LabeledImage]) -> None:
    shown = map(Appearance, images)
    write_jsonl(loop, shown, TrainingPolicy(), folder / "ours.jsonl", {b"a picture that is held out"})


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / "ours.jsonl").read_bytes()).hexdigest()


def _peak(folder: Path, count: int) -> float:
    command = [sys.executable, "-m", "benchmarks.training_file", "--peak", str(folder), str(count)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _write_and_tell_peak(folder: Path, count: int) -> None:
    _write(connect(str(folder)), folder, _images(folder, count))
    sys.stdout.write(str(_peak_bytes() / 1_000_000))


def _peak_bytes() -> int:
    """Of this program alone: on Linux, ru_maxrss would count the parent that started it too."""
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        _write_and_tell_peak(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        report("training_file", measure)

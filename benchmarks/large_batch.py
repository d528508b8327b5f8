"""A batch of 50,000 small images (`--images N`: so many) through `kaizen check-images` and `kaizen ingest`.

The peak is the memory of the command and of the processes that it started, the image workers, at the worst moment; the
Prefect server is not counted.
"""

import io
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks._table import report
from benchmarks.training_file import CONTRACT, SETTINGS
from deployments.servers import client_environment, servers

IMAGES = 50_000
SIDE, COARSE = 64, 16
LOOK_SECONDS = 0.2
PAGE = os.sysconf("SC_PAGE_SIZE")


def measure() -> Mapping[str, float]:
    """Seconds and peak memory in MB (10^6 bytes) of the check and of the ingestion, and how many images got in."""
    count = int(sys.argv[sys.argv.index("--images") + 1]) if "--images" in sys.argv else IMAGES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "kaizen.toml").write_text(SETTINGS)
        (folder / "contract.odcs.yaml").write_bytes(CONTRACT.read_bytes())
        batch = folder / "store" / "inbox" / "bench" / "all"
        _draw(batch, count)
        check_s, check_mb = _run(["check-images", str(batch)], {})
        with servers(folder) as running:
            environment = client_environment(folder, running.addresses())
            ingest_s, ingest_mb = _run(["ingest", "--loop", str(folder)], environment)
        accepted = sum(1 for _ in (folder / "store" / "data" / "images").rglob("*.png"))
    return {
        "images": count,
        "accepted": accepted,
        "check_s": check_s,
        "check_mb": check_mb,
        "ingest_s": ingest_s,
        "ingest_mb": ingest_mb,
    }


def _draw(batch: Path, count: int) -> None:
    """Clouds of noise, each another, in two classes."""
    random = np.random.default_rng(7)
    for number in range(count):
        folder = batch / ("crazing" if number % 2 else "scratches")
        folder.mkdir(parents=True, exist_ok=True)
        noise = Image.fromarray(random.integers(0, 256, (COARSE, COARSE), np.uint8))
        out = io.BytesIO()
        noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(out, "PNG", compress_level=1)
        (folder / f"{number:06d}.png").write_bytes(out.getvalue())


def _run(arguments: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Seconds that the command took, and its peak in MB."""
    began, peak = time.perf_counter(), 0
    command = [sys.executable, "-m", "deployments.cli", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **environment}) as process:
        while process.poll() is None:
            peak = max(peak, sum(_bytes(pid) for pid in _family(process.pid)))
            time.sleep(LOOK_SECONDS)
    if process.returncode:
        raise RuntimeError(f"kaizen {' '.join(arguments)} ended with {process.returncode}")
    return time.perf_counter() - began, peak / 1_000_000


def _family(pid: int) -> Iterator[int]:
    """The process and all that it started."""
    children = defaultdict(list)
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
        children[parent].append(int(status.parent.name))
    waiting = [pid]
    while waiting:
        yield (each := waiting.pop())
        waiting += children[each]


def _bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


if __name__ == "__main__":
    report("large_batch", measure)

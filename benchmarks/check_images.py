"""What examining images costs beside the bare primitives: read, SHA-256, decode, perceptual hashes, features.

Both run on all processors: the primitives in a pool of processes, the product in its image workers. Imports and start
of either are left out. Then the same images once more, from the cache of facts.
"""

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Iterable
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from benchmarks._table import report
from decisions.imaging.image_features import image_features
from decisions.imaging.perceptual_hashes import perceptual_hashes
from examples.steel_surface import CLASSES, draw_folder
from tasks.intake.facts_cache import facts_of_folder
from tasks.intake.image_workers import ImageFile, ImageWorkers, shared_workers

IMAGES = 10_000
DRAWN = 1_200


def measure() -> dict[str, float]:
    """Images per second, as a share of what the primitives reach on as many processors, and from the cache."""
    processes = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_folder(Path(folder), DRAWN // len(CLASSES))
        paths = (drawn * (IMAGES // len(drawn) + 1))[:IMAGES]
        bare, ours = _primitives(paths, processes), _product(paths, processes)
        cached = _cached(Path(folder), drawn)
    return {
        "ratio_to_primitives": ours / bare,
        "images_per_s": ours,
        "primitives_per_s": bare,
        "cached_images_per_s": cached,
    }


def _primitives(paths: list[Path], processes: int) -> float:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the workers: more threads than processors only wait
    with get_context("spawn").Pool(processes) as pool:
        pool.map(_look, paths[: processes * 50])
        began = time.perf_counter()
        pool.map(_look, paths, chunksize=50)
        return len(paths) / (time.perf_counter() - began)


def _look(path: Path) -> None:
    content = path.read_bytes()
    hashlib.sha256(content).digest()
    image = Image.open(io.BytesIO(content)).convert("RGB")
    hashlib.sha256(image.tobytes()).digest()
    perceptual_hashes(image.convert("L"))
    image_features(image)


def _product(paths: list[Path], processes: int) -> float:
    workers = ImageWorkers(processes)
    try:
        for _ in workers.facts(_files(paths[: processes * 50])):
            pass
        began = time.perf_counter()
        examined = sum(1 for _ in workers.facts(_files(paths)))
        return examined / (time.perf_counter() - began)
    finally:
        workers.close()


def _cached(folder: Path, drawn: list[Path]) -> float:
    """Images per second when none has changed since it was examined; they are links to those drawn."""
    files = []
    for number in range(IMAGES):
        source = drawn[number % len(drawn)]
        link = source.with_name(f"{number:05d}-{source.name}")
        os.link(source, link)
        files.append(link.relative_to(folder).as_posix())
    remembered = Path(folder) / "facts.sqlite"
    facts_of_folder(folder, files, shared_workers, remembered)
    began = time.perf_counter()
    facts_of_folder(folder, files, shared_workers, remembered)
    return len(files) / (time.perf_counter() - began)


def _files(paths: list[Path]) -> Iterable[ImageFile]:
    return (ImageFile(path.name, path.read_bytes()) for path in paths)


if __name__ == "__main__":
    report("check_images", measure)

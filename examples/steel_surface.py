"""Draw labeled images of six surface defects of hot-rolled steel strip, photograph-like and hard to sort."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Field = NDArray[np.float32]
"""One number per pixel, 200 x 200: a height, a coverage from 0 to 1, or a grey level from 0 to 255."""

SIZE = 200
JPEG_QUALITY = 90

DEFECTS: Mapping[str, str] = MappingProxyType(
    {
        "crazing": "A web of fine dark cracks, mostly across the rolling direction.",
        "inclusion": "Dark slivers of slag or refractory, drawn out along the rolling direction.",
        "patches": "Large dark blotches with ragged edges where scale or rust stayed on the strip.",
        "pitted_surface": "Many small dark pits, scattered or in fields, left by scale that broke away.",
        "rolled-in_scale": "Small raised flakes of scale pressed into the strip, lit on one side.",
        "scratches": "Bright thin lines, mostly along the rolling direction, cut by guides and rollers.",
    }
)
CLASSES: tuple[str, ...] = tuple(DEFECTS)


@dataclass(frozen=True)
class Finish:
    """Look of sound steel: ranges (low, high), grey levels unless said otherwise."""

    level: tuple[float, float]
    grain: tuple[float, float]
    bands: tuple[float, float]
    mottle: tuple[float, float]
    brushed: float
    """Share of the grain that is drawn out across the strip, from 0 to 1."""
    relief: float
    """Factor on the strength of a defect: coarse grain hides what fine grain shows."""


ROUGH = Finish(level=(105, 185), grain=(14, 27), bands=(3, 11), mottle=(6, 15), brushed=0.2, relief=1.4)
SMOOTH = Finish(level=(70, 190), grain=(2.5, 7), bands=(1, 6), mottle=(1, 6), brushed=0, relief=0.85)
SCALED = Finish(level=(75, 140), grain=(6, 13), bands=(2, 9), mottle=(4, 10), brushed=0.75, relief=1.0)
FINISHES: tuple[Finish, ...] = (ROUGH, SMOOTH, SCALED)

USUAL_FINISH: Mapping[str, Finish] = MappingProxyType(
    {
        "crazing": ROUGH,
        "inclusion": SMOOTH,
        "patches": ROUGH,
        "pitted_surface": SMOOTH,
        "rolled-in_scale": SCALED,
        "scratches": SMOOTH,
    }
)
USUAL_FINISH_SHARE = 0.85
DISTRACTOR_SHARE = 0.3
FAINT_SHARE = 0.15


def draw(defect: str, seed: int) -> Image.Image:
    """Return the picture number `seed` of `defect`: mode "L", 200 x 200 pixels, always the same.

    Raises ValueError for a defect that is not in `CLASSES` and for a negative seed.
    """
    if defect not in DEFECTS:
        raise ValueError(f"unknown defect {defect!r}; known defects: {', '.join(CLASSES)}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    rng = np.random.Generator(np.random.PCG64((seed, CLASSES.index(defect))))
    finish = _finish(rng, defect)
    steel = _steel(rng, finish)
    if _chance(rng, DISTRACTOR_SHARE):
        other = CLASSES[int(rng.integers(len(CLASSES)))]
        if other != defect:
            steel = _PAINTERS[other](rng, steel, finish.relief * rng.uniform(0.12, 0.4))
    return _photograph(rng, _PAINTERS[defect](rng, steel, finish.relief * _strength(rng)))


def draw_folder(folder: Path, per_class: int, first: int = 0) -> list[Path]:
    """Write `per_class` JPEG files for each defect and return their paths, class by class.

    Files are CLASS/CLASS_0001.jpg and so on, counted from `first` + 1; the number is the seed. A file that is
    already there stays as it is. Raises ValueError for `per_class` below 1 or `first` below 0.
    """
    if per_class < 1:
        raise ValueError(f"per_class must be 1 or more, got {per_class}")
    if first < 0:
        raise ValueError(f"first must be 0 or more, got {first}")
    paths: list[Path] = []
    for defect in CLASSES:
        (folder / defect).mkdir(parents=True, exist_ok=True)
        for number in range(first + 1, first + per_class + 1):
            path = folder / defect / f"{defect}_{number:04d}.jpg"
            if not path.exists():
                _save(draw(defect, number), path)
            paths.append(path)
    return paths


def _save(image: Image.Image, path: Path) -> None:
    """Write the image so that a reader sees either no file or the whole file."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            image.save(stream, format="JPEG", quality=JPEG_QUALITY)
        # mkstemp makes files that only their owner can read; images are for everyone the folder is for.
        unfinished.chmod(0o644)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


# --- fields ---------------------------------------------------------------------------------------------


def _cloud(rng: np.random.Generator, across: float, along: float) -> Field:
    """Return smooth noise, mean 0 and deviation 1, with features `across` x `along` pixels in size."""
    columns, rows = SIZE / across, SIZE / along
    left, top = rng.random(2)
    shape = (int(rows) + 3, int(columns) + 3)
    coarse = Image.fromarray(rng.standard_normal(shape, dtype=np.float32))
    box = (float(left), float(top), float(left + columns), float(top + rows))
    # Pillow's resize of a small noise grid costs an eighth of a Gaussian filter over the full picture.
    field = np.asarray(coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box), dtype=np.float32)
    standard: Field = (field - field.mean()) / (field.std() + np.float32(1e-6))
    return standard


def _ragged(rng: np.random.Generator, across: float, along: float, detail: float = 0.45) -> Field:
    """Return a cloud with smaller clouds on it, so that its outlines look torn and show no grid."""
    return _cloud(rng, across, along) + np.float32(detail) * _cloud(rng, across / 2.6, along / 2.6)


def _above(field: Field, threshold: float, softness: float) -> Field:
    """Return coverage from 0 to 1: where `field` exceeds `threshold`, with an edge `softness` wide."""
    coverage: Field = (field - np.float32(threshold)) / np.float32(softness) + np.float32(0.5)
    return coverage.clip(0, 1)


def _near_zero(field: Field, width: float) -> Field:
    """Return coverage from 0 to 1 along the lines where `field` crosses zero."""
    return _above(-np.abs(field), -width / 2, width)


def _chance(rng: np.random.Generator, share: float) -> bool:
    """Return True in `share` of all calls."""
    return bool(rng.random() < share)


def _ramp(rng: np.random.Generator) -> Field:
    """Return a straight slope from about -1 to 1 over the picture, mostly across the strip."""
    angle = rng.normal(0, 0.45) + (np.pi if _chance(rng, 0.5) else 0)
    axis = np.linspace(-1, 1, SIZE, dtype=np.float32)
    return np.float32(np.cos(angle)) * axis[None, :] + np.float32(np.sin(angle)) * axis[:, None]


def _zone(rng: np.random.Generator) -> Field:
    """Return coverage from 0 to 1: the part of the strip that a defect takes up, often all of it."""
    if _chance(rng, 0.4):
        return np.ones((SIZE, SIZE), dtype=np.float32)
    if _chance(rng, 0.5):
        return _above(_ramp(rng) + np.float32(0.15) * _cloud(rng, 40, 60), rng.uniform(-0.5, 0.5), 0.7)
    return _above(_cloud(rng, rng.uniform(45, 110), rng.uniform(60, 220)), rng.uniform(-0.6, 0.5), 0.8)


# --- sound steel and the camera -------------------------------------------------------------------------


def _finish(rng: np.random.Generator, defect: str) -> Finish:
    """Pick the finish of the strip: the defect's usual one or any, as finish alone proves nothing."""
    if _chance(rng, USUAL_FINISH_SHARE):
        return USUAL_FINISH[defect]
    return FINISHES[int(rng.integers(len(FINISHES)))]


def _strength(rng: np.random.Generator) -> float:
    """Return how plain the defect is to see, where 1 is plain."""
    return float(rng.uniform(0.3, 0.55) if _chance(rng, FAINT_SHARE) else rng.uniform(0.55, 1.25))


def _steel(rng: np.random.Generator, finish: Finish) -> Field:
    """Return a sound surface in grey levels: light falling off, rolling bands, mottle and grain."""
    level = rng.uniform(*finish.level)
    light = np.float32(rng.uniform(0, 0.28)) * _ramp(rng) + np.float32(0.04) * _cloud(rng, 90, 130)
    bands = _cloud(rng, rng.uniform(3, 30), SIZE * 3)
    mottle = _cloud(rng, rng.uniform(10, 30), rng.uniform(15, 70))
    steel = np.float32(level) * (1 + light)
    steel += np.float32(rng.uniform(*finish.bands)) * bands
    steel += np.float32(rng.uniform(*finish.mottle)) * mottle
    return steel + np.float32(rng.uniform(*finish.grain)) * _grain(rng, finish.brushed)


def _grain(rng: np.random.Generator, brushed: float) -> Field:
    """Return the fine texture of the finish, deviation about 1."""
    size = rng.uniform(1.3, 2.3)
    grain = _cloud(rng, size, size * rng.uniform(0.9, 1.6))
    if not brushed:
        return grain
    brush = _cloud(rng, rng.uniform(6, 16), rng.uniform(1.4, 2.4))
    return np.float32(1 - brushed) * grain + np.float32(brushed) * _slanted(brush, rng.normal(0, 0.25))


def _slanted(field: Field, slope: float) -> Field:
    """Return the field with each column moved down by `slope` pixels per column, wrapped around."""
    rows = np.arange(SIZE)[:, None] - np.round(slope * np.arange(SIZE)).astype(np.int64)[None, :]
    slanted: Field = field[rows % SIZE, np.arange(SIZE)[None, :]]
    return slanted


def _photograph(rng: np.random.Generator, surface: Field) -> Image.Image:
    """Return the picture that a line camera takes: exposure, contrast, focus and sensor noise."""
    middle = float(surface.mean())
    seen = (surface - np.float32(middle)) * np.float32(rng.uniform(0.6, 1.35))
    seen += np.float32(np.clip(middle * rng.uniform(0.75, 1.25), 35, 225))
    seen += np.float32(rng.uniform(1, 4.5)) * rng.standard_normal((SIZE, SIZE), dtype=np.float32)
    image = Image.fromarray(np.clip(np.rint(seen), 0, 255).astype(np.uint8))
    if _chance(rng, 0.5):
        return image
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.1)))


# --- the six defects ------------------------------------------------------------------------------------


def _crazing(rng: np.random.Generator, steel: Field, strength: float) -> Field:
    """Return the steel with a web of fine cracks, broken and uneven."""
    reach = rng.uniform(7, 17)
    cracks = np.zeros((SIZE, SIZE), dtype=np.float32)
    for _ in range(int(rng.integers(2, 4))):
        lines = _ragged(rng, reach * rng.uniform(1.4, 2.6), reach * rng.uniform(0.6, 0.9), 0.4)
        present = _above(_cloud(rng, reach * 1.3, reach * 0.9), rng.uniform(-0.4, 0.5), 0.9)
        cracks = np.maximum(cracks, _near_zero(lines, rng.uniform(0.14, 0.3)) * present)
    return steel - np.float32(68 * strength) * cracks * _zone(rng)


def _inclusion(rng: np.random.Generator, steel: Field, strength: float) -> Field:
    """Return the steel with dark slivers in one or a few lines along the strip."""
    axis = np.arange(SIZE, dtype=np.float32)
    lane = np.full(SIZE, -9, dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        offset = (axis - np.float32(rng.uniform(8, SIZE - 8))) / np.float32(rng.uniform(4, 22))
        lane = np.maximum(lane, -(offset**2))
    slivers = _ragged(rng, rng.uniform(4, 13), rng.uniform(25, 90), 0.5)
    dark = _above(slivers + np.maximum(lane, -4)[None, :], rng.uniform(-0.6, 0.7), rng.uniform(0.25, 0.8))
    uneven = np.float32(0.85) + np.float32(0.15) * _cloud(rng, 4, 12)
    return steel - np.float32(58 * strength) * dark * uneven


def _patches(rng: np.random.Generator, steel: Field, strength: float) -> Field:
    """Return the steel with large ragged blotches and, at times, black flecks in them."""
    blotches = _ragged(rng, rng.uniform(22, 60), rng.uniform(30, 85), 0.35)
    blotches += np.float32(0.22) * _cloud(rng, 3, 4)
    dark = _above(blotches, rng.uniform(0.2, 1.1), rng.uniform(0.5, 1.3))
    # A blotch swallows a share of the light, so the grain stays visible in it and it is never plain black.
    patched = steel * (1 - np.float32(min(0.8, 0.5 * strength)) * dark)
    if _chance(rng, 0.35):
        flecks = _above(_ragged(rng, 4, 3), rng.uniform(2.0, 2.6), 0.3) * _above(blotches, -0.6, 0.6)
        patched -= np.float32(70 * strength) * flecks
    return patched


def _pitted_surface(rng: np.random.Generator, steel: Field, strength: float) -> Field:
    """Return the steel with many small pits, each dark with a thin lit rim on its lower side."""
    size = rng.uniform(2.6, 6.0)
    spots = _ragged(rng, size, size * rng.uniform(0.9, 1.6), 0.3)
    pits = _above(spots, rng.uniform(0.7, 1.7), 0.6) * _zone(rng)
    rim: Field = np.roll(pits, 1, axis=0) - pits
    return steel - np.float32(52 * strength) * pits + np.float32(14 * strength) * rim.clip(0, 1)


def _rolled_in_scale(rng: np.random.Generator, steel: Field, strength: float) -> Field:
    """Return the steel with pressed-in flakes, which the light shows as a bright and a dark edge."""
    size = rng.uniform(2.6, 5.5)
    flakes = _ragged(rng, size * rng.uniform(1.2, 2.2), size, 0.45)
    height = _above(flakes, rng.uniform(1.1, 1.9), 1.1) * _zone(rng)
    step = int(rng.integers(1, 4))
    relief = np.roll(height, step, axis=0) - np.roll(height, -step, axis=0)
    return steel - np.float32(36 * strength) * relief - np.float32(30 * strength) * height


def _scratches(rng: np.random.Generator, steel: Field, strength: float) -> Field:
    """Return the steel with bright lines, one wide one or a few thin ones, along or at times across."""
    lines = np.zeros((SIZE, SIZE), dtype=np.float32)
    slope = rng.normal(0, 0.05)
    centre, spread = rng.uniform(25, SIZE - 25), rng.uniform(4, 55)
    for number in range(int(rng.integers(1, 10))):
        start = centre if number == 0 else rng.normal(centre, spread)
        _score(rng, lines, start, slope + rng.normal(0, 0.015))
    if _chance(rng, 0.25):
        lines = lines.T
    return steel + np.float32(85 * strength) * lines


def _score(rng: np.random.Generator, lines: Field, start: float, slope: float) -> None:
    """Draw one scratch into `lines`, from `start` pixels at the top edge, leaning by `slope`."""
    along = np.arange(SIZE)
    width = rng.uniform(0.8, 2.0) if _chance(rng, 0.85) else rng.uniform(2.5, 7)
    path = start + slope * (along - SIZE / 2) + np.cumsum(rng.normal(0, 0.08 * width, SIZE))
    middle, reach = rng.uniform(20, SIZE - 20), rng.uniform(30, 180)
    fade = np.clip((reach - np.abs(along - middle)) / 18, 0, 1)
    knots = rng.uniform(-0.25, 1.4, int(rng.integers(4, 40)))
    pressure = np.clip(np.interp(along, np.linspace(0, SIZE, len(knots)), knots), 0.0, 1.0)
    half = int(np.ceil(2 * width))
    columns = np.rint(path).astype(np.int64)[:, None] + np.arange(-half, half + 1)[None, :]
    brightness = fade * pressure * rng.uniform(0.5, 1)
    profile = np.exp(-(((columns - path[:, None]) / width) ** 2)) * brightness[:, None]
    inside = (columns >= 0) & (columns < SIZE)
    rows = np.broadcast_to(along[:, None], columns.shape)[inside]
    lines[rows, columns[inside]] = np.maximum(lines[rows, columns[inside]], profile[inside])


_Painter = Callable[[np.random.Generator, Field, float], Field]
_PAINTERS: Mapping[str, _Painter] = MappingProxyType(
    {
        "crazing": _crazing,
        "inclusion": _inclusion,
        "patches": _patches,
        "pitted_surface": _pitted_surface,
        "rolled-in_scale": _rolled_in_scale,
        "scratches": _scratches,
    }
)


def main(arguments: list[str] | None = None) -> int:
    """Draw a folder of labeled images as the command line asks; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.steel_surface", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write CLASS/CLASS_0001.jpg and so on")
    parser.add_argument("--per-class", type=int, default=250, help="images of each class (default: 250)")
    parser.add_argument("--first", type=int, default=0, help="start after this number (default: 0)")
    options = parser.parse_args(arguments)
    try:
        paths = draw_folder(options.folder, options.per_class, options.first)
    except ValueError as error:
        parser.error(str(error))
    sys.stdout.write(f"{len(paths)} images of {len(CLASSES)} classes in {options.folder}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

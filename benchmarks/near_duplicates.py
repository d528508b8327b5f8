"""How long it takes to find near-duplicates: 50,000 hashes against 5,000, straight, mirrored and cropped."""

import time

import numpy as np

from benchmarks._table import report
from data_contracts.image_contract import NearDuplicateRule
from decisions.imaging.near_duplicates import HashTable, near_pairs
from decisions.imaging.perceptual_hashes import PerceptualHashes

KNOWN, FRESH, PLANTED = 50_000, 5_000, 500


def measure() -> dict[str, float]:
    """Seconds to compare, and the planted copies found of those planted (1 is all)."""
    generator = np.random.default_rng(1)
    known = _random(generator, KNOWN)
    fresh = known[:PLANTED] + _random(generator, FRESH - PLANTED)
    old, new = HashTable(known), HashTable(fresh)
    began = time.perf_counter()
    found = near_pairs(old, new, NearDuplicateRule())
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "found_of_planted": len(found.near) / PLANTED}


def _random(generator: np.random.Generator, count: int) -> list[PerceptualHashes]:
    return [PerceptualHashes(*(generator.bytes(size).hex() for size in (8, 32, 8, 32, 8, 32))) for _ in range(count)]


if __name__ == "__main__":
    report("near_duplicates", measure)

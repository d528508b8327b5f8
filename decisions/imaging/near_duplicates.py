"""Which images show nearly the same picture: Hamming distances of perceptual hashes, and the groups that they join.

A pair is near when the 64-bit hashes differ in few bits and the 256-bit hashes confirm it; where only the first holds,
a person looks (methods section 3). The mirror image counts as the same picture, and so does what a narrow crop leaves.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.image_contract import NearDuplicateRule
from data_contracts.images import Split
from decisions.imaging.perceptual_hashes import PerceptualHashes, as_words

Words = NDArray[np.uint64]
Pairs = NDArray[np.int64]

WORKERS = 2
AT_ONCE = 8
MOST_PAIRS = 1_000_000
"""Where more pairs are close, everything is near everything, and looking further would only take memory."""
ROWS = 64
"""Rows compared at a time, so that a block of distances stays in the processor's cache."""


@dataclass(frozen=True)
class NearPairs:
    """Pairs of places, shape (pairs, 2): confirmed ones, and ones that only the coarse hash finds."""

    near: Pairs
    to_review: Pairs
    complete: bool = True
    """False: there are more pairs than MOST_PAIRS, and these are only the first."""


class HashTable:
    """The perceptual hashes of many images as arrays, one row per image."""

    def __init__(self, hashes: Sequence[PerceptualHashes]) -> None:
        self.coarse = as_words([each.phash64 for each in hashes]).reshape(-1, 1)
        self.fine = as_words([each.phash256 for each in hashes]).reshape(-1, 4)
        self.mirrored_coarse = as_words([each.mirrored64 for each in hashes]).reshape(-1, 1)
        self.mirrored_fine = as_words([each.mirrored256 for each in hashes]).reshape(-1, 4)
        self.cropped_coarse = as_words([each.cropped64 for each in hashes]).reshape(-1, 1)
        self.cropped_fine = as_words([each.cropped256 for each in hashes]).reshape(-1, 4)

    def __len__(self) -> int:
        return len(self.coarse)


def near_pairs(left: HashTable, right: HashTable, rule: NearDuplicateRule) -> NearPairs:
    """The pairs (place in *left*, place in *right*) that are near; ordered, each once.

    A pair is near when the two are, or one and the mirror image of the other, or one and a crop of the other.
    """
    ways = (
        (left.coarse, right.coarse, left.fine, right.fine),
        (left.coarse, right.mirrored_coarse, left.fine, right.mirrored_fine),
        (left.coarse, right.cropped_coarse, left.fine, right.cropped_fine),
        (left.cropped_coarse, right.coarse, left.cropped_fine, right.fine),
    )
    found = [_close(one, other, rule.coarse) for one, other, _, _ in ways]
    confirmed = [
        pairs[_distances(one, other, pairs) <= rule.fine] for pairs, (_, _, one, other) in zip(found, ways, strict=True)
    ]
    near, candidates = _each_once(np.concatenate(confirmed)), _each_once(np.concatenate(found))
    complete = max(map(len, found)) < MOST_PAIRS
    return NearPairs(near, candidates[~_among(candidates, near)], complete)


def near_pairs_within(images: HashTable, rule: NearDuplicateRule) -> NearPairs:
    """The near pairs of different images of one table; the smaller place comes first."""
    found = near_pairs(images, images, rule)
    near, to_review = (pairs[pairs[:, 0] < pairs[:, 1]] for pairs in (found.near, found.to_review))
    return NearPairs(near, to_review, found.complete)


def distances_between(words: Words, kinds: NDArray[np.int64], bits: int) -> list[int]:
    """How many pairs of rows of different *kinds* differ in 0, 1, ... *bits* bits."""
    counts = np.zeros(bits + 1, np.int64)
    for start in range(0, len(words), ROWS):
        rows = slice(start, start + ROWS)
        distances = np.zeros((len(words[rows]), len(words)), np.uint16)
        for column in range(words.shape[1]):
            distances += np.bitwise_count(words[rows, column, None] ^ words[:, column])
        apart = kinds[rows, None] < kinds
        counts += np.bincount(distances[apart], minlength=bits + 1)
    return [int(count) for count in counts]


def components(images: int, pairs: Pairs) -> list[list[int]]:
    """The groups of places below *images* that *pairs* join, directly or through others; loners are left out."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(images, images))
    labels = connected_components(joined, directed=False)[1]
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    return [group.tolist() for group in np.split(order, starts) if len(group) > 1]


@dataclass(frozen=True)
class Sides:
    """Where the groups of one component go: splits, newcomers that bridge two of them, and held-out ones that leak."""

    splits: Mapping[str, Split]
    quarantined: frozenset[str]
    leaky: frozenset[str]


def sides_of(component: Sequence[str], pinned: Mapping[str, Split], first_sight: Callable[[str], Split]) -> Sides:
    """The splits of groups that show the same thing.

    One pinned split among them: newcomers inherit it. None: that of the smallest name at *first_sight*. Several: the
    pinned stay, newcomers are quarantined, and held-out ones leak (methods section 3).
    """
    known = {group: pinned[group] for group in component if group in pinned}
    newcomers = [group for group in component if group not in pinned]
    held = set(known.values())
    if len(held) > 1:
        leaky = frozenset(group for group, split in known.items() if split is Split.HELD_OUT)
        return Sides(known, frozenset(newcomers), leaky)
    split = held.pop() if held else first_sight(min(component))
    return Sides({**known, **dict.fromkeys(newcomers, split)}, frozenset(), frozenset())


def _close(left: Words, right: Words, threshold: int) -> Pairs:
    """Pairs of rows of single words that differ in at most *threshold* bits; no more than MOST_PAIRS."""
    if not len(left) or not len(right):
        return np.empty((0, 2), np.int64)
    others = np.ascontiguousarray(right[:, 0])

    def compare(start: int) -> Pairs:
        distances = np.bitwise_count(left[start : start + ROWS] ^ others)
        rows, columns = np.nonzero(distances <= threshold)
        return np.stack([rows + start, columns], axis=1)

    found, pairs = [np.empty((0, 2), np.int64)], 0
    with ThreadPoolExecutor(WORKERS) as pool:
        for start in range(0, len(left), ROWS * WORKERS * AT_ONCE):
            starts = range(start, min(len(left), start + ROWS * WORKERS * AT_ONCE), ROWS)
            found += pool.map(compare, starts)
            pairs += sum(map(len, found[-len(starts) :]))
            if pairs >= MOST_PAIRS:
                break
    return np.concatenate(found)[:MOST_PAIRS]


def _distances(left: Words, right: Words, pairs: Pairs) -> NDArray[np.int64]:
    differing: NDArray[np.int64] = np.bitwise_count(left[pairs[:, 0]] ^ right[pairs[:, 1]]).sum(axis=1, dtype=np.int64)
    return differing


def _each_once(pairs: Pairs) -> Pairs:
    return np.unique(pairs, axis=0) if len(pairs) else pairs


def _among(pairs: Pairs, others: Pairs) -> NDArray[np.bool_]:
    width = 1 + max((int(each.max()) for each in (pairs, others) if len(each)), default=0)
    return np.isin(pairs[:, 0] * width + pairs[:, 1], others[:, 0] * width + others[:, 1])

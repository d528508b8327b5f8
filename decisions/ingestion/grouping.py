"""Which group and split each newly accepted image gets: pictures that are nearly the same stay on one side."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data_contracts.image_contract import ImageContract
from data_contracts.images import ImageFacts, LabeledImage, Refusal, Split
from data_contracts.refusal_codes import BRIDGES_SPLITS
from decisions.imaging.near_duplicates import (
    MOST_PAIRS,
    HashTable,
    NearPairs,
    Pairs,
    Sides,
    components,
    near_pairs,
    near_pairs_within,
    sides_of,
)
from decisions.imaging.perceptual_hashes import PerceptualHashes
from decisions.ingestion.class_folders import inner_folders
from decisions.ingestion.shots import consecutive, shot
from decisions.ingestion.splits import group_of, split_of

LONGEST_CHAIN = 20
"""Near pictures that may join in a small set; in a larger one it is the share below."""
CHAIN_SHARE = 0.02
EXPOSURES = 6
"""Near pictures that one part may well have, even where they are most of a small set."""
LONER = -1
"""Instead of a component's number: the group joins no other."""
FEW_OF_ANOTHER_CLASS = 3
"""Near pictures of another class that may be slips of whoever sorted them."""
SHOWN = 5


@dataclass(frozen=True)
class Placed:
    """An accepted image with the group and the split that it belongs to from now on."""

    facts: ImageFacts
    group: str
    split: Split


@dataclass(frozen=True)
class Placement:
    """Where the images of a batch go; where *stopped* says why, nothing of the batch may enter."""

    placed: tuple[Placed, ...] = ()
    refused: tuple[Refusal, ...] = ()
    near: tuple[tuple[str, str], ...] = ()
    """Pairs that show nearly the same picture: names of files, or digests of images accepted earlier."""
    to_review: tuple[tuple[str, str], ...] = ()
    """Pairs that only the coarse hash finds: a person should look."""
    leaky: tuple[str, ...] = ()
    """Digests of held-out images that are nearly the same as training images."""
    stopped: str | None = None


def place(fresh: Sequence[ImageFacts], known: Sequence[LabeledImage], contract: ImageContract) -> Placement:
    """Where the accepted images *fresh* go, given those *known* from earlier batches.

    Groups come from the contract's rule, else each picture is its own; near-duplicates and, where the contract says so,
    shots that follow each other closely join groups. A group keeps the split that it has; one that would join two
    splits is refused, and its held-out images leak.
    """
    album = _Album(fresh, known, contract)
    stopped = album.too_much()
    if stopped:
        return Placement(near=album.told(album.near), to_review=album.told(album.to_review), stopped=stopped)
    sides = {group: side for groups in album.joined for side in [album.sides(groups)] for group in groups}
    placed, refused = [], []
    for facts, group in zip(fresh, album.groups, strict=False):
        side = sides.get(group) or album.sides([group])
        if group in side.quarantined:
            refused.append(_bridging(facts, side))
        else:
            placed.append(Placed(facts, album.name_of(group), side.splits[group]))
    leaking = {group for side in sides.values() for group in side.leaky}
    return Placement(
        placed=tuple(placed),
        refused=tuple(refused),
        near=album.told(album.near),
        to_review=album.told(album.to_review),
        leaky=tuple(sorted(image.digest for image in known if image.group in leaking)),
    )


def _bridging(facts: ImageFacts, side: Sides) -> Refusal:
    return Refusal(
        file=facts.file,
        code=BRIDGES_SPLITS,
        reason="it shows the same part as images on both sides of the held-out set: "
        + ", ".join(f"one in {split}" for split in sorted(set(side.splits.values()))),
    )


@dataclass
class _Album:
    """Fresh images, then known ones, with the pairs between them that are near."""

    fresh: Sequence[ImageFacts]
    known: Sequence[LabeledImage]
    contract: ImageContract
    near: Pairs = field(init=False)
    to_review: Pairs = field(init=False)
    complete: bool = field(init=False)
    unexpected: Pairs = field(init=False)
    """Near pairs that no rule of the contract had put into one group already."""

    def __post_init__(self) -> None:
        self.groups = [
            *(group_of(facts, self.contract) for facts in self.fresh),
            *(image.group for image in self.known),
        ]
        self.labels = [*(facts.label for facts in self.fresh), *(image.label for image in self.known)]
        self.pinned = {image.group: image.split for image in self.known}
        found = self._pairs()
        self.near, self.to_review, self.complete = found.near, found.to_review, found.complete
        bursts = self._bursts()
        self.joined = self._joined(np.concatenate([self.near, bursts]))
        self.unexpected = self.near[self._apart(bursts)]
        component = {group: number for number, groups in enumerate(self.joined) for group in groups}
        self._component_of = np.array([component.get(group, LONER) for group in self.groups], np.int64)
        self._names = {group: self._common_name(groups) for groups in self.joined for group in groups}

    def sides(self, groups: Sequence[str]) -> Sides:
        """The splits of groups that show the same thing."""
        return sides_of(groups, self.pinned, lambda group: split_of(group, self.contract.split))

    def name_of(self, group: str) -> str:
        """The name of the group that *group* has become part of."""
        return self._names.get(group, group)

    def told(self, pairs: Pairs) -> tuple[tuple[str, str], ...]:
        """The pairs with the names that a person knows the images by."""
        return tuple((self._name(int(one)), self._name(int(other))) for one, other in pairs)

    def too_much(self) -> str | None:
        """Why so many pictures cannot all be nearly the same, None if they can."""
        if not self.complete:
            return f"more than {MOST_PAIRS:,} pairs are nearly the same picture: {self._shown(self.near)}"
        return next((why for why in map(self._too_much, range(len(self.joined))) if why), None)

    def _too_much(self, component: int) -> str | None:
        chain = self.unexpected[self._component_of[self.unexpected[:, 0]] == component]
        if not len(chain):
            return None
        images = np.unique(chain)
        size = max(len(images), self._size(component))
        told = f"{size} of {len(self.groups)} images"
        labels = Counter(str(self.labels[place]) for place in images)
        others = len(images) - labels.most_common(1)[0][1]
        if others > FEW_OF_ANOTHER_CLASS:
            classes = ", ".join(sorted(labels))
            return f"{told}, of the classes {classes}, are nearly the same picture: {self._shown(chain)}"
        most = EXPOSURES < size > len(self.groups) / 2
        if most or size > max(LONGEST_CHAIN, CHAIN_SHARE * len(self.groups)):
            return f"{told} are nearly the same picture: {self._shown(chain)}"
        return None

    def _size(self, component: int) -> int:
        """Images of a component, with those that joined it in earlier batches; 0 where the contract makes groups."""
        if self.contract.group is not None:
            return 0
        return int(np.count_nonzero(self._component_of == component))

    def _shown(self, chain: Pairs) -> str:
        links = "; ".join(" and ".join(self._name(int(place)) for place in pair) for pair in chain[:SHOWN])
        return (
            f"{links}{' ...' if len(chain) > SHOWN else ''}. On a fixed camera all parts look alike: find thresholds"
            " with `kaizen check-images --calibrate` and set them as nearDuplicates in the contract, or say there with"
            " `group` what tells the parts"
        )

    def _name(self, place: int) -> str:
        fresh = len(self.fresh)
        return self.fresh[place].file if place < fresh else self.known[place - fresh].digest

    def _pairs(self) -> NearPairs:
        """Near pairs of fresh images, and of a fresh and a known one; known ones were compared when they came."""
        rule = self.contract.near_duplicates
        fresh = [place for place, facts in enumerate(self.fresh) if facts.phash64]
        known = [place for place, image in enumerate(self.known) if image.phash64]
        if rule is None or not fresh:
            nothing = np.empty((0, 2), np.int64)
            return NearPairs(nothing, nothing)
        new = HashTable([hashes_of(self.fresh[place]) for place in fresh])
        old = HashTable([hashes_of(self.known[place]) for place in known])
        within, across = near_pairs_within(new, rule), near_pairs(old, new, rule)
        here, there = np.array(fresh, np.int64), np.array(known, np.int64) + len(self.fresh)
        near, to_review = (
            np.concatenate([here[inner], np.stack([here[outer[:, 1]], there[outer[:, 0]]], axis=1)])
            for inner, outer in ((within.near, across.near), (within.to_review, across.to_review))
        )
        return NearPairs(near, to_review, within.complete and across.complete)

    def _bursts(self) -> Pairs:
        """Pairs of shots that follow each other within the contract's seconds; none where it names none."""
        rule = self.contract.group
        if rule is None or rule.seconds is None:
            return np.empty((0, 2), np.int64)
        fresh = [shot(facts.taken_at, facts.camera, inner_folders(facts.file)) for facts in self.fresh]
        known = [shot(image.taken_at, image.camera, inner_folders(_file(image))) for image in self.known]
        return consecutive([*fresh, *known], rule.seconds)

    def _apart(self, bursts: Pairs) -> NDArray[np.bool_]:
        """Which near pairs lie in no group and in no burst together."""
        burst = np.arange(len(self.groups))
        for number, places in enumerate(components(len(self.groups), bursts)):
            burst[places] = -1 - number
        one, other = self.near[:, 0], self.near[:, 1]
        _, nodes = self._nodes()
        apart: NDArray[np.bool_] = (burst[one] != burst[other]) & (nodes[one] != nodes[other])
        return apart

    def _nodes(self) -> tuple[list[str], NDArray[np.int64]]:
        """The names of the groups, and for each image the place of its group among them."""
        names = sorted(set(self.groups))
        node_of = {name: node for node, name in enumerate(names)}
        return names, np.array([node_of[group] for group in self.groups], np.int64)

    def _joined(self, pairs: Pairs) -> list[list[str]]:
        """Groups that *pairs* of images join, each component sorted."""
        names, nodes = self._nodes()
        edges = nodes[pairs]
        return [
            [names[node] for node in found]
            for found in components(len(names), edges[edges[:, 0] != edges[:, 1]].reshape(-1, 2))
        ]

    def _common_name(self, groups: Sequence[str]) -> str:
        return min([group for group in groups if group in self.pinned] or groups)


def _file(image: LabeledImage) -> str:
    """The path in its batch that an accepted image had."""
    return image.source.partition("/")[2]


def hashes_of(image: ImageFacts | LabeledImage) -> PerceptualHashes:
    """The hashes of an image; of a pair one mirrored side is enough, so known images keep none of theirs."""
    coarse, fine = str(image.phash64), str(image.phash256)
    return PerceptualHashes(
        phash64=coarse,
        phash256=fine,
        mirrored64=getattr(image, "mirrored64", None) or coarse,
        mirrored256=getattr(image, "mirrored256", None) or fine,
        cropped64=image.cropped64 or coarse,
        cropped256=image.cropped256 or fine,
    )

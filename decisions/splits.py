"""Which split an image belongs to: a salted hash of its group decides, once and for all."""

import hashlib
import re

from data_contracts.image_contract import ImageContract, SplitRule
from data_contracts.images import ImageFacts, Split


def group_of(facts: ImageFacts, contract: ImageContract) -> str:
    """The part or shot that the file's name tells of, or the picture itself."""
    found = re.search(contract.group_pattern, facts.file) if contract.group_pattern else None
    name = (found.groupdict().get("group") or found.group(0)) if found else ""
    return name or str(facts.pixel_digest)


def split_of(group: str, rule: SplitRule) -> Split:
    """The split of all images of *group* at first sight; later it is read, never computed again."""
    place = hash_share(group, rule.salt)
    if place < rule.held_out:
        return Split.HELD_OUT
    return Split.VALIDATION if place < rule.held_out + rule.validation else Split.TRAIN


def hash_share(group: str, salt: str) -> float:
    """The first 8 bytes of SHA-256 of `salt:group`, big endian, as a share of 2^64: in [0, 1)."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{group}".encode()).digest()[:8], "big") / 2**64

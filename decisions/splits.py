"""Which split an image belongs to: a salted hash of its group decides, once and for all (methods, section 3)."""

import hashlib

from data_contracts.image_contract import SplitRule
from data_contracts.images import Split


def split_of(group: str, rule: SplitRule) -> Split:
    """The split of all images of *group* at first sight; later it is read, never computed again."""
    place = hash_share(group, rule.salt)
    if place < rule.held_out:
        return Split.HELD_OUT
    return Split.VALIDATION if place < rule.held_out + rule.validation else Split.TRAIN


def hash_share(group: str, salt: str) -> float:
    """The first 8 bytes of SHA-256 of `salt:group`, big endian, as a share of 2^64: in [0, 1)."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{group}".encode()).digest()[:8], "big") / 2**64

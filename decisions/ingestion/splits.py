"""Which split an image belongs to: a salted hash of its group decides, once and for all."""

import hashlib
import re

from data_contracts.image_contract import GroupRule, ImageContract, SplitRule
from data_contracts.images import ImageFacts, ImageHeader, Split
from decisions.ingestion.class_folders import side_of
from decisions.ingestion.shots import shot


def group_of(facts: ImageFacts, contract: ImageContract) -> str:
    """The part or shot that the image shows, as the contract's rule tells.

    Without a rule the picture is its own group. So it is with a rule of seconds, but shots taken shortly before and
    after join it (see decisions.ingestion.grouping).
    """
    rule = contract.group
    part = _part(facts, rule) if rule else None
    return part or str(facts.pixel_digest)


def tells_group(facts: ImageHeader, contract: ImageContract) -> bool:
    """Whether the image tells what the contract's rule takes groups from."""
    rule = contract.group
    if rule is None:
        return True
    if rule.source == "seconds":
        return shot(facts.taken_at, facts.camera, "") is not None
    return _part(facts, rule) is not None


def _part(facts: ImageHeader, rule: GroupRule) -> str | None:
    """The name of the part that the batch gives the image, None without one."""
    if rule.source == "column":
        return facts.group
    if rule.source == "folder":
        return _of_folder(facts)
    return _of_name(rule.pattern, facts.file) if rule.pattern is not None else None


def _of_folder(facts: ImageHeader) -> str | None:
    """The folders around the file, without that of a split and that of its class."""
    folders = facts.file.split("/")[:-1]
    if side_of(facts.file) is not None:
        folders = folders[1:]
    if folders and folders[0] == facts.said:
        folders = folders[1:]
    return "/".join(folders) or None


def _of_name(pattern: str, file: str) -> str | None:
    """What the group named 'group', else the only group, else the whole pattern finds in the file's name."""
    found = re.search(pattern, file.rpartition("/")[2])
    if found is None:
        return None
    if "group" in found.groupdict():
        return found["group"] or None
    return (found[1] if len(found.groups()) == 1 else found[0]) or None


def split_of(group: str, rule: SplitRule) -> Split:
    """The split of all images of *group* at first sight; later it is read, never computed again."""
    place = hash_share(group, rule.salt)
    if place < rule.held_out:
        return Split.HELD_OUT
    return Split.VALIDATION if place < rule.held_out + rule.validation else Split.TRAIN


def hash_share(group: str, salt: str) -> float:
    """The first 8 bytes of SHA-256 of `salt:group`, big endian, as a share of 2^64: in [0, 1)."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{group}".encode()).digest()[:8], "big") / 2**64

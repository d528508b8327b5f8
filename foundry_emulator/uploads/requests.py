"""What is asked of an upload, checked."""

import re
from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors
from foundry_emulator.files.quotas import check_size
from foundry_emulator.files.requests import NewFile, expiry_of_json, new_file

LARGEST_BYTES = 8_000_000_000
_MD5 = re.compile(r"[0-9a-fA-F]{32}")
_LONGEST_TYPE = 255


@dataclass(frozen=True)
class NewUpload:
    """The file that is to come of it, and the bytes that it will have."""

    file: NewFile
    size: int
    mime_type: str


@dataclass(frozen=True)
class Completion:
    """The parts in their order, and the MD5 digest (hex) that the whole must have, if one was given."""

    part_ids: list[str]
    md5: str | None


def new_upload(account: str, body: dict[str, Any]) -> NewUpload:
    """Return the upload that is wanted; ServiceError 400 says what is wrong with it."""
    file = new_file(account, body.get("purpose"), body.get("filename"), expiry_of_json(body.get("expires_after")))
    size, mime_type = body.get("bytes"), body.get("mime_type")
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= LARGEST_BYTES:
        raise errors.invalid_payload(f"The field 'bytes' must be a whole number from 1 to {LARGEST_BYTES}.")
    if not isinstance(mime_type, str) or not 1 <= len(mime_type) <= _LONGEST_TYPE or not mime_type.isprintable():
        raise errors.invalid_payload("The field 'mime_type' is required and must be a string.")
    check_size(file.purpose, size)
    return NewUpload(file, size, mime_type)


def completion(body: dict[str, Any]) -> Completion:
    """Return what is to be completed; ServiceError 400 says what is wrong with it."""
    ids, md5 = body.get("part_ids"), body.get("md5")
    if not isinstance(ids, list) or not ids or not all(isinstance(part, str) for part in ids):
        raise errors.invalid_payload("The field 'part_ids' must be a list of the ids of parts.")
    if len(set(ids)) < len(ids):
        raise errors.invalid_payload("The field 'part_ids' names a part more than once.")
    if md5 is not None and (not isinstance(md5, str) or not _MD5.fullmatch(md5)):
        raise errors.invalid_payload("The field 'md5' must be 32 hexadecimal digits.")
    return Completion(ids, md5.lower() if md5 else None)

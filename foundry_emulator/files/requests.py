"""A file that someone wants to bring, checked."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors

PURPOSES = frozenset({"assistants", "batch", "fine-tune", "evals"})
ALL_PURPOSES = PURPOSES | {"assistants_output", "batch_output", "fine-tune-results"}
EXPIRY_SECONDS = range(1_209_600, 2_592_001)
_ANCHOR = "created_at"
_LONGEST_NAME = 255


@dataclass(frozen=True)
class NewFile:
    """Whose file it is to be, what for, its name, and after how many seconds it is to expire (None for never)."""

    account: str
    purpose: str
    filename: str
    expires_after: int | None


def new_file(account: str, purpose: Any, filename: Any, expires_after: int | None) -> NewFile:
    """Return the file that is wanted; ServiceError 400 for a wrong purpose or an impossible name."""
    if not isinstance(purpose, str) or purpose not in PURPOSES:
        given = f"The purpose '{purpose}' is not" if purpose else "The field 'purpose' is required; it must be"
        raise errors.invalid_payload(f"{given} one of {', '.join(sorted(PURPOSES))}.")
    if not isinstance(filename, str) or not filename.strip() or len(filename) > _LONGEST_NAME:
        raise errors.invalid_payload(f"The file needs a filename of 1 to {_LONGEST_NAME} characters.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in filename):
        raise errors.invalid_payload("The filename must not contain control characters.")
    return NewFile(account, purpose, filename, expires_after)


def expiry_of_form(fields: Mapping[str, str]) -> int | None:
    """Return the seconds of `expires_after` in a form, in the bracket or the dot notation; ServiceError 400."""
    given = {
        name: fields[written]
        for name in ("seconds", "anchor")
        for written in (f"expires_after[{name}]", f"expires_after.{name}")
        if written in fields
    }
    text = given.get("seconds")
    return _expiry({**given, "seconds": int(text)} if text and re.fullmatch(r"[0-9]{1,9}", text) else given)


def expiry_of_json(value: Any, name: str = "expires_after") -> int | None:
    """Return the seconds of the object *value* that the body had under *name*, None for none; ServiceError 400."""
    if value is None:
        return None
    if not isinstance(value, dict) or not value:
        raise errors.invalid_payload(f"The field '{name}' must be an object with anchor and seconds.")
    return _expiry(value)


def _expiry(given: Mapping[str, Any]) -> int | None:
    if not given:
        return None
    if given.get("anchor") != _ANCHOR:
        raise errors.invalid_payload(f"expires_after.anchor must be '{_ANCHOR}'.")
    seconds = given.get("seconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds not in EXPIRY_SECONDS:
        raise errors.invalid_payload(
            f"expires_after.seconds must be a whole number from {EXPIRY_SECONDS.start} to {EXPIRY_SECONDS.stop - 1}."
        )
    return seconds

"""The pairs of texts that a caller attaches to a job, a batch or a response."""

from typing import Any

from foundry_emulator import errors

MOST_PAIRS = 16
LONGEST_KEY = 64
LONGEST_VALUE = 512


def checked(value: Any) -> dict[str, str]:
    """Return the metadata in *value*; ServiceError 400 says what is wrong with it."""
    if not isinstance(value, dict) or len(value) > MOST_PAIRS:
        raise errors.invalid_payload(f"The metadata must be an object of at most {MOST_PAIRS} pairs.")
    for key, text in value.items():
        if not isinstance(text, str) or len(key) > LONGEST_KEY or len(text) > LONGEST_VALUE:
            raise errors.invalid_payload(
                f"The metadata '{key[:LONGEST_KEY]}' must be text, keys up to {LONGEST_KEY}"
                f" and values up to {LONGEST_VALUE} long."
            )
    return value

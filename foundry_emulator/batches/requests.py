"""A request for a batch, checked."""

from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors, metadata
from foundry_emulator.files.requests import expiry_of_json

WINDOW = "24h"
_PREFIX = "/v1"


@dataclass(frozen=True)
class BatchRequest:
    """What a caller asked for; *output_expires_after* is in seconds, None for never."""

    input_file: str
    endpoint: str
    metadata: dict[str, str] | None
    output_expires_after: int | None


def parse(body: dict[str, Any], endpoints: frozenset[str]) -> BatchRequest:
    """Return the request in *body* for one of *endpoints*; ServiceError 400 says what is wrong with it."""
    input_file = body.get("input_file_id")
    if not isinstance(input_file, str) or not input_file.isprintable() or not input_file:
        raise errors.invalid_payload("The field 'input_file_id' is required and must be a string.")
    endpoint = normalised(body.get("endpoint"))
    if endpoint not in endpoints:
        raise errors.invalid_payload(f"The endpoint '{body.get('endpoint')}' is not one of {', '.join(endpoints)}.")
    if body.get("completion_window") != WINDOW:
        raise errors.invalid_payload(f"The completion_window must be '{WINDOW}'.")
    expiry = expiry_of_json(body.get("output_expires_after"), "output_expires_after")
    attached = None if body.get("metadata") is None else metadata.checked(body["metadata"])
    return BatchRequest(input_file, endpoint, attached, expiry)


def normalised(url: Any) -> str:
    """Return *url* with /v1 before it, whether it was written or not; "" for anything but text."""
    if not isinstance(url, str):
        return ""
    return url if url.startswith(f"{_PREFIX}/") else _PREFIX + url

"""Changes of a data contract: what is different, and whether it breaks what was agreed."""

from collections.abc import Sequence
from typing import Literal

from data_contracts.record import Record

Step = Literal["none", "patch", "minor", "major"]


class Change(Record):
    """One difference between two contracts.

    It breaks when images or labels that were accepted before would mean something else or be refused, or when the
    model's answers change.
    """

    kind: str
    about: str
    told: str
    breaks: bool
    texts_only: bool = False


def differing(one: Record, other: Record, *, but: frozenset[str] = frozenset()) -> list[str]:
    """Names of the fields in which the two records differ, without those in *but*: no field of theirs is forgotten."""
    fields = [name for name in type(one).model_fields if name not in but]
    return [name for name in fields if getattr(one, name) != getattr(other, name)]


def from_to(one: object, other: object) -> str:
    """Both values, as a person reads them."""
    return f"{_shown(one)} -> {_shown(other)}"


def step_for(changes: Sequence[Change]) -> Step:
    """The part of the version that has to grow."""
    if any(change.breaks for change in changes):
        return "major"
    if not changes:
        return "none"
    return "patch" if all(change.texts_only for change in changes) else "minor"


def _shown(value: object) -> str:
    if isinstance(value, Record):
        given = value.model_dump(by_alias=True, exclude_none=True)
        return ", ".join(f"{name} {_shown(each)}" for name, each in given.items())
    if isinstance(value, tuple | list):
        return ", ".join(map(_shown, value)) or "nothing"
    return "nothing" if value in (None, "") else str(value)

"""The table of base models: what each can do and when it retires; a file of the package, or one of the user's."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

OWN_TABLE = Path(__file__).with_name("table.json")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TEXTS = ("name", "version")
_FLAGS = ("images", "trainable", "preview")
_DAYS = ("created", "base_retires", "training_retires", "fine_tuned_retires")
_REQUIRED = {"name", "version", "created", "max_context_tokens", "images", "trainable", "base_retires"}
_OPTIONAL = {"training_retires", "fine_tuned_retires", "preview"}
_OF_TRAINABLE = {"training_retires", "fine_tuned_retires"}


class TableError(Exception):
    """The table of models cannot be used; the message says why in one line."""


@dataclass(frozen=True)
class BaseModel:
    """A base model as the control plane names it, what can be done with it, and until when (seconds since 1970)."""

    name: str
    version: str
    created_at: int
    max_context_tokens: int
    images: bool
    trainable: bool
    base_retires: int
    training_retires: int | None = None
    fine_tuned_retires: int | None = None
    preview: bool = False

    @property
    def id(self) -> str:
        """The name that the data plane uses."""
        return f"{self.name}-{self.version}"


def read_table(path: Path = OWN_TABLE) -> tuple[BaseModel, ...]:
    """Return the base models that the file lists, in its order; TableError if it is no such table."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise TableError(f"cannot read the table of models {path}: {problem}") from problem
    listed = content.get("models") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        raise TableError(f"the table of models {path} needs a list 'models' with at least one model")
    models = tuple(_model(path, place, entry) for place, entry in enumerate(listed, start=1))
    twice = sorted({model.id for model in models if sum(other.id == model.id for other in models) > 1})
    if twice:
        raise TableError(f"the table of models {path} names {twice[0]} twice")
    return models


def _model(path: Path, place: int, entry: Any) -> BaseModel:
    problem = _problem(entry)
    if problem:
        raise TableError(f"the table of models {path}, model {place}: {problem}")
    days = {name: _moment(entry[name]) if name in entry else None for name in _DAYS}
    return BaseModel(
        name=entry["name"],
        version=entry["version"],
        created_at=days["created"] or 0,
        max_context_tokens=entry["max_context_tokens"],
        images=entry["images"],
        trainable=entry["trainable"],
        base_retires=days["base_retires"] or 0,
        training_retires=days["training_retires"],
        fine_tuned_retires=days["fine_tuned_retires"],
        preview=entry.get("preview", False),
    )


def _problem(entry: Any) -> str | None:
    """Return what is wrong with one model of the list, None if nothing is."""
    if not isinstance(entry, dict):
        return "it is not an object"
    needed = _REQUIRED | (_OF_TRAINABLE if entry.get("trainable") is True else set())
    missing, unknown = sorted(needed - set(entry)), sorted(set(entry) - _REQUIRED - _OPTIONAL)
    if missing or unknown:
        return f"it lacks {', '.join(missing)}" if missing else f"it has the unknown {', '.join(unknown)}"
    texts = (
        f"its {name} must be text of letters, digits, dots and hyphens" for name in _TEXTS if not _text(entry[name])
    )
    flags = (f"its {name} must be true or false" for name in _FLAGS if not isinstance(entry.get(name, False), bool))
    days = (
        f"its {name} must be a day such as 2026-10-01" for name in _DAYS if name in entry and not _moment(entry[name])
    )
    context = () if _whole(entry["max_context_tokens"]) else ("its max_context_tokens must be a positive whole number",)
    return next((problem for problem in (*texts, *flags, *days, *context)), None)


def _text(value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _moment(value: Any) -> int | None:
    """Return the first second of a day such as 2026-10-01, None if it is none."""
    try:
        return int(datetime.combine(date.fromisoformat(value), time(), UTC).timestamp())
    except (TypeError, ValueError):
        return None

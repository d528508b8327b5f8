"""Taking over a notebook's `.env`: its addresses, never its key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from data_contracts.errors import WrongInput

ADDRESSES = {
    "azure_endpoint": "endpoint",
    "subscription_id": "subscription",
    "rg_name": "resource_group",
    "resource_name": "account",
}
"""Names in the notebook's file, and those of [foundry] in kaizen.toml."""
KEY = "api_key"
DATA_PLANE = "/openai/v1/"
LINE = re.compile(
    r"""(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=\s*
    (?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<plain>(?:(?!\s\#)[^"'])*?))\s*(?:\s\#.*)?""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class NotebookEnv:
    """What a notebook's file tells of the model provider; its key stays where it is."""

    foundry: Mapping[str, str]
    has_key: bool


def read_env(file: Path) -> NotebookEnv:
    """The addresses in *file*; raises WrongInput for a line or an address that is none, and for missing names.

    No message shows a line or a value that could be the key.
    """
    values = _values(file)
    missing = [name for name in ADDRESSES if not values.get(name)]
    if missing:
        raise WrongInput(f"{file} lacks {', '.join(missing)}; write it as {missing[0]}=... and run the command again")
    foundry = {field: values[name] for name, field in ADDRESSES.items()}
    foundry["endpoint"] = _data_plane(foundry["endpoint"], file)
    return NotebookEnv(foundry, has_key=bool(values.get(KEY)))


def _values(file: Path) -> Mapping[str, str]:
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise WrongInput(f"{file} cannot be read: {reason}") from error
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    return dict(_value(line, number, file) for number, line in numbered if line and not line.startswith("#"))


def _value(line: str, number: int, file: Path) -> tuple[str, str]:
    found = LINE.fullmatch(line)
    if found is None:
        raise WrongInput(f"{file}, line {number} is not NAME=value; mend its name or its quotes")
    plain = next((found[kind] for kind in ("single", "plain") if found[kind] is not None), None)
    value = re.sub(r"\\(.)", r"\1", found["double"]) if plain is None else plain
    return found["name"].casefold(), value.strip()


def _data_plane(endpoint: str, file: Path) -> str:
    """The *endpoint* as clients of the data plane want it, ending in /openai/v1/."""
    try:
        parts = urlsplit(endpoint)
        known = parts.scheme in {"https", "http"} and parts.hostname and not parts.username
    except ValueError:
        known = False
    if not known:
        raise WrongInput(
            f"{file}: azure_endpoint is no address; it looks like https://NAME.openai.azure.com/openai/v1/"
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{f'{path}/' if path else DATA_PLANE}"

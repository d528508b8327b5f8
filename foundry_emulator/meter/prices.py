"""The dated price table: the package's own, or a file of the user's."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from foundry_emulator.control_plane import tiers

OWN_TABLE = Path(__file__).with_name("prices.toml")
MILLION = 1_000_000
PLACES = ("regional", "global", "data_zone", "developer")
_KINDS = ("base", "fine_tuned")
_FIELDS = ("as_of", "currency", "sources", "batch_factor", "training", "hosting", "inference")
# how trainingType is written, in lower case, and where it trains; a job without one is taken to train in its region
_PLACE_OF = {
    "": "regional",
    "standard": "regional",
    "globalstandard": "global",
    "datazone": "data_zone",
    "datazonestandard": "data_zone",
    "developer": "developer",
    "developertier": "developer",
}


class PricesUnusable(Exception):
    """The price table cannot be used; the message says why in one line."""


@dataclass(frozen=True)
class Prices:
    """What things cost as of a day: per million tokens and per hour; what is not listed has no price."""

    as_of: date
    currency: str
    sources: tuple[str, ...]
    batch_factor: float
    training: Mapping[str, Mapping[str, float]]
    hosting: Mapping[str, float]
    inference: Mapping[str, Mapping[str, Mapping[str, float]]]

    def training_rate(self, model: str, training_type: str) -> float | None:
        """Return what a million trained tokens cost, None if the table does not say."""
        place = _PLACE_OF.get(training_type.lower())
        return self.training.get(model, {}).get(place) if place else None

    def hosting_rate(self, sku: str, capacity: int, *, fine_tuned: bool) -> float | None:
        """Return what an hour costs, None if the table does not say; base models are paid by the token alone."""
        if sku in tiers.PROVISIONED:
            return self.hosting[sku] * capacity if sku in self.hosting else None
        return self.hosting.get(sku) if fine_tuned else 0.0

    def inference_rates(self, model: str, sku: str, *, fine_tuned: bool, batch: bool) -> tuple[float, float] | None:
        """Return what a million tokens cost that are read and that are written, None if the table does not say."""
        if sku in tiers.PROVISIONED:
            return 0.0, 0.0
        rates = self.inference.get(model, {}).get("fine_tuned" if fine_tuned else "base")
        if rates is None:
            return None
        factor = self.batch_factor if batch else 1.0
        return rates["input"] * factor, rates["output"] * factor


def read_prices(path: Path | None = None) -> Prices:
    """Return the table in a TOML file, the package's own without one; PricesUnusable if it is no price table."""
    path = path or OWN_TABLE
    try:
        return _prices(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as problem:
        raise PricesUnusable(f"cannot use the price table {path}: {' '.join(str(problem).split())}") from problem


def _prices(given: dict[str, Any]) -> Prices:
    _check_names("the table", given, _FIELDS)
    missing = [name for name in _FIELDS if name not in given]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    as_of, currency, sources = given["as_of"], given["currency"], given["sources"]
    if type(as_of) is not date:
        raise ValueError(f"as_of must be a day such as 2026-10-01, not {as_of!r}")
    if not isinstance(currency, str) or not currency:
        raise ValueError(f"currency must be a text such as USD, not {currency!r}")
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        raise ValueError("sources must be a list of texts")
    return Prices(
        as_of=as_of,
        currency=currency,
        sources=tuple(sources),
        batch_factor=_price("batch_factor", given["batch_factor"]),
        training={
            model: _rates(f"training.{model}", rates, PLACES)
            for model, rates in _table("training", given["training"]).items()
        },
        hosting=_rates("hosting", given["hosting"], tiers.ALL),
        inference={
            model: _token_rates(model, kinds) for model, kinds in _table("inference", given["inference"]).items()
        },
    )


def _token_rates(model: str, kinds: Any) -> dict[str, dict[str, float]]:
    where = f"inference.{model}"
    _check_names(where, _table(where, kinds), _KINDS)
    rates = {kind: _rates(f"{where}.{kind}", each, ("input", "output")) for kind, each in kinds.items()}
    for kind, each in rates.items():
        if len(each) < 2:  # noqa: PLR2004
            raise ValueError(f"{where}.{kind} needs an input and an output")
    return rates


def _rates(where: str, given: Any, names: tuple[str, ...]) -> dict[str, float]:
    _check_names(where, _table(where, given), names)
    return {name: _price(f"{where}.{name}", value) for name, value in given.items()}


def _table(where: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise TypeError(f"{where} must be a table")
    return given


def _check_names(where: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ValueError(f"{where} has the unknown {unknown[0]!r}; known are {', '.join(known)}")


def _price(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(f"{where} must be a price from 0, not {value!r}")
    return float(value)

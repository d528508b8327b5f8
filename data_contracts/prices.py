"""The dated price table, read from `prices.yaml` beside this file."""

from datetime import date
from functools import lru_cache
from importlib import resources

import yaml

from data_contracts.record import Record


class TokenPrices(Record):
    """US dollars per million tokens of a question and of an answer."""

    input: float
    output: float


class MachinePrice(Record):
    """What a machine for a local model costs; an example until you put your own in its place."""

    name: str
    cores: int
    per_hour: float
    as_of: date


class Prices(Record):
    """What training, hosting and answers cost, in US dollars, as of a day."""

    as_of: date
    sources: tuple[str, ...]
    training_per_million_tokens: dict[str, float]
    hosting_per_hour: dict[str, float]
    inference_per_million_tokens: dict[str, TokenPrices]
    answer_price_factors: dict[str, float]
    local_machine: MachinePrice


@lru_cache
def current_prices() -> Prices:
    """The price table that ships with this version."""
    text = resources.files("data_contracts").joinpath("prices.yaml").read_text("utf-8")
    return Prices.model_validate(yaml.safe_load(text))

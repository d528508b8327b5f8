"""Dated facts about models: what can be fine-tuned, until when and where, read from `models.yaml` beside this file."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import Field

from data_contracts.record import Record

Customer = Literal["existing", "new"]
"""Whether this customer fine-tuned the model before it was closed to new ones."""


class TierRegions(Record):
    """Where a tier is offered."""

    only: tuple[str, ...] | None = Field(None, description="None for everywhere.")
    not_for_images: tuple[str, ...] = ()

    def has(self, region: str, *, images: bool) -> bool:
        """Whether the tier is offered in *region*, spelled as Azure's addresses have it."""
        return (self.only is None or region in self.only) and not (images and region in self.not_for_images)


class ModelFacts(Record):
    """What is known about one base model; ends are the first day on which it is no longer possible."""

    images: bool = Field(description="Whether it takes images, in fine-tuning too where it can be fine-tuned.")
    base_until: date = Field(description="Until when the base model can be deployed, and new customers train.")
    trainable_until: date | None = Field(None, description="For existing customers; None where it cannot be trained.")
    fine_tuned_until: date | None = Field(None, description="Until when its fine-tuned models can be deployed.")
    training_tiers: Mapping[str, TierRegions] | None = Field(None, description="None where nobody looked it up.")
    deployment_tiers: Mapping[str, TierRegions] | None = None

    def training_ends(self, customer: Customer) -> date | None:
        """When training ends for the *customer*; None where the model cannot be fine-tuned at all."""
        if self.trainable_until is None or customer == "existing":
            return self.trainable_until
        return self.base_until


class Models(Record):
    """All that is known about models, as of a day."""

    as_of: date
    sources: tuple[str, ...]
    models: Mapping[str, ModelFacts]


class OfferedModel(Record):
    """What an account itself says about a base model."""

    name: str
    retired: bool = Field(description="The account calls it deprecated.")
    trainable_until: date | None = Field(None, description="None where the account gives no end.")
    deployable_until: date | None = None


def base_of(model: str) -> str:
    """The base model that a fine-tuned model or a checkpoint comes from; a base model itself stays as it is."""
    return model.split(".ft-")[0]


def plain_region(region: str) -> str:
    """A region's name as addresses have it: `Sweden Central` is `swedencentral`."""
    return region.replace(" ", "").lower()


@lru_cache
def current_models() -> Models:
    """The facts that ship with this version."""
    text = resources.files("data_contracts").joinpath("models.yaml").read_text("utf-8")
    return Models.model_validate(yaml.safe_load(text))

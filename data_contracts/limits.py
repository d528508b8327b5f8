"""Azure's limits on fine-tuning sets and model deployments, dated, from `provider_limits.yaml` beside this file."""

from datetime import date
from functools import lru_cache
from importlib import resources

import yaml
from pydantic import Field

from data_contracts.record import Record


class Limit(Record):
    """One number that the provider states, with where and when it was read."""

    value: int = Field(gt=0)
    unit: str
    source: str = Field(min_length=1)
    as_of: date


class ProviderLimits(Record):
    """What a fine-tuning set and its job have to fit into, and a batch; how long a model deployment may live."""

    largest_image_bytes: Limit
    fewest_examples: Limit
    most_examples: Limit
    file_bytes: Limit
    resource_bytes: Limit
    resource_files: Limit
    example_tokens: Limit
    job_tokens: Limit
    queued_jobs: Limit
    resource_jobs: Limit
    fine_tuned_deployments: Limit
    batch_file_bytes: Limit
    batch_requests: Limit
    idle_deployment_days: Limit
    developer_tier_hours: Limit


@lru_cache
def current_limits() -> ProviderLimits:
    """The limits that ship with this version."""
    text = resources.files("data_contracts").joinpath("provider_limits.yaml").read_text("utf-8")
    return ProviderLimits.model_validate(yaml.safe_load(text))

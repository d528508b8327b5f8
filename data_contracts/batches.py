"""A batch: many questions in one file, answered within about a day for half the price; for base models only."""

from datetime import datetime

from pydantic import Field

from data_contracts.record import Record

BATCH_TIER = "GlobalBatch"
"""Tier of the model deployments that answer batches, and nothing else."""


class AnswerBatch(Record):
    """A batch as the service reports it."""

    id: str
    input_file: str
    reported_status: str = Field(description="The service's own word.")
    ended: bool = Field(description="False for what we do not know, too.")
    failed: bool = Field(description="Whether it was refused as a whole; nothing of it was answered or billed.")
    created_at: datetime
    output_file: str | None = None
    error_file: str | None = None
    problem: str | None = Field(None, description="Why it failed.")
    too_early: bool = Field(default=False, description="Whether it failed because its model deployment was not known.")

"""What a data contract says of a batch: images refused, images warned about, and what holds for all of it."""

from pydantic import Field

from data_contracts.images import Refusal, RuleOutcome
from data_contracts.record import Record


class Findings(Record):
    """What the rules of a contract found."""

    refused: tuple[Refusal, ...] = Field((), description="Images that break a rule, one entry for each rule.")
    warned: tuple[Refusal, ...] = Field((), description="Images that get in although they break a rule that warns.")
    remarks: tuple[str, ...] = Field((), description="What is wrong with the batch as a whole, without stopping it.")
    rules: tuple[RuleOutcome, ...] = Field((), description="What each rule found, in the contract's order.")
    stopped: str | None = Field(None, description="Why nothing of the batch may enter.")

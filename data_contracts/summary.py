"""An iteration in figures, as tables, reports and `--json` show it."""

from pydantic import Field

from data_contracts.record import Record


class IterationSummary(Record):
    """What one iteration cost and brought; None for what it has not come to yet."""

    number: int
    dataset: str | None
    parent: str
    model: str | None
    base_accuracy: float | None
    local_accuracy: float | None = Field(description="Of the local model trained on the same images.")
    champion: str | None = Field(description="The champion before this iteration; None while there is none.")
    champion_accuracy: float | None = Field(description="Of that champion, or of the base model in its place.")
    challenger_accuracy: float | None
    interval: tuple[float, float] | None = Field(description="95 % Wilson interval of the challenger's accuracy.")
    wins: int | None
    losses: int | None
    verdict: str | None
    reason: str | None
    decided_by: str
    outcome: str
    cost: float = Field(description="US dollars booked.")
    seconds: float | None = Field(description="From opened to closed.")
    held_out: int | None = Field(description="Held-out images that both models answered.")
    champion_recall: dict[str, float | None] = Field(default_factory=dict)
    challenger_recall: dict[str, float | None] = Field(default_factory=dict)

"""What a thousand answers cost, by model and by the type of model deployment."""

from pydantic import Field

from data_contracts.record import Record


class Offer(Record):
    """One way to get answers of a model."""

    tier: str = Field(description="Deployment type, or the name of the machine.")
    per_1000: float = Field(description="US dollars for the tokens of 1,000 answers; 0 for an own machine.")
    per_month: float = Field(description="US dollars a month for hosting, or for the machine, however few are asked.")
    per_1000_at: dict[int, float] = Field(description="US dollars for 1,000 answers with all that, by answers a month.")
    local_is_cheaper: str | None = Field(None, description="For which monthly volumes; None without a local model.")


class ModelOffers(Record):
    """All ways to get answers of one model, cheapest at the middle volume first."""

    role: str
    model: str
    offers: tuple[Offer, ...]


class PricesCompared(Record):
    """Models of an iteration side by side in US dollars."""

    as_of: str = Field(description="Day of the price table.")
    volumes: tuple[int, ...] = Field(description="Answers a month for which hosting was spread.")
    models: tuple[ModelOffers, ...]

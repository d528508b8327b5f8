"""The base of every record: frozen, and nothing unknown gets in."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """An immutable value whose fields are all known; a typo in a field's name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

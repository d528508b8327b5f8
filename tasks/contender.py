"""A model that is asked, and under which name and how."""

from data_contracts.record import Record


class Contender(Record):
    """A model, the name of the model deployment under which it answers, and the detail it sees images in."""

    model: str
    model_deployment: str
    detail: str
    by_batch: bool = False

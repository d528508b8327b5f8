"""The protocol behind which a provider tells how often its model deployments were called."""

from datetime import datetime
from typing import Protocol

from data_contracts.calls import CountedCalls


class Monitor(Protocol):
    """Tells calls of all model deployments of one account, whoever made them."""

    def calls_per_hour(self, since: datetime, until: datetime) -> CountedCalls:
        """What was counted in the whole hours that cover *since* to *until*, at most 93 days.

        Raises CloudUnavailable or CloudRefused where the service does not say that it knows: then nothing is known,
        which is not the same as no calls.
        """
        ...

"""What can go wrong outside the process, sorted by what the caller should do.

KaizenError
  SettingsUnreadable       kaizen.toml or a KAIZEN_ variable is wrong
  CloudError
    CloudUnavailable       later: the service, the network or its limits
      QueueFull            later, or in another tier: no more jobs wait in this queue
    CloudRefused           never: the request itself is wrong or not allowed
    OutcomeUnknown         perhaps done: the answer was lost, look before asking again
    TrainingFailed         worked, but there is no model
  LedgerBroken             an entry is missing, changed or out of order
  LeaseHeld                another run works on the loop
  LeaseLost                another run took the loop over; this one must stop
"""

from data_contracts.errors import KaizenError


class SettingsUnreadable(KaizenError):
    """The configuration of a loop cannot be used."""


class CloudError(KaizenError):
    """A service outside the process did not do what was asked."""


class CloudUnavailable(CloudError):
    """The service could not be reached or had no capacity; try later."""


class QueueFull(CloudUnavailable):
    """The queue of a training tier is full; the job was not bought."""


class CloudRefused(CloudError):
    """The service understood and declined; asking again changes nothing."""


class OutcomeUnknown(CloudError):
    """The request may or may not have been carried out: its answer never came."""


class TrainingFailed(CloudError):
    """A fine-tuning job ended without a model."""


class LedgerBroken(KaizenError):
    """The chain of the ledger does not hold."""


class LeaseHeld(KaizenError):
    """Another living run works on this loop."""


class LeaseLost(KaizenError):
    """This run's lease was taken over; whatever it would do now, the other run decides."""

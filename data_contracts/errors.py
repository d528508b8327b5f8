"""The root of all errors that are meant for the person at the terminal.

KaizenError                what was wrong, with the value, and what to do; one line
  WrongInput               a folder, port or argument that cannot be used
  ContractBroken           the data contract itself cannot be used
  BatchStopped             a batch as a whole is not what the data contract asks for
  BatchesNotTaken          batches of one run that were not taken, with the reason of each
  the errors of cloud.errors, and what single tasks add to them: ContractChanged, ContractNeedsVersion, DoesNotFit
"""


class KaizenError(Exception):
    """Something that the user can mend; its text is one line that says how."""


class WrongInput(KaizenError):
    """What the user named cannot be used."""


class ContractBroken(KaizenError):
    """The data contract cannot be read, or one of its rules cannot run."""


class BatchStopped(KaizenError):
    """A batch breaks a rule of the data contract about the batch as a whole; nothing of it was taken."""

"""What may still be trained and deployed, by the emulator's clock, when retirement is enforced."""

from dataclasses import dataclass

from foundry_emulator import errors
from foundry_emulator.clock import Clock
from foundry_emulator.models.catalogue import KnownModel
from foundry_emulator.models.table import BaseModel

MISLEADING = "The specified base model does not support fine-tuning"


@dataclass(frozen=True)
class Retirement:
    """The dates of the table; nothing retires unless *enforced*, so that a retired model can serve at home."""

    clock: Clock
    enforced: bool = False
    new_customer: bool = False

    def training_ends(self, base: BaseModel) -> int | None:
        """Return when training closes: for a new customer with the base model; None if it cannot be trained."""
        return base.base_retires if self.new_customer and base.trainable else base.training_retires

    def inference_ends(self, model: KnownModel) -> int:
        """Return when the model can no longer be deployed."""
        tuned = model.base.fine_tuned_retires
        return tuned if model.weights is not None and tuned is not None else model.base.base_retires

    def check_training(self, base: BaseModel) -> None:
        """Return if a job on *base* may begin; ServiceError 400 if its training has retired."""
        ends = self.training_ends(base)
        if self._over(ends):
            raise errors.invalid_payload(f"{MISLEADING}: training of {base.id} has been retired.")

    def check_deployment(self, model: KnownModel) -> None:
        """Return if *model* may be deployed; ServiceError 400 in the words of ARM if it has retired."""
        ends = self.inference_ends(model)
        if self._over(ends):
            raise errors.arm_model_deprecated(model.name, "1" if model.weights else model.base.version, ends)

    def _over(self, moment: int | None) -> bool:
        return self.enforced and moment is not None and self.clock.now() >= moment

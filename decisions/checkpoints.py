"""Which checkpoint of a job goes to the gate, and what its losses say."""

import math
from collections.abc import Sequence

from data_contracts.record import Record
from data_contracts.training import Checkpoint

TOLERANCE = 0.02
RISE = 1.10
GAP = 3.0

SENTENCES = {
    "OVERFITTING": "the validation loss rose while the training loss fell: fewer epochs would do",
    "DIVERGING": "validation and training loss both rose: a smaller learning rate would help",
    "STILL_IMPROVING": "the last epoch was still clearly better: more epochs may help",
    "LARGE_GAP": "the validation loss is more than three times the training loss",
    "NO_VALIDATION": "there is no validation loss, so the last checkpoint was taken",
}


class CheckpointChoice(Record):
    """The checkpoint for the gate, why it, and what the losses warn of."""

    checkpoint: Checkpoint
    reason: str
    flags: tuple[str, ...]


def choose_checkpoint(checkpoints: Sequence[Checkpoint], tolerance: float = TOLERANCE) -> CheckpointChoice:
    """The checkpoint with the lowest full validation loss, or one within *tolerance* of it that answers better.

    Among those within tolerance the highest exact match on validation images wins where it was measured,
    else the earliest. Raises ValueError without any checkpoint.
    """
    if not checkpoints:
        raise ValueError("there is no checkpoint to choose from")
    ordered = sorted(checkpoints, key=lambda each: each.step)
    valid = [(each, loss) for each in ordered if (loss := _loss(each.full_valid_loss)) is not None]
    if not valid:
        return _choice(ordered[-1], ("NO_VALIDATION",))
    lowest = min(loss for _, loss in valid)
    near = [each for each, loss in valid if loss <= lowest * (1 + tolerance)]
    chosen = min(near, key=lambda each: (-(_loss(each.valid_exact_match) or 0.0), each.step))
    return _choice(chosen, _flags(ordered, valid, lowest))


def _choice(chosen: Checkpoint, flags: tuple[str, ...]) -> CheckpointChoice:
    loss = _loss(chosen.full_valid_loss)
    measured = "" if loss is None else f", validation loss {loss:.4g}"
    warnings = "".join(f"; {SENTENCES[flag]}" for flag in flags)
    return CheckpointChoice(checkpoint=chosen, reason=f"step {chosen.step}{measured}{warnings}", flags=flags)


def _flags(ordered: Sequence[Checkpoint], valid: Sequence[tuple[Checkpoint, float]], lowest: float) -> tuple[str, ...]:
    best = next(each for each, loss in valid if loss == lowest)
    last, last_loss = valid[-1]
    flags = []
    start, end = _loss(best.train_loss), _loss(last.train_loss)
    if last_loss > RISE * lowest and start is not None and end is not None:
        flags.append("DIVERGING" if end > start else "OVERFITTING")
    if last_loss == lowest and len(valid) > 1 and valid[-2][1] > RISE * lowest:
        flags.append("STILL_IMPROVING")
    train = _loss(ordered[-1].train_loss)
    if last is ordered[-1] and train is not None and last_loss > GAP * train:
        flags.append("LARGE_GAP")
    return tuple(flags)


def _loss(value: float | None) -> float | None:
    """*value*, unless it is one of the ways in which a service says that it has none."""
    return None if value is None or math.isnan(value) or value < 0 else value

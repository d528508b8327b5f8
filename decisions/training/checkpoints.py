"""Which checkpoint of a job goes to the gate, and what its losses say."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from data_contracts.record import Record
from data_contracts.training import Checkpoint, CurvePoint
from decisions.training.training_curve import figure, smoothed_train_loss

TOLERANCE = 0.02
RISE = 1.10
GAP = 3.0


class CheckpointChoice(Record):
    """The checkpoint for the gate, why it, what the losses warn of, and what else they tell."""

    checkpoint: Checkpoint
    reason: str
    flags: tuple[str, ...]
    notes: tuple[str, ...] = ()


class _Measured(Record):
    """A checkpoint with the losses that count: the validation file as a whole, the training loss smoothed."""

    checkpoint: Checkpoint
    valid: float
    train: float | None


def choose_checkpoint(
    checkpoints: Sequence[Checkpoint], tolerance: float = TOLERANCE, curve: Sequence[CurvePoint] = ()
) -> CheckpointChoice:
    """The checkpoint with the lowest full validation loss, or one within *tolerance* of it that answers better.

    Among those within tolerance the highest exact match on validation images wins where it was measured,
    else the earliest. Training losses are smoothed where *curve* has them. Raises ValueError without any checkpoint.
    """
    if not checkpoints:
        raise ValueError("there is no checkpoint to choose from")
    ordered = sorted(checkpoints, key=lambda each: each.step)
    measured = [
        _Measured(checkpoint=each, valid=loss, train=_train_loss(each, curve))
        for each in ordered
        if (loss := figure(each.full_valid_loss)) is not None
    ]
    if not measured:
        return _unmeasured(ordered[-1])
    lowest = min(each.valid for each in measured)
    near = [each.checkpoint for each in measured if each.valid <= lowest * (1 + tolerance)]
    chosen = min(near, key=lambda each: (-(figure(each.valid_exact_match) or 0.0), each.step))
    warnings = _warnings(ordered, measured)
    notes = _notes(measured, tolerance)
    sentences = "".join(f"; {sentence}" for sentence in (*warnings.values(), *notes))
    reason = f"step {chosen.step}, validation loss {figure(chosen.full_valid_loss):.4g}{sentences}"
    return CheckpointChoice(checkpoint=chosen, reason=reason, flags=tuple(warnings), notes=notes)


def winner_bias(candidates: int) -> float:
    """Expected maximum of *candidates* standard normal numbers.

    By so many standard errors the best of several equal checkpoints looks better than it is: why only one goes to
    the gate. Raises ValueError below 1.
    """
    if candidates < 1:
        raise ValueError(f"{candidates} candidates have no best one")
    normal, step, reach = NormalDist(), 0.01, 1200
    points = (step * number for number in range(-reach, reach + 1))
    return step * math.fsum(x * candidates * normal.pdf(x) * normal.cdf(x) ** (candidates - 1) for x in points)


def _unmeasured(last: Checkpoint) -> CheckpointChoice:
    why = "there is no validation loss, so the last checkpoint was taken"
    return CheckpointChoice(checkpoint=last, reason=f"step {last.step}; {why}", flags=("NO_VALIDATION",))


def _train_loss(each: Checkpoint, curve: Sequence[CurvePoint]) -> float | None:
    smooth = smoothed_train_loss(curve, each.step)
    return figure(each.train_loss) if smooth is None else smooth


def _warnings(ordered: Sequence[Checkpoint], measured: Sequence[_Measured]) -> dict[str, str]:
    """Flags with a sentence each."""
    best, last = min(measured, key=lambda each: each.valid), measured[-1]
    found = {}
    if last.valid > RISE * best.valid and best.train is not None and last.train is not None:
        moved = f"the validation loss rose from {best.valid:.4g} to {last.valid:.4g} while the training loss"
        losses = f"{best.train:.4g} to {last.train:.4g}"
        if last.train > best.train:
            found["DIVERGING"] = f"{moved} rose too, from {losses}: a smaller learning rate would help"
        else:
            found["OVERFITTING"] = f"{moved} went from {losses}: fewer epochs would do"
    if last.valid == best.valid and len(measured) > 1 and measured[-2].valid > RISE * best.valid:
        moved = f"from {measured[-2].valid:.4g} to {last.valid:.4g}"
        found["STILL_IMPROVING"] = f"the last epoch still lowered the validation loss {moved}: more epochs may help"
    if last.checkpoint is ordered[-1] and last.train is not None and last.valid > GAP * last.train:
        found["LARGE_GAP"] = (
            f"the validation loss at the end, {last.valid:.4g}, is more than three times "
            f"the training loss, {last.train:.4g}"
        )
    return found


def _notes(measured: Sequence[_Measured], tolerance: float) -> tuple[str, ...]:
    """What is worth knowing and warns of nothing."""
    first, last = measured[0].valid, measured[-1].valid
    losses = [each.valid for each in measured]
    if len(measured) > 1 and max(losses) <= min(losses) * (1 + tolerance):
        still = f"the validation loss stood still, {first:.4g} after the first and {last:.4g} after the last epoch"
        return (f"{still} that was kept: fewer epochs would do as well",)
    return ()

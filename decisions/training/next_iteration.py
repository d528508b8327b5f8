"""Whether another turn of the loop is worth its money, and how it trains."""

from collections.abc import Mapping, Sequence

from data_contracts.image_contract import LoopContract
from data_contracts.images import Split
from data_contracts.policies import TrainingMode, TrainingPolicy
from data_contracts.record import Record
from decisions.loop_state import LoopState
from decisions.training.training_plan import SMALLEST_TRAINING_SET, plan_training


class Plan(Record):
    """Whether to open an iteration, how it trains, and why in one sentence."""

    worthwhile: bool
    reason: str
    parent: str
    mode: TrainingMode


def plan_iteration(state: LoopState, policy: TrainingPolicy, contract: LoopContract, prompt: str) -> Plan:
    """Open an iteration when every class has enough images and enough of the training images are new.

    After images were forgotten that the champion learned from, the next iteration waits for no new images: what a
    model has learned cannot be taken out of it.
    """
    start = plan_training(state, policy, prompt)
    missing = _missing(state, contract)
    if missing is not None:
        return Plan(worthwhile=False, parent=start.parent, mode=start.mode, reason=missing)
    new = state.new_training_images()
    if new < policy.smallest_addition and not state.must_restart:
        waits = f"{new} new training {contract.examples}; the policy asks for {policy.smallest_addition}"
        return Plan(worthwhile=False, parent=start.parent, mode=start.mode, reason=waits)
    reason = f"{new} new training {contract.examples}, {start.reason}"
    return Plan(worthwhile=True, parent=start.parent, mode=start.mode, reason=reason)


def missing_images(counts: Mapping[str, int], labels: Sequence[str], smallest_class: int) -> Mapping[str, int]:
    """The classes that have fewer than *smallest_class* images, with how many they have."""
    return {label: counts.get(label, 0) for label in labels if counts.get(label, 0) < smallest_class}


def _missing(state: LoopState, contract: LoopContract) -> str | None:
    """What a loop lacks before anything can be trained and proved."""
    smallest_class = contract.smallest_class
    short = missing_images(contract.counted(state.class_counts()), contract.labels, smallest_class)
    if short and not contract.tells_classes:
        return f"{sum(short.values())} {contract.examples}; the contract asks for {smallest_class}"
    if short:
        needs = ", ".join(f"{label} has {count}" for label, count in short.items())
        return f"each class needs {smallest_class} {contract.examples}: {needs}"
    if not any(batch.splits.get(Split.HELD_OUT) for batch in state.batches):
        return "no accepted example is held out, so nothing could be proved"
    examples = sum(batch.splits.get(Split.TRAIN, 0) for batch in state.batches)
    if examples < SMALLEST_TRAINING_SET:
        return f"{examples} training {contract.examples}; Azure fine-tunes on {SMALLEST_TRAINING_SET} or more"
    return None

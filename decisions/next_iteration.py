"""Whether another turn of the loop is worth its money, and what it starts from."""

from collections.abc import Mapping, Sequence

from data_contracts.image_contract import LoopContract
from data_contracts.images import Split
from data_contracts.policies import TrainingPolicy
from data_contracts.record import Record
from decisions.loop_state import LoopState

SMALLEST_TRAINING_SET = 10


class Plan(Record):
    """Whether to open an iteration, from which model, and why in one sentence."""

    worthwhile: bool
    reason: str
    parent: str


def plan_iteration(state: LoopState, policy: TrainingPolicy, contract: LoopContract) -> Plan:
    """Open an iteration when every class has enough images and enough of the training images are new.

    It continues from the champion, which is the latest checkpoint that proved itself; the first one
    starts from the base model. So does every one after images were forgotten that the champion learned from:
    what a model has learned cannot be taken out of it. The first of these waits for no new images.
    """
    champion = state.champion.model if state.champion else None
    parent = champion if champion and champion not in state.models_to_replace else policy.base_model
    smallest_class = contract.smallest_class
    short = missing_images(contract.counted(state.class_counts()), contract.labels, smallest_class)
    if short:
        needs = ", ".join(f"{label} has {count}" for label, count in short.items())
        told = f"each class needs {smallest_class} {contract.examples}: {needs}"
        if not contract.tells_classes:
            told = f"{sum(short.values())} {contract.examples}; the contract asks for {smallest_class}"
        return Plan(worthwhile=False, parent=parent, reason=told)
    if not any(batch.splits.get(Split.HELD_OUT) for batch in state.batches):
        return Plan(
            worthwhile=False, parent=parent, reason="no accepted example is held out, so nothing could be proved"
        )
    examples = sum(batch.splits.get(Split.TRAIN, 0) for batch in state.batches)
    if examples < SMALLEST_TRAINING_SET:
        too_few = f"{examples} training {contract.examples}; Azure fine-tunes on {SMALLEST_TRAINING_SET} or more"
        return Plan(worthwhile=False, parent=parent, reason=too_few)
    new = state.new_training_images()
    if champion and parent != champion and (state.must_restart or new >= policy.smallest_addition):
        restart = f"{champion} learned from {contract.examples} that were forgotten, so training restarts from {parent}"
        return Plan(worthwhile=True, parent=parent, reason=restart)
    if new < policy.smallest_addition:
        waits = f"{new} new training {contract.examples}; the policy asks for {policy.smallest_addition}"
        return Plan(worthwhile=False, parent=parent, reason=waits)
    return Plan(
        worthwhile=True, parent=parent, reason=f"{new} new training {contract.examples}, continuing from {parent}"
    )


def missing_images(counts: Mapping[str, int], labels: Sequence[str], smallest_class: int) -> Mapping[str, int]:
    """The classes that have fewer than *smallest_class* images, with how many they have."""
    return {label: counts.get(label, 0) for label in labels if counts.get(label, 0) < smallest_class}

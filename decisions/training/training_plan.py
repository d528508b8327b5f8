"""How an iteration trains: continuing from the champion's checkpoint with replay, or restarting from the base model."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from pydantic import Field

from data_contracts.images import LabeledImage
from data_contracts.models import base_of
from data_contracts.policies import TrainingMode, TrainingPolicy
from data_contracts.record import Record
from data_contracts.training import Hyperparameters
from decisions.loop_state import Iteration, LoopState

SMALLEST_TRAINING_SET = 10
"""Examples that Azure fine-tunes on at the least."""
SLOWER_WHEN_CONTINUING = 0.5
"""Of the learning rate multiplier: what the model knows is to stay."""


class Lineage(Record):
    """What speaks for and against training the champion further."""

    chain: int = Field(description="Jobs in a row that continued from a checkpoint since the base model.")
    new_since_base: int = Field(description="Training examples that came after the last restart.")
    n_base: int = Field(description="Training examples of the last restart.")
    champion_base: str | None = Field(None, description="Base model of the champion; None: there is no champion.")
    base_model: str | None = Field(None, description="Base model that the policy names.")
    knows_forgotten: bool = Field(default=False, description="The champion learned from examples that were forgotten.")
    asked_otherwise: bool = Field(
        default=False, description="Classes, prompt or detail changed since the champion learned."
    )
    worse_batches: tuple[str, ...] = Field(
        (), description="Those that the champion answers worse than the model before."
    )


class TrainingPlan(Record):
    """Where the next job starts, and why in half a sentence."""

    mode: TrainingMode
    parent: str
    reason: str


class Chosen(Record):
    """The training examples of an iteration that continues."""

    new: tuple[LabeledImage, ...]
    replayed: tuple[LabeledImage, ...]


def plan_training(state: LoopState, policy: TrainingPolicy, prompt: str) -> TrainingPlan:
    """Continue from the champion or restart from the base model; the first iteration starts from the base model."""
    champion = state.champion.model if state.champion else None
    if champion is None:
        return TrainingPlan(mode="restart", parent=policy.base_model, reason=f"starting from {policy.base_model}")
    why = why_restart(lineage_of(state, champion, policy, prompt), policy)
    if why is None:
        return TrainingPlan(mode="continue", parent=champion, reason=f"continuing from {champion}")
    return TrainingPlan(mode="restart", parent=policy.base_model, reason=f"restarting from {policy.base_model}: {why}")


def lineage_of(state: LoopState, champion: str, policy: TrainingPolicy, prompt: str) -> Lineage:
    """What the ledger says about the jobs that made *champion*."""
    jobs = state.lineage(champion)
    base = _training_examples(jobs[0]) if jobs else 0
    came_since = state.batches[jobs[0].opened.image_batches :] if jobs else state.batches
    made = jobs[-1] if jobs else None
    return Lineage(
        chain=max(0, len(jobs) - 1),
        new_since_base=sum(batch.splits.get("train", 0) for batch in came_since),
        n_base=base,
        champion_base=base_of(champion),
        base_model=policy.base_model,
        knows_forgotten=champion in state.models_to_replace,
        asked_otherwise=made is not None and _asked_otherwise(made, policy, prompt),
        worse_batches=made.decided.worse_batches if made is not None and made.decided is not None else (),
    )


def why_restart(lineage: Lineage, policy: TrainingPolicy) -> str | None:
    """The first reason to restart from the base model, in half a sentence; None where training may continue.

    What makes continuing impossible or wrong comes first: examples to be forgotten, another base model, another
    question; then what makes it worse: forgetting found, a long chain, much new data; then the policy's wish.
    """
    return next((why for applies, why in _reasons(lineage, policy) if applies), None)


def _reasons(lineage: Lineage, policy: TrainingPolicy) -> Iterator[tuple[bool, str]]:
    yield lineage.knows_forgotten, "the champion learned from examples that were forgotten"
    yield lineage.champion_base != lineage.base_model, f"the champion comes from {lineage.champion_base}"
    yield lineage.asked_otherwise, "the classes, the prompt or the image detail changed since the champion learned"
    yield (
        bool(lineage.worse_batches),
        f"the champion answers {', '.join(lineage.worse_batches)} worse than the model before it did",
    )
    yield (
        lineage.chain >= policy.longest_chain,
        f"the champion continued {lineage.chain} times in a row; the policy allows {policy.longest_chain}",
    )
    yield (
        lineage.new_since_base >= policy.restart_share * lineage.n_base,
        f"{lineage.new_since_base:,} examples came since the last restart, which had {lineage.n_base:,}; "
        f"the policy restarts from {policy.restart_share:.0%} on",
    )
    yield policy.prefer == "restart", "the policy prefers it"


def hyperparameters(policy: TrainingPolicy, mode: TrainingMode, usual_rate: float | None) -> Hyperparameters:
    """What the job is to be driven by; who continues takes smaller steps than *usual_rate*, that of the last restart.

    Without a multiplier in the policy and that one, the choice stays the service's.
    """
    rate = policy.learning_rate_multiplier
    if mode == "continue":
        before = rate or usual_rate
        rate = before * SLOWER_WHEN_CONTINUING if before else None
    return Hyperparameters(n_epochs=epochs(policy, mode), batch_size=policy.batch_size, learning_rate_multiplier=rate)


def epochs(policy: TrainingPolicy, mode: TrainingMode) -> int:
    """Passes over the training examples."""
    return policy.continue_epochs if mode == "continue" else policy.n_epochs


def choose_examples(
    training: Sequence[LabeledImage], learned: Mapping[str, str], policy: TrainingPolicy, lot: str
) -> Chosen:
    """What a job that continues is shown: every example that is not *learned*, label by digest, and old ones again.

    An example whose label changed since is new. Old ones are drawn by the hash of policy's seed, *lot* and digest.
    """
    new = [each for each in training if learned.get(each.digest) != each.label]
    old = [each for each in training if learned.get(each.digest) == each.label]
    history: dict[str, list[LabeledImage]] = {}
    for each in sorted(old, key=lambda each: sha256(f"{policy.seed} {lot} {each.digest}".encode()).digest()):
        history.setdefault(each.label, []).append(each)
    wanted = max(round(len(new) * policy.replay_per_new), SMALLEST_TRAINING_SET - len(new))
    counts = replay_counts(wanted, {label: len(found) for label, found in sorted(history.items())})
    replayed = [each for label, count in counts.items() for each in history[label][:count]]
    return Chosen(new=tuple(new), replayed=tuple(replayed))


def replay_counts(wanted: int, history: Mapping[str, int], replay_per_new: float = 1.0) -> Mapping[str, int]:
    """How many old examples of each class to show again for *wanted* new ones: the same of each, all of rare ones.

    What rare classes cannot fill is taken where most are left. In sum min(wanted x replay_per_new, all there are).
    """
    left = min(round(wanted * replay_per_new), sum(history.values()))
    if left <= 0:
        return dict.fromkeys(history, 0)
    share = round(wanted * replay_per_new) // len(history)
    counts = {label: min(share, there) for label, there in history.items()}
    rest = left - sum(counts.values())
    while rest > 0:
        most = max(history, key=lambda label: history[label] - counts[label])
        counts[most] += 1
        rest -= 1
    return counts


def _training_examples(iteration: Iteration) -> int:
    return iteration.dataset.counts.get("train", 0) if iteration.dataset else 0


def _asked_otherwise(made: Iteration, policy: TrainingPolicy, prompt: str) -> bool:
    asked = made.intended.request if made.intended else None
    return asked is not None and (asked.prompt, asked.detail) != (prompt, policy.detail)

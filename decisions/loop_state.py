"""The state of a loop: a fold over the entries of its ledger. What is not in the ledger did not happen."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from pydantic import Field

from data_contracts.evaluation import Action
from data_contracts.images import Split
from data_contracts.ledger import (
    AnswersCompared,
    Approved,
    BatchFinished,
    BatchIntended,
    BatchSubmitted,
    ChampionSwitched,
    CheckpointChosen,
    CostBooked,
    DatasetFrozen,
    Decided,
    Evaluated,
    HeldOutLookedAt,
    HeldOutVersionMade,
    ImagesAccepted,
    ImagesErased,
    ImagesForgotten,
    IterationClosed,
    IterationOpened,
    LedgerEntry,
    LocalBaselineMeasured,
    ModelDeploymentCreated,
    ModelDeploymentDeleted,
    ModelDeploymentIntended,
    ModelDeploymentLeaving,
    Paused,
    Resumed,
    RolledBack,
    SuccessorTried,
    TrainingFinished,
    TrainingForecast,
    TrainingIntended,
    TrainingReconciled,
    TrainingSubmitted,
    ValidationAnswered,
)
from data_contracts.record import Record
from decisions.forgetting import less_forgotten


class Iteration(Record):
    """One turn of the loop as far as it has come; a field that is None has not happened yet."""

    opened: IterationOpened
    opened_at: datetime
    contract: str = Field(description="SHA-256 of the data contract when the iteration was opened.")
    dataset: DatasetFrozen | None = None
    forecast: TrainingForecast | None = None
    intended: TrainingIntended | None = None
    intended_at: datetime | None = None
    submitted: TrainingSubmitted | None = None
    submitted_at: datetime | None = None
    finished: TrainingFinished | None = None
    finished_at: datetime | None = None
    reconciled: TrainingReconciled | None = None
    checkpoint: CheckpointChosen | None = None
    batch_intended: BatchIntended | None = None
    batch_submitted: BatchSubmitted | None = None
    batch_finished: BatchFinished | None = None
    looked: HeldOutLookedAt | None = None
    evaluations: Mapping[str, Evaluated] = Field(default_factory=dict, description="By model.")
    validation: ValidationAnswered | None = None
    local_baseline: LocalBaselineMeasured | None = None
    decided: Decided | None = None
    approved: Approved | None = None
    approved_by: str | None = None
    approved_as: str | None = Field(None, description="How it was established who answered.")
    approved_at: datetime | None = None
    compared: AnswersCompared | None = None
    switched: ChampionSwitched | None = None
    costs: tuple[CostBooked, ...] = ()
    closed: IterationClosed | None = None
    closed_at: datetime | None = None

    @property
    def asks_a_person(self) -> bool:
        """Whether the gate asked for a person's answer that has not come yet."""
        decided = self.decided
        asked = decided is not None and decided.action is Action.ASK and not decided.dry_run
        return asked and self.approved is None

    def may_be_bought_again(self, attempts: int) -> bool:
        """Whether its job ended without a model, and fewer than *attempts* were bought."""
        return self.finished is not None and self.finished.may_be_bought_again(attempts)

    @property
    def models(self) -> frozenset[str]:
        """The models that came of the iteration's job, as far as known."""
        chosen = self.checkpoint.checkpoint.model if self.checkpoint else None
        trained = self.finished.model if self.finished else None
        return frozenset(model for model in (chosen, trained) if model)

    @property
    def number(self) -> int:
        """The iteration's number, from 1."""
        return self.opened.number


class LiveDeployment(Record):
    """A model deployment of ours that may be billed: intended, and not deleted since."""

    name: str
    model: str
    sku: str
    intended_at: datetime
    answering: bool
    revived: bool = False
    leaving: str | None = Field(None, description="Why it is about to be deleted.")


class Pause(Record):
    """Why nothing of the loop is bought, swapped or deleted, since when, and by whom."""

    paused: Paused
    by: str
    established: str
    at: datetime

    def in_force(self, now: datetime) -> bool:
        """Whether it has not ended by itself."""
        return self.paused.until is None or now <= self.paused.until


class LoopState(Record):
    """Everything that the ledger says about a loop."""

    batches: tuple[ImagesAccepted, ...] = Field((), description="Their counts are less what was forgotten since.")
    forgotten: frozenset[str] = Field(frozenset(), description="Digests that go into no dataset any more.")
    to_erase: frozenset[str] = Field(frozenset(), description="Digests whose bytes are still to be deleted.")
    erased: frozenset[str] = frozenset()
    trained_on_forgotten: frozenset[int] = Field(frozenset(), description="Iterations, by number.")
    iterations_when_forgotten: int = Field(0, description="Iterations there were at the last such forgetting.")
    held_out: HeldOutVersionMade | None = None
    held_out_chain: tuple[HeldOutVersionMade, ...] = Field(
        (), description="The version in force after those it continues; they share images, age and alpha."
    )
    held_out_since: datetime | None = Field(None, description="When the first version of the chain was made.")
    held_out_batches: int = Field(0, description="Accepted batches from which the version in force could take images.")
    held_out_versions: tuple[HeldOutVersionMade, ...] = Field((), description="All versions ever made, oldest first.")
    looks: tuple[HeldOutLookedAt, ...] = ()
    trials: tuple[SuccessorTried, ...] = Field((), description="Of other base models, oldest first.")
    champion: ChampionSwitched | None = None
    champion_since: datetime | None = None
    deployments: Mapping[str, LiveDeployment] = Field(default_factory=dict)
    iterations: tuple[Iteration, ...] = ()
    booked: Mapping[str, float] = Field(default_factory=dict, description="US dollars by month, such as 2026-11, UTC.")
    other_costs: tuple[CostBooked, ...] = Field((), description="Booked on no iteration.")
    pause: Pause | None = Field(None, description="The last one that nobody ended; it may have ended by itself.")

    @property
    def open_iteration(self) -> Iteration | None:
        """The turn that is under way, or None."""
        last = self.iterations[-1] if self.iterations else None
        return last if last is not None and last.closed is None else None

    @property
    def uses_spent(self) -> int:
        """How often the held-out version in force has been looked at."""
        return sum(1 for look in self.looks if self.held_out and look.version == self.held_out.version)

    @property
    def batches_learned(self) -> int:
        """How many accepted batches the last iteration could learn from; a dry run does not use them up."""
        real = (each for each in reversed(self.iterations) if not (each.decided and each.decided.dry_run))
        last = next(real, None)
        return last.opened.image_batches if last else 0

    @property
    def reserve(self) -> int:
        """How many accepted held-out images wait for the next held-out version."""
        return sum(batch.splits.get(Split.HELD_OUT, 0) for batch in self.batches[self.held_out_batches :])

    @property
    def leaky(self) -> frozenset[str]:
        """Digests of held-out images that are nearly training images; no new held-out version takes them."""
        return frozenset(digest for batch in self.batches for digest in batch.leaky)

    @property
    def disputed(self) -> frozenset[str]:
        """Digests of accepted images whose label is in doubt; no new dataset takes them."""
        found: frozenset[str] = frozenset()
        for batch in self.batches:
            found = (found | frozenset(batch.disputed)) - frozenset(batch.settled)
        return found

    @property
    def unfit_to_decide(self) -> frozenset[str]:
        """Digests of images that no new held-out version takes: leaking, forgotten, or of a label in doubt."""
        return self.leaky | self.forgotten | self.disputed

    @property
    def models_to_replace(self) -> frozenset[str]:
        """Models that learned from images forgotten since, directly or through a model that they continued."""
        return models_that_learned(self.iterations, self.trained_on_forgotten)

    def lineage(self, model: str) -> tuple[Iteration, ...]:
        """The iterations whose jobs made *model*, the one that began at the base model first; none if not known."""
        jobs: list[Iteration] = []
        while (made := next((each for each in self.iterations if model in each.models), None)) and made not in jobs:
            jobs.append(made)
            model = made.opened.parent
        return tuple(reversed(jobs))

    @property
    def must_restart(self) -> bool:
        """Whether the champion learned from forgotten images and no iteration was opened since to replace it."""
        knows = self.champion is not None and self.champion.model in self.models_to_replace
        return knows and len(self.iterations) == self.iterations_when_forgotten

    def new_training_images(self) -> int:
        """Training images accepted since the last iteration was opened."""
        return sum(batch.splits.get(Split.TRAIN, 0) for batch in self.batches[self.batches_learned :])

    def class_counts(self) -> Mapping[str, int]:
        """Accepted images per class."""
        counts: dict[str, int] = {}
        for batch in self.batches:
            for label, count in batch.classes.items():
                counts[label] = counts.get(label, 0) + count
        return counts


def models_that_learned(iterations: Iterable[Iteration], trained: Collection[int]) -> frozenset[str]:
    """The models of the iterations numbered *trained*, and of those that continued one of them."""
    known: set[str] = set()
    for each in iterations:
        if each.number in trained or each.opened.parent in known:
            known |= each.models
    return frozenset(known)


FIELD_OF_EVENT = {
    DatasetFrozen: "dataset",
    TrainingForecast: "forecast",
    TrainingReconciled: "reconciled",
    CheckpointChosen: "checkpoint",
    BatchIntended: "batch_intended",
    BatchSubmitted: "batch_submitted",
    BatchFinished: "batch_finished",
    ValidationAnswered: "validation",
    LocalBaselineMeasured: "local_baseline",
    Decided: "decided",
    AnswersCompared: "compared",
}
"""Events that only fill one field of the open iteration."""


def state_of(entries: Iterable[LedgerEntry]) -> LoopState:
    """The state after *entries*, which are in order from the first."""
    state = LoopState()
    for entry in entries:
        state = _after(state, entry)
    return state


def _after(state: LoopState, entry: LedgerEntry) -> LoopState:  # noqa: PLR0911, PLR0912, C901  (one case an event)
    match event := entry.event:
        case ImagesAccepted():
            return state.model_copy(update={"batches": (*state.batches, event)})
        case ImagesForgotten():
            return _less_forgotten(state, event)
        case ImagesErased():
            gone = frozenset(event.digests)
            return state.model_copy(update={"to_erase": state.to_erase - gone, "erased": state.erased | gone})
        case HeldOutVersionMade():
            return _held_out_made(state, entry, event)
        case IterationOpened():
            opened = Iteration(opened=event, opened_at=entry.time, contract=entry.contract)
            return state.model_copy(update={"iterations": (*state.iterations, opened)})
        case TrainingIntended():
            # A new attempt: what was known of the one before it no longer counts.
            return _iteration(state, entry, intended=event, intended_at=entry.time, submitted=None, finished=None)
        case TrainingSubmitted():
            return _iteration(state, entry, submitted=event, submitted_at=entry.time)
        case TrainingFinished():
            return _iteration(state, entry, finished=event, finished_at=entry.time)
        case HeldOutLookedAt():
            looked = state if entry.iteration is None else _iteration(state, entry, looked=event)
            return looked.model_copy(update={"looks": (*state.looks, event)})
        case SuccessorTried():
            return state.model_copy(update={"trials": (*state.trials, event)})
        case Evaluated():
            known = state.iterations[_index(entry)].evaluations
            return _iteration(state, entry, evaluations={**known, event.model: event})
        case Approved():
            who = {"approved_by": entry.actor.name, "approved_as": entry.actor.established}
            return _iteration(state, entry, approved=event, approved_at=entry.time, **who)
        case ChampionSwitched():
            return _iteration(state, entry, switched=event).model_copy(
                update={"champion": event, "champion_since": entry.time}
            )
        case RolledBack():
            return state.model_copy(update={"champion": event.champion, "champion_since": entry.time})
        case CostBooked():
            return _booked(state, entry, event)
        case Paused():
            pause = Pause(paused=event, by=entry.actor.name, established=entry.actor.established, at=entry.time)
            return state.model_copy(update={"pause": pause})
        case Resumed():
            return state.model_copy(update={"pause": None})
        case IterationClosed():
            return _iteration(state, entry, closed=event, closed_at=entry.time)
        case ModelDeploymentIntended():
            wanted = event.model_dump(include={"name", "model", "sku", "revived"})
            live = LiveDeployment(**wanted, intended_at=entry.time, answering=False)
            return state.model_copy(update={"deployments": {**state.deployments, event.name: live}})
        case ModelDeploymentCreated():
            live = state.deployments[event.name].model_copy(update={"answering": True})
            return state.model_copy(update={"deployments": {**state.deployments, event.name: live}})
        case ModelDeploymentLeaving():
            live = state.deployments[event.name].model_copy(update={"leaving": event.reason})
            return state.model_copy(update={"deployments": {**state.deployments, event.name: live}})
        case ModelDeploymentDeleted():
            rest = {name: live for name, live in state.deployments.items() if name != event.name}
            return state.model_copy(update={"deployments": rest})
        case _:
            return _iteration(state, entry, **{FIELD_OF_EVENT[type(event)]: event})


def _booked(state: LoopState, entry: LedgerEntry, event: CostBooked) -> LoopState:
    month = f"{entry.time.astimezone(UTC):%Y-%m}"
    known = {**state.booked, month: state.booked.get(month, 0.0) + event.usd}
    if entry.iteration is None:
        return state.model_copy(update={"booked": known, "other_costs": (*state.other_costs, event)})
    costs = (*state.iterations[_index(entry)].costs, event)
    return _iteration(state, entry, costs=costs).model_copy(update={"booked": known})


def _held_out_made(state: LoopState, entry: LedgerEntry, event: HeldOutVersionMade) -> LoopState:
    iteration = state.iterations[entry.iteration - 1] if entry.iteration else None
    return state.model_copy(
        update={
            "held_out": event,
            "held_out_chain": (*(state.held_out_chain if event.continues else ()), event),
            "held_out_since": state.held_out_since if event.continues else entry.time,
            "held_out_batches": iteration.opened.image_batches if iteration else len(state.batches),
            "held_out_versions": (*state.held_out_versions, event),
        }
    )


def _less_forgotten(state: LoopState, event: ImagesForgotten) -> LoopState:
    digests = frozenset(event.digests)
    return state.model_copy(
        update={
            "batches": less_forgotten(state.batches, event),
            "forgotten": state.forgotten | digests,
            "to_erase": state.to_erase | digests if event.erase else state.to_erase,
            "trained_on_forgotten": state.trained_on_forgotten | frozenset(event.trained),
            "iterations_when_forgotten": len(state.iterations) if event.trained else state.iterations_when_forgotten,
        }
    )


def _index(entry: LedgerEntry) -> int:
    """Where the entry's iteration stands among all; iterations are numbered from 1."""
    if entry.iteration is None:
        raise ValueError(f"Entry {entry.number}, {entry.kind}, names no iteration")
    return entry.iteration - 1


def _iteration(state: LoopState, entry: LedgerEntry, **changes: object) -> LoopState:
    """The state with the entry's iteration changed."""
    index = _index(entry)
    changed = state.iterations[index].model_copy(update=changes)
    return state.model_copy(update={"iterations": (*state.iterations[:index], changed, *state.iterations[index + 1 :])})

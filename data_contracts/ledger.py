"""The ledger's entries: an envelope that is hash-chained, and one event in each."""

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from data_contracts.evaluation import Action, ClassTest, Code
from data_contracts.images import RuleOutcome
from data_contracts.policies import TrainingMode
from data_contracts.record import Record
from data_contracts.training import (
    Checkpoint,
    JobStatus,
    ReportedHyperparameters,
    SentExamples,
    TrainingRequest,
)

Outcome = Literal["promoted", "kept the champion", "training failed", "training incomplete"]
"""How an iteration can end."""

SCHEMA = 1
GENESIS = "0" * 64


class ImagesAccepted(Record):
    """A batch of the inbox went through the data contract."""

    kind: Literal["images accepted"] = "images accepted"
    batch: str
    accepted: int
    quarantined: int
    duplicates: int
    classes: dict[str, int] = Field(description="Accepted images per class.")
    splits: dict[str, int] = Field(description="Accepted images per split.")
    labels: str = Field(description="Path of the label history that the batch added.")
    labels_digest: str
    examples: Literal["images", "chats"] = Field("images", description="What the batch was of.")
    broken_rules: dict[str, int] = Field(default_factory=dict, description="Refused images per reason code.")
    near_duplicates: int = Field(0, description="Pairs of images that show nearly the same picture.")
    to_review: int = Field(0, description="Pairs of images that look alike and that a person should see.")
    leaky: tuple[str, ...] = Field((), description="Digests of held-out images that are nearly training images.")
    disputed: tuple[str, ...] = Field(
        (), description="Digests of images accepted earlier that have another label here."
    )
    settled: tuple[str, ...] = Field((), description="Digests of disputed images whose accepted label came again.")
    files: int | None = Field(None, description="Files that the batch had; None in entries that did not count them.")
    listing: str = Field("", description="SHA-256 of the sorted names of its files.")
    refusals: str = Field("", description="Path of the table that says why files were refused.")
    alike: str = Field("", description="Path of the table of images that look alike.")
    rules: tuple[RuleOutcome, ...] = Field((), description="What each rule of the contract found.")
    warnings: dict[str, int] = Field(default_factory=dict, description="Images per rule that only warns.")
    remarks: tuple[str, ...] = Field((), description="What the contract says of the batch as a whole.")


class ForgottenOfBatch(Record):
    """How many of a batch's images were forgotten; counts only, so that no image's label is told."""

    batch: str
    classes: dict[str, int] = Field(description="Forgotten images per class.")
    splits: dict[str, int] = Field(description="Forgotten images per split.")


class ImagesForgotten(Record):
    """Images go into no dataset any more; what used them until now is named."""

    kind: Literal["image forgotten"] = "image forgotten"
    digests: tuple[str, ...]
    source: str | None = Field(None, description="Contributor, batch or path by which the images were chosen.")
    why: str
    erase: bool = Field(default=False, description="Whether to delete the bytes too; 'image erased' says it was done.")
    batches: tuple[ForgottenOfBatch, ...] = Field((), description="What no longer counts, by batch.")
    datasets: tuple[str, ...] = Field((), description="Frozen datasets that hold the images.")
    held_out_versions: tuple[str, ...] = ()
    iterations: tuple[int, ...] = Field((), description="Iterations that trained on the images or were judged by them.")
    trained: tuple[int, ...] = Field((), description="Iterations whose models learned from the images.")
    models: tuple[str, ...] = Field((), description="Models that learned from the images, or descend from one.")
    model_deployments: tuple[str, ...] = Field((), description="Names under which these models answered or answer.")


class ImagesErased(Record):
    """The bytes of forgotten images were deleted."""

    kind: Literal["image erased"] = "image erased"
    digests: tuple[str, ...]
    files: int = Field(description="Files of the store that were deleted; their names are not kept.")
    uploaded_files: tuple[str, ...] = Field((), description="Training files that were deleted at the service, by id.")
    shared: tuple[str, ...] = Field((), description="Digests whose bytes another loop of the store still uses.")


class HeldOutVersionMade(Record):
    """A held-out set was frozen; from now on it decides promotions."""

    kind: Literal["held-out version made"] = "held-out version made"
    version: str
    images: int
    path: str
    target_gain: float
    uses: int
    alpha_per_use: float
    reason: str = Field("the first version", description="Why this version was made.")
    continues: str | None = Field(None, description="Version whose images it still has: what that one spent counts.")
    classes: tuple[str, ...] = Field((), description="Classes of the contract; empty where nobody wrote them down.")


class IterationOpened(Record):
    """A new turn of the loop began."""

    kind: Literal["iteration opened"] = "iteration opened"
    number: int
    reason: str
    parent: str = Field(description="Model that the fine-tuning continues from.")
    champion: str | None
    image_batches: int = Field(description="Accepted batches that the iteration can learn from.")
    mode: TrainingMode | None = Field(None, description="How it trains; None in entries from before this was chosen.")


class DatasetFrozen(Record):
    """The images of an iteration were fixed."""

    kind: Literal["dataset frozen"] = "dataset frozen"
    dataset: str
    path: str
    counts: dict[str, int]
    new: int | None = Field(None, description="Training examples that the parent has not learned; None: not counted.")
    replayed: int | None = Field(None, description="Earlier training examples that are shown again.")


class TrainingForecast(Record):
    """What an iteration was expected to cost, in US dollars, before anything of it was bought."""

    kind: Literal["training forecast"] = "training forecast"
    training_tokens: int
    training_usd: float
    evaluation_usd: float
    hosting_usd: float
    exact: bool = Field(description="Whether the training tokens were counted, not estimated.")

    @property
    def usd(self) -> float:
        """All of it."""
        return self.training_usd + self.evaluation_usd + self.hosting_usd


class TrainingIntended(Record):
    """A fine-tuning job is about to be bought."""

    kind: Literal["training intended"] = "training intended"
    suffix: str
    request: TrainingRequest
    training_file: str
    validation_file: str | None
    examples: int
    sent: tuple[SentExamples, ...] = Field((), description="The training file by class and tokens.")
    exact_tokens: bool = Field(default=False, description="Whether the texts' tokens are counted, not estimated.")


class TrainingSubmitted(Record):
    """The service has the job."""

    kind: Literal["training submitted"] = "training submitted"
    suffix: str
    job: str
    found: bool = Field(description="True when an earlier, interrupted run had bought it already.")


class TrainingFinished(Record):
    """The job ended, well or not."""

    kind: Literal["training finished"] = "training finished"
    suffix: str
    attempt: int
    job: str
    status: JobStatus
    model: str | None
    trained_tokens: int | None
    problem: str | None
    hyperparameters: ReportedHyperparameters = Field(default_factory=ReportedHyperparameters)

    def may_be_bought_again(self, attempts: int) -> bool:
        """Whether the job left no model, and fewer than *attempts* were bought."""
        return self.status is not JobStatus.SUCCEEDED and self.attempt < attempts


class TrainingReconciled(Record):
    """How many of the examples sent the service trained on, as far as its bill tells."""

    kind: Literal["training reconciled"] = "training reconciled"
    job: str
    sent: int
    at_least: int
    at_most: int
    loss_share: float | None
    classes_at_risk: tuple[str, ...] = ()
    stops: bool = Field(description="Too few: no model deployment is bought for the job's model.")
    reason: str


class CheckpointChosen(Record):
    """One checkpoint of the job goes to the gate."""

    kind: Literal["checkpoint chosen"] = "checkpoint chosen"
    checkpoint: Checkpoint
    reason: str
    flags: tuple[str, ...]
    notes: tuple[str, ...] = ()


class ModelDeploymentIntended(Record):
    """A model deployment is about to be created; fine-tuned ones are billed by the hour."""

    kind: Literal["model deployment intended"] = "model deployment intended"
    name: str
    model: str
    sku: str
    capacity: int
    revived: bool = Field(default=False, description="Whether somebody wanted it back: it stays for a while.")


class ModelDeploymentCreated(Record):
    """A model deployment answers."""

    kind: Literal["model deployment created"] = "model deployment created"
    name: str
    model: str


class ModelDeploymentLeaving(Record):
    """A model deployment is about to be deleted: from here on nobody may point production to it."""

    kind: Literal["model deployment leaving"] = "model deployment leaving"
    name: str
    reason: str


class ModelDeploymentDeleted(Record):
    """A model deployment is gone and no longer billed."""

    kind: Literal["model deployment deleted"] = "model deployment deleted"
    name: str
    reason: str


class BatchIntended(Record):
    """A base model's answers to a held-out version are about to be bought in one batch."""

    kind: Literal["batch intended"] = "batch intended"
    version: str
    model: str
    model_deployment: str
    file: str = Field(description="Name of the input file; it holds the digest of what is asked.")
    input_file: str = Field(description="The same at the service, by id: a lost batch is found by it.")
    images: int


class BatchSubmitted(Record):
    """The service has the batch."""

    kind: Literal["batch submitted"] = "batch submitted"
    batch: str
    found: bool = Field(description="True when an earlier, interrupted run had bought it already.")


class BatchFinished(Record):
    """The batch ended, well or not; what it did not answer is asked directly."""

    kind: Literal["batch finished"] = "batch finished"
    batch: str | None = Field(description="None where the service did not take it.")
    status: str = Field(description="The service's own word.")
    answered: int
    problem: str | None = None


class HeldOutLookedAt(Record):
    """A challenger's result on a held-out version was learned, beside a champion's: one use of its budget."""

    kind: Literal["held-out looked at"] = "held-out looked at"
    version: str
    champion: str | None = Field(description="Or the base model; None where there was nothing to compare with.")
    challenger: str


class AnswerTable(Record):
    """A table of a model's answers in the store."""

    images: int
    correct: int
    path: str
    digest: str = Field(description="SHA-256 of the file.")
    prompt_tokens: int
    completion_tokens: int


class Evaluated(AnswerTable):
    """A model has answered all images of a held-out version."""

    kind: Literal["evaluated"] = "evaluated"
    version: str
    model: str
    model_deployment: str
    sku: str | None = Field(
        None, description="Tier of the model deployment that answered; None where it was not noted."
    )
    asked_again: int = Field(
        0, description="Images of which bought answers were asked anew, to see how steady they are."
    )
    changed_again: int = Field(0, description="Of these, the images that got another answer.")
    failed: int = Field(0, description="Images without an answer, for the service failed.")
    median_ms: float | None = Field(
        None, description="Median time of the answers that came in this iteration; None where none did."
    )
    renewed: bool = Field(default=False, description="Whether all was asked anew, for too many answers had changed.")


class ValidationAnswered(AnswerTable):
    """A challenger has answered validation images; this decides nothing and may be shown image by image."""

    kind: Literal["validation answered"] = "validation answered"
    model: str


class LocalBaselineMeasured(Record):
    """A small local model, trained on the same training images, has answered a held-out version; it costs nothing."""

    kind: Literal["local baseline measured"] = "local baseline measured"
    version: str
    name: str = Field(description="What kind of model it is, in words.")
    training_images: int
    images: int
    correct: int
    path: str
    digest: str
    seconds_to_train: float
    ms_per_image: float = Field(description="Median, from the bytes of an image to its label, on one core.")


class SuccessorTried(AnswerTable):
    """Another base model has answered a held-out version, to know what comes when the present one retires."""

    kind: Literal["successor tried"] = "successor tried"
    version: str
    model: str
    known: bool = Field(
        default=False, description="Whether an iteration had bought these answers: no look was counted."
    )


class Decided(Record):
    """The gate's verdict on a challenger."""

    kind: Literal["decided"] = "decided"
    code: Code
    action: Action
    reason: str
    champion: str | None = Field(description="Or the base model; None where there was nothing to compare with.")
    challenger: str
    n: int
    losses: int
    wins: int
    p_superior: float
    p_harm: float | None = Field(None, description="None, like other figures, in entries that did not note it.")
    p_noninferior: float | None = None
    interval: tuple[float, float]
    class_tests: tuple[ClassTest, ...] = Field((), description="Each class's test for harm, likeliest first.")
    alpha_per_use: float
    uses_left: int | None = Field(None, description="Of the held-out version, after this look.")
    failure_share: float | None = Field(
        None, description="Of the answers lost to failures, on the side that lost more."
    )
    worse_batches: tuple[str, ...] = Field((), description="Batches whose images the challenger answers worse.")
    harmed: tuple[str, ...] = Field((), description="Classes on which the challenger is worse beyond chance.")
    warned: tuple[str, ...] = Field((), description="Classes whose recall fell by more than the policy likes.")
    doubts: tuple[str, ...] | None = Field(
        None, description="What would keep a better challenger from being promoted; None where it was not noted."
    )
    remarks: tuple[str, ...] = Field((), description="What else was compared, or could not be.")
    dry_run: bool = Field(
        default=False, description="Whether the verdict is a report only, and nothing follows from it."
    )
    policy: dict[str, Any] | None = Field(None, description="The policy that the gate went by, as it was then.")


class Approved(Record):
    """A person's answer where the gate asked for one; no answer is not a yes."""

    kind: Literal["approved"] = "approved"
    yes: bool
    reason: str
    until: datetime | None = Field(None, description="When a yes against the gate's advice is to be looked at again.")


class AnswersCompared(Record):
    """A model was asked again on its production model deployment, for it was evaluated on another one."""

    kind: Literal["answers compared"] = "answers compared"
    model: str
    model_deployment: str
    examples: Literal["validation", "held-out"] = Field(description="What it was asked, as far as known from then.")
    images: int
    changed: int = Field(description="Images that got another answer than when it was evaluated.")
    same: bool = Field(description="Whether no more changed than chance and the policy allow.")


class ChampionSwitched(Record):
    """Production uses another model from here on."""

    kind: Literal["champion switched"] = "champion switched"
    model: str
    model_deployment: str
    previous: str | None
    previous_model_deployment: str | None


class RolledBack(Record):
    """Production uses the model of an earlier iteration again."""

    kind: Literal["rolled back"] = "rolled back"
    to_iteration: int
    model: str
    model_deployment: str
    previous: str
    previous_model_deployment: str
    why: str

    @property
    def champion(self) -> ChampionSwitched:
        """The champion from here on, and the one before it."""
        return ChampionSwitched.model_validate(self.model_dump(exclude={"kind", "to_iteration", "why"}))


class IterationClosed(Record):
    """A turn of the loop ended."""

    kind: Literal["iteration closed"] = "iteration closed"
    number: int
    outcome: Outcome
    reason: str


class CostBooked(Record):
    """Money spent, as the price table of the day has it."""

    kind: Literal["cost booked"] = "cost booked"
    what: Literal["training", "evaluation", "hosting"]
    subject: str
    usd: float
    basis: str


class Paused(Record):
    """From here on nothing of the loop is bought, swapped or deleted."""

    kind: Literal["paused"] = "paused"
    why: str
    until: datetime | None = Field(None, description="When the pause ends by itself; None: with 'resumed' only.")


class Resumed(Record):
    """A pause is over before its time, or it had none."""

    kind: Literal["resumed"] = "resumed"
    why: str = ""


Event = Annotated[
    ImagesAccepted
    | ImagesForgotten
    | ImagesErased
    | HeldOutVersionMade
    | IterationOpened
    | DatasetFrozen
    | TrainingForecast
    | TrainingIntended
    | TrainingSubmitted
    | TrainingFinished
    | TrainingReconciled
    | CheckpointChosen
    | ModelDeploymentIntended
    | ModelDeploymentCreated
    | ModelDeploymentLeaving
    | ModelDeploymentDeleted
    | BatchIntended
    | BatchSubmitted
    | BatchFinished
    | HeldOutLookedAt
    | Evaluated
    | ValidationAnswered
    | LocalBaselineMeasured
    | SuccessorTried
    | Decided
    | Approved
    | AnswersCompared
    | ChampionSwitched
    | RolledBack
    | IterationClosed
    | CostBooked
    | Paused
    | Resumed,
    Field(discriminator="kind"),
]


class Actor(Record):
    """Who acted, and how far that was established."""

    name: str
    established: Literal["flow run", "signed in", "command line", "claimed"]


class LedgerEntry(Record):
    """One line of the record: what happened, when, by whom, under which configuration, after which entry."""

    schema_number: int = SCHEMA
    number: int = Field(ge=0)
    id: str = Field(description="Random; tells a writer whose first answer was lost that the entry is its own.")
    time: datetime
    iteration: int | None
    actor: Actor
    fence: int | None = Field(description="Fencing number of the lease that the writer held, if any.")
    configuration: str = Field(description="SHA-256 of the loop's configuration in force.")
    contract: str = Field(description="SHA-256 of the data contract in force.")
    event: Event
    previous: str = Field(description="SHA-256 of the entry before this one, as stored.")

    @property
    def kind(self) -> str:
        """What happened, in the words of the design."""
        return self.event.kind

    def to_bytes(self) -> bytes:
        """The entry as it is stored: one line of JSON with sorted keys, UTF-8."""
        content = self.model_dump(mode="json")
        return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def read_entry(content: bytes) -> LedgerEntry:
    """The entry that *content* holds; raises ValueError when it is not one."""
    return _ENTRY.validate_json(content)


def entry_hash(content: bytes) -> str:
    """SHA-256 of an entry as stored; the next entry carries it."""
    return hashlib.sha256(content).hexdigest()


_ENTRY = TypeAdapter(LedgerEntry)

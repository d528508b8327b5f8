"""Evidence, answers, facts and ledgers in which only what a test is about has to be said."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from data_contracts.evaluation import Action, Answer, ClassTable, Code, Evaluation, Outcome, PromotionEvidence
from data_contracts.image_contract import GroupRule, ImageClass, ImageContract, NearDuplicateRule, SplitRule
from data_contracts.images import ImageFacts, LabeledImage, Split
from data_contracts.ledger import (
    GENESIS,
    Actor,
    ChampionSwitched,
    CheckpointChosen,
    DatasetFrozen,
    Decided,
    Event,
    ForgottenOfBatch,
    HeldOutLookedAt,
    HeldOutVersionMade,
    ImagesAccepted,
    ImagesForgotten,
    IterationClosed,
    IterationOpened,
    LedgerEntry,
    ModelDeploymentCreated,
    ModelDeploymentDeleted,
    ModelDeploymentIntended,
    TrainingIntended,
)
from data_contracts.training import (
    Checkpoint,
    Hyperparameters,
    JobStatus,
    ReportedHyperparameters,
    TrainingJob,
    TrainingRequest,
)
from decisions.loop_state import LoopState, state_of

START = datetime(2026, 11, 21, tzinfo=UTC)
PERSON = Actor(name="ines", established="command line")
NEAR = NearDuplicateRule()
BASE = "gpt-4.1-2025-04-14"
FIRST_MODEL = f"{BASE}.ft-k1"
SECOND_MODEL = f"{BASE}.ft-k2"


def evidence(
    *,
    n: int = 1800,
    losses: int = 34,
    wins: int = 70,
    classes: Mapping[str, tuple[int, int, int]] | None = None,
    failures: tuple[float, float] = (0, 0),
    uses_left: int = 10,
    complete: bool = True,
    leak_found: bool = False,
) -> PromotionEvidence:
    """A challenger that is clearly better on 1,800 images; *failures* are of champion and challenger."""
    tables = {
        label: ClassTable(images=images, losses=lost, wins=won)
        for label, (images, lost, won) in (classes or {}).items()
    }
    return PromotionEvidence(
        n=n,
        losses=losses,
        wins=wins,
        classes=tables,
        champion_failure_share=failures[0],
        challenger_failure_share=failures[1],
        complete=complete,
        uses_left=uses_left,
        alpha_per_use=0.005,
        leak_found=leak_found,
    )


def decided(
    challenger: str = FIRST_MODEL,
    champion: str | None = BASE,
    *,
    code: Code = Code.HUMAN_INCONCLUSIVE,
    action: Action = Action.KEEP,
    counts: tuple[int, int, int] = (300, 1, 2),
    worse_batches: tuple[str, ...] = (),
) -> Decided:
    """A verdict; *counts* are images, losses and wins."""
    n, losses, wins = counts
    return Decided(
        code=code,
        action=action,
        reason="any",
        champion=champion,
        challenger=challenger,
        n=n,
        losses=losses,
        wins=wins,
        p_superior=0.5,
        interval=(-0.1, 0.1),
        alpha_per_use=0.01,
        worse_batches=worse_batches,
    )


def answer(image: str, expected: str, given: str | None, outcome: Outcome | None = None) -> Answer:
    """One answer; off the list when nothing is given."""
    return Answer(
        image=image,
        expected=expected,
        given=given,
        outcome=outcome or (Outcome.LABEL if given else Outcome.OFF_LIST),
        latency_ms=300,
        prompt_tokens=100,
        completion_tokens=2,
    )


def evaluation(*answers: Answer, model: str = "any", version: str = "v1") -> Evaluation:
    """The answers of a model to a held-out version."""
    return Evaluation(model=model, held_out_version=version, answers=answers)


def image_contract(
    *,
    held_out: float = 0.15,
    validation: float = 0.1,
    group: GroupRule | None = None,
    near_duplicates: NearDuplicateRule | None = NEAR,
) -> ImageContract:
    """A contract of two classes."""
    return ImageContract(
        id="any",
        version="1",
        digest="0" * 64,
        classes=(ImageClass(name="crazing", answer="crazing"), ImageClass(name="scratches", answer="scratches")),
        rules=(),
        split=SplitRule(salt="holdout-v1", held_out=held_out, validation=validation),
        group=group,
        near_duplicates=near_duplicates,
    )


def by_name(pattern: str) -> GroupRule:
    """Groups come from what *pattern* finds in the file's name."""
    return GroupRule(source="file name", pattern=pattern)


def known(file: str, label: str = "crazing", *, picture: str | None = None, split: Split = Split.TRAIN) -> LabeledImage:
    """An image accepted earlier, from a file of the batch "earlier"."""
    fact = facts(file, label, picture=picture)
    return LabeledImage(
        digest=fact.digest,
        pixel_digest=str(fact.pixel_digest),
        label=label,
        group=str(fact.pixel_digest),
        split=split,
        source=f"earlier/{file}",
        who="ines",
        labeled_at=START,
        media_type="JPEG",
    )


def facts(file: str, label: str | None = "crazing", *, picture: str | None = None) -> ImageFacts:
    """A readable image; two of the same *picture* have the same pixels."""
    pixels = picture or file
    return ImageFacts(
        file=file,
        bytes=6412,
        digest=f"digest of {file}",
        pixel_digest=f"pixels of {pixels}",
        label=label,
        format="JPEG",
        mode="RGB",
        width=200,
        height=200,
        frames=1,
        brightness=0.5,
        contrast=0.2,
    )


def entry(event: Event, number: int = 0, *, iteration: int | None = None, actor: Actor = PERSON) -> LedgerEntry:
    """An entry of *event*, written *number* hours after the start."""
    return LedgerEntry(
        number=number,
        id=f"id {number}",
        time=START + timedelta(hours=number),
        iteration=iteration,
        actor=actor,
        fence=None,
        configuration="1" * 64,
        contract="2" * 64,
        event=event,
        previous=GENESIS,
    )


def state_after(*events: Event) -> LoopState:
    """The state of a loop in whose ledger *events* were written, one an hour, each by the newest iteration."""
    entries, newest = [], None
    for number, event in enumerate(events):
        newest = event.number if isinstance(event, IterationOpened) else newest
        entries.append(entry(event, number, iteration=newest))
    return state_of(entries)


def accepted(*, train: int = 100, held_out: int = 30, batch: str = "monday", **classes: int) -> ImagesAccepted:
    """A batch whose images are spread over *classes*."""
    return ImagesAccepted(
        batch=batch,
        accepted=train + held_out,
        quarantined=0,
        duplicates=0,
        classes=classes,
        splits={"train": train, "held-out": held_out},
        labels=f"labels/{batch}.parquet",
        labels_digest="3" * 64,
    )


def labeled(
    digest: str,
    *,
    label: str = "crazing",
    split: Split = Split.TRAIN,
    source: str = "monday/any.jpg",
    who: str = "ines",
) -> LabeledImage:
    """An accepted image."""
    return LabeledImage(
        digest=digest,
        pixel_digest=f"pixels of {digest}",
        label=label,
        group=digest,
        split=split,
        source=source,
        who=who,
        labeled_at=START,
        media_type="JPEG",
    )


def forgotten(
    *digests: str,
    batch: str = "monday",
    train: int = 0,
    held_out: int = 0,
    trained: tuple[int, ...] = (),
    erase: bool = False,
) -> ImagesForgotten:
    """Images of the class crazing are forgotten, so many of each split."""
    splits = {"train": train, "held-out": held_out}
    gone = ForgottenOfBatch(batch=batch, classes={"crazing": sum(splits.values())}, splits=splits)
    return ImagesForgotten(digests=digests, why="any", erase=erase, batches=(gone,), trained=trained)


def held_out_made(version: str = "v1") -> HeldOutVersionMade:
    return HeldOutVersionMade(version=version, images=300, path="any", target_gain=0.05, uses=4, alpha_per_use=0.0125)


def opened(number: int = 1, *, batches: int = 1) -> IterationOpened:
    return IterationOpened(number=number, reason="any", parent=BASE, champion=None, image_batches=batches)


def closed(number: int = 1) -> IterationClosed:
    return IterationClosed(number=number, outcome="promoted", reason="any")


def won_turn(number: int, model: str, *, parent: str = BASE, train: int = 100) -> tuple[Event, ...]:
    """An iteration that trained *parent* on so many examples, and whose challenger *model* became champion."""
    return (
        opened(number).model_copy(update={"parent": parent}),
        DatasetFrozen(dataset="d", path="any", counts={"train": train}),
        training_intended(),
        CheckpointChosen(checkpoint=Checkpoint(model=model, step=3), reason="any", flags=()),
        switched(model),
        closed(number),
    )


def request(*, attempt: int = 1) -> TrainingRequest:
    return TrainingRequest(
        loop="steel",
        model=BASE,
        dataset="4" * 64,
        contract="2" * 64,
        prompt="Which defect?",
        detail="low",
        training_type="GlobalStandard",
        hyperparameters=Hyperparameters(n_epochs=3),
        seed=42,
        attempt=attempt,
    )


def training_intended(*, attempt: int = 1) -> TrainingIntended:
    wanted = request(attempt=attempt)
    return TrainingIntended(
        suffix=wanted.suffix, request=wanted, training_file="file-1", validation_file=None, examples=100
    )


def switched(model: str = FIRST_MODEL, name: str = "k1", *, previous: str | None = None) -> ChampionSwitched:
    """Production uses *model* under *name* from here on; *previous* is the deployment it used before."""
    return ChampionSwitched(model=model, model_deployment=name, previous=None, previous_model_deployment=previous)


def looked(version: str = "v1") -> HeldOutLookedAt:
    return HeldOutLookedAt(version=version, champion=BASE, challenger=FIRST_MODEL)


def deployment_intended(
    name: str = "k1", model: str = FIRST_MODEL, sku: str = "GlobalStandard"
) -> ModelDeploymentIntended:
    return ModelDeploymentIntended(name=name, model=model, sku=sku, capacity=50)


def deployment_created(name: str = "k1", model: str = FIRST_MODEL) -> ModelDeploymentCreated:
    return ModelDeploymentCreated(name=name, model=model)


def deployment_deleted(name: str = "k1") -> ModelDeploymentDeleted:
    return ModelDeploymentDeleted(name=name, reason="any")


def job(
    status: JobStatus = JobStatus.UNDER_WAY,
    reported_status: str = "running",
    hyperparameters: ReportedHyperparameters | None = None,
) -> TrainingJob:
    """A fine-tuning job as a service might report it."""
    return TrainingJob(
        id="ftjob-1",
        model="any",
        status=status,
        reported_status=reported_status,
        suffix="k1",
        created_at=START,
        hyperparameters=hyperparameters or ReportedHyperparameters(),
    )

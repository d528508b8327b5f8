"""A loop whose models say what a test wants, up to the gate's verdict."""

import hashlib
from collections.abc import Callable

from prefect.logging import disable_run_logger

from data_contracts.evaluation import Answer, Outcome
from data_contracts.images import LabeledImage
from data_contracts.ledger import (
    Actor,
    ChampionSwitched,
    CheckpointChosen,
    Decided,
    Evaluated,
    Event,
    HeldOutVersionMade,
    IterationClosed,
    IterationOpened,
)
from data_contracts.policies import PromotionPolicy, TrainingPolicy
from data_contracts.training import Checkpoint
from tasks.datasets import freeze_dataset, held_out_images, held_out_in_force
from tasks.gate.promotion import decide
from tasks.loop import Turn
from tasks.tables import to_parquet
from tests.support.loops import LoopFolder

POLICY = PromotionPolicy(smallest_held_out=6)
PERSON = Actor(name="test", established="command line")
BASE, FIRST, SECOND, THIRD = "gpt-4o", "gpt-4o.ft-one", "gpt-4o.ft-two", "gpt-4o.ft-three"
Says = Callable[[LabeledImage, int], str | None]


def right(image: LabeledImage, _: int) -> str:
    return image.label


def one_class(_: LabeledImage, __: int) -> str:
    return "crazing"


def often_wrong(image: LabeledImage, number: int) -> str | None:
    return None if number % 2 else image.label


def nothing(_: LabeledImage, __: int) -> None:
    return None


class Gate:
    """A loop whose models say what a test wants."""

    def __init__(self, folder: LoopFolder) -> None:
        self.folder = folder
        self.number = 0
        self.version: HeldOutVersionMade | None = None

    def write(self, event: Event) -> None:
        loop = self.folder.loop()
        loop.ledger.write(loop.authorship(PERSON), self.number, event)

    def begin(self) -> None:
        """A new iteration with its dataset and held-out version."""
        self.number += 1
        batches = len(self.folder.loop().state().batches)
        self.write(IterationOpened(number=self.number, reason="any", parent=BASE, champion=None, image_batches=batches))
        freeze_dataset.fn(self.turn, TrainingPolicy())
        self.version = held_out_in_force.fn(self.turn, POLICY)

    @property
    def turn(self) -> Turn:
        return Turn(folder=self.folder.name, iteration=self.number, fence=1)

    def made(self) -> HeldOutVersionMade:
        assert self.version
        return self.version

    def answers(self, says: Says, outcome: Outcome) -> list[Answer]:
        images = held_out_images(self.folder.loop(), self.made())
        return [
            Answer(
                image=image.digest,
                expected=image.label,
                given=(given := says(image, number)),
                outcome=Outcome.LABEL if given else outcome,
                latency_ms=300,
                prompt_tokens=400,
                completion_tokens=3,
            )
            for number, image in enumerate(images)
        ]

    def stored(self, model: str, answers: list[Answer]) -> tuple[str, str]:
        """Where the answers are kept, and their digest."""
        loop, table = self.folder.loop(), to_parquet(answers, Answer)
        path = loop.path("answers", f"{self.number}-{model}.parquet")
        loop.store.put(path, table)
        return path, hashlib.sha256(table).hexdigest()

    def evaluated(
        self, model: str, says: Says, outcome: Outcome = Outcome.OFF_LIST, sku: str = "GlobalStandard"
    ) -> Evaluated:
        """An evaluation as if *model* had been asked."""
        answers = self.answers(says, outcome)
        path, digest = self.stored(model, answers)
        entry = Evaluated(
            version=self.made().version,
            model=model,
            model_deployment="any",
            images=len(answers),
            correct=sum(each.correct for each in answers),
            path=path,
            digest=digest,
            prompt_tokens=400 * len(answers),
            completion_tokens=3 * len(answers),
            sku=sku,
        )
        self.write(entry)
        return entry

    def decide(self, champion: Evaluated | None, challenger: Evaluated, policy: PromotionPolicy = POLICY) -> Decided:
        with disable_run_logger():
            return decide.fn(self.turn, self.made(), champion, challenger, policy)

    def end(self, model: str | None = None) -> None:
        """Close the iteration, with *model* as its champion."""
        if model:
            self.write(CheckpointChosen(checkpoint=Checkpoint(model=model, step=3), reason="any", flags=()))
            self.write(
                ChampionSwitched(model=model, model_deployment="any", previous=None, previous_model_deployment=None)
            )
        self.write(IterationClosed(number=self.number, outcome="promoted", reason="any"))

    def with_champion(self, says: Says = right) -> Evaluated:
        """The second iteration, with the first one's model as champion."""
        self.begin()
        self.evaluated(FIRST, says)
        self.end(FIRST)
        self.begin()
        return self.evaluated(FIRST, says)

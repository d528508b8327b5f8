"""The protocols behind which a provider of fine-tuned vision models sits: one trains and deploys, two answer."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from data_contracts.batches import AnswerBatch
from data_contracts.calls import HourOfCalls
from data_contracts.chats import Message
from data_contracts.evaluation import RawAnswer
from data_contracts.models import OfferedModel
from data_contracts.training import (
    Checkpoint,
    ModelDeployment,
    TrainingEvent,
    TrainingJob,
    TrainingRequest,
    UploadedFile,
)


class Trainer(Protocol):
    """Fine-tunes models and deploys them."""

    def find_file(self, name: str) -> str | None:
        """Id of a usable uploaded file called *name*, or None."""
        ...

    def files(self) -> Sequence[UploadedFile]:
        """All fine-tuning files of the account, whoever uploaded them; each takes room."""
        ...

    def upload(self, file: Path, name: str) -> str:
        """Upload *file* under *name*, wait until it is processed, return its id; raises CloudRefused when it fails."""
        ...

    def begin_upload(self, name: str, size: int) -> str:
        """Open an upload in parts of a file of *size* bytes; returns its id. It dies after two hours."""
        ...

    def upload_part(self, upload: str, content: bytes) -> str:
        """Add the next bytes, asking exactly once; returns the part's id."""
        ...

    def complete_upload(self, upload: str, parts: Sequence[str], name: str) -> str:
        """Make the parts one file, wait until it is processed, return its id; raises CloudRefused when it fails."""
        ...

    def cancel_upload(self, upload: str) -> None:
        """Give an upload up; one that is over is no error."""
        ...

    def measure(self, file: str) -> tuple[int, int]:
        """Bytes and lines of an uploaded file, streamed back."""
        ...

    def delete_file(self, file: str) -> None:
        """Delete an uploaded file, by id; deleting what is gone is no error."""
        ...

    def content(self, file: str) -> bytes:
        """The bytes of an uploaded or resulting file, by id."""
        ...

    def find_jobs(self, suffix: str) -> Sequence[TrainingJob]:
        """All jobs with *suffix*, oldest first."""
        ...

    def jobs(self) -> Sequence[TrainingJob]:
        """All jobs of the account, ended ones too."""
        ...

    def submit(self, request: TrainingRequest, training_file: str, validation_file: str | None) -> TrainingJob:
        """Buy one job, asking exactly once.

        Raises OutcomeUnknown when the answer was lost, CloudRefused or QueueFull when it was surely not bought.
        """
        ...

    def job(self, id_: str) -> TrainingJob:
        """The job as it stands."""
        ...

    def cancel(self, id_: str) -> None:
        """Stop a job; what it has done is billed."""
        ...

    def events(self, id_: str, known: str | None = None) -> Sequence[TrainingEvent]:
        """What the job has said since the event *known*, by id, or from the beginning; oldest first."""
        ...

    def checkpoints(self, id_: str) -> Sequence[Checkpoint]:
        """What the job left to deploy, oldest first."""
        ...

    def check_account(self) -> None:
        """Raise CloudRefused when the account does not exist or the login is refused; to be asked before buying."""
        ...

    def region(self) -> str:
        """Region of the account, as Azure's addresses spell it."""
        ...

    def offered_models(self) -> Sequence[OfferedModel]:
        """What the account says about the base models that it knows, and until when."""
        ...

    def deploy(
        self, name: str, model: str, tags: dict[str, str], sku: str | None = None, capacity: int | None = None
    ) -> ModelDeployment:
        """Create the model deployment *name*, or find it, and wait until it is ready.

        Tier and capacity, in thousand tokens a minute, are those of the loop by default.
        """
        ...

    def model_deployments(self) -> Iterator[ModelDeployment]:
        """All model deployments of the account."""
        ...

    def delete_model_deployment(self, name: str) -> None:
        """Delete and wait; deleting what is gone is no error."""
        ...


class Answerer(Protocol):
    """Answers questions about images, and chats."""

    def answer(self, model_deployment: str, prompt: str, image: str, detail: str) -> RawAnswer:
        """What the model says to *image*, a data URL; failures after all retries are part of the answer."""
        ...

    def reply(self, model_deployment: str, messages: Sequence[Message], most_tokens: int) -> RawAnswer:
        """What the model says next in a chat; failures after all retries are part of the answer."""
        ...

    def stop_asking(self, model_deployment: str) -> None:
        """Send away at once whoever waits for the model deployment's limits; who asks later begins anew."""
        ...

    def wait_until_answering(self, model_deployment: str) -> None:
        """Return when the model deployment really answers; raises CloudUnavailable after some minutes."""
        ...

    def take_own_calls(self) -> Sequence[HourOfCalls]:
        """Successful calls that this process made since this was asked last, those of batches not; to be kept."""
        ...


class BatchAnswerer(Protocol):
    """Answers many questions about images for half the price, within about a day; base models only."""

    def batch_line(self, model_deployment: str, id_: str, prompt: str, image: str, detail: str) -> bytes:
        """A line of an input file: the question that `Answerer.answer` asks, and the id that its answer will carry."""
        ...

    def find_batch_file(self, name: str) -> str | None:
        """Id of a usable input file called *name*, or None."""
        ...

    def upload_batch_file(self, file: Path, name: str) -> str:
        """Upload an input file, wait until it is processed, return its id; raises CloudRefused when it fails."""
        ...

    def submit_batch(self, input_file: str) -> AnswerBatch:
        """Buy the answers to an input file, asking exactly once.

        Raises OutcomeUnknown when the answer was lost, CloudRefused or CloudUnavailable when it was surely not bought.
        """
        ...

    def find_batches(self, input_file: str) -> Sequence[AnswerBatch]:
        """All batches of an input file, oldest first."""
        ...

    def batch(self, id_: str) -> AnswerBatch:
        """The batch as it stands."""
        ...

    def cancel_batch(self, id_: str) -> None:
        """Stop a batch; what it has answered is billed and can be read. One that is over is no error."""
        ...

    def batch_answers(self, batch: AnswerBatch) -> Iterator[tuple[str, RawAnswer]]:
        """Id and answer of each question of a batch that ended; failures are among them, the unanswered are not."""
        ...


class Foundry(Trainer, Answerer, BatchAnswerer, Protocol):
    """A provider that trains, deploys and answers."""

"""One emulator for all tests, clients of it, and one model that it has trained."""

from collections.abc import Callable, Iterator

import pytest
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.cognitiveservices.models import Deployment
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.foundry_emulator.support import (
    EmulatorProcess,
    deployment_of,
    ended,
    examples,
    running,
    training_file,
    upload,
)

QUICK = (
    "--deployment-creation-seconds",
    "0.3",
    "--deployment-propagation-seconds",
    "0.2",
    "--speed",
    "2",
    "--fine-tune-files",
    "10000",
)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with running(tmp_path_factory.mktemp("emulator"), *QUICK) as process:
        yield process


@pytest.fixture(scope="session")
def client(emulator: EmulatorProcess) -> Iterator[OpenAI]:
    with emulator.client() as opened:
        yield opened


@pytest.fixture(scope="session")
def control(emulator: EmulatorProcess) -> Iterator[CognitiveServicesManagementClient]:
    with emulator.management(retry_total=0) as opened:
        yield opened


Deploy = Callable[..., Deployment]


@pytest.fixture
def deploy(control: CognitiveServicesManagementClient) -> Iterator[Deploy]:
    """Return a function that deploys a model under a name and waits; all are deleted at the end."""
    names: list[str] = []

    def run(name: str, model: str, version: str = "1", capacity: int = 100_000) -> Deployment:
        names.append(name)
        body = deployment_of(model, version, capacity)
        poller = control.deployments.begin_create_or_update("group", "local", name, body, enforce_https=False)
        return poller.result()

    yield run
    for name in names:
        control.deployments.begin_delete("group", "local", name, enforce_https=False).result()


@pytest.fixture(scope="session")
def trained(client: OpenAI) -> FineTuningJob:
    """Return a job that has learned four textures from 80 images over five epochs, with a validation file."""
    training = upload(client, training_file(examples(range(20))))
    validation = upload(client, training_file(examples(range(100, 105))))
    job = client.fine_tuning.jobs.create(
        model="gpt-4o-2024-08-06",
        training_file=training.id,
        validation_file=validation.id,
        suffix="textures",
        seed=7,
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 5}}},
        metadata={"purpose": "tests"},
        extra_body={"trainingType": "GlobalStandard"},
    )
    return ended(client, job.id)


@pytest.fixture
def faulty(process: EmulatorProcess) -> Iterator[EmulatorProcess]:
    """Return the `process` of the module; no fault outlives a test."""
    yield process
    process.ask("DELETE", "/emulator/faults")


@pytest.fixture
def patient(faulty: EmulatorProcess) -> Iterator[OpenAI]:
    """Return a client that tries again twice, as clients do unless told otherwise."""
    with faulty.openai() as opened:
        yield opened

"""What many tests need: images, an emulator, Azurite, a Prefect server, a loop's folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.servers import emulator_environment
from tests.foundry_emulator.support import EmulatorProcess, running
from tests.support import azurite
from tests.support.loops import LoopFolder, images_to_learn_from

QUICK = ("--deployment-creation-seconds", "0.2", "--deployment-propagation-seconds", "0.1", "--speed", "2")


@pytest.fixture(scope="session", autouse=True)
def own_cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave the user's cache folder alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of class folders."""
    return images_to_learn_from(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def azure_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of an Azurite."""
    with azurite.running(tmp_path_factory.mktemp("azurite")) as connection:
        yield connection


@pytest.fixture(scope="session")
def foundry_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """An emulator for all tests of the session."""
    with running(tmp_path_factory.mktemp("foundry"), *QUICK) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def foundry(foundry_process: EmulatorProcess) -> Iterator[EmulatorProcess]:
    """The emulator, emptied, which settings find by the environment for as long as this module's tests run."""
    foundry_process.reset()  # an account has room for ten fine-tuned model deployments
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator_environment(foundry_process.address).items():
            patch.setenv(name, value)
        yield foundry_process


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A real Prefect server for all flows of the test session."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    os.environ |= {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    # Without a heartbeat a synchronous flow ends a second earlier.
    quick = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_LOGGING_TO_API_ENABLED: False}
    with prefect_test_harness(server_startup_timeout=90), temporary_settings(quick):
        yield


@pytest.fixture
def loop_folder(tmp_path: Path, foundry: EmulatorProcess) -> LoopFolder:
    """A new loop that trains on the emulator."""
    return LoopFolder.make(tmp_path / "loop")

"""Fixtures for tests against the emulator: `pytest_plugins = ["foundry_emulator.pytest_plugin"]` in a conftest.py."""

from collections.abc import Iterator
from typing import Any

import pytest

from foundry_emulator.testing import FoundryProcess, running


@pytest.fixture(scope="session")
def foundry_emulator_options() -> dict[str, Any]:
    """Return options of the emulator's command line; override it to set some, such as {"speed": 10}."""
    return {}


@pytest.fixture(scope="session")
def foundry_emulator(
    tmp_path_factory: pytest.TempPathFactory, foundry_emulator_options: dict[str, Any]
) -> Iterator[FoundryProcess]:
    """Yield one emulator for the whole session, on a free port."""
    with running(tmp_path_factory.mktemp("foundry-emulator"), **foundry_emulator_options) as process:
        yield process


@pytest.fixture
def foundry(foundry_emulator: FoundryProcess, monkeypatch: pytest.MonkeyPatch) -> FoundryProcess:
    """Return the session's emulator, emptied, with the environment in which DefaultAzureCredential finds it."""
    foundry_emulator.reset()
    for name, value in foundry_emulator.environment.items():
        monkeypatch.setenv(name, value)
    return foundry_emulator

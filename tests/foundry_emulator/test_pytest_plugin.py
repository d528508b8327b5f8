"""The fixtures for tests of other projects, in a test run of another project."""

import pytest

from foundry_emulator.testing import DidNotStart, command_line, running
from tests.foundry_emulator.support import ROOT

pytest_plugins = ["pytester"]

CONFTEST = 'pytest_plugins = ["foundry_emulator.pytest_plugin"]'
OTHERS_TESTS = """
import asyncio
import json
import os
from datetime import UTC, datetime, timedelta

import openai
import pytest
from azure.identity import DefaultAzureCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

from foundry_emulator.testing import ControlRefused

STANDARD = {
    "sku": {"name": "Standard", "capacity": 10},
    "properties": {"model": {"format": "OpenAI", "name": "gpt-4o", "version": "2024-08-06"}},
}

@pytest.fixture(scope="session")
def foundry_emulator_options():
    return {"speed": 10, "account": ["local", "second"]}

def test_something_is_left(foundry):
    with foundry.openai() as client:
        client.files.create(purpose="evals", file=("a.jsonl", b"{}"))
    foundry.forward(3600)
    foundry.fault(path="/openai/v1/models", status=503)

def test_nothing_is_left(foundry):
    with foundry.openai() as client:
        assert client.files.list().data == []
        assert client.models.list().data
    assert foundry.faults() == []
    assert abs(datetime.fromisoformat(foundry.clock()["now"]) - datetime.now(UTC)) < timedelta(seconds=5)

def test_it_is_one_process(foundry, foundry_emulator):
    assert foundry.process is foundry_emulator.process

def test_all_clients(foundry):
    async def models():
        async with foundry.async_openai() as client, foundry.async_azure_openai("second") as dated:
            return [model.id async for model in client.models.list()], [m.id async for m in dated.models.list()]

    with foundry.azure_openai() as dated, foundry.openai("second") as second:
        second.files.create(purpose="evals", file=("a.jsonl", b"{}"))
        assert dated.files.list().data == []
    first, other = asyncio.run(models())
    assert "gpt-4o-2024-08-06" in first == other

def test_the_control_plane(foundry):
    with foundry.management() as control:
        control.deployments.begin_create_or_update("g", "local", "base", STANDARD, enforce_https=False).result()
        foundry.forward(10 * 86_400)
        assert [each.name for each in control.deployments.list("g", "local", enforce_https=False)] == ["base"]

def test_azures_own_credential(foundry):
    with DefaultAzureCredential() as credential:
        with CognitiveServicesManagementClient(credential, "any", base_url=foundry.address) as control:
            assert list(control.deployments.list("g", "local", enforce_https=False)) == []
    assert os.environ["AZURE_OPENAI_ENDPOINT"] == foundry.address

def test_the_clock(foundry):
    now = datetime.now(UTC) + timedelta(days=40)
    foundry.set_clock(now)
    assert datetime.fromisoformat(foundry.clock()["now"]) >= now
    assert foundry.run(1000)["rate"] == 1000
    with pytest.raises(ControlRefused, match="400: The clock cannot be set back"):
        foundry.set_clock("2020-01-01T00:00:00Z")

def test_a_fault(foundry):
    fault = foundry.fault(path="/openai/v1/files", reset=True, count=1)
    with foundry.openai(max_retries=0) as client, pytest.raises(openai.APIConnectionError):
        client.files.list()
    assert [(each["id"], each["left"]) for each in foundry.faults()] == [(fault, 0)]
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return another project, whose tests find this emulator."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest(CONFTEST)
    return pytester


def test_another_project_tests_against_the_emulator(project: pytest.Pytester) -> None:
    project.makepyfile(OTHERS_TESTS)
    outcome = project.runpytest_subprocess("-q", "-W", "error", "-p", "no:randomly", "-p", "no:cacheprovider")

    outcome.assert_outcomes(passed=8)


def test_the_fixtures_are_told_of(project: pytest.Pytester) -> None:
    told = project.runpytest_subprocess("--fixtures", "-q").stdout.str()

    assert "Return the session's emulator, emptied" in told
    assert "Yield one emulator for the whole session" in told


def test_without_pytest_it_runs_for_the_length_of_a_block() -> None:
    with running(speed=5, api_key="a-key", account=["first,key=b-key", "second"]) as foundry:
        folder = foundry.ready["state"]
        with foundry.openai("second") as client:
            assert client.models.list().data
        with foundry.openai("first", api_key="b-key") as client:
            assert client.models.list().data

    assert foundry.process.returncode == 0
    assert folder.startswith("/tmp") or "foundry-emulator-" in folder


def test_its_credential_knows_the_header_that_it_demands() -> None:
    with running(identity_header="secret") as foundry, foundry.management() as control:
        listed = list(control.deployments.list("g", "local", enforce_https=False))

    assert listed == []


def test_an_emulator_that_cannot_start_says_so() -> None:
    with pytest.raises(DidNotStart, match="exit code 2"), running(speed=-1):
        pass


def test_options_are_written_as_the_command_line_has_them() -> None:
    options = {"speed": 10, "account": ["a", "b"], "faults": None, "a_flag": True, "no_flag": False}

    assert command_line(options) == ["--speed", "10", "--account", "a", "--account", "b", "--a-flag"]

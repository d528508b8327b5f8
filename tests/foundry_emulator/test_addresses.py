"""The ways to write an address: by version or date, and with the name of an account."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.identity import ManagedIdentityCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.cognitiveservices.models import Deployment
from openai import AsyncAzureOpenAI, AuthenticationError, AzureOpenAI, NotFoundError, OpenAI

from tests.foundry_emulator.deployed import wait_for
from tests.foundry_emulator.support import (
    API_KEY,
    EmulatorProcess,
    examples,
    question,
    running,
    start_in_vain,
    training_file,
)

DATE = "2024-10-21"
Deploy = Callable[..., Deployment]


@pytest.fixture(scope="module")
def two_accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    options = ("--account", "first", "--account", "second,key=second-key,region=eastus2")
    with running(tmp_path_factory.mktemp("accounts"), *options) as process:
        yield process


def opened(address: str, key: str = API_KEY) -> OpenAI:
    return OpenAI(api_key=key, base_url=f"{address}/openai/v1/", max_retries=0)


def test_the_dated_client_asks_a_model_deployment(emulator: EmulatorProcess, client: OpenAI, deploy: Deploy) -> None:
    deploy("dated.base-1", "gpt-4o", "2024-08-06")
    wait_for(client, "dated.base-1")
    with AzureOpenAI(azure_endpoint=emulator.address, api_key=API_KEY, api_version=DATE, max_retries=0) as dated:
        answer = dated.chat.completions.create(
            model="dated.base-1", messages=question(examples(range(1))[0].url), temperature=0
        )

    assert answer.model == "gpt-4o-2024-08-06"


async def dated_models(address: str) -> list[str]:
    async with AsyncAzureOpenAI(azure_endpoint=address, api_key=API_KEY, api_version=DATE) as client:
        return [model.id async for model in client.models.list()]


def test_the_dated_client_manages_files_jobs_and_models(emulator: EmulatorProcess) -> None:
    with AzureOpenAI(azure_endpoint=emulator.address, api_key=API_KEY, api_version=DATE) as client:
        file = client.files.create(purpose="fine-tune", file=("a.jsonl", training_file(examples(range(3)))))
        client.files.wait_for_processing(file.id, poll_interval=0.02)
        job = client.fine_tuning.jobs.create(model="gpt-4o-2024-08-06", training_file=file.id)

        assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
        assert "gpt-4o-2024-08-06" in [model.id for model in client.models.list()]


def test_the_asynchronous_dated_client_works_too(emulator: EmulatorProcess) -> None:
    assert "gpt-4.1-2025-04-14" in asyncio.run(dated_models(emulator.address))


def test_a_dated_address_without_a_date_leads_nowhere(emulator: EmulatorProcess) -> None:
    undated = OpenAI(api_key=API_KEY, base_url=f"{emulator.address}/openai/", max_retries=0)
    with undated as client, pytest.raises(NotFoundError, match="Resource not found"):
        client.models.list()


def test_accounts_see_only_what_is_theirs(two_accounts: EmulatorProcess) -> None:
    with opened(two_accounts.address) as first, opened(f"{two_accounts.address}/second", "second-key") as second:
        file = first.files.create(purpose="evals", file=("mine.jsonl", b"{}"))

        assert [each.id for each in first.files.list()] == [file.id]
        assert second.files.list().data == []
        with pytest.raises(NotFoundError):
            second.files.retrieve(file.id)


def test_the_first_account_may_be_named_too(two_accounts: EmulatorProcess) -> None:
    with opened(f"{two_accounts.address}/first") as client:
        assert client.models.list().data


def test_the_key_of_one_account_does_not_open_another(two_accounts: EmulatorProcess) -> None:
    with opened(f"{two_accounts.address}/second") as client, pytest.raises(AuthenticationError):
        client.models.list()


def test_an_account_is_found_by_the_name_of_the_host(two_accounts: EmulatorProcess) -> None:
    host = {"Host": "second.openai.azure.com"}
    with opened(two_accounts.address, "second-key") as client:
        assert client.with_options(default_headers=host).models.list().data


def test_the_control_plane_tells_where_an_account_answers(
    two_accounts: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{two_accounts.address}/identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", "anything")
    with (
        ManagedIdentityCredential() as credential,
        CognitiveServicesManagementClient(credential, "any", base_url=two_accounts.address, retry_total=0) as control,
    ):
        account = control.accounts.get("group", "second", enforce_https=False).as_dict()

    assert account["location"] == "eastus2"
    assert account["properties"]["endpoint"] == f"{two_accounts.address}/second/"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--account", "a,b"), "'b' is neither key=KEY nor region=REGION"),
        (("--account", "no/slash"), "'no/slash' cannot be an account's name"),
        (("--account", "openai"), "'openai' cannot be an account's name"),
        (("--account", "twice", "--account", "twice"), "the account 'twice' is named twice"),
        (("--account", "twice", "--account", "Twice"), "the account 'twice' is named twice"),
    ],
)
def test_a_wrong_account_is_told_before_anything_is_served(options: tuple[str, ...], told: str, tmp_path: Path) -> None:
    ended = start_in_vain("--port", "0", "--state", str(tmp_path), *options)

    assert ended.returncode != 0
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr

"""Uploading to Azure OpenAI: a lost answer leaves no copy."""

from pathlib import Path

import pytest

from cloud.azure_openai import AzureOpenAI
from cloud.errors import CloudUnavailable
from cloud.settings import FoundrySettings
from foundry_emulator.testing import API_KEY, FoundryProcess, running
from tests.foundry_emulator.support import examples, training_file

NAME = "kaizen-steel-train-0123456789abcdef.jsonl"


def azure(foundry: FoundryProcess) -> AzureOpenAI:
    """Our client of the emulator."""
    settings = {"endpoint": f"{foundry.address}/openai/v1/", "subscription": "any", "resource_group": "any"}
    return AzureOpenAI(FoundrySettings.model_validate({**settings, "account": "local"}), API_KEY)


def test_an_upload_whose_answer_was_lost_is_found_again_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(training_file(examples(range(3))))
    with running(tmp_path / "emulator") as foundry:
        foundry.fault(method="POST", path="/openai/v1/files", reset=True, after_work=True, count=1)
        service = azure(foundry)
        with pytest.raises(CloudUnavailable):
            service.upload(tmp_path / NAME, NAME)

        assert [service.find_file(NAME)] == [file.id for file in service.files()]


def test_a_file_that_breaks_off_while_it_is_measured_is_for_later(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(training_file(examples(range(3))))
    with running(tmp_path / "emulator") as foundry:
        service = azure(foundry)
        file = service.upload(tmp_path / NAME, NAME)
        foundry.fault(method="GET", path=f"/openai/v1/files/{file}/content", truncate=20, count=1)

        with pytest.raises(CloudUnavailable, match="broke off after"):
            service.measure(file)

"""`kaizen cost`, as a person runs it."""

import json
from pathlib import Path

import pytest

from cloud.clock import system_time
from data_contracts.ledger import Actor, CostBooked, ModelDeploymentIntended
from tests.decisions.builders import FIRST_MODEL, opened
from tests.support.commands import kaizen
from tests.support.loops import LoopFolder


@pytest.fixture
def folder(tmp_path: Path) -> LoopFolder:
    """A loop that has spent $12.50 of the month's $10, and pays for a model deployment."""
    folder = LoopFolder.make(tmp_path / "loop")
    with (folder.path / "kaizen.toml").open("a") as settings:
        settings.write("\n[training.budget]\nper_month_usd = 10\n")
    loop = folder.loop()
    author = loop.authorship(Actor(name="ines", established="command line"))
    for event in (
        opened(),
        CostBooked(what="training", subject="any", usd=12.5, basis="any"),
        ModelDeploymentIntended(name="steel-i0001", model=FIRST_MODEL, sku="GlobalStandard", capacity=1),
    ):
        loop.ledger.write(author, 1, event)
    return folder


def test_what_was_spent_and_what_is_billed_is_told_with_a_warning(folder: LoopFolder) -> None:
    told = kaizen("cost", "--loop", folder.path).stdout

    assert "│ 1         │   $12.50 │      $0.00 │   $0.00 │ $12.50 │" in told
    assert "│ steel-i0001      │ GlobalStandard │   $1.70 │ $40.80 │" in told
    assert "over its $10.00" in told
    assert f"{system_time():%Y-%m}: $12.50 spent" in told


def test_no_line_is_wider_than_a_terminal(folder: LoopFolder) -> None:
    assert max(map(len, kaizen("cost", "--loop", folder.path).stdout.splitlines())) <= 80


def test_without_a_volume_few_and_many_images_are_forecast(folder: LoopFolder) -> None:
    value = json.loads(kaizen("cost", "--json", "--loop", folder.path).stdout)

    assert [(each["images"], each["tokens_in"], each["tokens_out"]) for each in value["running"][::3]] == [
        (10_000, 300, 10),
        (26_280_000, 300, 10),
    ]
    assert value["report"]["months"][0]["training_usd"] == 12.5


def test_a_volume_and_tokens_can_be_named(folder: LoopFolder) -> None:
    options = ("--images-per-month", "1000000", "--tokens-in", "500", "--tokens-out", "20")
    value = json.loads(kaizen("cost", *options, "--json", "--loop", folder.path).stdout)
    by_type = {each["sku"]: each["answers_usd"] for each in value["running"]}

    # 500 million tokens in at $2 and 20 million out at $8, times 1.1 in one region.
    assert by_type == pytest.approx({"Standard": 1_276, "GlobalStandard": 1_160, "DeveloperTier": 1_160})
    assert value["tokens_from"] == "as named"

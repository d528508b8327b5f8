"""On an account that enforces retirement the base model is no baseline: a person decides about the first champion."""

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_contracts.evaluation import Code
from data_contracts.ledger import Actor, Approved
from deployments.demo import write_report
from deployments.servers import emulator_environment
from flows.improve_model import Result, improve_model
from flows.ingest_images import ingest_images
from tasks.gate.approvals import approve
from tasks.training.model_choice import ModelRefused
from tests.conftest import QUICK
from tests.foundry_emulator.support import running
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An emulator on which what has retired serves no more; both base models with images have."""
    state = tmp_path_factory.mktemp("strict")
    with running(state, *QUICK, "--enforce-retirement") as emulator, pytest.MonkeyPatch.context() as patch:
        for name, value in emulator_environment(emulator.address).items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, images: Path, strict: None) -> LoopFolder:
    folder = LoopFolder.make(tmp_path_factory.mktemp("loop"))
    folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(folder.name)
    return folder


@pytest.fixture(scope="module")
def asked(filled: LoopFolder) -> Result:
    """The first turn, as far as it comes by itself."""
    return improve_model(filled.name)


def test_the_first_challenger_waits_for_a_person(asked: Result, filled: LoopFolder) -> None:
    iteration = filled.loop().iteration(1)

    assert asked.status == "waits for a person"
    assert iteration.decided is not None
    assert (iteration.decided.code, iteration.decided.champion) == (Code.HUMAN_NO_COMPARISON, None)
    assert len(iteration.evaluations) == 1


def test_the_report_shows_the_challenger_alone(asked: Result, filled: LoopFolder) -> None:
    page = write_report(filled.path).read_text()

    assert "with no champion and no base model to compare with" in page
    assert page.count("Confusion matrix of") == 1


def test_a_yes_makes_it_the_champion_whom_the_next_one_has_to_beat(
    asked: Result, filled: LoopFolder, images: Path
) -> None:
    person = Actor(name=getpass.getuser(), established="command line")
    approve(filled.loop(), 1, Approved(yes=True, reason="looked at it"), person)

    assert improve_model(filled.name).status == "promoted"
    assert filled.loop().state().champion is not None


def test_a_model_that_learns_from_text_only_is_refused_before_an_iteration_is_opened(
    strict: None, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIZEN_TRAINING__BASE_MODEL", "gpt-4.1-mini-2025-04-14")
    folder = LoopFolder.make(tmp_path / "loop")
    folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(folder.name)

    with pytest.raises(ModelRefused, match=r"cannot be fine-tuned with images; .*gpt-4.1-2025-04-14 \(until 2027"):
        improve_model(folder.name)
    assert folder.loop().state().iterations == ()

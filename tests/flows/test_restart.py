"""After forgetting what a champion learned from: the service loses the files, the loop starts again without them."""

import base64
from dataclasses import dataclass
from pathlib import Path

import pytest

from data_contracts.images import LabeledImage, Split
from data_contracts.ledger import Actor, Approved
from decisions.loop_state import LoopState
from deployments.forget import forget_images
from deployments.ledger_log import as_lines
from flows.improve_model import Result, improve_model
from flows.ingest_images import ingest_images
from tasks.as_sent import as_sent
from tasks.datasets import held_out_images
from tasks.forget.forgetting import digests_in
from tasks.gate.approvals import approve
from tasks.labels import labeled_images
from tasks.loop import Loop
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.artifacts import artifacts_of
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


@dataclass(frozen=True)
class Forgot:
    """A loop that forgot a training image and a held-out one, and erased them."""

    folder: LoopFolder
    before: LoopState
    images: list[LabeledImage]
    pictures: list[bytes]
    lines: list[str]
    value: dict[str, object]


@pytest.fixture(scope="module")
def forgot(tmp_path_factory: pytest.TempPathFactory, images: Path, foundry: EmulatorProcess) -> Forgot:
    """A loop whose first challenger became champion, and then forgot two of its images."""
    folder = LoopFolder.make(tmp_path_factory.mktemp("loop"))
    folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(folder.name)
    improved(folder)
    loop = folder.loop()
    before = loop.state()
    present = labeled_images(loop, before)
    chosen = [next(each for each in present if each.split is split) for split in (Split.TRAIN, Split.HELD_OUT)]
    pictures = [base64.b64encode(as_sent(loop, each)) for each in chosen]
    digests = [each.digest for each in chosen]
    lines, value, _ = forget_images(folder.path, digests, None, "asked to", erase_bytes=True)
    return Forgot(folder, before, chosen, pictures, lines, value)


@pytest.fixture(scope="module")
def restarted(forgot: Forgot) -> LoopState:
    """The loop after the turn that followed."""
    improved(forgot.folder)
    return forgot.folder.loop().state()


def improved(folder: LoopFolder) -> Result:
    """What came of one turn; a person says yes where the gate asks."""
    result = improve_model(folder.name)
    if result.status == "waits for a person" and result.iteration is not None:
        actor = Actor(name="test", established="command line")
        approve(folder.loop(), result.iteration, Approved(yes=True, reason="looked at it"), actor)
        result = improve_model(folder.name)
    return result


def test_the_champion_that_learned_from_it_is_named_with_its_deployment(forgot: Forgot) -> None:
    champion = forgot.before.champion
    models = forgot.value["models"]

    assert champion
    assert isinstance(models, list)
    assert champion.model in models
    assert forgot.value["model_deployments"] == [champion.model_deployment, f"{champion.model_deployment}-eval"]


def test_the_dataset_the_iteration_and_the_held_out_version_are_named(forgot: Forgot) -> None:
    (iteration,), held_out = forgot.before.iterations, forgot.before.held_out

    assert iteration.dataset
    assert held_out
    named = (forgot.value["datasets"], forgot.value["iterations"], forgot.value["held_out_versions"])
    assert named == ([iteration.dataset.dataset], [1], [held_out.version])


def test_a_person_is_told_that_the_successor_starts_from_the_base_model(forgot: Forgot) -> None:
    assert any("trains its successor from the base model" in line for line in forgot.lines)


@pytest.mark.usefixtures("restarted")
def test_no_file_at_the_service_holds_the_image_any_more(forgot: Forgot) -> None:
    loop = forgot.folder.loop()
    files = [loop.foundry.content(file.id) for file in loop.foundry.files() if loop.name in file.name]

    assert files
    assert not [picture for picture in forgot.pictures for content in files if picture in content]


def test_the_next_iteration_starts_from_the_base_model_without_waiting_for_new_images(
    forgot: Forgot, restarted: LoopState
) -> None:
    base = forgot.folder.loop().settings.training.base_model

    assert [each.opened.parent for each in restarted.iterations] == [base, base]


def test_a_new_held_out_version_is_without_the_forgotten_image_and_says_why(
    forgot: Forgot, restarted: LoopState
) -> None:
    assert restarted.held_out
    assert restarted.held_out.reason == "1 of its images were forgotten"
    assert not {each.digest for each in forgot.images} & digests_in(forgot.folder.loop(), restarted.held_out.path)


@pytest.mark.usefixtures("restarted")
def test_the_loop_does_not_restart_for_ever(forgot: Forgot) -> None:
    assert improve_model(forgot.folder.name).status == "nothing to learn from"


def test_no_report_artifact_or_ledger_line_names_a_held_out_image_or_its_label(
    forgot: Forgot, restarted: LoopState
) -> None:
    loop = forgot.folder.loop()
    held_out = [image for version in restarted.held_out_versions for image in held_out_images(loop, version)]
    told = "\n".join([*_reports(loop, restarted), *_artifacts(loop), *as_lines(loop)])
    secrets = {name for image in held_out for name in (image.digest[:12], image.source)}
    forgotten = {each.digest[:12] for each in forgot.images}

    assert len(held_out) > len(forgotten)
    assert "confusion" in told
    assert not [name for name in secrets - forgotten if name in told]


def _reports(loop: Loop, state: LoopState) -> list[str]:
    paths = [loop.iteration_path(each.number, "report.html") for each in state.iterations]
    return [loop.store.get(path).content.decode() for path in paths]


def _artifacts(loop: Loop) -> list[str]:
    """Everything that Prefect shows of the loop's runs."""
    return [each.model_dump_json() for each in artifacts_of(loop.name)]

"""`improve_model` and `ingest_images` on a real Prefect server, with an emulator that learns."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from cloud import lease
from cloud.ledger import verify
from data_contracts.errors import WrongInput
from data_contracts.images import LabeledImage, Split
from data_contracts.ledger import Actor, Approved, TrainingIntended, TrainingSubmitted
from decisions.imaging.images import as_model_sees, data_url
from deployments.compare import compare_iterations
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from tasks.datasets import held_out_images
from tasks.gate.approvals import approve
from tasks.iterations import ContractChanged
from tasks.labels import image_path, labeled_images
from tasks.loop import Loop
from tasks.reporting.learning_curves import learning_curves
from tasks.tables import from_parquet
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.commands import kaizen
from tests.support.loops import LoopFolder, nearly_the_same

pytestmark = pytest.mark.usefixtures("prefect_server")


def halves(images: Path) -> tuple[list[Path], list[Path]]:
    files = sorted(images.glob("*/*"))
    return files[::2], files[1::2]


def person(loop: Loop, iteration: int, *, yes: bool) -> None:
    actor = Actor(name="test", established="command line")
    approve(loop, iteration, Approved(yes=yes, reason="looked at it"), actor)


@pytest.fixture(scope="module")
def turned(
    tmp_path_factory: pytest.TempPathFactory, images: Path, foundry: EmulatorProcess, prefect_server: None
) -> LoopFolder:
    """A loop after two iterations, the second of which began at the first one's checkpoint."""
    folder = LoopFolder.make(tmp_path_factory.mktemp("loop"))
    for batch, files in zip(("one", "two"), halves(images), strict=True):
        folder.deliver(batch, files)
        ingest_images(folder.name)
        result = improve_model(folder.name)
        if result.status == "waits for a person":
            assert result.iteration is not None
            person(folder.loop(), result.iteration, yes=True)
            improve_model(folder.name)
    return folder


def test_the_champion_is_better_than_the_base_model(turned: LoopFolder) -> None:
    state = turned.loop().state()
    base, first = (state.iterations[0].evaluations[model] for model in _compared(turned, 0))

    assert base.correct / base.images < 0.45
    assert first.correct > base.correct


def _compared(folder: LoopFolder, index: int) -> tuple[str, str]:
    decided = folder.loop().state().iterations[index].decided
    assert decided is not None
    assert decided.champion is not None
    return decided.champion, decided.challenger


def test_the_second_iteration_continues_from_the_champion(turned: LoopFolder) -> None:
    first, second = turned.loop().state().iterations

    assert first.switched is not None
    assert second.opened.parent == first.switched.model
    assert second.intended is not None
    assert second.intended.request.model == first.switched.model


def test_the_learning_curve_counts_what_each_model_has_learned(turned: LoopFolder) -> None:
    loop = turned.loop()
    trained = Counter(image.label for image in labeled_images(loop, loop.state()) if image.split is Split.TRAIN)
    known = learning_curves(loop)

    assert {curve.label: curve.points[-1].images for curve in known.curves} == trained
    assert all(len(curve.points) == 2 for curve in known.curves)
    assert known.next is not None


def test_both_are_asked_the_same_held_out_images(turned: LoopFolder) -> None:
    state = turned.loop().state()

    versions = {each.version for turn in state.iterations for each in turn.evaluations.values()}

    assert state.held_out is not None
    assert versions == {state.held_out.version}


def test_no_uploaded_file_contains_a_held_out_image(turned: LoopFolder, foundry: EmulatorProcess) -> None:
    loop = turned.loop()
    held_out = {_as_uploaded(loop, image) for image in _held_out(loop)}
    with foundry.client() as client:
        mine = [f for f in client.files.list(purpose="fine-tune") if f.id in _files_of(loop)]
        uploaded = [line for file in mine for line in client.files.content(file.id).read().splitlines()]
    pictures = {_picture(line) for line in uploaded}

    assert len(pictures) > 100
    assert held_out
    assert not held_out & pictures


def _held_out(loop: Loop) -> list[LabeledImage]:
    """Every image of the split, those that wait in the reserve too, and the frozen version."""
    state = loop.state()
    assert state.held_out is not None
    reserve = [image for image in labeled_images(loop, state) if image.split is Split.HELD_OUT]
    return [*held_out_images(loop, state.held_out), *reserve]


def _as_uploaded(loop: Loop, image: LabeledImage) -> str:
    return data_url(as_model_sees(loop.store.get(image_path(image.digest, image.media_type)).content))


def _files_of(loop: Loop) -> set[str | None]:
    intents = [entry.event for entry in loop.ledger.read() if isinstance(entry.event, TrainingIntended)]
    return {file for intent in intents for file in (intent.training_file, intent.validation_file)}


def _picture(line: bytes) -> str:
    return str(json.loads(line)["messages"][1]["content"][0]["image_url"]["url"])


def test_every_job_was_intended_before_it_was_bought(turned: LoopFolder, foundry: EmulatorProcess) -> None:
    events = [entry.event for entry in turned.loop().ledger.read()]
    intended = [each.suffix for each in events if isinstance(each, TrainingIntended)]
    submitted = [each.suffix for each in events if isinstance(each, TrainingSubmitted)]
    with foundry.client() as client:
        jobs = [str((job.model_extra or {})["suffix"]) for job in client.fine_tuning.jobs.list()]

    assert intended == submitted
    assert [jobs.count(suffix) for suffix in submitted] == [1, 1]
    assert all(re.fullmatch("k[0-9a-f]{16}", suffix) for suffix in submitted)


def test_only_the_champion_and_its_predecessor_stay_deployed(turned: LoopFolder) -> None:
    loop = turned.loop()
    state = loop.state()
    assert state.champion is not None
    needed = {state.champion.model_deployment, state.champion.previous_model_deployment}

    answering = {each.name for each in loop.foundry.model_deployments() if each.tags.get("kaizen-loop") == loop.name}

    assert answering == set(state.deployments)
    assert {name for name in answering if name and not name.endswith("-base")} <= needed


def test_the_report_and_the_chain_are_whole(turned: LoopFolder) -> None:
    loop = turned.loop()
    report = loop.store.get(loop.path("iterations.html")).content.decode()

    assert report.count("data:image/png;base64,") == 6  # two confusion matrices and a curve for each iteration
    assert "http://" not in report.replace("http://www.w3.org", "")
    assert verify(loop.store, loop.name).entries == len(loop.ledger.read())


def test_a_third_run_has_nothing_to_learn_from(turned: LoopFolder) -> None:
    result = improve_model(turned.name)

    assert result.status == "nothing to learn from"
    assert len(turned.loop().state().iterations) == 2


def test_the_pointer_names_the_champion(turned: LoopFolder) -> None:
    loop = turned.loop()
    pointer = json.loads(loop.store.get(loop.path("champion.json")).content)
    champion = loop.state().champion

    assert champion is not None
    assert (pointer["model"], pointer["model_deployment"]) == (champion.model, champion.model_deployment)


def test_a_run_that_finds_another_one_at_work_ends_at_once(loop_folder: LoopFolder) -> None:
    loop = loop_folder.loop()
    with lease.held(loop.store, loop.name, "improve_model busy-bee"):
        result = improve_model(loop_folder.name)

    assert result.status == "another run is at work"
    assert "busy-bee" in result.reason


def test_too_few_images_of_a_class_open_no_iteration(loop_folder: LoopFolder, images: Path) -> None:
    loop_folder.deliver("few", sorted(images.glob("*/*"))[::8])
    ingest_images(loop_folder.name)

    result = improve_model(loop_folder.name)

    assert result.status == "nothing to learn from"
    assert "each class needs 20 images: crazing has 5" in result.reason


def test_a_person_is_asked_and_no_answer_is_not_a_yes(loop_folder: LoopFolder, images: Path) -> None:
    loop_folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(loop_folder.name)
    first, again = improve_model(loop_folder.name), improve_model(loop_folder.name)
    loop = loop_folder.loop()

    assert first.status == again.status == "waits for a person"
    assert loop.state().champion is None
    person(loop, 1, yes=False)
    with pytest.raises(
        WrongInput, match=r"the first one counts: test \(command line\) said no on \S+ at \S+ UTC: looked at it"
    ):
        person(loop, 1, yes=True)
    assert improve_model(loop_folder.name).status == "kept the champion"
    assert loop.state().champion is None
    assert {live.name for live in loop.state().deployments.values()} == {f"{loop.name}-base"}


def test_what_looks_to_the_model_like_a_held_out_image_does_not_train(loop_folder: LoopFolder, images: Path) -> None:
    contract = loop_folder.path / "contract.odcs.yaml"
    contract.write_text(contract.read_text().replace("value: {coarse: 8, fine: 48}", "value: null"))
    files = sorted(images.glob("*/*"))
    loop_folder.deliver("one", files)
    for file in files:
        loop_folder.put(f"two/{file.parent.name}/{file.stem}.png", nearly_the_same(file))
    ingest_images(loop_folder.name)
    improve_model(loop_folder.name)
    loop = loop_folder.loop()
    frozen = loop.state().iterations[0].dataset
    assert frozen is not None
    dataset = from_parquet(loop.store.get(frozen.path).content, LabeledImage)
    held_out = {_as_uploaded(loop, image) for image in dataset if image.split is Split.HELD_OUT}
    teaching = {_as_uploaded(loop, image) for image in dataset if image.split is not Split.HELD_OUT}
    sent = {_picture(line) for file in _files_of(loop) if file for line in loop.foundry.content(file).splitlines()}

    assert held_out & teaching
    assert sent
    assert not held_out & sent


def test_a_changed_contract_stops_an_open_iteration_in_one_sentence(loop_folder: LoopFolder, images: Path) -> None:
    loop_folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(loop_folder.name)
    assert improve_model(loop_folder.name).status == "waits for a person"
    contract = loop_folder.path / "contract.odcs.yaml"
    contract.write_text(contract.read_text() + "# changed\n")

    with pytest.raises(ContractChanged, match="The data contract changed while iteration 1 is open"):
        improve_model(loop_folder.name)


def test_who_continues_learns_what_is_new_and_as_many_old_images(turned: LoopFolder) -> None:
    first, second = (each.dataset for each in turned.loop().state().iterations)

    assert first is not None
    assert second is not None
    assert second.new
    assert second.replayed == min(second.new, first.counts["train"])
    assert second.counts["train"] == second.new + second.replayed


def test_who_continues_trains_briefly_at_half_the_rate_of_the_restart(turned: LoopFolder) -> None:
    first, second = turned.loop().state().iterations

    assert first.finished is not None
    assert second.intended is not None
    rate = first.finished.hyperparameters.learning_rate_multiplier
    asked = second.intended.request.hyperparameters
    assert rate is not None
    assert (asked.n_epochs, asked.learning_rate_multiplier) == (2, rate / 2)


def test_two_iterations_stand_side_by_side_on_80_columns_and_as_a_page(turned: LoopFolder, tmp_path: Path) -> None:
    page = tmp_path / "comparison.html"
    told = kaizen("compare", "1", "2", "--loop", turned.path, "--html", page).stdout

    assert max(map(len, told.splitlines()[:-1])) <= 80
    assert "challenger 2 won" in told
    assert "Confusion matrix of iteration 2" in told
    assert "challenger 2 won" in page.read_text("utf-8")


def test_a_comparison_tells_no_held_out_digest(turned: LoopFolder, tmp_path: Path) -> None:
    loop, page = turned.loop(), tmp_path / "comparison.html"
    as_json = kaizen("compare", "2", "1", "--loop", turned.path, "--html", page, "--json").stdout
    told = as_json + page.read_text("utf-8")
    digests = [image.digest[:12] for each in loop.state().held_out_versions for image in held_out_images(loop, each)]

    assert digests
    assert json.loads(as_json)["paired"] == json.loads(as_json)["first"]["comparison"]
    assert not [digest for digest in digests if digest in told]


@pytest.mark.parametrize(("pair", "said"), [((1, 1), "cannot be compared with itself"), ((1, 9), "no iteration 9")])
def test_what_cannot_be_compared_is_said(turned: LoopFolder, pair: tuple[int, int], said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        compare_iterations(turned.path, *pair, None)

"""The report of an iteration: whole, self-contained, and silent about single held-out images."""

import json
import re
from pathlib import Path

import pytest

from data_contracts.images import LabeledImage, Split
from data_contracts.iteration_report import IterationReport
from data_contracts.ledger import Actor, Approved
from deployments.forget import forget_images
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from tasks.datasets import frozen_dataset, held_out_images
from tasks.gate.approvals import approve
from tasks.labels import image_path
from tasks.loop import Loop, Turn
from tasks.markdown import thumbnail
from tasks.reporting.iteration_report import iteration_report
from tasks.reporting.report_pages import render_report, write_pages
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.artifacts import artifacts_of
from tests.support.loops import LoopFolder
from tests.support.reports import write_local_baseline, write_validation

pytestmark = pytest.mark.usefixtures("prefect_server")
PERSON = Actor(name="test", established="command line")


@pytest.fixture(scope="module")
def turned(
    tmp_path_factory: pytest.TempPathFactory, images: Path, foundry: EmulatorProcess, prefect_server: None
) -> LoopFolder:
    """A loop after one iteration, with a local baseline and answered validation images."""
    folder = LoopFolder.make(tmp_path_factory.mktemp("loop"))
    folder.deliver("monday", sorted(images.glob("*/*")))
    ingest_images(folder.name)
    if improve_model(folder.name).status == "waits for a person":
        approve(folder.loop(), 1, Approved(yes=True, reason="looked at it"), PERSON)
        improve_model(folder.name)
    loop, turn = folder.loop(), Turn(folder=folder.name, iteration=1, fence=10**6)
    write_local_baseline(loop, turn)
    write_validation(loop, turn)
    write_pages(folder.loop(), 1)
    return folder


def report_of(loop: Loop) -> IterationReport:
    return IterationReport.model_validate_json(loop.store.get(loop.iteration_path(1, "report.json")).content)


def page_of(loop: Loop, name: str = "report.html") -> str:
    path = loop.path(name) if name == "iterations.html" else loop.iteration_path(1, name)
    return loop.store.get(path).content.decode()


def held_out(loop: Loop) -> list[LabeledImage]:
    return [image for version in loop.state().held_out_versions for image in held_out_images(loop, version)]


def test_the_report_needs_nothing_from_outside(turned: LoopFolder) -> None:
    for name in ("report.html", "iterations.html"):
        page = page_of(turned.loop(), name)
        assert not re.search(r"(src|href)=\"(?!data:|\.\./\.\./iterations\.html|iterations/\d{4}/report\.html)", page)
        assert "<script" not in page


def test_the_report_tells_no_held_out_digest_file_or_picture(turned: LoopFolder) -> None:
    loop = turned.loop()
    told = page_of(loop) + report_of(loop).model_dump_json() + page_of(loop, "iterations.html")
    images = held_out(loop)
    pictures = [
        thumbnail(loop.store.get(image_path(each.digest, each.media_type)).content).partition(",")[2] for each in images
    ]

    assert images
    assert not [name for each in images for name in (each.digest[:12], each.source, each.group) if name in told]
    assert not [picture for picture in pictures if picture in told]


def test_wrong_validation_images_are_shown_the_surest_answers_first(turned: LoopFolder) -> None:
    report = report_of(turned.loop())
    sure = [each.confidence or 0 for each in report.misclassified]

    assert sure
    assert sure == sorted(sure, reverse=True)
    assert page_of(turned.loop()).count("<figure>") == min(24, len(sure))


def test_challenger_base_model_and_local_baseline_stand_side_by_side(turned: LoopFolder) -> None:
    report = report_of(turned.loop())

    assert [each.role for each in report.models] == ["challenger", "base model", "local baseline"]
    assert report.prices is not None
    assert {offer.local_is_cheaper is not None for each in report.prices.models[:2] for offer in each.offers} == {True}


def test_figures_are_those_of_the_ledger(turned: LoopFolder) -> None:
    loop = turned.loop()
    report, (iteration,) = report_of(loop), loop.state().iterations
    assert iteration.decided is not None
    told = {each.model: (each.images, each.correct) for each in report.models}

    assert report.reason == iteration.decided.reason
    assert all(told[model] == (each.images, each.correct) for model, each in iteration.evaluations.items())
    assert all(sum(map(sum, each.confusion)) == each.images for each in report.models)


def test_the_rules_of_the_gate_are_told_with_their_figures(turned: LoopFolder) -> None:
    rules = {each.rule: each for each in report_of(turned.loop()).rules}

    assert {"Proved better", "Not proved worse overall", "No class proved worse (Holm)"} <= set(rules)
    assert {"Answers lost to failures", "Nothing else speaks against it"} <= set(rules)
    assert rules["Within the held-out version's uses"].figure == "3 of 4 left after this one"


def test_the_gap_is_told(turned: LoopFolder) -> None:
    gap = report_of(turned.loop()).gap

    assert gap is not None
    assert gap.validation_accuracy == pytest.approx(2 / 3, abs=0.03)


def test_a_forgotten_validation_image_is_shown_no_more(turned: LoopFolder) -> None:
    loop = turned.loop()
    before = iteration_report(loop, 1).misclassified
    lines, _, _ = forget_images(turned.path, [before[0].image], None, "asked to", erase_bytes=True)
    after = report_of(turned.loop()).misclassified

    assert "Their pictures are gone from the reports of iterations 1" in lines
    assert after == before[1:]
    assert page_of(turned.loop()).count("<figure>") == min(24, len(after))


def test_the_run_shows_table_classes_outcomes_and_verdict(turned: LoopFolder) -> None:
    loop = turned.loop()
    shown = {str(each.key).removeprefix(f"{loop.name}-"): str(each.data) for each in artifacts_of(loop.name)}

    assert {"side-by-side", "classes", "outcomes", "decision"} <= set(shown)
    assert "report.html" in shown["decision"]
    assert "label \\ answer" in shown["decision"].replace("\\\\", "\\")
    assert max(map(len, shown.values())) < 1_000_000


def test_an_iteration_without_a_decision_has_a_page_that_says_so(turned: LoopFolder) -> None:
    loop = turned.loop()
    report = iteration_report(loop, 1)
    failed = report.model_copy(
        update={
            "outcome": "training failed",
            "reason": "job ftjob-1 failed: out of luck",
            "verdict": None,
            "rules": (),
            "models": (),
            "misclassified": (),
            "gap": None,
        }
    )
    page = render_report(loop, failed)

    assert "job ftjob-1 failed: out of luck" in page
    assert "Side by side" not in page


def test_a_report_without_validation_answers_leaves_them_out(turned: LoopFolder) -> None:
    loop = turned.loop()
    report = iteration_report(loop, 1).model_copy(update={"misclassified": (), "gap": None})

    assert "Validation images that the challenger got wrong" not in render_report(loop, report)


def test_the_json_reads_back_as_it_was(turned: LoopFolder) -> None:
    loop = turned.loop()
    raw = json.loads(loop.store.get(loop.iteration_path(1, "report.json")).content)

    assert IterationReport.model_validate(raw).model_dump(mode="json") == raw


def test_validation_images_of_the_dataset_are_no_held_out_ones(turned: LoopFolder) -> None:
    loop = turned.loop()
    turn = Turn(folder=turned.name, iteration=1, fence=0)
    validation = {each.digest for each in frozen_dataset(loop, turn).of(Split.VALIDATION)}

    assert {each.image for each in report_of(loop).misclassified} <= validation

"""A loop of chats goes round: the style is learned, the gate compares graded answers, the second turn continues."""

import pytest

from data_contracts.images import Split
from data_contracts.ledger import Actor, Approved
from decisions.ingestion.chat_check import messages_of
from examples.chat_style import SIGN_OFF, write_batches
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from tasks.as_sent import kept_line
from tasks.datasets import held_out_images
from tasks.gate.approvals import approve
from tasks.labels import label_history
from tasks.reporting.summaries import evaluations, summarize
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.artifacts import artifacts_of
from tests.support.chats import ChatLoop

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.slow]


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory, foundry: EmulatorProcess, prefect_server: None) -> ChatLoop:
    """A loop after two iterations."""
    desk = ChatLoop.make(tmp_path_factory.mktemp("desk"))
    for file in write_batches(tmp_path_factory.mktemp("chats")):
        desk.put(f"{file.parent.name}/{file.name}", file.read_bytes())
        ingest_images(desk.name)
        result = improve_model(desk.name)
        if result.status == "waits for a person" and result.iteration is not None:
            actor = Actor(name="test", established="command line")
            approve(desk.loop(), result.iteration, Approved(yes=True, reason="read the answers"), actor)
            improve_model(desk.name)
    return desk


def test_the_base_model_fails_the_grader_and_the_fine_tuned_one_passes(turned: ChatLoop) -> None:
    first, _ = summarize(turned.loop())

    assert first.base_accuracy == 0
    assert first.challenger_accuracy is not None
    assert first.challenger_accuracy > 0.8


def test_the_second_iteration_continues_from_the_first_champion(turned: ChatLoop) -> None:
    one, two = turned.loop().state().iterations

    assert one.switched is not None
    assert two.opened.parent == one.switched.model
    assert two.closed is not None


def test_the_job_got_the_chats_of_the_training_split_as_they_were_accepted(turned: ChatLoop) -> None:
    loop = turned.loop()
    first = loop.state().iterations[0]
    assert first.intended is not None
    file = loop.foundry.content(first.intended.training_file).splitlines()
    train = [each for each in label_history(loop.store, loop.state(), batches=1) if each.split is Split.TRAIN]

    assert len(file) == len(train) == first.intended.examples
    assert all(line.startswith(b'{"messages":[{"role":"system"') and SIGN_OFF.encode() in line for line in file)


def test_an_answer_is_right_as_the_grader_says_and_is_kept_to_be_read(turned: ChatLoop) -> None:
    loop = turned.loop()
    _, challenger = evaluations(loop, loop.state().iterations[0])
    assert challenger is not None

    assert {each.correct for each in challenger.answers} == {each.passed for each in challenger.answers}
    assert all((each.text or "").endswith(SIGN_OFF) for each in challenger.answers if each.correct)


def test_runs_show_how_answers_were_graded_and_nothing_of_what_is_held_out(turned: ChatLoop) -> None:
    loop = turned.loop()
    state = loop.state()
    assert state.held_out is not None
    found = artifacts_of(loop.name)
    told = "\n".join(str(each.data) for each in found)
    asked = [messages_of(kept_line(loop, each)) for each in held_out_images(loop, state.held_out)]

    assert {f"{loop.name}-answers", f"{loop.name}-decision"} <= {str(each.key) for each in found}
    assert not [each for each in asked if each[1]["content"] in told or each[2]["content"] in told]
    assert not [each for each in found if "confusion" in (each.key or "")]


def test_no_case_is_on_two_sides_of_the_split(turned: ChatLoop) -> None:
    loop = turned.loop()
    state = loop.state()
    assert state.held_out is not None
    held_out = {each.group for each in held_out_images(loop, state.held_out)}
    trained = {each.group for each in label_history(loop.store, state) if each.split is not Split.HELD_OUT}

    assert held_out
    assert not held_out & trained

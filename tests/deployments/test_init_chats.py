"""`kaizen init --chats`: a contract drafted from a file of chats, in which all of them are accepted."""

from pathlib import Path

import pytest

from cloud.settings import load_settings
from data_contracts.chat_contract import ChatContract, ExactGrader, RegexGrader, SimilarityGrader
from data_contracts.chats import Chat
from data_contracts.errors import WrongInput
from data_contracts.loop_contract import read_loop_contract
from decisions.ingestion.chat_check import check_line
from deployments.init_loop import init_loop
from examples.chat_style import chats
from tests.support.chats import line, said


def drafted(tmp_path: Path, *lines: bytes) -> tuple[ChatContract, list[str]]:
    file = tmp_path / "talks.jsonl"
    file.write_bytes(b"\n".join(lines))
    told = init_loop(tmp_path / "desk", None, None, file)
    assert load_settings(tmp_path / "desk").loop == "desk"
    contract = read_loop_contract((tmp_path / "desk" / "contract.odcs.yaml").read_bytes(), name="contract")
    assert isinstance(contract, ChatContract)
    return contract, told


def test_answers_that_all_end_alike_are_graded_by_that_ending(tmp_path: Path) -> None:
    lines = [each.encode() for each in chats()]
    contract, told = drafted(tmp_path, *lines)

    assert contract.grader == RegexGrader(kind="regex", pattern=".*Stay safe! Your line desk")
    assert all(isinstance(check_line(each, "a:1", contract), Chat) for each in lines)
    assert told[-1].startswith(f"Next: put the file into {tmp_path}/desk/store/inbox/desk/BATCH/")


@pytest.mark.parametrize(
    ("answers", "grader"),
    [
        (["yes", "no"] * 10, ExactGrader(kind="exact")),
        (["go left", "take a rest", "ask Kim"], SimilarityGrader(kind="similarity", threshold=0.6)),
        (["the same again"], SimilarityGrader(kind="similarity", threshold=0.6)),
    ],
)
def test_the_answers_suggest_the_grader(tmp_path: Path, answers: list[str], grader: object) -> None:
    contract, _ = drafted(tmp_path, *(line(said(f"Question {n}", each)) for n, each in enumerate(answers)))

    assert contract.grader == grader


def test_lines_that_are_no_chats_are_told_and_an_apostrophe_does_no_harm(tmp_path: Path) -> None:
    ending = 'It\'s "done": {yes} # end'
    lines = [line(said("a", f"One. {ending}")), b"oops", line(said("b", f"Two. {ending}"))]
    contract, told = drafted(tmp_path, *lines)

    assert isinstance(check_line(lines[2], "a:1", contract), Chat)
    assert "drafted from 2 chats; 1 lines are none, such as talks.jsonl:2: it is not JSON" in told[1]


def test_a_file_without_a_chat_makes_no_loop(tmp_path: Path) -> None:
    file = tmp_path / "talks.jsonl"
    file.write_bytes(b"\n")

    with pytest.raises(WrongInput, match="has no line that is a chat; it is empty"):
        init_loop(tmp_path / "desk", None, None, file)
    with pytest.raises(WrongInput, match="Name --images or --chats"):
        init_loop(tmp_path / "desk", tmp_path, None, file)
    assert not (tmp_path / "desk").exists()

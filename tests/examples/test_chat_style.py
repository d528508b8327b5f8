"""The example of a style: the same chats every time, each of which its contract lets in."""

from pathlib import Path

from data_contracts.chat_contract import ChatContract
from data_contracts.chats import Chat
from data_contracts.loop_contract import read_loop_contract
from decisions.ingestion.chat_acceptance import KnownChats, judge_chats
from decisions.ingestion.chat_check import check_line
from examples.chat_style import chats, main
from tests.support.chats import STYLE


def test_the_same_seed_gives_the_same_chats_and_each_is_accepted() -> None:
    contract = read_loop_contract(STYLE.read_bytes(), name=STYLE.name)
    assert isinstance(contract, ChatContract)
    checked = [check_line(line.encode(), f"a:{number}", contract) for number, line in enumerate(chats())]
    accepted = judge_chats([each for each in checked if isinstance(each, Chat)], KnownChats(), contract).accepted

    assert list(chats()) == list(chats())
    assert len(accepted) == len(checked) == 480


def test_batches_share_all_chats(tmp_path: Path) -> None:
    assert main([str(tmp_path), "--batches", "3"]) == 0
    files = sorted(tmp_path.glob("*/chats.jsonl"))

    assert len(files) == 3
    assert sorted(line for file in files for line in file.read_text("utf-8").splitlines()) == sorted(chats())

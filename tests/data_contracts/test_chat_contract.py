"""The data contract of chats: what it says, and slips that are told in one line."""

from pathlib import Path

import pytest

from data_contracts.chat_contract import ChatContract, RegexGrader
from data_contracts.errors import ContractBroken
from data_contracts.image_contract import ImageContract
from data_contracts.loop_contract import read_loop_contract
from decisions.contracts.contract_diff import contract_diff
from tests.support.contracts import SHIPPED

STYLE = Path(__file__).resolve().parents[2] / "examples" / "chat_style.odcs.yaml"
TEXT = STYLE.read_text("utf-8")
GRADER = "{kind: regex, pattern: '.*Stay safe! Your line desk', fits: whole}"


def read(*changes: tuple[str, str]) -> ChatContract:
    text = TEXT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    contract = read_loop_contract(text.encode(), name="loop.odcs.yaml")
    assert isinstance(contract, ChatContract)
    return contract


def test_a_contract_of_chats_says_roles_length_groups_and_a_grader_and_has_no_classes_to_tell() -> None:
    contract = read()

    assert (contract.roles, contract.most_tokens, contract.group.key) == (
        ("system", "user", "assistant"),
        1000,
        "metadata.case",
    )
    assert contract.grader == RegexGrader(kind="regex", pattern=".*Stay safe! Your line desk")
    assert not contract.tells_classes


def test_a_contract_with_a_table_of_images_is_still_one_of_images() -> None:
    assert isinstance(read_loop_contract(SHIPPED, name="steel"), ImageContract)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (GRADER, "{kind: regex, pattern: '(', fits: whole}", "'(' is no regular expression"),
        (GRADER, "{kind: similarity, threshold: 1.5}", "less than or equal to 1"),
        (GRADER, "{kind: taste}", "'taste' found using 'kind'"),
        ("{from: key, key: metadata.case}", "{from: key}", "from 'key' needs key"),
        ("{from: key, key: metadata.case}", "{from: question, key: a}", "from 'question' takes no key"),
        ("value: 50", "value: 9", "greater than or equal to 10"),
        ("value: 1000", "value: many", "valid integer"),
        ("property: mostTokens", "property: mostTokns", "no customProperty 'mostTokns' here"),
        ("{value: user}, ", "", "a chat needs user and assistant"),
        ("{value: system}", "{value: tool}", "roles.0"),
        ("value: []", "value: [passport]", "allowed_secrets.0"),
        ("- name: content", "- {name: topic, logicalType: string, unique: true}\n      - name: content", "'unique' of"),
        ("  - name: chats", "  - name: images\n  - name: chats", "learns from one kind"),
    ],
)
def test_a_slip_in_a_contract_of_chats_is_told_in_one_line(before: str, after: str, problem: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        read((before, after))

    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "breaks"),
    [
        (GRADER, "{kind: exact}", 1),
        ("value: 1000", "value: 900", 1),
        ("value: 1000", "value: 1100", 0),
        ("{value: system}, ", "", 1),
        ("{value: system}", "{value: system}, {value: developer}", 0),
        ("value: []", "value: [service token]", 0),
        ("value: 50", "value: 60", 0),
        ("salt: line-desk-1", "salt: line-desk-2", 1),
    ],
)
def test_a_change_after_which_chats_or_answers_count_otherwise_breaks(before: str, after: str, breaks: int) -> None:
    assert len(contract_diff(read(), read((before, after))).breaking) == breaks


def test_a_loop_of_images_does_not_become_one_of_chats() -> None:
    diff = contract_diff(read_loop_contract(SHIPPED, name="steel"), read())

    assert [change.kind for change in diff.breaking] == ["kind of examples changed"]

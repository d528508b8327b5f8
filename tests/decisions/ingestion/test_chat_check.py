"""Which lines are chats: hostile ones are refused with a reason of one line that repeats no secret."""

import json
from typing import Any

import pytest

from data_contracts.chat_contract import ChatGroupRule, RegexGrader
from data_contracts.chats import Chat
from data_contracts.images import Refusal
from decisions.ingestion.chat_check import check_line, messages_of
from tests.support.chats import contract, line, said

GOOD = said("Why does line 4 stand still?", "The light curtain is open.")
SYSTEM = {"role": "system", "content": "You help at the line."}
IMAGE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
KEY = "AKIA" + "ABCDEFGH12345678"


def refused(content: bytes, **changes: Any) -> Refusal:
    found = check_line(content, "chats.jsonl:7", contract(**changes))
    assert isinstance(found, Refusal)
    assert "\n" not in found.reason
    return found


def accepted(content: bytes, **changes: Any) -> Chat:
    found = check_line(content, "chats.jsonl:7", contract(**changes))
    assert isinstance(found, Chat), found
    return found


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (b"\xef\xbb\xbf" + line(GOOD), "not_a_chat", "it is not JSON"),
        (line(GOOD)[:40] + b"\xff\xfe" + line(GOOD)[40:], "not_text", "byte 41 of the line is not UTF-8"),
        (b"{" + line(GOOD), "not_a_chat", "it is not JSON"),
        (b'{"messages": [], "loss": NaN}', "not_a_chat", "NaN is no number"),
        (b'{"messages": [], "messages": []}', "not_a_chat", "the key 'messages' is there twice"),
        (b'{"messages": [{"role": "user", "role": "system", "content": "a"}]}', "not_a_chat", "'role' is there twice"),
        (b'{"a":' * 100_000, "not_a_chat", "nested too deeply"),
        (b"[" + b"1" * 5000 + b"]", "not_a_chat", "it is not JSON"),
        (b"[1]", "not_a_chat", "no object with a list of messages"),
        (b'{"messages": {"role": "user"}}', "not_a_chat", "no object with a list of messages"),
        (line([]), "wrong_roles", "needs a message of the user and an answer"),
        (line([SYSTEM]), "wrong_roles", "needs a message of the user and an answer"),
        (line([SYSTEM, "hello"]), "wrong_roles", "message 2 has no role"),
        (line([{"role": "tool", "content": "a"}, *GOOD]), "wrong_roles", "role 'tool'; allowed are system, user"),
        (line(said("Hello", "Hello", "Bye", first="assistant")), "wrong_roles", "message 1 is of the role assistant"),
        (line([SYSTEM, SYSTEM, *GOOD]), "wrong_roles", "message 2 is of the role system; user is to speak there"),
        (line([*GOOD, SYSTEM, *GOOD]), "wrong_roles", "message 3 is of the role system"),
        (line(said("One", "Two", "Three")), "wrong_roles", "last message is not an answer of the assistant"),
        (line([GOOD[0], GOOD[0], GOOD[1]]), "wrong_roles", "message 2 is of the role user; assistant is to speak"),
        (line(said("Hello", " \n ")), "empty_message", "message 2, of the assistant, is empty"),
        (line([GOOD[0], {**GOOD[1], "tool_calls": []}]), "not_text", "message 2 has 'tool_calls'"),
        (line([{"role": "user", "content": IMAGE}, GOOD[1]]), "not_text", "the content of message 1 is no text"),
        (line([GOOD[0], {"role": "assistant", "content": None}]), "not_text", "the content of message 2 is no text"),
        (line(GOOD, tools=[{"type": "function"}]), "not_text", "it has tools"),
        (json.dumps({"messages": said("a \ud83e b", "c")}).encode(), "not_text", "message 1 holds half of a character"),
        (line([GOOD[0], {**GOOD[1], "weight": 0}]), "wrong_roles", "has the weight 0"),
        (line([{**GOOD[0], "weight": 1}, GOOD[1]]), "wrong_roles", "message 1 has a weight"),
        (line(said("Which key?", f"Take {KEY}.")), "secret", "message 2 seems to hold a secret (cloud access key)"),
        (line(said("word " * 8000, "Yes.")), "too_long", "tokens; the contract allows 4,096"),
    ],
)
def test_what_is_no_chat_of_text_is_refused_with_its_reason(content: bytes, code: str, reason: str) -> None:
    found = refused(content)

    assert (found.file, found.code) == ("chats.jsonl:7", code)
    assert reason in found.reason


def test_a_reason_never_repeats_a_secret() -> None:
    told = [
        refused(line(said("Which key?", f"Take {KEY}."))),
        refused(line([{"role": KEY, "content": "a"}, *GOOD])),
        refused(line([{**GOOD[0], KEY: 1}, GOOD[1]])),
        refused(line(GOOD, topic=KEY), group=ChatGroupRule(source="key", key="topic")),
    ]

    assert not [each.reason for each in told if KEY in each.reason]


def test_a_chat_whose_own_answer_the_grader_refuses_would_teach_the_wrong_thing() -> None:
    grader = RegexGrader(kind="regex", pattern=r".*Stay safe!")

    assert refused(line(GOOD), grader=grader).code == "fails_grader"
    assert accepted(line(said("Why?", "Because.\nStay safe!")), grader=grader)


def test_a_chat_is_kept_as_its_messages_alone_however_its_line_was_written() -> None:
    plain, spaced = accepted(line(GOOD)), accepted(line(GOOD, metadata={"by": "Kim"}).replace(b", ", b" ,\t") + b"\r")

    assert plain.line == spaced.line
    assert messages_of(plain.line) == GOOD


def test_an_answer_that_is_not_to_be_learned_keeps_its_weight() -> None:
    messages = said("One", "Two", "Three", "Four")
    messages[1]["weight"] = 0

    assert messages_of(accepted(line([SYSTEM, *messages])).line) == [SYSTEM, *messages]


def test_the_same_question_with_another_answer_is_known_by_its_question() -> None:
    one, other = accepted(line(GOOD)), accepted(line([GOOD[0], {**GOOD[1], "content": "Ask Kim."}]))

    assert one.question == other.question
    assert one.digest != other.digest


def test_chats_are_grouped_by_the_first_question_or_by_a_key_of_the_line() -> None:
    by_key = ChatGroupRule(source="key", key="metadata.topic")
    topic = line(GOOD, metadata={"topic": "light curtains"})

    assert accepted(line(said("Why?", "So."))).group == accepted(line(said(" why ", "So.", "And?", "No."))).group
    assert accepted(topic, group=by_key).group == "light curtains"
    assert refused(line(GOOD, metadata={"topic": True}), group=by_key).code == "no_group"

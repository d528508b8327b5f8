"""Whether a line of a delivered file is a chat that the contract allows."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from data_contracts.chat_contract import ChatContract
from data_contracts.chats import (
    EMPTY_MESSAGE,
    FAILS_GRADER,
    NOT_A_CHAT,
    NOT_TEXT,
    SECRET,
    TOO_LONG,
    WRONG_ROLES,
    Chat,
    Message,
)
from data_contracts.images import Refusal
from data_contracts.refusal_codes import NO_GROUP
from decisions.evaluation.graders import right, words
from decisions.ingestion.secrets import secret_in
from decisions.training.tokens import estimated_tokens

FIRST_ROLES = frozenset({"system", "developer"})
ORDER = ("role", "content", "weight")
OF_TOOLS = ("tools", "functions")
FEWEST_MESSAGES = 2
TOKENS_A_MESSAGE = 4


class _Unfit(Exception):
    """The line is refused."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def check_line(content: bytes, place: str, contract: ChatContract) -> Chat | Refusal:
    """The chat in *content*, a line without its end that came from *place*, or the first reason why it is none."""
    try:
        line = _parsed(content)
        messages = _messages(line, contract)
        _check_text(messages, contract)
        group = _group(line, messages, contract)
    except _Unfit as problem:
        return Refusal(file=place, code=problem.code, reason=str(problem))
    kept = as_line(messages)
    question = hashlib.sha256(as_line(messages[:-1])).hexdigest()
    return Chat(place=place, digest=hashlib.sha256(kept).hexdigest(), question=question, group=group, line=kept)


def still_allowed(line: bytes, contract: ChatContract) -> bool:
    """Whether the contract in force allows a chat that was accepted under an earlier one."""
    try:
        _check_text(_messages(json.loads(line), contract), contract)
    except _Unfit:
        return False
    return True


def as_line(messages: Sequence[Mapping[str, object]]) -> bytes:
    """A chat as it is kept and sent: UTF-8, the same bytes for the same messages, without a line's end."""
    return json.dumps({"messages": messages}, ensure_ascii=False, separators=(",", ":")).encode()


def messages_of(line: bytes) -> list[Message]:
    """The messages of a chat that is kept."""
    messages: list[Message] = json.loads(line)["messages"]
    return messages


def digest_of(line: bytes) -> str | None:
    """The digest of the chat in a delivered *line*, whatever the contract says of it; None where there is none."""
    try:
        messages = json.loads(line)["messages"]
        kept = [{name: each[name] for name in ORDER if each.get(name) is not None} for each in messages]
        return hashlib.sha256(as_line(kept)).hexdigest()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # anything may be written there
        return None


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _Unfit(NOT_TEXT, f"byte {error.start + 1} of the line is not UTF-8; save the file as UTF-8") from error
    try:
        line = json.loads(text, object_pairs_hook=_once_only, parse_constant=_no_number)
    except RecursionError as error:
        raise _Unfit(NOT_A_CHAT, "it is nested too deeply for a chat") from error
    except ValueError as error:  # also a number of more digits than Python reads
        raise _Unfit(NOT_A_CHAT, f"it is not JSON: {error}") from error
    if not isinstance(line, dict) or not isinstance(line.get("messages"), list):
        raise _Unfit(NOT_A_CHAT, "it is no object with a list of messages")
    for name in OF_TOOLS:
        if line.get(name):
            raise _Unfit(NOT_TEXT, f"it has {name}; this loop learns text only")
    return line


def _once_only(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    once = dict(pairs)
    if len(once) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise _Unfit(NOT_A_CHAT, f"the key {_shown(twice)} is there twice")
    return once


def _no_number(constant: str) -> NoReturn:
    raise _Unfit(NOT_A_CHAT, f"it is not JSON: {constant} is no number")


def _messages(line: Mapping[str, Any], contract: ChatContract) -> list[Message]:
    messages = [_message(each, number, contract) for number, each in enumerate(line["messages"], start=1)]
    talk = messages[1:] if messages and messages[0]["role"] in FIRST_ROLES else messages
    if len(talk) < FEWEST_MESSAGES:
        raise _Unfit(WRONG_ROLES, "it needs a message of the user and an answer of the assistant")
    for number, each in enumerate(talk):
        expected = "assistant" if number % 2 else "user"
        if each["role"] != expected:
            place = number + 1 + len(messages) - len(talk)
            raise _Unfit(WRONG_ROLES, f"message {place} is of the role {each['role']}; {expected} is to speak there")
    if talk[-1]["role"] != "assistant":
        raise _Unfit(WRONG_ROLES, "its last message is not an answer of the assistant")
    if talk[-1].get("weight") == 0:
        raise _Unfit(WRONG_ROLES, "its last answer has the weight 0, so that nothing is learned from it")
    return messages


def _message(each: object, number: int, contract: ChatContract) -> Message:
    role = each.get("role") if isinstance(each, dict) else None
    if not isinstance(each, dict) or not isinstance(role, str):
        raise _Unfit(WRONG_ROLES, f"message {number} has no role")
    if role not in contract.roles:
        raise _Unfit(
            WRONG_ROLES, f"message {number} is of the role {_shown(role)}; allowed are {', '.join(contract.roles)}"
        )
    if other := sorted(each.keys() - set(ORDER)):
        raise _Unfit(NOT_TEXT, f"message {number} has {_shown(other[0])}; this loop learns text only")
    text = each.get("content")
    if not isinstance(text, str):
        raise _Unfit(NOT_TEXT, f"the content of message {number} is no text; this loop learns text only")
    if not text.strip():
        raise _Unfit(EMPTY_MESSAGE, f"message {number}, of the {role}, is empty")
    known = next(allowed for allowed in contract.roles if allowed == role)
    return _weighted({"role": known, "content": text}, each, number)


def _weighted(message: Message, given: Mapping[str, Any], number: int) -> Message:
    weight = given.get("weight")
    if weight is None:
        return message
    if message["role"] != "assistant" or isinstance(weight, bool) or weight not in (0, 1):
        raise _Unfit(WRONG_ROLES, f"message {number} has a weight that is not 0 or 1, or is no answer")
    return {**message, "weight": weight}


def _check_text(messages: Sequence[Message], contract: ChatContract) -> None:
    texts = [message["content"] for message in messages]
    for number, text in enumerate(texts, start=1):
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise _Unfit(NOT_TEXT, f"message {number} holds half of a character")
        if kind := secret_in(text, contract.allowed_secrets):
            raise _Unfit(
                SECRET, f"message {number} seems to hold a secret ({kind}); take it out, and change the secret"
            )
    # Estimated, so that what is installed on a machine does not decide what a contract accepts.
    tokens = estimated_tokens("".join(texts)) + TOKENS_A_MESSAGE * len(texts)
    if tokens > contract.most_tokens:
        raise _Unfit(TOO_LONG, f"it has about {tokens:,} tokens; the contract allows {contract.most_tokens:,}")
    if not right(contract.grader, texts[-1], texts[-1]):
        raise _Unfit(FAILS_GRADER, "its own answer does not pass the contract's grader")


def _group(line: Mapping[str, Any], messages: Sequence[Message], contract: ChatContract) -> str:
    if contract.group.key is None:
        first = next(message["content"] for message in messages if message["role"] == "user")
        return hashlib.sha256(" ".join(words(first) or first.split()).encode()).hexdigest()
    value: object = line
    for step in contract.group.key.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise _Unfit(NO_GROUP, f"it has no {contract.group.key}, which tells what it is about")
    if secret_in(str(value), contract.allowed_secrets) or any("\ud800" <= each <= "\udfff" for each in str(value)):
        raise _Unfit(NOT_TEXT, f"its {contract.group.key} is no name")
    return str(value).strip()


def _shown(name: str) -> str:
    """A name from the line as a message may repeat it: short, printable, and no secret."""
    short = ascii(name[:40])
    return "'…'" if secret_in(name) else short

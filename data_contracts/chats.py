"""Chats: examples of text, and the codes that say why one was refused."""

from typing import Literal, TypedDict

from pydantic import Field

from data_contracts.chat_contract import Role
from data_contracts.record import Record

BYTE_ORDER_MARK = "byte_order_mark"
NOT_A_CHAT = "not_a_chat"
NOT_TEXT = "not_text"
WRONG_ROLES = "wrong_roles"
EMPTY_MESSAGE = "empty_message"
TOO_LONG = "too_long"
SECRET = "secret"
FAILS_GRADER = "fails_grader"
ANSWER_CONFLICT = "answer_conflict"


class Message(TypedDict, total=False):
    """One message of a chat; `weight` is 0 for an answer that is not to be learned."""

    role: Role
    content: str
    weight: Literal[0, 1]


class Chat(Record):
    """One line of a delivered file that is a chat the contract allows."""

    place: str = Field(description="Path inside the batch and number of the line, such as monday.jsonl:12.")
    digest: str = Field(description="SHA-256 of the line as it is kept and sent.")
    question: str = Field(description="SHA-256 of its messages without the last answer.")
    group: str = Field(description="What it is about; groups never straddle splits.")
    line: bytes = Field(description="The messages and nothing else, as they are kept and sent; without a line's end.")

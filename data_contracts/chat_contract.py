"""The data contract of a loop in the terms of chats: roles, length, secrets, groups, and how answers are graded."""

import re
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from data_contracts.image_contract import ImageClass, LoopContract
from data_contracts.record import Record

CHAT = "chat"
"""The one class of all chats, and the media type under which they are kept."""
Role = Literal["system", "developer", "user", "assistant"]
SecretKind = Literal[
    "private key",
    "connection string",
    "shared access signature",
    "address with a password",
    "cloud access key",
    "service token",
    "JSON web token",
    "key or password",
]


class ExactGrader(Record):
    """An answer is right when it is the accepted one, whatever its case, spacing and width of letters."""

    kind: Literal["exact"]


class RegexGrader(Record):
    """An answer is right when the pattern fits it: all of it, or a part that may be anywhere."""

    kind: Literal["regex"]
    pattern: str = Field(min_length=1, description="In Python's syntax; a dot stands for the end of a line too.")
    fits: Literal["whole", "part"] = "whole"

    @field_validator("pattern")
    @classmethod
    def _is_one(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"'{pattern}' is no regular expression: {error}") from error
        return pattern


class SimilarityGrader(Record):
    """An answer is right when it shares enough words with the accepted one."""

    kind: Literal["similarity"]
    threshold: float = Field(gt=0, le=1, strict=True, description="Smallest F1 of the words that both have.")


Grader = Annotated[ExactGrader | RegexGrader | SimilarityGrader, Field(discriminator="kind")]


class ChatGroupRule(Record):
    """What tells which chats are about the same: they stay on one side of every split."""

    model_config = ConfigDict(populate_by_name=True)

    source: Literal["question", "key"] = Field(
        "question", alias="from", description="The first message of the user, or a key of the line."
    )
    key: str | None = Field(None, min_length=1, description="Steps joined by dots, such as metadata.topic.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.key is not None) != (self.source == "key"):
            raise ValueError(f"from '{self.source}' " + ("needs key" if self.source == "key" else "takes no key"))
        return self


class ChatContract(LoopContract):
    """What chats of a loop must look like, and when an answer is right."""

    classes: tuple[ImageClass, ...] = (ImageClass(name=CHAT, answer=CHAT),)
    smallest_class: int = Field(10, ge=10, strict=True, description="Chats before anything is trained.")
    roles: tuple[Role, ...] = ("system", "user", "assistant")
    most_tokens: int = Field(4096, ge=1, strict=True, description="Tokens that a chat may have, estimated.")
    grader: Grader
    group: ChatGroupRule = ChatGroupRule()
    allowed_secrets: tuple[SecretKind, ...] = Field((), description="Kinds of secrets that are none in this loop.")

    @property
    def examples(self) -> str:
        """What the loop learns from, for messages."""
        return "chats"

    @property
    def grading(self) -> str:
        """The grader, as text: other graders judge other answers to be right."""
        return self.grader.model_dump_json()

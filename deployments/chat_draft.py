"""A data contract for chats that have none yet: what they keep to, and a grader that their answers suggest."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import get_args

from data_contracts.chat_contract import ChatContract, ExactGrader, Role, SimilarityGrader
from data_contracts.chats import Chat, Message
from data_contracts.errors import WrongInput
from data_contracts.image_contract import SplitRule
from data_contracts.images import Refusal
from decisions.ingestion.chat_check import messages_of
from decisions.training.tokens import estimated_tokens
from tasks.intake.chat_files import SUFFIX, check_lines

MOST_TOKENS = 65_536
SHORTEST_ENDING = 8
"""Characters that all answers end with, from which they are taken for a style."""
FEW = 0.2
"""Share of different answers among all, up to which answers are taken for choices of a list."""
SIMILAR = 0.6
DRAFT = """\
# What chats of the loop must look like. Drafted from {file}: {accepted} chats{refused}. It is read at every run.
apiVersion: v3.1.0
kind: DataContract
id: {loop}
version: "1.0.0"
status: active
schema:
  - name: chats
    description: One row per line of a .jsonl file, a chat such as {{"messages":[{{"role":...,"content":...}},...]}}.
    customProperties:
      - property: split # decided by a salted hash of the chat's group, pinned at first sight; the salt never changes
        value: {{salt: {loop}-1, held_out: 0.25, validation: 0.1}}
      - property: group # chats of one group stay on one side: {{from: question}}, or {{from: key, key: metadata.topic}}
        value: {{from: question}}
      # When is an answer right? {{kind: exact}}, whatever its case and spacing; {{kind: similarity, threshold: 0.8}},
      # by the words that it shares with the accepted one; {{kind: regex, pattern: ..., fits: whole}}, or fits: part.
      - property: grader
        value: {grader}
      - property: mostTokens # a chat that is longer is refused
        value: {most_tokens}
      - property: fewest # chats before anything is trained
        value: 50
      - property: allowedSecrets # what looks like a key, a token or a password is refused, but not these kinds
        value: []
    properties:
      - name: role
        logicalType: string
        required: true
        enum: [{roles}]
      - name: content
        logicalType: string
"""


@dataclass(frozen=True)
class ChatDraft:
    """The contract's YAML, and what it was drafted from."""

    content: bytes
    accepted: int
    refused: Sequence[Refusal]


def draft_for_chats(loop: str, file: Path) -> ChatDraft:
    """A contract for the chats in *file*; raises WrongInput when it cannot be read or holds none."""
    found = _look_into(file)
    chats = [messages_of(each.line) for each in found if isinstance(each, Chat)]
    refused = [each for each in found if isinstance(each, Refusal)]
    if not chats:
        why = f": {refused[0].file}: {refused[0].reason}" if refused else "; it is empty"
        raise WrongInput(f"{file} has no line that is a chat{why}")
    used = {message["role"] for chat in chats for message in chat}
    content = DRAFT.format(
        loop=loop,
        file=json.dumps(file.name),
        accepted=len(chats),
        refused=f", {len(refused)} lines refused" if refused else "",
        grader=_grader([chat[-1]["content"] for chat in chats]),
        most_tokens=_most_tokens(chats),
        roles=", ".join(f"{{value: {role}}}" for role in get_args(Role) if role in used),
    )
    return ChatDraft(content.encode(), len(chats), refused)


def _look_into(file: Path) -> list[Chat | Refusal]:
    if file.suffix.casefold() != SUFFIX:
        raise WrongInput(f"{file} is no {SUFFIX} file; name one with a chat in each line")
    anything = ChatContract(
        id="draft",
        version="1.0.0",
        digest="",
        split=SplitRule(salt="draft", held_out=0.25, validation=0.1),
        roles=get_args(Role),
        most_tokens=MOST_TOKENS,
        grader=ExactGrader(kind="exact"),
    )
    try:
        with file.open("rb") as stream:
            return list(check_lines(stream, file.name, anything))
    except OSError as error:
        raise WrongInput(f"{file} cannot be read: {error.strerror}") from error


def _most_tokens(chats: Sequence[Sequence[Message]]) -> int:
    """A round number of tokens above the longest chat."""
    longest = max(estimated_tokens("".join(message["content"] for message in chat)) + 4 * len(chat) for chat in chats)
    return min(MOST_TOKENS, max(1000, math.ceil(2 * longest / 1000) * 1000))


def _grader(answers: Sequence[str]) -> str:
    """A pattern where all answers end alike, exactness where there are few different ones, else similarity."""
    ending = _ending(sorted({answer.strip() for answer in answers}))
    if len(ending) >= SHORTEST_ENDING:
        return json.dumps({"kind": "regex", "pattern": f".*{_literal(ending)}", "fits": "whole"}, ensure_ascii=False)
    if len(set(answers)) <= FEW * len(answers):
        return ExactGrader(kind="exact").model_dump_json()
    return SimilarityGrader(kind="similarity", threshold=SIMILAR).model_dump_json()


def _literal(text: str) -> str:
    """A pattern that fits *text* only; spaces need no backslash here, and people read it."""
    return re.escape(text).replace("\\ ", " ")


def _ending(answers: Sequence[str]) -> str:
    """What different answers all end with, from the beginning of a word on; empty when there is only one answer."""
    if len(answers) < 2:  # noqa: PLR2004  (one answer ends like itself)
        return ""
    columns = zip(*(reversed(answer) for answer in answers), strict=False)
    shared = "".join(takewhile(bool, (each[0] if len(set(each)) == 1 else "" for each in columns)))[::-1]
    return shared.strip() if any(answer == shared for answer in answers) else shared.partition(" ")[2].strip()

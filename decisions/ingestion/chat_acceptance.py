"""Which chats of a batch get in, and in which split: a copy enters once, two answers to one question are in doubt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_contracts.chat_contract import ChatContract
from data_contracts.chats import ANSWER_CONFLICT, Chat
from data_contracts.images import Authority, LabeledImage, Refusal, Split
from data_contracts.refusal_codes import DUPLICATE, FORGOTTEN
from decisions.ingestion.splits import split_of


@dataclass(frozen=True)
class KnownChats:
    """What a loop has accepted until now."""

    examples: Sequence[LabeledImage] = ()
    forgotten: frozenset[str] = frozenset()
    disputed: frozenset[str] = frozenset()

    def by_question(self) -> Mapping[str, LabeledImage]:
        """The examples by the digest of their question."""
        return {str(each.question): each for each in self.examples}

    def pinned(self) -> Mapping[str, Split]:
        """The split of each group that is known."""
        return {each.group: each.split for each in self.examples}


@dataclass(frozen=True)
class ChatVerdict:
    """What becomes of the chats of a batch."""

    accepted: Sequence[tuple[Chat, Split]]
    refused: Sequence[Refusal]
    duplicates: Sequence[Refusal]
    disputed: Mapping[str, Refusal]
    """Chats accepted earlier to whose question the batch has another answer, by digest."""
    settled: Sequence[str]
    """Digests of disputed chats that the batch repeats."""


def judge_chats(chats: Sequence[Chat], known: KnownChats, contract: ChatContract) -> ChatVerdict:
    """What becomes of *chats*, each allowed by itself, beside what is *known*.

    As with images: the same chat enters once; two answers of equal authority to one question are a conflict, and
    neither is learned from until a later delivery repeats the accepted one; a forgotten question never comes back.
    """
    earlier, pinned = known.by_question(), known.pinned()
    refused = _forgotten(chats, earlier, known.forgotten)
    refused |= _conflicts([chat for chat in chats if chat.place not in refused], earlier)
    sound = [chat for chat in chats if chat.place not in refused]
    fresh, duplicates = _told_apart(sound, earlier)
    disputed = _disputed(chats, earlier, known.forgotten)
    repeated = {chat.digest for chat in sound} & known.disputed
    return ChatVerdict(
        accepted=[(chat, pinned.get(chat.group) or split_of(chat.group, contract.split)) for chat in fresh],
        refused=list(refused.values()),
        duplicates=duplicates,
        disputed=disputed,
        settled=sorted(repeated - disputed.keys()),
    )


def _forgotten(
    chats: Sequence[Chat], earlier: Mapping[str, LabeledImage], forgotten: frozenset[str]
) -> dict[str, Refusal]:
    reason = "this question was forgotten; see kaizen ledger log"
    questions = {question for question, each in earlier.items() if each.digest in forgotten}
    again = (chat for chat in chats if chat.question in questions or chat.digest in forgotten)
    return {chat.place: Refusal(file=chat.place, code=FORGOTTEN, reason=reason) for chat in again}


def _conflicts(chats: Sequence[Chat], earlier: Mapping[str, LabeledImage]) -> dict[str, Refusal]:
    first: dict[str, dict[str, Chat]] = {}  # the first line with each answer, by question
    for chat in chats:
        first.setdefault(chat.question, {}).setdefault(chat.digest, chat)
    conflicts: dict[str, Refusal] = {}
    for chat in chats:
        known = earlier.get(chat.question)
        other = next((each for each in first[chat.question].values() if each.digest != chat.digest), None)
        if known is not None and known.digest != chat.digest:
            conflicts[chat.place] = _conflict(chat.place, _place(known))
        elif known is None and other is not None:
            conflicts[chat.place] = _conflict(chat.place, other.place)
    return conflicts


def _disputed(
    chats: Sequence[Chat], earlier: Mapping[str, LabeledImage], forgotten: frozenset[str]
) -> dict[str, Refusal]:
    contested: dict[str, Refusal] = {}
    for chat in chats:
        known = earlier.get(chat.question)
        doubted = known is not None and known.digest != chat.digest and known.authority is Authority.PERSON
        if known is not None and doubted and known.digest not in forgotten:
            contested.setdefault(known.digest, _conflict(_place(known), f"{chat.place} of this batch"))
    return contested


def _conflict(place: str, other: str) -> Refusal:
    """No answer is repeated: one of the two may be held out."""
    return Refusal(file=place, code=ANSWER_CONFLICT, reason=f"the same question has another answer in {other}")


def _place(known: LabeledImage) -> str:
    return f"the held-out chat {known.digest[:12]}" if known.split is Split.HELD_OUT else known.source


def _told_apart(chats: Sequence[Chat], earlier: Mapping[str, LabeledImage]) -> tuple[list[Chat], list[Refusal]]:
    fresh: dict[str, Chat] = {}
    duplicates = []
    for chat in chats:
        if chat.question in earlier:
            duplicates.append(_duplicate(chat, f"chat {chat.digest[:12]}, accepted earlier"))
        elif chat.question in fresh:
            duplicates.append(_duplicate(chat, fresh[chat.question].place))
        else:
            fresh[chat.question] = chat
    return list(fresh.values()), duplicates


def _duplicate(chat: Chat, original: str) -> Refusal:
    return Refusal(file=chat.place, code=DUPLICATE, reason=f"the same chat as {original}")

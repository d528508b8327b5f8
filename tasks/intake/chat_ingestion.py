"""Taking chats from the inbox: each line judged, accepted or quarantined with its reason, kept by digest."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from prefect import task

from data_contracts.chat_contract import CHAT
from data_contracts.chats import SECRET, Chat
from data_contracts.images import LabeledImage, Refusal, Split
from data_contracts.ledger import ImagesAccepted
from data_contracts.refusal_codes import FORGOTTEN
from decisions.ingestion.chat_acceptance import ChatVerdict, judge_chats
from decisions.ingestion.file_names import is_text, nameless
from tasks.intake.batch_record import at_once, counted, recorded_once, stored_table
from tasks.intake.chat_files import check_file, keep_refused
from tasks.intake.contract_history import hold_contract
from tasks.intake.inbox import batch_files, is_hidden, listing_of
from tasks.labels import image_path, known_chats
from tasks.loop import Loop, connect
from tasks.retrying import PATIENTLY

NEVER_COPIED = frozenset({SECRET, FORGOTTEN})
"""Codes of lines that quarantine does not have: nobody wants another copy of a secret, or of what was forgotten."""


@task(**PATIENTLY)
def take_chats(folder: str, batch: str) -> ImagesAccepted:
    """Judge each line of the batch's files, store the chats accepted, quarantine the rest, write the ledger.

    Raises CloudUnavailable, after which it is tried anew, when another batch came first.
    """
    loop = connect(folder)
    hold_contract(loop)
    state = loop.state()
    files = [file for file in batch_files(loop, batch) if not is_hidden(file)]
    chats, refused = _checked(loop, batch, [file for file in files if is_text(file)])
    verdict = judge_chats(chats, known_chats(loop, state), loop.chat_contract)
    outside = sorted([*nameless(files), *refused, *verdict.refused], key=lambda refusal: refusal.file)
    return recorded_once(loop, _kept(loop, batch, verdict, outside, files), after=len(state.batches))


def _checked(loop: Loop, batch: str, files: Iterable[str]) -> tuple[list[Chat], list[Refusal]]:
    chats: list[Chat] = []
    refused: list[Refusal] = []
    for file in files:
        for each in check_file(loop, batch, file, loop.chat_contract):
            if isinstance(each, Chat):
                chats.append(each)
            else:
                refused.append(each)
    return chats, refused


def _kept(
    loop: Loop, batch: str, verdict: ChatVerdict, refused: Sequence[Refusal], files: Sequence[str]
) -> ImagesAccepted:
    """Store what becomes of the batch; it counts once the event returned is in the ledger."""
    _quarantine(loop, batch, refused, files)
    _store_chats(loop, [chat for chat, _ in verdict.accepted])
    labels, digest = stored_table(loop, _examples(loop, batch, verdict.accepted), LabeledImage, "labels", batch)
    reasons = [*refused, *verdict.disputed.values()]
    return ImagesAccepted(
        batch=batch,
        examples="chats",
        files=len(files),
        listing=listing_of(files),
        accepted=len(verdict.accepted),
        quarantined=len(refused),
        duplicates=len(verdict.duplicates),
        classes=counted(CHAT for _ in verdict.accepted),
        splits=counted(split for _, split in verdict.accepted),
        labels=labels,
        labels_digest=digest,
        broken_rules=counted(refusal.code for refusal in refused),
        disputed=tuple(sorted(verdict.disputed)),
        settled=tuple(verdict.settled),
        refusals=stored_table(loop, reasons, Refusal, "quarantine", batch, "reasons")[0],
    )


def _store_chats(loop: Loop, chats: Iterable[Chat]) -> None:
    def keep(chat: Chat) -> None:
        loop.store.create(image_path(chat.digest, CHAT), chat.line)

    at_once(keep, chats)


def _quarantine(loop: Loop, batch: str, refused: Sequence[Refusal], files: Iterable[str]) -> None:
    places = {each.file for each in refused if each.code not in NEVER_COPIED}
    with_refused = {place.rpartition(":")[0] for place in places} | places
    for file in sorted(with_refused & set(files)):
        keep_refused(loop, batch, file, places)


def _examples(loop: Loop, batch: str, accepted: Iterable[tuple[Chat, Split]]) -> list[LabeledImage]:
    now, who = loop.now(), loop.authorship().actor.name
    return [_example(batch, chat, split, now, who) for chat, split in accepted]


def _example(batch: str, chat: Chat, split: Split, now: datetime, who: str) -> LabeledImage:
    return LabeledImage(
        digest=chat.digest,
        question=chat.question,
        label=CHAT,
        group=chat.group,
        split=split,
        source=f"{batch}/{chat.place}",
        who=who,
        labeled_at=now,
        media_type=CHAT,
    )

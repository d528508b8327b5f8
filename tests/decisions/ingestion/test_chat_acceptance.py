"""What becomes of the chats of a batch beside those that are known."""

from datetime import UTC, datetime

from data_contracts.chats import Chat
from data_contracts.images import LabeledImage, Split
from decisions.ingestion.chat_acceptance import ChatVerdict, KnownChats, judge_chats
from tests.support.chats import contract


def chat(question: str, answer: str = "a", *, place: str = "", group: str = "") -> Chat:
    place = place or f"chats.jsonl:{question}{answer}"
    return Chat(place=place, digest=f"{question}-{answer}", question=question, group=group or question, line=b"{}")


def known(question: str, answer: str = "a", *, split: Split = Split.TRAIN, group: str = "") -> LabeledImage:
    return LabeledImage(
        digest=f"{question}-{answer}",
        question=question,
        label="chat",
        group=group or question,
        split=split,
        source="first/chats.jsonl:1",
        who="Kim",
        labeled_at=datetime(2026, 1, 1, tzinfo=UTC),
        media_type="chat",
    )


def judged(*chats: Chat, beside: KnownChats | None = None) -> ChatVerdict:
    return judge_chats(chats, beside or KnownChats(), contract())


def test_a_chat_enters_once() -> None:
    verdict = judged(chat("q"), chat("q", place="copy"), chat("k"), beside=KnownChats([known("k")]))

    assert [each.digest for each, _ in verdict.accepted] == ["q-a"]
    assert [each.reason for each in verdict.duplicates] == [
        "the same chat as chats.jsonl:qa",
        "the same chat as chat k-a, accepted earlier",
    ]


def test_two_answers_to_one_question_keep_both_out() -> None:
    verdict = judged(chat("q", "a"), chat("q", "b"), chat("r"))

    assert [each.digest for each, _ in verdict.accepted] == ["r-a"]
    assert {each.file: each.code for each in verdict.refused} == {
        "chats.jsonl:qa": "answer_conflict",
        "chats.jsonl:qb": "answer_conflict",
    }


def test_another_answer_puts_the_accepted_one_in_doubt_until_it_comes_again() -> None:
    doubted = judged(chat("q", "b"), beside=KnownChats([known("q")]))
    settled = judged(chat("q"), beside=KnownChats([known("q")], disputed=frozenset({"q-a"})))

    assert list(doubted.disputed) == ["q-a"]
    assert settled.settled == ["q-a"]
    assert not settled.disputed


def test_a_conflict_names_a_held_out_chat_by_its_digest_only() -> None:
    verdict = judged(chat("q", "b"), beside=KnownChats([known("q", split=Split.HELD_OUT)]))

    assert "first/chats.jsonl" not in verdict.refused[0].reason
    assert "the held-out chat q-a" in verdict.refused[0].reason


def test_a_forgotten_question_does_not_come_back_with_another_answer() -> None:
    verdict = judged(chat("q", "b"), beside=KnownChats([known("q")], forgotten=frozenset({"q-a"})))

    assert [each.code for each in verdict.refused] == ["forgotten"]
    assert not verdict.disputed


def test_a_group_keeps_the_split_that_it_had_first() -> None:
    for split in Split:
        verdict = judged(chat("q", group="valves"), beside=KnownChats([known("k", split=split, group="valves")]))
        assert [each for _, each in verdict.accepted] == [split]

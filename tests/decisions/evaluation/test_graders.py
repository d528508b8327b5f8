"""When an answer in a chat is right."""

import pytest

from data_contracts.chat_contract import ExactGrader, Grader, RegexGrader, SimilarityGrader
from decisions.evaluation.graders import right, similarity

EXACT = ExactGrader(kind="exact")
WHOLE = RegexGrader(kind="regex", pattern=r"Cause: .+\sAction: .+")
PART = RegexGrader(kind="regex", pattern=r"line \d", fits="part")
SIMILAR = SimilarityGrader(kind="similarity", threshold=0.8)


@pytest.mark.parametrize(
    ("grader", "said", "accepted", "expected"),
    [
        (EXACT, " open the\nVALVE ", "Open the valve", 1),
        (EXACT, "Open the valve now", "Open the valve", 0),
        (EXACT, "\uff21\uff11", "A1", 1),
        (WHOLE, "Cause: heat.\nAction: wait.\n", "", 1),
        (WHOLE, "Well. Cause: heat. Action: wait.", "", 0),
        (PART, "It is line 4, I think.", "", 1),
        (SIMILAR, "Please open valve 12.5 slowly", "Open valve 12.5 slowly, please!", 1),
        (SIMILAR, "Close the door", "Open valve 12.5 slowly", 0),
        (SIMILAR, "弁を開けて", "弁を開ける", 1),
        (EXACT, "", "", 0),
        (RegexGrader(kind="regex", pattern=".*"), "  ", "", 0),
    ],
)
def test_a_grader_says_whether_an_answer_is_right(grader: Grader, said: str, accepted: str, expected: int) -> None:
    assert right(grader, said, accepted) == bool(expected)


def test_similarity_is_the_f1_of_the_words_that_both_have() -> None:
    assert similarity("open the red valve", "open the valve") == pytest.approx(2 * 3 / (4 + 3))
    assert similarity("no no", "no") == pytest.approx(2 * 1 / (2 + 1))
    assert similarity("!!", "?") == 0

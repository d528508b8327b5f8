"""Graded answers, laid side by side for the gate: right is what the grader passed."""

from data_contracts.chat_contract import RegexGrader
from data_contracts.evaluation import Answer, Evaluation, Outcome, RawAnswer
from decisions.evaluation.graders import graded
from decisions.gate.pairing import promotion_evidence

SIGNED = RegexGrader(kind="regex", pattern=r".*Stay safe!")


def evaluation(model: str, *texts: str) -> Evaluation:
    answers = []
    for number, text in enumerate(texts):
        outcome, passed = graded(SIGNED, RawAnswer(text=text), "Wait. Stay safe!")
        answers.append(
            Answer(
                image=str(number),
                expected="chat",
                text=text,
                passed=passed,
                outcome=outcome,
                latency_ms=1,
                prompt_tokens=1,
                completion_tokens=1,
            )
        )
    return Evaluation(model=model, held_out_version="v", answers=tuple(answers))


def test_wins_and_losses_are_what_the_grader_passed_of_one_model_only() -> None:
    champion = evaluation("one", "Stay safe!", "Bye.", "Bye.", "Go. Stay safe!")
    challenger = evaluation("two", "Bye.", "So. Stay safe!", "Well. Stay safe!", "No. Stay safe!")
    evidence = promotion_evidence(champion, challenger, images=4, uses_left=1, alpha_per_use=0.05)

    assert (evidence.losses, evidence.wins, evidence.complete) == (1, 2, True)
    assert (champion.correct, challenger.correct) == (2, 3)


def test_an_answer_that_did_not_come_is_wrong_and_told_as_what_it_was() -> None:
    raw = (
        RawAnswer(failure="429"),
        RawAnswer(filtered=True),
        RawAnswer(refused=True, text="Stay safe!"),
        RawAnswer(text=" "),
    )

    assert [graded(SIGNED, each, "a") for each in raw] == [
        (Outcome.FAILED, False),
        (Outcome.FILTERED, False),
        (Outcome.REFUSED, False),
        (Outcome.EMPTY, False),
    ]

"""Confidence of answers from their tokens."""

import math

import pytest

from data_contracts.evaluation import AnswerToken
from decisions.evaluation.confidence import confidence, label_probabilities

ANSWERS = {"crazing": "crazing", "inclusion": "inclusion", "rolled-in_scale": "scale"}


def token(text: str, probability: float, **others: float) -> AnswerToken:
    alternatives = {text: probability, **others}
    return AnswerToken(
        text=text,
        logprob=math.log(probability),
        alternatives=tuple((other, math.log(value)) for other, value in alternatives.items()),
    )


def probabilities(*tokens: AnswerToken) -> dict[str, float]:
    return {each.label: each.probability for each in label_probabilities(tokens, ANSWERS)}


def test_confidence_is_the_product_over_the_tokens() -> None:
    assert confidence([token("cra", 0.8), token("zing", 0.5)]) == pytest.approx(0.4)


def test_without_tokens_nothing_is_known() -> None:
    assert confidence([]) is None
    assert probabilities() == {}


def test_each_label_gets_the_tokens_that_only_its_answer_begins_with() -> None:
    found = probabilities(token("cra", 0.7, cr=0.1, inc=0.15, sc=0.05), token("zing", 1))
    assert found == pytest.approx({"crazing": 0.8, "inclusion": 0.15, "rolled-in_scale": 0.05})


def test_a_label_that_is_not_among_the_likeliest_has_none() -> None:
    assert probabilities(token("crazing", 1.0)) == {"crazing": 1.0, "inclusion": 0.0, "rolled-in_scale": 0.0}


def test_answers_that_begin_with_one_token_cannot_be_told_apart() -> None:
    alike = {"patches": "patches", "pitted": "pitted"}
    assert label_probabilities([token("p", 0.9, pit=0.05)], alike) == ()


def test_an_answer_in_braces_tells_no_probabilities() -> None:
    assert probabilities(token("{", 0.9, crazing=0.1)) == {}


def test_case_and_a_leading_space_do_not_matter() -> None:
    assert probabilities(token(" Crazing", 1.0))["crazing"] == pytest.approx(1.0)


def test_impossible_log_probabilities_stay_within_one() -> None:
    assert confidence([AnswerToken(text="crazing", logprob=0.2)]) == 1.0
    told = label_probabilities([AnswerToken(text="crazing", logprob=0.2, alternatives=(("inclusion", 0.1),))], ANSWERS)
    assert sum(each.probability for each in told) <= 1.0

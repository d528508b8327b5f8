"""Answers of a new loop's classes: their first token alone says which class is meant."""

import pytest

from data_contracts.image_contract import folded
from decisions.first_tokens import answers_for, distinct_first_tokens


@pytest.mark.parametrize("answers", [["patches", "pitted_surface"], ["ok", "OK 2"], ["scratch", "scratches"]])
def test_answers_that_begin_alike_may_share_their_first_token(answers: list[str]) -> None:
    assert not distinct_first_tokens(answers)


def test_classes_whose_names_begin_differently_are_answered_by_name() -> None:
    assert answers_for(["crazing", "inclusion"]) == {"crazing": "crazing", "inclusion": "inclusion"}


def test_classes_whose_names_begin_alike_are_answered_by_codes() -> None:
    assert answers_for(["patches", "pitted", "crazing"]) == {"patches": "A", "pitted": "B", "crazing": "C"}


@pytest.mark.parametrize("classes", [["b", "bc"], ["01", "02"], [f"part {number}" for number in range(34)]])
def test_no_code_is_the_name_of_another_class(classes: list[str]) -> None:
    answers = answers_for(classes)

    assert distinct_first_tokens(answers.values())
    assert not {folded(answer) for answer in answers.values()} & {folded(name) for name in classes}

"""Whether one token of an answer tells the classes apart, without anybody's tokenizer."""

import pytest

from data_contracts.class_answers import alike_at_first, answers_for, short_codes
from data_contracts.names import folded
from tests.support.contracts import read_changed, with_class


def test_answers_that_begin_with_different_letters_differ_in_their_first_token() -> None:
    assert alike_at_first(["crazing", "inclusion", "blotches"]) == []


@pytest.mark.parametrize(
    "answers",
    [("patches", "pitted"), ("A", "Ab"), ("rust", "Rust spot"), (" scale", "scratch"), ("Öl", "Ähre")],
)
def test_answers_that_begin_alike_may_share_their_first_token(answers: tuple[str, str]) -> None:
    assert alike_at_first([*answers, "inclusion"]) == [answers]


@pytest.mark.parametrize("count", [2, 26, 34])
def test_short_codes_differ_in_their_first_token(count: int) -> None:
    codes = short_codes(count)

    assert (len(codes), alike_at_first(codes)) == (count, [])


def test_more_classes_than_letters_and_digits_still_have_different_codes() -> None:
    assert len({code.casefold() for code in short_codes(120)}) == 120


def test_the_shipped_contract_has_nothing_to_warn_of() -> None:
    assert read_changed().warnings == ()


def test_a_contract_warns_of_answers_that_one_token_does_not_tell_apart() -> None:
    warnings = read_changed(with_class("patches")).warnings

    assert len(warnings) == 1
    assert "no probability per class: patches, pitted_surface. Give the classes short answers" in warnings[0]


def test_classes_whose_names_begin_differently_are_answered_by_name() -> None:
    assert answers_for(["crazing", "inclusion"]) == {"crazing": "crazing", "inclusion": "inclusion"}


def test_classes_whose_names_begin_alike_are_answered_by_codes() -> None:
    assert answers_for(["patches", "pitted", "crazing"]) == {"patches": "A", "pitted": "B", "crazing": "C"}


@pytest.mark.parametrize("classes", [["b", "bc"], ["01", "02"], [f"part {number}" for number in range(34)]])
def test_no_code_is_the_name_of_another_class(classes: list[str]) -> None:
    answers = answers_for(classes)

    assert alike_at_first(answers.values()) == []
    assert not {folded(answer) for answer in answers.values()} & {folded(name) for name in classes}

"""The data contract carried out by the real Great Expectations."""

from importlib import resources
from typing import Any

import pytest

from data_contracts.contract_file import read_contract
from data_contracts.errors import ContractBroken
from data_contracts.image_contract import ImageContract, Rule
from data_contracts.images import ImageFacts, Refusal
from tasks.intake.contract_check import check_facts
from tests.decisions.builders import facts, image_contract

SHIPPED = read_contract(
    resources.files("data_contracts").joinpath("steel_surface.odcs.yaml").read_bytes(), name="steel_surface.odcs.yaml"
)
BETWEEN, IN_SET = "expect_column_values_to_be_between", "expect_column_values_to_be_in_set"


def image(file: str = "a.jpg", /, **changes: object) -> ImageFacts:
    return facts(file).model_copy(update=changes)


def rule(column: str, expectation: str = BETWEEN, /, **kwargs: Any) -> Rule:
    return Rule(id=f"bad_{column}", column=column, expectation=expectation, kwargs=kwargs, description="Mend it.")


def contract(*rules: Rule) -> ImageContract:
    return image_contract().model_copy(update={"rules": rules})


def refused(*images: ImageFacts, by: ImageContract = SHIPPED) -> list[tuple[str, str]]:
    return [(refusal.file, refusal.code) for refusal in check_facts(images, by).refused]


def test_sound_images_break_no_rule() -> None:
    assert refused(image("a.jpg"), image("b.jpg")) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"format": "GIF"}, "wrong_format"),
        ({"bytes": 10_000_001}, "too_many_bytes"),
        ({"width": 63}, "wrong_width"),
        ({"width": 4097}, "wrong_width"),
        ({"height": 63}, "wrong_height"),
        ({"frames": 2}, "animated"),
        ({"contrast": 0.009}, "no_contrast"),
    ],
)
def test_each_shipped_rule_refuses_the_image_that_breaks_it_and_no_other(changes: dict[str, object], code: str) -> None:
    assert refused(image("good.jpg"), image("bad.jpg", **changes), image("also good.jpg")) == [("bad.jpg", code)]


@pytest.mark.parametrize(
    "changes",
    [{"width": 64}, {"width": 4096}, {"height": 64}, {"bytes": 10_000_000}, {"contrast": 0.01}, {"format": "WEBP"}],
)
def test_a_value_at_the_limit_is_within_it(changes: dict[str, object]) -> None:
    assert refused(image(**changes)) == []


def test_the_reason_tells_value_and_remedy() -> None:
    assert check_facts([image(width=50)], SHIPPED).refused == (
        Refusal(
            file="a.jpg",
            code="wrong_width",
            reason="width is 50, allowed is 64 to 4096. Between 64 and 4096 pixels wide.",
        ),
    )


def test_a_share_is_told_with_three_digits() -> None:
    refusal = check_facts([image(contrast=0.00123456)], SHIPPED).refused[0]

    assert refusal.reason == "contrast is 0.00123, 0.01 at least. The picture is nearly one grey; is the lens covered?"


def test_an_image_that_breaks_two_rules_is_refused_for_both() -> None:
    assert refused(image(width=50, height=50)) == [("a.jpg", "wrong_width"), ("a.jpg", "wrong_height")]


@pytest.mark.parametrize("column", ["format", "width", "height", "frames", "contrast"])
def test_a_missing_value_never_passes(column: str) -> None:
    found = refused(image("good.jpg"), image("unknown.jpg", **{column: None}))

    assert [file for file, _ in found] == ["unknown.jpg"]


def test_a_value_missing_from_every_image_never_passes() -> None:
    by = contract(rule("width", min_value=64))

    assert refused(image("a.jpg", width=None), image("b.jpg", width=None), by=by) == [
        ("a.jpg", "bad_width"),
        ("b.jpg", "bad_width"),
    ]


def test_a_rule_that_forgives_a_share_of_images_still_refuses_each_of_them() -> None:
    by = contract(rule("width", min_value=64, mostly=0.5))

    assert refused(image("a.jpg"), image("b.jpg"), image("c.jpg", width=10), by=by) == [("c.jpg", "bad_width")]


def test_two_rules_may_share_an_id_and_a_column() -> None:
    by = contract(rule("width", min_value=64), rule("width", max_value=100))

    assert refused(image("a.jpg", width=10), image("b.jpg", width=200), by=by) == [
        ("a.jpg", "bad_width"),
        ("b.jpg", "bad_width"),
    ]


def test_files_that_are_no_images_have_their_reason_already() -> None:
    unreadable = ImageFacts(file="empty.jpg", bytes=0, digest="any", problem="the file is empty")

    assert refused(unreadable) == []
    assert refused(unreadable, image("bad.jpg", width=1)) == [("bad.jpg", "wrong_width")]


def test_no_images_and_no_rules_break_nothing() -> None:
    assert refused() == []
    assert refused(image(width=1), by=contract()) == []


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        pytest.param(rule("width", min_valu=64), "Rule 'bad_width' of 'width' cannot be understood", id="typo"),
        pytest.param(rule("width", min_value="wide"), "'bad_width' of 'width' cannot", id="a word as a limit"),
        pytest.param(rule("width"), "'bad_width' of 'width' cannot", id="no limit at all"),
        pytest.param(rule("format", IN_SET), "'bad_format' of 'format' cannot", id="no set"),
        pytest.param(rule("width", column="height"), "'bad_width' of 'width' cannot", id="another column"),
        pytest.param(
            rule("width", "expect_column_values_to_be_pretty"),
            "'bad_width' of 'width' cannot be understood: .*pretty",
            id="unknown expectation",
        ),
        pytest.param(
            rule("width", "expect_column_mean_to_be_between", min_value=64),
            "Rule 'bad_width' of 'width' cannot run",
            id="not about single images",
        ),
        pytest.param(rule("format", min_value=64), "Rule 'bad_format' of 'format' cannot run", id="a limit on words"),
        pytest.param(
            rule("format", "expect_column_values_to_match_regex", regex="(["),
            "Rule 'bad_format' of 'format' cannot run",
            id="no regular expression",
        ),
    ],
)
def test_a_rule_that_cannot_run_is_the_contracts_fault_and_never_the_images(broken: Rule, message: str) -> None:
    with pytest.raises(ContractBroken, match=message):
        check_facts([image()], contract(broken))


def test_a_rule_that_cannot_run_is_told_in_one_line() -> None:
    with pytest.raises(ContractBroken) as caught:
        check_facts([image()], contract(rule("width", min_valu=64)))

    assert "\n" not in str(caught.value)

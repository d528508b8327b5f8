"""Rules that warn, and rules about a batch as a whole, carried out by the real Great Expectations."""

from typing import Any

import pytest

from data_contracts.errors import ContractBroken
from data_contracts.findings import Findings
from data_contracts.images import ImageFacts
from tasks.intake.contract_check import check_facts
from tests.decisions.builders import facts
from tests.support.contracts import Change, read_changed, silent, with_rule

BETWEEN, ROWS = "expect_column_values_to_be_between", "expect_table_row_count_to_be_between"
MEAN, IN_SET = "expect_column_mean_to_be_between", "expect_column_values_to_be_in_set"


def image(file: str = "a.jpg", /, **changes: object) -> ImageFacts:
    return facts(file).model_copy(update=changes)


def found(change: Change, *images: ImageFacts) -> Findings:
    return check_facts(images, read_changed(silent, change))


def test_an_image_that_breaks_a_rule_that_warns_gets_in_and_is_told() -> None:
    verdict = found(with_rule("brightness", BETWEEN, severity="warning", min_value=0.4), image(brightness=0.2))

    assert verdict.refused == ()
    assert [(each.file, each.code) for each in verdict.warned] == [("a.jpg", "own")]


@pytest.mark.parametrize("severity", [None, "error"])
def test_a_rule_refuses_unless_it_says_that_it_warns(severity: str | None) -> None:
    verdict = found(with_rule("brightness", BETWEEN, severity=severity, min_value=0.4), image(brightness=0.2))

    assert ([each.code for each in verdict.refused], verdict.warned) == (["own"], ())


def test_of_a_refused_image_nobody_is_warned_too() -> None:
    verdict = found(with_rule("brightness", BETWEEN, severity="warning", min_value=0.4), image(brightness=0.2, width=3))

    assert ([each.code for each in verdict.refused], verdict.warned) == (["wrong_width"], ())


def test_a_value_missing_from_every_image_does_not_pass_a_rule_that_warns() -> None:
    verdict = found(with_rule("sharpness", BETWEEN, severity="warning", min_value=30), image("a.jpg"), image("b.jpg"))

    assert [each.file for each in verdict.warned] == ["a.jpg", "b.jpg"]


def test_a_rule_of_the_table_stops_the_batch() -> None:
    verdict = found(with_rule(None, ROWS, min_value=2), image())

    assert verdict.stopped == "'own' finds 1 in 1 images. Mend it."


def test_a_rule_of_the_table_that_warns_is_only_told() -> None:
    verdict = found(with_rule(None, ROWS, severity="warning", min_value=2), image())

    assert (verdict.remarks, verdict.stopped) == (("'own' finds 1 in 1 images. Mend it.",), None)


def test_a_rule_of_the_table_counts_only_images_that_get_in() -> None:
    unknown = image("c.jpg", label=None)

    assert found(with_rule(None, ROWS, min_value=2), image("a.jpg"), image("b.jpg", width=3), unknown).stopped
    assert not found(with_rule(None, ROWS, min_value=2), image("a.jpg"), image("b.jpg")).stopped


def test_no_image_passes_no_rule_of_the_table() -> None:
    assert found(with_rule(None, MEAN, column="brightness", min_value=0.4)).stopped == (
        "no image is left for 'own'. Mend it."
    )


def test_a_mean_over_the_batch_is_told_with_its_value() -> None:
    mean = with_rule(None, MEAN, severity="warning", column="brightness", min_value=0.4)

    assert found(mean, image(brightness=0.2), image(brightness=0.3)).remarks == (
        "'own' finds 0.25 in 2 images. Mend it.",
    )
    assert found(mean, image(brightness=0.5), image(brightness=0.4)).remarks == ()


@pytest.mark.parametrize(
    "rule",
    [
        with_rule(None, MEAN, column="sharpness", min_value=0),
        with_rule(None, BETWEEN, column="sharpness", min_value=0),
        with_rule(None, "expect_column_pair_values_to_be_equal", column_A="sharpness", column_B="sharpness"),
    ],
)
def test_a_missing_value_passes_no_rule_of_the_table(rule: Change) -> None:
    assert found(rule, image("a.jpg"), image("b.jpg", sharpness=50.0)).stopped
    assert found(rule, image("a.jpg"), image("b.jpg")).stopped


@pytest.mark.parametrize(("dark", "stops"), [(1, False), (2, True)])
def test_a_share_of_the_batch_may_break_a_rule_of_the_table(dark: int, *, stops: bool) -> None:
    rule = with_rule(None, BETWEEN, column="brightness", min_value=0.4, mostly=0.9)
    images = [image(f"{number}.jpg", brightness=0.2 if number < dark else 0.5) for number in range(10)]

    assert bool(found(rule, *images).stopped) is stops


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        pytest.param(with_rule(None, ROWS, min_value=2, max_valu=3), "'own' of the table cannot be", id="typo"),
        pytest.param(with_rule(None, "expect_table_to_be_nice"), "cannot be understood: .*nice", id="no such rule"),
        pytest.param(with_rule(None, MEAN, min_value=2), "'own' of the table cannot be understood", id="no column"),
        pytest.param(with_rule(None, MEAN, column="format", min_value=2), "'own' of the table cannot run", id="words"),
        pytest.param(with_rule("width", ROWS, min_value=2), "'own' of 'width' cannot", id="table rule of a column"),
        pytest.param(with_rule("brightness", MEAN, min_value=0.4), "'own' of 'brightness' cannot run", id="mean"),
    ],
)
def test_a_rule_of_the_table_that_cannot_run_is_the_contracts_fault(rule: Change, message: str) -> None:
    with pytest.raises(ContractBroken, match=message) as caught:
        found(rule, image("a.jpg"), image("b.jpg"))

    assert "\n" not in str(caught.value)


def test_a_rule_of_the_table_that_cannot_be_understood_is_told_even_when_no_image_is_left() -> None:
    with pytest.raises(ContractBroken, match="cannot be understood"):
        found(with_rule(None, ROWS, min_value=2, max_valu=3), image(width=3))


@pytest.mark.parametrize(
    ("column", "expectation", "kwargs", "good", "bad"),
    [
        ("mode", IN_SET, {"value_set": ["RGB", "L"]}, "RGB", "CMYK"),
        ("sharpness", BETWEEN, {"min_value": 30}, 30.0, 29.0),
        ("brightness", BETWEEN, {"min_value": 0.1, "max_value": 0.9}, 0.9, 0.91),
        ("saturation", BETWEEN, {"max_value": 0.2}, 0.2, 0.3),
        ("entropy", BETWEEN, {"min_value": 3}, 3.0, 2.9),
        ("aspect", BETWEEN, {"min_value": 0.5, "max_value": 2}, 1.0, 2.1),
        ("evenness", BETWEEN, {"min_value": 0.15}, 0.2, 0.1),
        ("camera", IN_SET, {"value_set": ["Basler acA2440"]}, "Basler acA2440", "Apple iPhone 15"),
        ("camera", IN_SET, {"value_set": ["Basler acA2440"]}, "Basler acA2440", None),
        ("file", "expect_column_values_to_match_regex", {"regex": r"^[\w/.-]+$"}, "a.jpg", "ä b.jpg"),
    ],
)
def test_any_fact_of_an_image_can_have_a_rule(
    column: str, expectation: str, kwargs: dict[str, Any], good: object, bad: object
) -> None:
    rule = with_rule(column, expectation, **kwargs)

    assert found(rule, image("a.jpg", **{column: good})).refused == ()
    assert [each.code for each in found(rule, image("a.jpg", **{column: bad})).refused] == ["own"]

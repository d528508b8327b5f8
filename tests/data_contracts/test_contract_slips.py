"""Slips in a contract: each is told as the contract's fault, in one line with its place, and never as bad images."""

import math
from typing import Any

import pytest

from data_contracts.contract_file import read_contract
from data_contracts.errors import ContractBroken
from tests.support.contracts import SHIPPED, Change, Document, column, read_changed, table, with_custom, with_rule

BETWEEN, IN_SET = "expect_column_values_to_be_between", "expect_column_values_to_be_in_set"
ROWS, DISTINCT = "expect_table_row_count_to_be_between", "expect_column_distinct_values_to_contain_set"


def complaint(change: Change) -> str:
    with pytest.raises(ContractBroken) as caught:
        read_changed(change)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"min_value": math.nan}, "min_value holds nan, which is no number"),
        ({"max_value": math.inf}, "max_value holds inf, which is no number"),
        ({"min_value": 1, "mostly": math.nan}, "mostly holds nan, which is no number"),
        ({"min_value": -3}, "min_value is -3, but no fact of an image is negative"),
        ({"min_value": True}, "min_value is True, not a number"),
        ({"min_value": "64"}, "min_value is '64', not a number"),
        ({"min_value": [64]}, "min_value is [64], not a number"),
        ({"min_value": {"a": 1}}, "min_value is {'a': 1}, not a number"),
        ({"min_value": 9, "max_value": 3}, "min_value 9 is above max_value 3"),
        ({"min_valu": 3}, "it has neither min_value nor max_value, only min_valu"),
        ({}, "it has neither min_value nor max_value"),
        ({"min_value": None, "max_value": None}, "it has neither min_value nor max_value"),
        ({"min_value": 1, "meta": {}}, "meta is no argument here"),
        ({"min_value": 1, "catch_exceptions": False}, "catch_exceptions is no argument here"),
    ],
)
def test_a_limit_that_no_image_could_mean_is_told(limits: dict[str, Any], problem: str) -> None:
    assert f"rule 'own' of 'width': {problem}" in complaint(with_rule("width", BETWEEN, **limits))


def test_a_severity_among_the_arguments_of_a_rule_is_no_severity() -> None:
    def misplace(document: Document) -> None:
        column(document, "width")["quality"][0]["implementation"]["kwargs"]["severity"] = "warning"

    assert "severity is no argument here" in complaint(misplace)


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        ("format", "JPEG", "value_set is 'JPEG'; it needs a list in brackets"),
        ("format", [], "value_set is []; it needs a list in brackets"),
        ("format", None, "value_set is None; it needs a list in brackets"),
        ("format", ["JPG"], "value_set holds 'JPG', which format never is; known are BMP, GIF, JPEG"),
        ("format", [1], "value_set holds 1, which format never is"),
        ("format", [["JPEG"]], "value_set holds ['JPEG'], which format never is"),
        ("mode", ["rgb"], "value_set holds 'rgb', which mode never is"),
        ("width", ["64"], "value_set holds '64', which width never is"),
        ("frames", [True], "value_set holds True, which frames never is"),
        ("label", ["crasing"], "value_set holds 'crasing', which label never is; known are crazing, inclusion"),
    ],
)
def test_a_choice_that_no_image_could_make_is_told(name: str, values: object, problem: str) -> None:
    assert f"rule 'own' of '{name}': {problem}" in complaint(with_rule(name, IN_SET, value_set=values))


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (with_rule(None, ROWS), "it has neither min_value nor max_value"),
        (with_rule(None, ROWS, min_value="2"), "min_value is '2', not a number"),
        (with_rule(None, BETWEEN, column="widht", min_value=1), "there is no image fact 'widht'; known are file"),
        (with_rule(None, BETWEEN, column=["width"], min_value=1), "there is no image fact '['width']'"),
        (with_rule(None, DISTINCT, column="label", value_set=["crasing"]), "value_set holds 'crasing'"),
        (with_rule(None, ROWS, min_value=1, severity="eror"), "'own' of the table has the severity 'eror'"),
    ],
)
def test_a_slip_in_a_rule_of_the_table_is_told(rule: Change, problem: str) -> None:
    assert problem in complaint(rule)


@pytest.mark.parametrize("severity", ["eror", "Error", "info", ""])
def test_a_misspelt_severity_is_told(severity: str) -> None:
    def change(document: Document) -> None:
        column(document, "width")["quality"][0]["severity"] = severity

    assert f"rule 'wrong_width' of 'width' has the severity '{severity}'; known are error, warning" in complaint(change)


def test_a_rule_that_only_missing_values_pass_contradicts_every_contract() -> None:
    assert "lets only missing values pass" in complaint(with_rule("problem", "expect_column_values_to_be_null"))


@pytest.mark.parametrize("place", ["width", "height", None])
def test_two_rules_of_one_id_are_told(place: str | None) -> None:
    rule = with_rule(place, ROWS if place is None else BETWEEN, name="wrong_width", min_value=1)

    assert "2 rules have the id 'wrong_width'; give each an id of its own" in complaint(rule)


def test_a_rule_may_not_take_the_code_of_another_reason() -> None:
    rule = with_rule("width", BETWEEN, name="label_conflict", min_value=1)

    assert "the id 'label_conflict' of a rule is the code of another reason" in complaint(rule)


def test_two_rules_without_ids_want_some() -> None:
    def change(document: Document) -> None:
        for name in ("width", "height"):
            del column(document, name)["quality"][0]["id"]

    assert f"2 rules have the id '{BETWEEN}'" in complaint(change)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("split", [1], "split: Input should be a valid dictionary"),
        ("split", {"salt": "", "held_out": 0.2, "validation": 0.1}, "split.salt: String should have at least 1"),
        ("split", {"salt": "s", "held_out": math.nan, "validation": 0.1}, "split.held_out: Input should be less"),
        (
            "split",
            {"salt": "s", "held_out": "0.2", "validation": 0.1},
            "split.held_out: Input should be a valid number",
        ),
        ("split", {"salt": "s", "held_out": -0.2, "validation": 0.1}, "split.held_out: Input should be greater"),
        ("smallestClass", True, "smallest_class: Input should be a valid integer"),
        ("smallestClass", "20", "smallest_class: Input should be a valid integer"),
        ("smallestClass", 2.5, "smallest_class: Input should be a valid integer"),
        ("smallestClass", -1, "smallest_class: Input should be greater than or equal to 1"),
        ("nearDuplicates", [8], "near_duplicates: Input should be a valid dictionary"),
        ("nearDuplicates", {"corse": 8}, "near_duplicates.corse: Extra inputs are not permitted"),
        ("nearDuplicates", {"coarse": True}, "near_duplicates.coarse: Input should be a valid integer"),
        ("balance", 10, "balance: Input should be a valid dictionary"),
        ("balance", {"largest": 3}, "balance.largest_ratio: Field required"),
        ("balance", {"largest_ratio": math.nan}, "balance.largest_ratio: Input should be a finite number"),
        ("balance", {"largest_ratio": 0.5}, "balance.largest_ratio: Input should be greater than or equal to 1"),
        ("balance", {"largest_ratio": "3"}, "balance.largest_ratio: Input should be a valid number"),
        ("balance", {"largest_ratio": 3, "severity": "eror"}, "balance.severity: Input should be 'error' or"),
    ],
)
def test_a_wrong_value_of_a_custom_property_is_told(name: str, value: object, problem: str) -> None:
    assert f"loop.odcs.yaml: {problem}" in complaint(with_custom(name, value))


def test_a_custom_property_that_is_there_twice_is_told() -> None:
    def change(document: Document) -> None:
        table(document)["customProperties"].append({"property": "smallestClass", "value": 5})

    assert "the customProperty 'smallestClass' is there twice" in complaint(change)


def test_a_property_that_is_there_twice_does_not_lose_its_first_rules() -> None:
    def change(document: Document) -> None:
        table(document)["properties"].append({"name": "width", "logicalType": "integer"})

    assert "the property 'width' is there twice; join the two" in complaint(change)


def test_a_key_that_is_there_twice_does_not_lose_what_it_held_first() -> None:
    content = SHIPPED.replace(b"version: ", b'version: "0.9.0"\nversion: ', 1)

    with pytest.raises(ContractBroken, match=r"^loop.odcs.yaml is not YAML: 'version' is there twice .* line 6"):
        read_contract(content, name="loop.odcs.yaml")


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("width", "logicalTypeOptions", {"minimum": 5000}),
        ("width", "unique", True),
        ("width", "required", True),
        ("format", "enum", [{"value": "PNG"}]),
    ],
)
def test_what_the_standard_can_ask_for_and_nobody_carries_out_is_told(name: str, key: str, value: object) -> None:
    told = complaint(lambda document: column(document, name).update({key: value}))

    assert f"'{key}' of '{name}' is not carried out; write a rule under quality" in told


def test_a_property_in_the_wrong_place_is_told() -> None:
    top = complaint(lambda document: document.update(customProperties=[{"property": "smallestClass", "value": 500}]))
    aliases = [{"property": "aliases", "value": ["a"]}]
    of_label = complaint(lambda document: column(document, "label").update(customProperties=aliases))

    assert "'smallestClass' stands at the top; move it to the table 'images'" in top
    assert "property 'label': there is no customProperty 'aliases' here; known are none" in of_label

"""Which changes of a contract break it, and the version that says so."""

from typing import Any

import pytest

from data_contracts.image_contract import ImageContract
from decisions.contracts.contract_changes import Change as Found
from decisions.contracts.contract_diff import contract_diff
from tests.support.contracts import (
    Change,
    Document,
    column,
    read_changed,
    with_class,
    with_custom,
    with_freshness,
    with_owner,
    with_rule,
    with_version,
)

BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
NOT_IN_SET = "expect_column_values_to_not_be_in_set"


class LaterContract(ImageContract):
    """A contract as it may become, with a field that nobody has judged yet."""

    tint: str = "none"


def found(before: tuple[Change, ...], *after: Change) -> list[Found]:
    return list(contract_diff(read_changed(*before), read_changed(*after)).changes)


def kinds(changes: list[Found]) -> list[tuple[str, bool]]:
    return [(change.kind, change.breaks) for change in changes]


def without_class(name: str) -> Change:
    def change(document: Document) -> None:
        label = column(document, "label")
        label["enum"] = [each for each in label["enum"] if each["value"] != name]

    return change


def described(document: Document) -> None:
    column(document, "label")["enum"][0]["description"] = "Fine cracks."


def turned_round(document: Document) -> None:
    column(document, "label")["enum"].reverse()


def without_near_duplicates(document: Document) -> None:
    with_custom("nearDuplicates", None)(document)


def split(**different: object) -> Change:
    return with_custom("split", {"salt": "steel-surface-1", "held_out": 0.25, "validation": 0.1, **different})


def wide(**kwargs: Any) -> Change:
    return with_rule("sharpness", BETWEEN, **kwargs)


def test_the_same_contract_has_no_changes() -> None:
    diff = contract_diff(read_changed(), read_changed())

    assert (diff.changes, diff.step, diff.needed, diff.enough) == ((), "none", None, True)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (with_class("dents"), "class added"),
        (without_class("crazing"), "class removed"),
        (with_class("crazing", answer="net"), "answer of class changed"),
        (with_class("crazing", retired=True), "class retired"),
        (with_class("scratches"), "alias removed"),
        (split(salt="steel-surface-2"), "split changed"),
        (split(held_out=0.2), "split changed"),
        (with_custom("group", {"from": "folder"}), "group changed"),
        (without_near_duplicates, "near duplicates changed"),
        (with_custom("nearDuplicates", {"coarse": 6, "fine": 48}), "near duplicates changed"),
        (with_custom("balance", {"largest_ratio": 3, "severity": "error"}), "balance changed"),
        (wide(min_value=20), "rule added"),
        (lambda document: document.update(id="other"), "id changed"),
    ],
)
def test_what_means_something_else_or_refuses_more_breaks(change: Change, kind: str) -> None:
    assert kinds(found((), change)) == [(kind, True)]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (with_class("crazing", aliases=["cracks"]), "alias added"),
        (with_class("crazing", parent="cracked"), "parent added"),
        (described, "class described anew"),
        (turned_round, "classes reordered"),
        (with_custom("nearDuplicates", {"coarse": 9, "fine": 50}), "near duplicates changed"),
        (with_custom("balance", {"largest_ratio": 3}), "balance changed"),
        (with_custom("smallestClass", 30), "smallest class changed"),
        (with_owner("ines"), "owner changed"),
        (with_freshness(7), "freshness days changed"),
        (with_rule("sharpness", BETWEEN, severity="warning", min_value=20), "rule added"),
    ],
)
def test_what_lets_everything_in_as_before_does_not_break(change: Change, kind: str) -> None:
    assert kinds(found((), change)) == [(kind, False)]


@pytest.mark.parametrize(
    ("before", "after", "breaks"),
    [
        (wide(min_value=20, max_value=90), wide(min_value=10, max_value=95), False),
        (wide(min_value=20), wide(min_value=21), True),
        (wide(min_value=20), wide(min_value=10, max_value=500), True),
        (wide(min_value=20, max_value=90), wide(min_value=20), False),
        (wide(min_value=20), wide(min_value=20, strict_min=True), True),
        (wide(min_value=20), wide(min_value=20, mostly=0.9), False),
        (wide(min_value=20, mostly=0.9), wide(min_value=20), True),
        (with_rule("mode", IN_SET, value_set=["L"]), with_rule("mode", IN_SET, value_set=["RGB", "L"]), False),
        (with_rule("mode", IN_SET, value_set=["L", "RGB"]), with_rule("mode", IN_SET, value_set=["L"]), True),
        (with_rule("mode", NOT_IN_SET, value_set=["P"]), with_rule("mode", NOT_IN_SET, value_set=["P", "L"]), True),
        (with_rule("mode", NOT_IN_SET, value_set=["P", "L"]), with_rule("mode", NOT_IN_SET, value_set=["P"]), False),
    ],
)
def test_a_rule_breaks_when_it_is_tightened_and_not_when_it_is_widened(
    before: Change, after: Change, *, breaks: bool
) -> None:
    assert [change.breaks for change in found((before,), after)] == [breaks]


def test_terms_that_nobody_can_compare_break() -> None:
    pattern = "expect_column_values_to_match_regex"
    before, after = with_rule("file", pattern, regex="^a"), with_rule("file", pattern, regex="^[ab]")

    assert kinds(found((before,), after)) == [("rule tightened", True)]


def test_a_rule_that_only_warns_is_tightened_without_breaking() -> None:
    before = with_rule("sharpness", BETWEEN, severity="warning", min_value=20)
    after = with_rule("sharpness", BETWEEN, severity="warning", min_value=30)

    assert kinds(found((before,), after)) == [("rule tightened", False)]


def test_a_warning_that_becomes_an_error_breaks() -> None:
    before = with_rule("sharpness", BETWEEN, severity="warning", min_value=20)

    assert kinds(found((before,), wide(min_value=20))) == [("severity changed", True)]


def test_a_removed_rule_widens() -> None:
    assert kinds(found((wide(min_value=20),))) == [("rule removed", False)]


def test_a_class_that_still_goes_by_its_old_name_was_renamed() -> None:
    changes = found((), without_class("crazing"), with_class("cracks", aliases=["crazing"], answer="crazing"))

    assert kinds(changes)[0] == ("class renamed", True)
    assert changes[0].told == "crazing -> cracks"


def test_a_field_that_nobody_has_judged_breaks() -> None:
    before = LaterContract.model_validate(read_changed().model_dump())
    diff = contract_diff(before, before.model_copy(update={"tint": "blue"}))

    assert kinds(list(diff.changes)) == [("tint changed", True)]


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        (described, "1.0.1"),
        (with_class("crazing", aliases=["cracks"]), "1.1.0"),
        (with_class("dents"), "2.0.0"),
    ],
)
def test_the_version_grows_with_what_changed(change: Change, needed: str) -> None:
    assert contract_diff(read_changed(), read_changed(change)).needed == needed


@pytest.mark.parametrize(
    ("version", "enough"), [("1.0.0", False), ("1.9.0", False), ("2.0.0", True), ("3", True), ("0.9", False)]
)
def test_only_a_larger_first_number_says_that_a_contract_breaks(version: str, *, enough: bool) -> None:
    assert contract_diff(read_changed(), read_changed(with_class("dents"), with_version(version))).enough is enough


def test_rules_of_the_table_are_compared_too() -> None:
    rows = "expect_table_row_count_to_be_between"

    assert kinds(found((with_rule(None, rows, min_value=5),), with_rule(None, rows, min_value=9))) == [
        ("rule tightened", True)
    ]

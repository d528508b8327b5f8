"""What the person with the camera reads is what the contract's rules check."""

import pytest

from decisions.contracts.shooting_guideline import Advice, shooting_guideline
from tests.support.contracts import Change, read_changed, silent, with_class, with_rule

BETWEEN = "expect_column_values_to_be_between"


def advice(change: Change) -> Advice:
    """What the rule says that was added to the shipped contract last."""
    page = shooting_guideline(read_changed(silent, change))
    known = shooting_guideline(read_changed(silent))
    return next(each for each in (*page.images, *page.batches) if each not in (*known.images, *known.batches))


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        (with_rule("sharpness", BETWEEN, min_value=12.5), "at least 12.5"),
        (with_rule("brightness", BETWEEN, min_value=0.2, max_value=0.8), "at least 0.2 and at most 0.8"),
        (with_rule("width", BETWEEN, min_value=640, max_value=640), "exactly 640 pixels"),
        (with_rule("bytes", BETWEEN, max_value=2_500_000), "at most 2.5 MB"),
        (with_rule("mode", "expect_column_values_to_be_in_set", value_set=["L"]), "L"),
        (with_rule("mode", "expect_column_values_to_not_be_in_set", value_set=["P", "CMYK"]), "not P or CMYK"),
        (with_rule("file", "expect_column_values_to_match_regex", regex="^A"), "match regex (regex ^A)"),
        (with_rule(None, "expect_table_row_count_to_be_between", min_value=5), "number of images at least 5"),
        (
            with_rule(None, "expect_column_mean_to_be_between", column="brightness", min_value=0.3),
            "mean at least 0.3",
        ),
        (
            with_rule(None, BETWEEN, column="sharpness", min_value=9, mostly=0.9),
            "at least 9, in at least 90% of the images",
        ),
    ],
)
def test_a_rule_is_told_in_plain_words(change: Change, needed: str) -> None:
    assert advice(change).needed == needed


def test_what_only_warns_should_be_and_what_refuses_must_be() -> None:
    assert not advice(with_rule("sharpness", BETWEEN, severity="warning", min_value=3)).must
    assert advice(with_rule("sharpness", BETWEEN, min_value=3)).must


def test_a_rule_of_the_contract_is_never_left_out() -> None:
    contract = read_changed()
    page = shooting_guideline(contract)

    assert [each.hint for each in (*page.images, *page.batches)] == [rule.description for rule in contract.rules]


def test_a_retired_class_says_where_its_images_go() -> None:
    page = shooting_guideline(read_changed(with_class("crazing", retired=True, successor="scratches")))

    assert page.retired == ("crazing, now scratches",)
    assert "crazing" not in [each.name for each in page.classes]

"""A salted hash decides the split, the same today and in a year."""

from collections import Counter

import pytest

from data_contracts.image_contract import GroupRule, SplitRule
from data_contracts.images import Split
from decisions.ingestion.splits import group_of, hash_share, split_of, tells_group
from tests.decisions.builders import by_name, facts, image_contract

RULE = SplitRule(salt="holdout-v1", held_out=0.15, validation=0.1)


@pytest.mark.parametrize(
    ("group", "share", "split"),
    [
        ("part-0001", 0.9938608842476822, Split.TRAIN),
        ("part-0003", 0.8049221683519795, Split.TRAIN),
        ("shot/2025-01-31/cam1/000123", 0.27991387676477036, Split.TRAIN),
        ("a1b2c3", 0.7010548263267777, Split.TRAIN),
    ],
)
def test_groups_fall_where_the_reference_has_them(group: str, share: float, split: Split) -> None:
    assert hash_share(group, "holdout-v1") == pytest.approx(share, abs=1e-15, rel=0)
    assert split_of(group, RULE) is split


def test_ten_thousand_parts_spread_as_in_the_reference() -> None:
    counts = Counter(split_of(f"part-{number:04d}", RULE) for number in range(10_000))

    assert counts == {Split.HELD_OUT: 1512, Split.VALIDATION: 1013, Split.TRAIN: 7475}


def test_another_salt_spreads_the_groups_anew() -> None:
    other = RULE.model_copy(update={"salt": "holdout-v2"})
    moved = [split_of(f"part-{n}", RULE) is not split_of(f"part-{n}", other) for n in range(200)]

    assert any(moved)


def test_a_larger_held_out_share_only_adds_to_the_held_out_groups() -> None:
    larger = RULE.model_copy(update={"held_out": 0.2})
    groups = [f"part-{n}" for n in range(500)]
    held_out = {group for group in groups if split_of(group, RULE) is Split.HELD_OUT}

    assert held_out < {group for group in groups if split_of(group, larger) is Split.HELD_OUT}


@pytest.mark.parametrize("group", ["", "teil-ä", "部件-1", "😀", "a:b"])
def test_any_text_has_a_share_from_zero_to_below_one(group: str) -> None:
    assert 0 <= hash_share(group, "any") < 1


@pytest.mark.parametrize(
    ("pattern", "file", "group"),
    [
        (r"part-\d+", "crazing/part-0042_exp3.jpg", "part-0042"),
        (r"(?P<group>part-\d+)_exp\d", "crazing/part-0042_exp3.jpg", "part-0042"),
        (r"(part)-(\d+)", "crazing/part-0042_exp3.jpg", "part-0042"),
        (r"^part-(\d+)_", "crazing/part-0042_exp3.jpg", "0042"),
    ],
)
def test_the_pattern_finds_the_part_in_the_files_name(pattern: str, file: str, group: str) -> None:
    assert group_of(facts(file), image_contract(group=by_name(pattern))) == group


@pytest.mark.parametrize("pattern", [r"part-\d+", r"(?P<group>\d*)"])
def test_a_name_in_which_the_pattern_finds_no_part_tells_no_group(pattern: str) -> None:
    assert not tells_group(facts("crazing/holiday.jpg"), image_contract(group=by_name(pattern)))


def test_without_a_rule_each_picture_is_its_own_group() -> None:
    fact = facts("crazing/part-7.jpg")

    assert group_of(fact, image_contract()) == fact.pixel_digest


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("crazing/part-7/a.jpg", "part-7"),
        ("train/crazing/line 2/part-7/a.jpg", "line 2/part-7"),
        ("part-7/a.jpg", "part-7"),
    ],
)
def test_the_folder_below_the_class_is_the_part(file: str, group: str) -> None:
    fact = facts(file).model_copy(update={"said": "crazing"})

    assert group_of(fact, image_contract(group=GroupRule(source="folder"))) == group


@pytest.mark.parametrize("file", ["crazing/a.jpg", "train/crazing/a.jpg", "a.jpg"])
def test_a_file_right_in_its_class_folder_tells_no_part(file: str) -> None:
    fact = facts(file).model_copy(update={"said": "crazing"})

    assert not tells_group(fact, image_contract(group=GroupRule(source="folder")))


def test_a_column_of_the_labels_sheet_names_the_part() -> None:
    fact = facts("a.jpg").model_copy(update={"group": "part-7"})

    assert group_of(fact, image_contract(group=GroupRule(source="column", column="serial"))) == "part-7"


@pytest.mark.parametrize(("taken_at", "alone"), [("2026-11-25T06:00:00", True), ("yesterday", False), (None, False)])
def test_a_shot_needs_a_time_to_be_put_beside_others(taken_at: str | None, alone: bool) -> None:  # noqa: FBT001
    fact = facts("a.jpg").model_copy(update={"taken_at": taken_at})

    assert tells_group(fact, image_contract(group=GroupRule(source="seconds", seconds=60))) is alone


def test_exposures_of_one_part_share_its_split() -> None:
    contract = image_contract(group=by_name(r"part-\d+"))
    splits = {split_of(group_of(facts(f"crazing/part-7_exp{n}.jpg"), contract), contract.split) for n in range(50)}

    assert len(splits) == 1


def test_a_pattern_is_about_the_name_of_the_file_and_not_its_folders() -> None:
    contract = image_contract(group=by_name(r"^(SN\d+)_"))

    assert group_of(facts("rolled-in_scale/SN12_1.jpg"), contract) == "SN12"

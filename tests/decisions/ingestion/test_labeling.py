"""What a batch says of its files: by its folders, or by a labels sheet."""

import pytest

from data_contracts.image_contract import GroupRule, ImageClass
from data_contracts.label_sheet import LabelSheet, SheetRow
from decisions.ingestion.labeling import labeled
from tests.decisions.builders import facts, image_contract


def sheet(*rows: tuple[str | None, str | None]) -> LabelSheet:
    """A sheet with these files and labels from line 2 on."""
    lines = (SheetRow(line=line, file=file, label=label) for line, (file, label) in enumerate(rows, start=2))
    return LabelSheet(name="labels.csv", rows=tuple(lines))


def said(files: list[str], *rows: tuple[str | None, str | None]) -> tuple[list[str | None], list[tuple[str, str, str]]]:
    """The labels of the *files*, and file, code and reason of what is refused."""
    named, refused = labeled([facts(file, None) for file in files], sheet(*rows), image_contract())
    return [fact.label for fact in named], [(each.file, each.code, each.reason) for each in refused]


def test_without_a_sheet_the_folder_is_the_class() -> None:
    named, refused = labeled([facts("Scratches /a.jpg", None)], None, image_contract())

    assert ([fact.label for fact in named], refused) == (["scratches"], [])


def test_a_folder_of_no_class_is_named() -> None:
    _, refused = labeled([facts("rust/a.jpg", None), facts("a.jpg", None)], None, image_contract())

    assert [(each.code, each.reason) for each in refused] == [
        ("unknown_class", "the contract has no class 'rust'; rename it, or make it an alias of one"),
        ("unlabeled", "it lies in no class folder"),
    ]


@pytest.mark.parametrize(
    "given",
    [
        "photos/a.jpg",
        "./photos/a.jpg",
        "photos\\a.jpg",
        "A.JPG",
        "C:\\Users\\ines\\photos\\a.jpg",
        "/home/ines/photos/a.jpg",
        "https://example.sharepoint.com/sites/line%202/photos/a.jpg?web=1",
    ],
)
def test_a_file_is_found_by_its_path_name_or_address(given: str) -> None:
    assert said(["photos/a.jpg", "photos/b.jpg"], (given, "crazing"), ("b.jpg", "scratches")) == (
        ["crazing", "scratches"],
        [],
    )


def test_letters_that_look_the_same_are_the_same() -> None:
    assert said(["pru\u0308fung.jpg"], ("pr\u00fcfung.jpg", "crazing")) == (["crazing"], [])


def test_the_longest_end_of_a_path_decides_between_files_of_one_name() -> None:
    labels, refused = said(["x/a.jpg", "y/a.jpg"], ("D:/all/x/a.jpg", "crazing"), ("D:/all/y/a.jpg", "scratches"))

    assert (labels, refused) == (["crazing", "scratches"], [])


def test_a_name_that_several_files_have_is_not_guessed() -> None:
    labels, refused = said(["x/a.jpg", "y/a.jpg"], ("a.jpg", "crazing"))

    assert labels == [None, None]
    assert refused[0] == (
        "a.jpg",
        "ambiguous_file",
        "labels.csv, line 2, names 'a.jpg', which may be x/a.jpg, y/a.jpg; write its path",
    )


def test_what_the_sheet_and_the_files_miss_of_each_other_is_told() -> None:
    _, refused = said(["a.jpg"], ("b.jpg", "crazing"), (None, "crazing"))

    assert refused == [
        ("b.jpg", "missing_file", "labels.csv, line 2, names 'b.jpg', but the batch has no such file"),
        ("labels.csv, line 3", "missing_file", "labels.csv, line 3, names no file"),
        ("a.jpg", "unlabeled", "labels.csv gives it no label"),
    ]


def test_two_lines_that_contradict_each_other_label_nothing() -> None:
    labels, refused = said(["a.jpg"], ("a.jpg", "crazing"), ("a.jpg", "scratches"))

    assert labels == [None]
    assert refused == [
        ("a.jpg", "label_conflict", "labels.csv gives it the label crazing in line 2 and scratches in line 3")
    ]


def test_a_line_that_comes_twice_is_no_contradiction() -> None:
    assert said(["a.jpg"], ("a.jpg", "crazing"), ("a.jpg", "crazing")) == (["crazing"], [])


def test_a_sheet_overrules_the_folders() -> None:
    assert said(["crazing/a.jpg"], ("a.jpg", "scratches")) == (["scratches"], [])


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (GroupRule(source="folder"), "folder, but it lies in no folder of a part, as CLASS/PART/FILE does"),
        (GroupRule(source="file name", pattern="part"), "file name, but the pattern 'part' finds no part in its name"),
        (GroupRule(source="column", column="serial"), "column, but the labels sheet has no 'serial' for it"),
        (GroupRule(source="seconds", seconds=9), "seconds, but it tells no time at which it was taken"),
    ],
)
def test_an_image_whose_group_is_unknown_is_refused(rule: GroupRule, why: str) -> None:
    _, refused = labeled([facts("crazing/a.jpg", None)], None, image_contract(group=rule))

    assert [(each.code, each.reason) for each in refused] == [("no_group", f"the contract takes groups from the {why}")]


def test_the_sheet_tells_group_author_and_time() -> None:
    row = SheetRow(line=2, file="a.jpg", label="crazing", group="part-7", who="ines", taken_at="2026-11-25T06:00:00")
    (fact,), _ = labeled([facts("a.jpg", None)], LabelSheet(name="labels.csv", rows=(row,)), image_contract())

    assert (fact.group, fact.who, fact.taken_at) == ("part-7", "ines", "2026-11-25T06:00:00")


def test_an_image_of_a_class_that_was_split_waits_for_a_person() -> None:
    contract = image_contract()
    old = ImageClass(name="marks", answer="marks", retired=True, split_into=contract.labels)
    split = contract.model_copy(update={"classes": (*contract.classes, old)})
    _, refused = labeled([facts("marks/a.jpg", None)], None, split)

    assert [(each.code, each.reason) for each in refused] == [
        ("split_class", "the class marks was split; say whether it is crazing or scratches")
    ]

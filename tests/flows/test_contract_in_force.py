"""What a loop makes of its data contract: warnings are counted, batches stopped, retired classes carried on."""

from pathlib import Path

import pytest

from data_contracts.images import Split
from deployments.check_images import check_folder
from deployments.commands import ingest_inbox
from flows.ingest_images import BatchesNotTaken, ingest_images
from tasks.intake.contract_history import ContractNeedsVersion
from tasks.intake.quarantine import refusals
from tasks.labels import labeled_images
from tests.support.contracts import (
    Change,
    changed,
    silent,
    with_class,
    with_custom,
    with_freshness,
    with_owner,
    with_rule,
    with_version,
)
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

DARK = with_rule("brightness", "expect_column_values_to_be_between", severity="warning", min_value=1)
MANY = "expect_table_row_count_to_be_between"
RENAMED = (with_version("2.0.0"), with_class("scratches", retired=True, successor="grooves"), with_class("grooves"))
SPLIT = (
    with_version("2.0.0"),
    with_class("scratches", retired=True, splitInto=["grooves", "hairlines"]),
    with_class("grooves"),
    with_class("hairlines"),
)


def edit(folder: LoopFolder, *changes: Change) -> None:
    (folder.path / "contract.odcs.yaml").write_bytes(changed(silent, *changes))


def labels(folder: LoopFolder) -> list[str]:
    loop = folder.loop()
    return [image.label for image in labeled_images(loop, loop.state())]


def splits(folder: LoopFolder) -> list[Split]:
    loop = folder.loop()
    return [image.split for image in labeled_images(loop, loop.state())]


@pytest.fixture
def scratch(images: Path) -> Path:
    return min(images.glob("scratches/*"))


def test_images_that_are_warned_about_get_in_and_are_counted(loop_folder: LoopFolder, scratch: Path) -> None:
    edit(loop_folder, DARK)
    loop_folder.deliver("one", [scratch])
    lines, *_ = ingest_inbox(loop_folder.path)

    assert lines == ["one: 1 images accepted, 0 quarantined, 1 with the warning own"]
    assert [batch.warnings for batch in loop_folder.loop().state().batches] == [{"own": 1}]


def test_what_a_batch_as_a_whole_lacks_is_told_and_recorded(loop_folder: LoopFolder, scratch: Path) -> None:
    edit(loop_folder, with_rule(None, MANY, severity="warning", min_value=2))
    loop_folder.deliver("one", [scratch])
    lines, *_ = ingest_inbox(loop_folder.path)

    assert lines[1] == "  'own' finds 1 in 1 images. Mend it."
    assert loop_folder.loop().state().batches[0].remarks == ("'own' finds 1 in 1 images. Mend it.",)


@pytest.mark.parametrize(
    "rule",
    [
        with_rule(None, MANY, min_value=2),
        with_custom("balance", {"largest_ratio": 3, "severity": "error"}),
    ],
)
def test_a_batch_that_breaks_a_rule_about_all_of_it_is_not_taken(
    loop_folder: LoopFolder, scratch: Path, rule: Change
) -> None:
    edit(loop_folder, rule, with_owner("ines"))
    loop_folder.deliver("one", [scratch])

    with pytest.raises(BatchesNotTaken, match=r"The batch one is not taken: .* Owner of the contract: ines$"):
        ingest_images(loop_folder.name)
    assert loop_folder.loop().state().batches == ()


def test_a_loop_that_is_not_balanced_is_told(loop_folder: LoopFolder, scratch: Path) -> None:
    edit(loop_folder, with_custom("balance", {"largest_ratio": 3}))
    loop_folder.deliver("one", [scratch])
    (accepted,) = ingest_images(loop_folder.name)

    assert "scratches has 1 images and crazing 0; the contract allows 3 times as many" in accepted.remarks[0]


def test_images_that_come_too_late_are_told(loop_folder: LoopFolder, scratch: Path) -> None:
    edit(loop_folder, with_freshness(0.0000001, "h"))
    loop_folder.deliver("one", [scratch])
    ingest_images(loop_folder.name)
    lines, *_ = ingest_inbox(loop_folder.path)

    assert lines[0] == "There is no new batch in the inbox."
    assert lines[1].startswith("The newest images came 0.0 days ago; the contract asks for new ones every ")


def test_images_of_a_retired_class_belong_to_its_successor(loop_folder: LoopFolder, images: Path) -> None:
    first, second = sorted(images.glob("scratches/*"))[:2]
    loop_folder.deliver("one", [first])
    ingest_images(loop_folder.name)
    edit(loop_folder, *RENAMED)
    loop_folder.deliver("two", [second])
    ingest_images(loop_folder.name)

    assert labels(loop_folder) == ["grooves", "grooves"]


def test_an_image_of_a_split_class_waits_for_a_person(loop_folder: LoopFolder, scratch: Path) -> None:
    edit(loop_folder, *SPLIT)
    loop_folder.deliver("one", [scratch])
    (accepted,) = ingest_images(loop_folder.name)

    assert (accepted.accepted, accepted.broken_rules) == (0, {"split_class": 1})
    assert "say whether it is grooves or hairlines" in refusals(loop_folder.loop(), accepted)[0].reason


def test_an_image_of_a_split_class_enters_again_under_its_new_one_and_keeps_its_split(
    loop_folder: LoopFolder, scratch: Path
) -> None:
    loop_folder.deliver("one", [scratch])
    ingest_images(loop_folder.name)
    edit(loop_folder, *SPLIT, with_custom("split", {"salt": "another", "held_out": 0.5, "validation": 0.2}))
    loop_folder.put(f"two/grooves/{scratch.name}", scratch.read_bytes())
    (accepted,) = ingest_images(loop_folder.name)

    assert accepted.classes == {"grooves": 1}
    assert len(set(splits(loop_folder))) == 1


def test_a_check_shows_warnings_and_changes_nothing(loop_folder: LoopFolder, images: Path) -> None:
    edit(loop_folder, DARK, with_class("patches"))
    lines, told = check_folder(images, loop_folder.path / "contract.odcs.yaml", None, calibrate=False)

    assert lines[0].startswith("The contract: answers may begin with the same token")
    assert isinstance(told, dict)
    assert {each["code"] for each in told["warned"]} == {"own"}


def test_a_contract_that_breaks_under_its_old_version_takes_no_batch(loop_folder: LoopFolder, images: Path) -> None:
    one, other, *_ = sorted(images.glob("crazing/*"))
    loop_folder.deliver("one", [one])
    ingest_images(loop_folder.name)
    edit(loop_folder, with_class("dents"))
    loop_folder.deliver("two", [other])

    with pytest.raises(ContractNeedsVersion, match=r"class added, dents .* set version to 2\.0\.0"):
        ingest_images(loop_folder.name)
    edit(loop_folder, with_class("dents"), with_version("2.0.0"))
    assert [batch.batch for batch in ingest_images(loop_folder.name)] == ["two"]

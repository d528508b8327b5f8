"""The contract of the last accepted batch holds until a new major version says otherwise."""

from pathlib import Path

import pytest

from cloud.ledger import Authorship
from data_contracts.errors import ContractBroken
from data_contracts.ledger import Actor, ImagesAccepted
from tasks.intake.contract_history import ContractNeedsVersion, hold_contract
from tests.support.contracts import Change, changed, with_class, with_rule, with_version
from tests.support.loops import LoopFolder


@pytest.fixture
def loop_that_took_images(tmp_path: Path) -> LoopFolder:
    folder = LoopFolder.make(tmp_path / "loop")
    hold_contract(folder.loop())
    take_batch(folder, "one")
    return folder


def take_batch(folder: LoopFolder, batch: str) -> None:
    loop = folder.loop()
    author = Authorship(Actor(name="test", established="flow run"), "c" * 64, loop.contract.digest)
    counts = {"accepted": 1, "quarantined": 0, "duplicates": 0, "classes": {}, "splits": {}}
    event = {"batch": batch, "labels": "data/loops/any.parquet", "labels_digest": "d" * 64, **counts}
    loop.ledger.write(author, None, ImagesAccepted.model_validate(event))


def edit(folder: LoopFolder, *changes: Change) -> None:
    (folder.path / "contract.odcs.yaml").write_bytes(changed(*changes))


def test_a_contract_is_kept_byte_for_byte(loop_that_took_images: LoopFolder) -> None:
    loop = loop_that_took_images.loop()
    kept = loop.store.get(loop.path("contracts", f"{loop.contract.digest}.yaml")).content

    assert kept == (loop.folder / "contract.odcs.yaml").read_bytes()


def test_a_change_that_breaks_is_refused_in_one_line(loop_that_took_images: LoopFolder) -> None:
    edit(loop_that_took_images, with_class("dents"))

    with pytest.raises(ContractNeedsVersion, match=r"class added, dents .* set version to 2\.0\.0") as caught:
        hold_contract(loop_that_took_images.loop())
    assert "\n" not in str(caught.value)


def held(folder: LoopFolder) -> bool:
    """Whether the contract in force is accepted, and kept in the store afterwards."""
    loop = folder.loop()
    hold_contract(loop)
    return (
        loop.store.get(loop.path("contracts", f"{loop.contract.digest}.yaml")).content
        == (folder.path / "contract.odcs.yaml").read_bytes()
    )


def test_a_new_major_version_lets_a_change_that_breaks_in(loop_that_took_images: LoopFolder) -> None:
    edit(loop_that_took_images, with_class("dents"), with_version("2.0.0"))

    assert held(loop_that_took_images)


def test_a_change_that_does_not_break_needs_no_version(loop_that_took_images: LoopFolder) -> None:
    edit(loop_that_took_images, with_class("crazing", aliases=["cracks"]))

    assert held(loop_that_took_images)


def test_a_contract_is_compared_with_the_one_of_the_last_batch(loop_that_took_images: LoopFolder) -> None:
    edit(loop_that_took_images, with_class("dents"), with_version("2.0.0"))
    hold_contract(loop_that_took_images.loop())
    take_batch(loop_that_took_images, "two")
    edit(loop_that_took_images, with_version("2.0.0"))

    with pytest.raises(ContractNeedsVersion, match=r"class removed, dents"):
        hold_contract(loop_that_took_images.loop())


def test_a_kept_contract_that_was_changed_is_found(loop_that_took_images: LoopFolder) -> None:
    loop = loop_that_took_images.loop()
    loop.store.put(loop.path("contracts", f"{loop.contract.digest}.yaml"), changed(with_class("dents")))
    edit(loop_that_took_images, with_class("dents"))

    with pytest.raises(ContractBroken, match="is not the contract that the ledger names"):
        hold_contract(loop_that_took_images.loop())


def test_a_loop_that_never_kept_its_contract_goes_on(tmp_path: Path) -> None:
    folder = LoopFolder.make(tmp_path / "loop")
    take_batch(folder, "one")
    edit(folder, with_class("dents"))

    assert held(folder)


def test_a_rule_that_cannot_run_is_told_before_any_advice_about_the_version(loop_that_took_images: LoopFolder) -> None:
    wrong = with_rule("height", "expect_column_values_to_be_between", min_value=1, max_valeu=400)
    edit(loop_that_took_images, wrong)

    with pytest.raises(
        ContractBroken, match=r"cannot be understood: its argument max_valeu: extra fields not permitted"
    ):
        hold_contract(loop_that_took_images.loop())

"""`kaizen contract`: two contracts compared, and the page for the person with the camera."""

from pathlib import Path

from data_contracts.contract_file import read_contract
from data_contracts.errors import WrongInput
from data_contracts.image_contract import ImageContract, LoopContract
from data_contracts.loop_contract import read_loop_contract
from decisions.contracts.contract_changes import Change
from decisions.contracts.contract_diff import ContractDiff, contract_diff


def diff_contracts(old: Path, new: Path) -> tuple[list[str], ContractDiff]:
    """What changed from the file *old* to *new*, as lines and as a value; raises WrongInput or ContractBroken."""
    diff = contract_diff(_read(old), _read(new))
    return [*(_line(change) for change in diff.changes), _verdict(diff)], diff


def read_file(file: Path) -> ImageContract:
    """The contract of images in *file*; raises WrongInput when it cannot be read, ContractBroken when it is none."""
    return read_contract(_content(file), name=str(file))


def _read(file: Path) -> LoopContract:
    return read_loop_contract(_content(file), name=str(file))


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WrongInput(f"The data contract {file} cannot be read: {error.strerror}") from error


def _line(change: Change) -> str:
    return f"{'breaks ' if change.breaks else '       '} {change.kind}, {change.about}: {change.told}"


def _verdict(diff: ContractDiff) -> str:
    old, new = diff.versions
    if diff.falls:
        return f"version {new} is lower than {old}; versions only rise, so ingestion refuses the contract"
    if not diff.changes:
        return f"Nothing that is read changed; version {old} may stay"
    counted = f"{len(diff.changes)} changes, {len(diff.breaking)} of them breaking"
    if diff.enough:
        return f"{counted}: version {old} -> {new}; the next {diff.step} version is {diff.needed}"
    return f"{counted}: version {new} is not enough; set version to {diff.needed}, or ingestion refuses the contract"

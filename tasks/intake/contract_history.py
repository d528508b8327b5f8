"""The contracts under which a loop took images: kept, and compared before more is taken."""

import hashlib

from cloud.errors import CloudUnavailable
from cloud.store import NotFound
from data_contracts.errors import ContractBroken
from data_contracts.image_contract import ImageContract, LoopContract
from data_contracts.ledger import ImagesAccepted
from data_contracts.loop_contract import read_loop_contract
from decisions.contracts.contract_diff import contract_diff
from tasks.intake.contract_check import check_rules
from tasks.loop import Loop


class ContractNeedsVersion(ContractBroken):
    """The contract changed in a way that breaks, and its version does not say so."""


def hold_contract(loop: Loop) -> None:
    """Keep the contract in force; raises ContractNeedsVersion when it breaks with that of the last accepted batch.

    Raises ContractBroken when one of its rules cannot run, CloudUnavailable when the file was changed meanwhile.

    A loop whose last batch came before contracts were kept has nothing to compare with.
    """
    if isinstance(loop.contract, ImageContract):
        check_rules(loop.contract)  # before any advice about its version
    before = _last_contract(loop)
    if before is not None and before.digest != loop.contract.digest:
        _check_version(before, loop.contract)
    loop.store.create(kept_contract_path(loop, loop.contract.digest), _content(loop))


def _check_version(before: LoopContract, now: LoopContract) -> None:
    diff = contract_diff(before, now)
    if diff.enough:
        return
    if not diff.breaking:
        raise ContractNeedsVersion(
            f"The data contract has version {now.version}, but the last batch was taken under {before.version};"
            " versions only rise: set a higher one"
        )
    first, *more = diff.breaking
    others = f" and {len(more)} more" if more else ""
    raise ContractNeedsVersion(
        f"The data contract breaks with version {before.version}, under which the last batch was taken: {first.kind},"
        f" {first.about} ({first.told}){others}; take the change back, or set version to {diff.needed}"
    )


def _last_contract(loop: Loop) -> LoopContract | None:
    taken = (entry for entry in reversed(loop.ledger.read()) if isinstance(entry.event, ImagesAccepted))
    last = next(taken, None)
    if last is None:
        return None
    path = kept_contract_path(loop, last.contract)
    try:
        content = loop.store.get(path).content
    except NotFound:
        return None
    if hashlib.sha256(content).hexdigest() != last.contract:
        raise ContractBroken(f"{path} in the store is not the contract that the ledger names; restore it")
    return read_loop_contract(content, name=path)


def _content(loop: Loop) -> bytes:
    content = (loop.folder / loop.settings.contract).read_bytes()
    if hashlib.sha256(content).hexdigest() != loop.contract.digest:
        raise CloudUnavailable("The data contract was changed while a batch was judged")
    return content


def kept_contract_path(loop: Loop, digest: str) -> str:
    """Where the contract with this *digest* is kept, if a batch was taken under it."""
    return loop.path("contracts", f"{digest}.yaml")

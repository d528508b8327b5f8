"""A model that is asked: under which name, and in which words."""

import hashlib

from cloud.errors import CloudRefused
from cloud.store import NotFound
from data_contracts.image_contract import ImageContract, LoopContract
from data_contracts.loop_contract import read_loop_contract
from data_contracts.record import Record
from decisions.loop_state import LoopState
from tasks.intake.contract_history import kept_contract_path
from tasks.loop import Loop


class Contender(Record):
    """A model, the name of the model deployment under which it answers, and the detail it sees images in.

    *contract* is the digest of the contract by which it was trained, where that lists other classes than today's.
    """

    model: str
    model_deployment: str
    detail: str
    contract: str | None = None


def learned_contract(loop: Loop, state: LoopState, model: str) -> ImageContract | None:
    """The contract by which *model* was trained; None where it is today's, not kept, or not one of images.

    A base model was trained by none, and is asked by today's.
    """
    made = state.lineage(model)
    if not made or made[-1].contract == loop.contract.digest:
        return None
    try:
        contract = _kept(loop, made[-1].contract)
    except NotFound:
        return None
    return contract if isinstance(contract, ImageContract) else None


def contract_asked_by(loop: Loop, contender: Contender) -> ImageContract:
    """The contract whose classes the contender's prompt lists: a model is asked in the words that it has learned."""
    if contender.contract is None:
        return loop.image_contract
    contract = _kept(loop, contender.contract)
    assert isinstance(contract, ImageContract), "only contracts of images are named"
    return contract


def _kept(loop: Loop, digest: str) -> LoopContract:
    """A contract as it was kept; raises CloudRefused when its file is not the one that the ledger names."""
    path = kept_contract_path(loop, digest)
    content = loop.store.get(path).content
    if hashlib.sha256(content).hexdigest() != digest:
        raise CloudRefused(f"{path} was changed: it is not the contract that the ledger names")
    return read_loop_contract(content, name=path)


def contender_of(loop: Loop, state: LoopState, model: str, model_deployment: str, detail: str) -> Contender:
    """The contender that *model* is, to be asked in the words that it has learned."""
    learned = learned_contract(loop, state, model)
    differs = learned is not None and learned.class_list() != loop.image_contract.class_list()
    digest = learned.digest if learned is not None and differs else None
    return Contender(model=model, model_deployment=model_deployment, detail=detail, contract=digest)

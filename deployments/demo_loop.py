"""The loop that the demo runs on: its folder, its contract, its images in batches."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cloud.folder_store import FolderStore
from cloud.settings import FILE, load_settings
from cloud.store import INBOX
from data_contracts.contract_file import read_contract
from data_contracts.errors import WrongInput
from data_contracts.image_contract import ImageContract
from data_contracts.images import Split
from decisions.imaging.images import image_facts
from decisions.ingestion.splits import group_of, hash_share, split_of
from deployments.contract_template import contract_for, shipped_contract
from deployments.image_folder import images_by_class

Say = Callable[[str], None]
"""Tells the person at the terminal what happens."""

CONTRACT = "contract.odcs.yaml"
DRAWN_PER_CLASS = 360
FIRST, SECOND = "batch-0001", "batch-0002"
FIRST_SHARE = 0.17
SALT = "demo batches"

SETTINGS = """\
# The demo's loop. `kaizen demo` starts the servers and passes their addresses; change the policies as you like.
loop = "demo"
contract = "contract.odcs.yaml"

[foundry]
subscription = "local"
resource_group = "local"
account = "local"
capacity = 5000

[training]
n_epochs = 5
continue_epochs = 5
restart_share = 10      # so that the second delivery, larger than the first, shows how training continues
smallest_addition = 10  # so that small folders of images make two iterations too
settling_minutes = 0.05 # the emulator's list of jobs does not lag as Azure's may

[promotion]
when_inconclusive = "ask" # so that the demo shows how a person is asked
local_baseline = "report" # with few images a small local model is better than the emulator's; the report says so
"""


@dataclass(frozen=True)
class DemoLoop:
    """Where the demo's loop is, and the images that it is to learn from."""

    folder: Path
    source: Path
    images: Mapping[str, Sequence[Path]]

    def deliver(self, accepted: Collection[str]) -> Iterator[str]:
        """Put the images that the inbox lacks into it, batch by batch; yields the name of each batch.

        *accepted* are the batches that the ledger has already. The first batch brings all images that decide,
        and a small part of those that teach; the second the rest; what comes later makes further batches.
        """
        settings = load_settings(self.folder)
        store, inbox = FolderStore(self.folder / settings.store.folder), f"{INBOX}/{settings.loop}"
        known = {hashlib.sha256(store.get(path).content).hexdigest() for path in store.list(f"{inbox}/")}
        fresh = [(label, file) for label, files in self.images.items() for file in files]
        fresh = [(label, file) for label, file in fresh if _digest(file) not in known]
        contract = read_contract((self.folder / settings.contract).read_bytes(), name=str(settings.contract))
        for batch, images in _batches(fresh, accepted, contract).items():
            for _, file in images:
                store.put(f"{inbox}/{batch}/{file.relative_to(self.source).as_posix()}", file.read_bytes())
            yield batch


def demo_loop(folder: Path, images: Path | None, say: Say) -> DemoLoop:
    """The demo's loop in *folder*, made where it is missing; without *images*, steel surfaces are drawn.

    Raises WrongInput when the images do not make a loop, or the folder holds another one.
    """
    source = images or folder / "images"
    if images is None:
        from examples.steel_surface import draw_folder

        if not source.exists():
            say("Drawing six surface defects of hot-rolled steel ...")
        draw_folder(source, DRAWN_PER_CLASS)
    found = images_by_class(source, shipped_contract().smallest_class)
    if (folder / FILE).exists():
        load_settings(folder)
    _prepare(folder, tuple(found))
    return DemoLoop(folder, source, found)


def _prepare(folder: Path, classes: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    contract = folder / CONTRACT
    if not contract.exists():
        contract.write_bytes(contract_for(classes))
    known = read_contract(contract.read_bytes(), name=str(contract))
    foreign = [name for name in classes if known.label_of(name) is None]
    if foreign:
        raise WrongInput(
            f"{folder} is a demo about {', '.join(known.labels)}, not {', '.join(foreign)}; name another with --folder"
        )
    if not (folder / FILE).exists():
        (folder / FILE).write_text(SETTINGS, "utf-8")


def _batches(
    fresh: Sequence[tuple[str, Path]], accepted: Collection[str], contract: ImageContract
) -> Mapping[str, Sequence[tuple[str, Path]]]:
    if SECOND in accepted:
        return {f"batch-{len(accepted) + 1:04d}": fresh} if fresh else {}
    if FIRST in accepted:
        return {SECOND: fresh}
    early = {file for label in {label for label, _ in fresh} for file in _early(label, fresh, contract)}
    return {
        FIRST: [(label, file) for label, file in fresh if file in early],
        SECOND: [(label, file) for label, file in fresh if file not in early],
    }


def _early(label: str, fresh: Sequence[tuple[str, Path]], contract: ImageContract) -> list[Path]:
    """A class's images in the first batch: all that decide and a few that teach, as many as the contract asks for."""
    order = sorted(((_teaches(file, contract), _lot(file), file) for mine, file in fresh if mine == label))
    wanted = sum(not teaches or lot < FIRST_SHARE for teaches, lot, _ in order)
    return [file for _, _, file in order[: max(wanted, contract.smallest_class)]]


def _teaches(file: Path, contract: ImageContract) -> bool:
    facts = image_facts(file.read_bytes(), file.name)
    return split_of(group_of(facts, contract), contract.split) is Split.TRAIN


def _lot(file: Path) -> float:
    return hash_share(_digest(file), SALT)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()

"""One loop with everything that it is connected to; opened anew by each task from the folder's name."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cloud.clock import Clock
from cloud.connections import clock_of, foundry_of, monitor_of, store_of
from cloud.errors import SettingsUnreadable
from cloud.foundry import Foundry
from cloud.ledger import Authorship, Ledger
from cloud.monitor import Monitor
from cloud.settings import Settings, load_settings
from cloud.store import DATA, Store
from data_contracts.chat_contract import ChatContract
from data_contracts.errors import WrongInput
from data_contracts.image_contract import ImageContract, LoopContract
from data_contracts.ledger import Actor, Event, LedgerEntry
from data_contracts.loop_contract import read_loop_contract
from data_contracts.record import Record
from decisions.loop_state import Iteration, LoopState, state_of


class Turn(Record):
    """What a task needs to know to work on an iteration: where, which, and under which lease, if any."""

    folder: str
    iteration: int
    fence: int | None


@dataclass(frozen=True)
class Loop:
    """A loop's settings, contract, store, ledger, model provider, its monitor and clock."""

    folder: Path
    settings: Settings
    contract: LoopContract
    store: Store
    ledger: Ledger
    foundry: Foundry
    monitor: Monitor
    now: Clock

    @property
    def name(self) -> str:
        """The loop's name."""
        return self.settings.loop

    @property
    def prompt(self) -> str:
        """The system prompt with the answers of the contract in force; chats bring their own."""
        return "" if isinstance(self.contract, ChatContract) else self.prompt_by(self.image_contract)

    def prompt_by(self, contract: ImageContract) -> str:
        """The system prompt with the answers of *contract*."""
        return self.settings.prompt.replace("{classes}", contract.class_list())

    @property
    def image_contract(self) -> ImageContract:
        """The contract, of images; raises WrongInput in a loop of chats."""
        if isinstance(self.contract, ImageContract):
            return self.contract
        raise WrongInput(f"The loop {self.name} is one of chats; this works for loops of images only")

    @property
    def chat_contract(self) -> ChatContract:
        """The contract, of chats; raises WrongInput in a loop of images."""
        if isinstance(self.contract, ChatContract):
            return self.contract
        raise WrongInput(f"The loop {self.name} is one of images; this works for loops of chats only")

    def path(self, *parts: str) -> str:
        """Path in the store below the loop's own folder."""
        return "/".join((DATA, "loops", self.name, *parts))

    def iteration_path(self, number: int, *parts: str) -> str:
        """Path in the store below an iteration's folder."""
        return self.path("iterations", f"{number:04d}", *parts)

    def state(self) -> LoopState:
        """What the ledger says now."""
        return state_of(self.ledger.read())

    def iteration(self, number: int) -> Iteration:
        """The iteration with that number as the ledger knows it."""
        return self.state().iterations[number - 1]

    def known_iteration(self, number: int) -> Iteration:
        """The iteration with that number; raises WrongInput where there is none."""
        iterations = self.state().iterations
        if problem := no_iteration(number, len(iterations), self.name):
            raise WrongInput(problem)
        return iterations[number - 1]

    def authorship(self, actor: Actor | None = None, fence: int | None = None) -> Authorship:
        """What entries of *actor* carry; the flow run by default."""
        return Authorship(
            actor=actor or running_flow(),
            configuration=self.settings.digest,
            contract=self.contract.digest,
            fence=fence,
        )

    def record(self, turn: Turn, event: Event) -> LedgerEntry:
        """Write *event* of the turn's iteration into the ledger."""
        return self.ledger.write(self.authorship(fence=turn.fence), turn.iteration, event)


def connect(folder: str) -> Loop:
    """The loop in *folder*; raises SettingsUnreadable or ContractBroken, and touches no network."""
    home = Path(folder).resolve()
    settings = load_settings(home)
    return Loop(
        folder=home,
        settings=settings,
        contract=_contract(home / settings.contract),
        store=store_of(settings, home),
        ledger=_ledger(settings, home),
        foundry=foundry_of(settings.foundry, settings.api_key),
        monitor=monitor_of(settings.foundry),
        now=clock_of(settings),
    )


@lru_cache(maxsize=16)
def _ledger(settings: Settings, home: Path) -> Ledger:
    """One for each loop in a process: what was read of it never changes, so tasks read only what is new."""
    return Ledger(store_of(settings, home), settings.loop, clock_of(settings))


def running_flow() -> Actor:
    """The Prefect flow run that this code runs in."""
    from prefect.runtime import flow_run

    return Actor(name=f"{flow_run.flow_name} {flow_run.name}", established="flow run")


def _contract(file: Path) -> LoopContract:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SettingsUnreadable(f"The data contract {file} cannot be read: {error.strerror}") from error
    return _read_contract(content, str(file))


@lru_cache(maxsize=16)
def _read_contract(content: bytes, name: str) -> LoopContract:
    """Every task asks for the contract, and checking it against the standard takes longer than most of them."""
    return read_loop_contract(content, name=name)


def no_iteration(number: int, last: int, loop: str) -> str | None:
    """That the *loop*, which has come to iteration *last*, has none of this *number*; None where it has."""
    if 1 <= number <= last:
        return None
    return f"There is no iteration {number} of {loop}; {f'there are 1 to {last}' if last else 'there is none yet'}"

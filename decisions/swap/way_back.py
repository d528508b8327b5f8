"""Which model production goes back to, and what is known about bringing it back."""

from collections.abc import Sequence
from statistics import median

from data_contracts.errors import WrongInput
from data_contracts.ledger import (
    Approved,
    ChampionSwitched,
    Decided,
    LedgerEntry,
    ModelDeploymentCreated,
    ModelDeploymentIntended,
    RolledBack,
)
from data_contracts.record import Record
from data_contracts.training import is_fine_tuned
from decisions.loop_state import Iteration, LoopState

USUAL_MINUTES = 5.0


class WayBack(Record):
    """The iteration whose model answers in production again, and under which name."""

    iteration: int
    model: str
    model_deployment: str


class Recipe(Record):
    """All that it takes to make a model deployment of ours anew."""

    iteration: int
    intended: ModelDeploymentIntended


class Expected(Record):
    """How long it takes to make a model deployment."""

    minutes: float
    basis: str


def way_back(state: LoopState, iteration: int | None) -> WayBack:
    """Where to: the model of *iteration*, or by default the champion that the present one replaced.

    Raises WrongInput where there is none, it never was champion, or it learned from images that were forgotten.
    """
    if state.champion is None:
        raise WrongInput("There is no champion to roll back from; kaizen improve makes one")
    wanted = _before(state, state.champion.model) if iteration is None else _champion_of(state, iteration)
    assert wanted.switched is not None, "both only give iterations whose model was champion"
    if wanted.switched.model in state.models_to_replace:
        raise WrongInput(
            f"The model of iteration {wanted.number} learned from images that were forgotten since; name another one"
        )
    return WayBack(
        iteration=wanted.number, model=wanted.switched.model, model_deployment=wanted.switched.model_deployment
    )


def _before(state: LoopState, champion: str) -> Iteration:
    present = _made_champion(state, champion)
    before = present.switched.previous if present and present.switched else None
    found = _made_champion(state, before) if before else None
    if found is None:
        raise WrongInput("The champion is the first one; there is none before it to roll back to")
    return found


def _made_champion(state: LoopState, model: str) -> Iteration | None:
    return next((each for each in reversed(state.iterations) if each.switched and each.switched.model == model), None)


def _champion_of(state: LoopState, number: int) -> Iteration:
    champions = {each.number: each for each in state.iterations if each.switched}
    if number not in champions:
        known = ", ".join(map(str, champions))
        raise WrongInput(f"No model of iteration {number} was ever champion; name one of {known}")
    return champions[number]


def overtaken(entries: Sequence[LedgerEntry], iteration: int) -> bool:
    """Whether production was rolled back after the last decision or answer about the challenger of *iteration*."""
    decided = [
        each.number for each in entries if each.iteration == iteration and isinstance(each.event, Decided | Approved)
    ]
    back = [each.number for each in entries if isinstance(each.event, RolledBack)]
    return bool(back) and max(back) > max(decided, default=-1)


def last_turn_was_back(entries: Sequence[LedgerEntry]) -> RolledBack | None:
    """The roll-back that made the present champion; None where a swap did."""
    turns = (each.event for each in reversed(entries) if isinstance(each.event, ChampionSwitched | RolledBack))
    last = next(turns, None)
    return last if isinstance(last, RolledBack) else None


def recipe(entries: Sequence[LedgerEntry], name: str) -> Recipe:
    """How the model deployment *name* was made last; raises WrongInput, with the names known, where it never was."""
    made = {
        each.event.name: Recipe(iteration=each.iteration or 0, intended=each.event)
        for each in entries
        if isinstance(each.event, ModelDeploymentIntended)
    }
    if name not in made:
        known = f"the ledger knows {', '.join(sorted(made))}" if made else "the ledger knows none"
        raise WrongInput(f"No model deployment of this loop was ever called {name}; {known}")
    return made[name]


def expected_minutes(entries: Sequence[LedgerEntry]) -> Expected:
    """How long it takes until a fine-tuned model answers: the median of this loop's own, else Azure's usual time."""
    intended, took = {}, []
    for each in entries:
        if isinstance(each.event, ModelDeploymentIntended) and is_fine_tuned(each.event.model):
            intended[each.event.name] = each.time
        elif isinstance(each.event, ModelDeploymentCreated) and each.event.name in intended:
            took.append((each.time - intended.pop(each.event.name)).total_seconds() / 60)
    if not took:
        return Expected(minutes=USUAL_MINUTES, basis="Azure's usual time")
    return Expected(minutes=median(took), basis=f"median of {len(took)} of this loop")

"""What the next run of a loop would do, buy and delete; it asks the account, and changes nothing."""

from pydantic import Field

from data_contracts.images import Dataset, Split
from data_contracts.ledger import IterationOpened, TrainingFinished
from data_contracts.policies import TrainingPolicy
from data_contracts.prices import current_prices
from data_contracts.record import Record
from data_contracts.training import JobStatus, is_fine_tuned
from decisions.gate.overrides import overrides_to_review
from decisions.held_out import budget_in_words, discordance_seen, uses_after
from decisions.loop_state import Iteration, LoopState
from decisions.training.budget import Limit, Spent, limits, over_budget, spent
from decisions.training.forecast import Forecast
from decisions.training.model_choice import ModelVerdict
from decisions.training.next_iteration import plan_iteration
from decisions.training.preflight import Preflight
from decisions.training.tokens import counts_exactly
from decisions.upkeep import Ahead, deletions_ahead
from tasks.datasets import frozen_dataset, planned_dataset
from tasks.iterations import opening
from tasks.loop import Loop, Turn
from tasks.pausing import pause_in_force, told
from tasks.training.forecasting import forecast_from
from tasks.training.model_choice import verdict_on
from tasks.training.training_files import check_fit, prepare


class NextRun(Record):
    """What the next run of `improve_model` would do; a field that is None does not apply."""

    does: str = Field(description="In a few words.")
    why: str
    paused: str = Field("", description="Who paused the loop, when and why; empty while it is not paused.")
    iteration: int | None = Field(None, description="The one that is open, or that would be opened.")
    parent: str | None = Field(None, description="Model that training starts from.")
    continues: bool = Field(default=False, description="Whether that is a fine-tuned model, not the base model.")
    buys: tuple[str, ...] = Field((), description="Of training, evaluation and hosting, what is still to be bought.")
    forecast: Forecast | None = None
    texts_counted: bool = Field(default=True, description="Whether text tokens are counted, not estimated.")
    fit: Preflight | None = None
    model: ModelVerdict = ModelVerdict()
    deletes: tuple[Ahead, ...] = ()
    spent: Spent
    budget: tuple[Limit, ...] = ()
    overrides: tuple[str, ...] = Field((), description="Promotions by a person that are to be looked at again.")
    held_out: str = Field("", description="Which gains promote by themselves on the held-out images there are.")
    refusals: tuple[str, ...] = Field((), description="Why the run would stop before it buys anything.")

    @property
    def usd(self) -> float:
        """US dollars that are still to be spent."""
        return sum(self.forecast.usd_of(what) for what in self.buys) if self.forecast else 0.0


class _Step(Record):
    does: str
    why: str
    iteration: int | None
    opened: IterationOpened = Field(description="As it is in the ledger, or would be.")
    buys: tuple[str, ...]


ALL: tuple[str, ...] = ("training", "evaluation", "hosting")
AFTER_TRAINING: tuple[str, ...] = ("evaluation", "hosting")


def plan_next(loop: Loop, policy: TrainingPolicy) -> NextRun:
    """What the next run would do under *policy*, by the ledger, the images and the account as they are now."""
    state = loop.state()
    step = _step(loop, state, policy)
    gone = spent(state, current_prices(), loop.now())
    budget = limits(policy.budget, gone, step.iteration or len(state.iterations) + 1)
    plan = NextRun(
        does=step.does,
        why=step.why,
        paused=_paused(loop),
        iteration=step.iteration,
        parent=step.opened.parent,
        continues=is_fine_tuned(step.opened.parent),
        buys=step.buys,
        texts_counted=counts_exactly(),
        deletes=deletions_ahead(state, loop.name),
        overrides=overrides_to_review(state, loop.now()),
        spent=gone,
        budget=budget,
    )
    measured = _measured(loop, state, policy, step.opened, plan)
    stops = (f"{plan.paused}; go on with kaizen resume",) if plan.paused else ()
    return measured.model_copy(update={"refusals": (*stops, *measured.refusals)})


def _paused(loop: Loop) -> str:
    pause = pause_in_force(loop)
    return told(loop.name, pause) if pause else ""


def _step(loop: Loop, state: LoopState, policy: TrainingPolicy) -> _Step:
    if state.open_iteration is not None:
        return _open_step(state.open_iteration, policy)
    plan = plan_iteration(state, policy, loop.contract, loop.prompt)
    number = len(state.iterations) + 1
    opened = opening(state, number, plan)
    if not plan.worthwhile:
        return _Step(does="find nothing to learn from", why=plan.reason, iteration=None, opened=opened, buys=())
    return _Step(does=f"open iteration {number}", why=plan.reason, iteration=number, opened=opened, buys=ALL)


def _open_step(open_one: Iteration, policy: TrainingPolicy) -> _Step:
    """Where an open iteration stands, and what of it is not bought yet."""
    does, buys = f"continue iteration {open_one.number}", ALL
    why = f"it is open, and its job is not bought yet: {open_one.opened.reason}"
    if open_one.asks_a_person and open_one.decided:
        does, buys = f"wait for a person's answer on iteration {open_one.number}", ()
        why = f"{open_one.decided.reason}; answer with kaizen approve {open_one.number}"
    elif open_one.decided:
        buys, why = (), "it is decided, and has to be carried out"
    elif open_one.finished:
        buys, why = _after_the_job(open_one.finished, policy)
    elif open_one.intended:
        buys, why = AFTER_TRAINING, f"its job {open_one.intended.suffix} is bought, or about to be, and has not ended"
    return _Step(does=does, why=why, iteration=open_one.number, opened=open_one.opened, buys=buys)


def _after_the_job(finished: TrainingFinished, policy: TrainingPolicy) -> tuple[tuple[str, ...], str]:
    if finished.status is JobStatus.SUCCEEDED:
        return AFTER_TRAINING, f"its job {finished.job} has ended well, and its model is to be judged"
    if finished.may_be_bought_again(policy.attempts):
        return ALL, f"its job {finished.job} {finished.status}; another of {policy.attempts} attempts is due"
    return (), f"its job {finished.job} {finished.status}, and all {policy.attempts} attempts are used up"


def _measured(loop: Loop, state: LoopState, policy: TrainingPolicy, opened: IterationOpened, plan: NextRun) -> NextRun:
    """The plan with forecast, limits and model facts, as far as there are images to measure."""
    if plan.iteration is not None and not plan.buys:
        return plan
    dataset = _dataset(loop, state, opened, policy)
    if not dataset.of(Split.TRAIN):
        return plan
    files = prepare(loop, dataset, policy, None)
    made = forecast_from(loop, state, dataset, files[0].written.examples, opened, policy)
    fit = check_fit(loop, files, policy, made.epochs)
    model = verdict_on(loop, opened.parent, policy)
    held_out = _held_out(loop, state, dataset)
    measured = plan.model_copy(update={"forecast": made, "fit": fit, "model": model, "held_out": held_out})
    return measured.model_copy(update={"refusals": _refusals(measured)})


def _held_out(loop: Loop, state: LoopState, dataset: Dataset) -> str:
    images = state.held_out.images if state.held_out else len(dataset.of(Split.HELD_OUT))
    left = uses_after(state, state.held_out) if state.held_out else None
    return budget_in_words(images, loop.settings.promotion, discordance_seen(state.iterations), left)


def _dataset(loop: Loop, state: LoopState, opened: IterationOpened, policy: TrainingPolicy) -> Dataset:
    open_one = state.open_iteration
    if open_one is None or open_one.dataset is None:
        return planned_dataset(loop, state, opened, policy).dataset
    return frozen_dataset(loop, Turn(folder=str(loop.folder), iteration=open_one.number, fence=0))


def _refusals(plan: NextRun) -> tuple[str, ...]:
    """What would stop a purchase of training, in the order in which the run meets it."""
    if plan.iteration is None or "training" not in plan.buys:
        return ()
    fit = None if plan.fit is None or plan.fit.fits else plan.fit.problems
    found = (plan.model.refusal, over_budget(plan.usd, plan.budget), fit)
    return tuple(each for each in found if each)

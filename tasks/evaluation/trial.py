"""The trial of a successor: another base model on the same held-out images, beside the models that the loop knows."""

from collections.abc import Iterator, Sequence

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from cloud.errors import CloudUnavailable
from data_contracts.errors import WrongInput
from data_contracts.evaluation import Evaluation, Outcome
from data_contracts.ledger import (
    AnswerTable,
    Evaluated,
    Event,
    HeldOutLookedAt,
    HeldOutVersionMade,
    LedgerEntry,
    SuccessorTried,
)
from data_contracts.models import current_models
from data_contracts.record import Record
from data_contracts.training import is_fine_tuned
from decisions.gate.pairing import paired
from decisions.held_out import uses_after
from decisions.intervals import tango, wilson
from decisions.loop_state import LoopState, state_of
from decisions.training.model_choice import is_baseline
from tasks.contender import Contender
from tasks.datasets import held_out_images
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.evaluation.answer_progress import ask_and_tell
from tasks.evaluation.evaluation import answers_folder, book_answers, known_evaluation
from tasks.evaluation.stored_answers import store_answers, stored_answers, stored_evaluation
from tasks.loop import Loop, Turn, connect
from tasks.model_deployments import deploy, remove
from tasks.pausing import check_not_paused
from tasks.retrying import PATIENTLY
from tasks.training.model_choice import offered_models


class BesideTrial(Record):
    """One of the loop's models on the same held-out version, and how the successor compares with it, image by image."""

    role: str
    model: str
    correct: int
    wins: int
    losses: int
    gain: tuple[float, float]


class Trial(Record):
    """What a successor answered, and beside whom; a report, never a promotion."""

    model: str
    version: str
    images: int
    correct: int
    interval: tuple[float, float]
    beside: tuple[BesideTrial, ...]
    uses_left: int
    known: bool

    @property
    def lines(self) -> tuple[str, ...]:
        """The trial in sentences."""
        low, high = self.interval
        share = self.correct / self.images
        first = (
            f"{self.model}: right on {self.correct:,} of {self.images:,} held-out examples ({share:.1%}, 95 % interval "
            f"{low:.1%} to {high:.1%}), as it comes, without fine-tuning"
        )
        return (first, *(_against(each, self.images) for each in self.beside), self._look)

    @property
    def _look(self) -> str:
        left, version = self.uses_left, f"the held-out version {self.version[:12]}"
        uses = "no use is" if not left else f"{left} use{'s are' if left > 1 else ' is'}"
        if self.known:
            return f"It had answered {version} already, so no look was counted: {uses} left. Nothing was promoted."
        return f"It counts as one look at {version}, however often it is run: {uses} left. Nothing was promoted."


@task(**PATIENTLY)
def check_successor(folder: str, model: str) -> None:
    """Raise WrongInput for a model that is no base model, that the account does not have, or that has retired.

    Raises LoopPaused while the loop is paused.
    """
    loop = connect(folder)
    check_not_paused(loop)
    known, today = current_models(), loop.now().date()
    if is_fine_tuned(model):
        raise WrongInput(f"{model} is fine-tuned; a trial is for base models, such as {', '.join(known.models)}")
    if loop.state().held_out is None:
        raise WrongInput(f"{loop.name} has no held-out version yet; run kaizen improve first")
    loop.foundry.check_account()
    offered = offered_models(loop)
    names = {*known.models, *(each.name for each in offered)}
    usable = sorted(name for name in names if is_baseline(name, known, offered, today))
    if model not in usable:
        why = "cannot be deployed any more" if model in names else "is not a model that is known"
        raise WrongInput(f"{model!r} {why}; these can be tried: {', '.join(usable) or 'none'}")


def ask_successor(folder: str, fence: int, model: str) -> None:
    """Ask the model, unless the version in force has its answers already: in that case nothing new is looked at."""
    loop = connect(folder)
    if _tried(loop.state(), model) is not None or reuse_answers(folder, fence, model):
        return
    take_look(folder, fence, model)
    deploy(_turn(loop, fence), _name(loop), model)
    record_answers(folder, fence, model)


@task(**PATIENTLY)
def reuse_answers(folder: str, fence: int, model: str) -> bool:
    """Take the answers that an iteration bought from the model as the trial's; whether there are any."""
    loop = connect(folder)
    state = loop.state()
    known = known_evaluation(loop, state.iterations, _version(state), _contender(loop, model))
    if known is None:
        return False
    fields = known.model_dump(include=set(AnswerTable.model_fields))
    tried = SuccessorTried(version=known.version, model=model, known=True, **fields)
    loop.ledger.write(loop.authorship(fence=fence), None, tried)
    return True


@task(**PATIENTLY)
def take_look(folder: str, fence: int, model: str) -> None:
    """Count the look at the held-out version in the ledger, before anything is asked; a repeated trial is free."""
    loop = connect(folder)

    def unless_counted(entries: Sequence[LedgerEntry]) -> tuple[None, Event] | None:
        state = state_of(entries)
        version = _version(state).version
        if any(look.version == version and look.challenger == model for look in state.looks):
            return None
        champion = state.champion.model if state.champion else None
        return None, HeldOutLookedAt(version=version, champion=champion, challenger=model)

    loop.ledger.append(loop.authorship(fence=fence), unless_counted)


@task(**PATIENTLY)
def record_answers(folder: str, fence: int, model: str) -> None:
    """Ask what was not asked yet, and write into the ledger what came of it; raises CloudUnavailable to ask again."""
    loop = connect(folder)
    version, contender = _version(loop.state()), _contender(loop, model)
    where = answers_folder(loop, version.version[:16], contender)
    journal = AnswerJournal(loop.store, where)
    answers = list(ask_and_tell(loop, contender, held_out_images(loop, version), journal).values())
    failed = [answer for answer in answers if answer.outcome is Outcome.FAILED]
    if len(failed) > loop.settings.promotion.largest_failure_share * len(answers):
        raise CloudUnavailable(f"{len(failed)} of {len(answers)} answers of {model} were lost: {failed[0].failure}")
    table = store_answers(loop, f"{where}/trial.parquet", answers)
    subject = f"trial of {model} on held-out version {version.version[:12]}"
    book_answers(loop, Turn(folder=folder, iteration=0, fence=fence), contender, answers, subject)
    tried = SuccessorTried(version=version.version, model=model, **table.model_dump())
    loop.ledger.write(loop.authorship(fence=fence), None, tried)
    journal.clear()


@task(**PATIENTLY)
def finish_trial(folder: str, fence: int, model: str) -> None:
    """Delete the model deployment of the trial."""
    loop = connect(folder)
    live = loop.state().deployments.get(_name(loop))
    if live is not None:
        remove(loop, _turn(loop, fence), live, f"the trial of {model} has ended")


@task(**PATIENTLY)
def publish_trial(folder: str, model: str) -> Trial:
    """Show the trial on the run; returns it."""
    loop = connect(folder)
    trial = trial_of(loop, model)
    for line in trial.lines:
        get_run_logger().info(line)
    create_markdown_artifact("\n\n".join(trial.lines), key=f"{loop.name}-trial", description=f"Trial of {model}")
    rows = [
        {"beside": each.role, "model": each.model, "right": each.correct, "won": each.wins, "lost": each.losses}
        for each in trial.beside
    ]
    create_table_artifact(rows, key=f"{loop.name}-trial-beside", description=f"{model} against the loop's models")
    return trial


def trial_of(loop: Loop, model: str) -> Trial:
    """The trial of *model* on the version in force, from the ledger and the store."""
    state = loop.state()
    tried = _tried(state, model)
    if tried is None:
        raise WrongInput(f"{model} was not tried on the held-out version in force")
    answers = Evaluation(
        model=model, held_out_version=tried.version, answers=stored_answers(loop, tried.path, tried.digest)
    )
    return Trial(
        model=model,
        version=tried.version,
        images=tried.images,
        correct=answers.correct,
        interval=wilson(answers.correct, tried.images),
        beside=tuple(
            _beside(role, stored_evaluation(loop, each), answers)
            for role, each in _others(state, tried.version)
            if each.model != model
        ),
        uses_left=uses_after(state, _version(state)),
        known=tried.known,
    )


def _others(state: LoopState, version: str) -> Iterator[tuple[str, Evaluated]]:
    """The champion and the base models that answered the same version, the latest answers of each."""
    champion = state.champion.model if state.champion else None
    latest = {
        each.model: each for turn in state.iterations for each in turn.evaluations.values() if each.version == version
    }
    for model, evaluated in latest.items():
        if model == champion:
            yield "champion", evaluated
        elif not is_fine_tuned(model):
            yield "base model", evaluated


def _beside(role: str, other: Evaluation, successor: Evaluation) -> BesideTrial:
    pairs = paired(other, successor)
    wins = sum(pair.challenger_right and not pair.champion_right for pair in pairs)
    losses = sum(pair.champion_right and not pair.challenger_right for pair in pairs)
    gain = tango(len(pairs), losses, wins)
    return BesideTrial(role=role, model=other.model, correct=other.correct, wins=wins, losses=losses, gain=gain)


def _against(each: BesideTrial, images: int) -> str:
    low, high = each.gain
    return (
        f"Beside the {each.role} {each.model} ({each.correct / images:.1%}): won {each.wins:,}, lost {each.losses:,}, "
        f"a difference of {100 * low:+.1f} to {100 * high:+.1f} points (95 % interval)"
    )


def _tried(state: LoopState, model: str) -> SuccessorTried | None:
    version = _version(state).version
    found = (each for each in state.trials if (each.model, each.version) == (model, version))
    return next(found, None)


def _version(state: LoopState) -> HeldOutVersionMade:
    assert state.held_out is not None, "a trial begins with a check that there is a held-out version"
    return state.held_out


def _contender(loop: Loop, model: str) -> Contender:
    return Contender(model=model, model_deployment=_name(loop), detail=loop.settings.training.detail)


def _name(loop: Loop) -> str:
    return f"{loop.name}-trial"


def _turn(loop: Loop, fence: int) -> Turn:
    """The newest iteration: a trial belongs to none, but what it buys has to be found in one."""
    return Turn(folder=str(loop.folder), iteration=len(loop.state().iterations), fence=fence)

"""`improve_model`: one turn of the loop, re-entrant: it takes up the open iteration where it stands."""

from typing import Literal, cast

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import Field

from cloud import lease
from cloud.errors import LeaseHeld
from data_contracts.evaluation import Action
from data_contracts.ledger import Approved, Decided, Outcome, TrainingFinished
from data_contracts.policies import PromotionPolicy, TrainingPolicy
from data_contracts.record import Record
from data_contracts.training import JobStatus
from decisions.training.training_progress import failure_reason
from tasks.contender import Contender
from tasks.datasets import freeze_dataset, held_out_in_force
from tasks.evaluation.batches import ask_by_batch
from tasks.evaluation.evaluation import evaluate
from tasks.evaluation.local_baseline import measure_local_baseline
from tasks.evaluation.validation import ask_validation
from tasks.gate.approval_form import ask_on_form, form_that_waits, take_answer, withdraw_forms
from tasks.gate.approvals import approval
from tasks.gate.evidence_pack import publish_evidence
from tasks.gate.promotion import decide
from tasks.iterations import close_iteration, take_up_iteration
from tasks.loop import Turn, connect
from tasks.model_deployments import delete_dispensable
from tasks.pausing import LoopPaused, check_not_paused
from tasks.reporting.costs import publish_costs
from tasks.reporting.reports import publish_iteration, publish_missing_report
from tasks.swap.challenger import decided_before, deploy_challenger, deploy_for_production
from tasks.swap.pointer import switch_champion
from tasks.swap.same_answers import compare_answers
from tasks.training.following import Overdue, follow_training
from tasks.training.forecasting import allow_purchase
from tasks.training.model_choice import champion_or_base, check_model, refusal_meanwhile
from tasks.training.trained_job import choose_best_checkpoint, reconcile_training
from tasks.training.training_files import upload_training_files
from tasks.training.training_jobs import submit_training


class Result(Record):
    """How far a run came, and why it stopped there."""

    status: Outcome | Literal["nothing to learn from", "another run is at work", "waits for a person", "paused"]
    iteration: int | None
    reason: str
    form: str | None = Field(None, description="Name of the run whose form in the Prefect UI waits for the person.")

    @property
    def told(self) -> str:
        """All of it in one line."""
        return (
            f"{self.status}: {self.reason}"
            if self.iteration is None
            else (f"Iteration {self.iteration}: {self.status}: {self.reason}")
        )


@flow(name="improve_model", persist_result=False)
def improve_model(
    folder: str = ".", training: TrainingPolicy | None = None, promotion: PromotionPolicy | None = None
) -> Result:
    """Move the loop in *folder* one turn forward; policies left empty come from its kaizen.toml."""
    loop = connect(folder)
    try:
        with lease.held(loop.store, loop.name, f"improve_model {flow_run.name}") as held:
            policies = training or loop.settings.training, promotion or loop.settings.promotion
            result = unless_paused(folder, held.fence, *policies)
    except LeaseHeld as holder:
        result = Result(status="another run is at work", iteration=None, reason=str(holder))
    # Prefect takes a state for what it holds; its message is what the UI shows of the run.
    return cast("Result", Completed(message=result.told, data=result))


def unless_paused(folder: str, fence: int, training: TrainingPolicy, promotion: PromotionPolicy) -> Result:
    """Move forward, or stand still where the loop is paused or was paused on the way."""
    while True:
        try:
            check_not_paused(connect(folder))
            return move_forward(folder, fence, training, promotion)
        except LoopPaused as pause:
            reason = str(pause)
        if not job_has_ended(folder, fence, training):
            open_one = connect(folder).state().open_iteration
            return Result(status="paused", iteration=open_one.number if open_one else None, reason=reason)


def job_has_ended(folder: str, fence: int, training: TrainingPolicy) -> bool:
    """Follow the job that is under way, which buys nothing; False where there is none, or it is late."""
    open_one = connect(folder).state().open_iteration
    if open_one is None or open_one.submitted is None or open_one.finished is not None:
        return False
    turn = Turn(folder=folder, iteration=open_one.number, fence=fence)
    return not isinstance(follow_training(turn, open_one.submitted, training), Overdue)


def move_forward(folder: str, fence: int, training: TrainingPolicy, promotion: PromotionPolicy) -> Result:
    """Take up the open iteration or open one if that is worth it, then delete what nobody needs any more."""
    check_model(folder, training)
    taken = take_up_iteration(folder, fence, training)
    if taken.iteration is None:
        publish_missing_report(folder, fence)
        result = Result(status="nothing to learn from", iteration=None, reason=taken.reason)
    else:
        result = take_turn(Turn(folder=folder, iteration=taken.iteration, fence=fence), training, promotion)
    delete_dispensable(folder, fence, promotion.keep_previous_hours)
    if result.iteration is not None and result.status != "waits for a person":
        publish_costs(folder)
    return result


def take_turn(turn: Turn, training: TrainingPolicy, promotion: PromotionPolicy) -> Result:
    """Dataset, fine-tuning, challenger, evaluation, decision; each step finds out whether it was done already."""
    decided_then = decided_before(turn)
    if decided_then is not None:
        decided, evaluated_on = decided_then
        known = Contender(model=decided.challenger, model_deployment=evaluated_on, detail=training.detail)
        return carry_out(turn, decided, known, promotion)
    freeze_dataset(turn, training)
    version = held_out_in_force(turn, promotion)
    refused = refusal_meanwhile(turn, training)
    if refused is not None:
        return ended(turn, "training failed", refused)
    trained = train(turn, training)
    if isinstance(trained, Overdue):
        return Result(status="waits for a person", iteration=turn.iteration, reason=trained.reason)
    if trained.status is not JobStatus.SUCCEEDED:
        return ended(turn, "training failed", failure_reason(trained.job, trained.status, trained.problem))
    reconciled = reconcile_training(turn, trained, training)
    if reconciled.stops:
        return ended(turn, "training incomplete", reconciled.reason)
    chosen = choose_best_checkpoint(turn, trained.job).checkpoint
    champion = champion_or_base(turn, training)
    if champion:
        ask_by_batch(turn, version, champion, promotion)  # takes hours, for which no challenger is to be paid
    name = deploy_challenger(turn, chosen.model)
    challenger = Contender(model=chosen.model, model_deployment=name, detail=training.detail)
    ask_validation(turn, challenger, promotion)
    before = evaluate(turn, version, champion, promotion) if champion else None
    measure_local_baseline(turn, version, promotion)
    pair = (champion.model if champion else None, challenger.model)
    after = evaluate(turn, version, challenger, promotion, pair)
    decided = decide(turn, version, before, after, promotion)
    return carry_out(turn, decided, challenger, promotion)


def train(turn: Turn, policy: TrainingPolicy) -> TrainingFinished | Overdue:
    """The fine-tuning job that ended well, or the last one that the policy's attempts allow, or one that is late."""
    allow_purchase(turn, policy)
    files = upload_training_files(turn, policy)
    while True:
        submitted = submit_training(turn, files, policy)
        finished = follow_training(turn, submitted, policy)
        if isinstance(finished, Overdue) or not finished.may_be_bought_again(policy.attempts):
            return finished
        allow_purchase(turn, policy)


def carry_out(turn: Turn, decided: Decided, challenger: Contender, promotion: PromotionPolicy) -> Result:
    """Act on the gate's verdict, or on the person's answer where it asked for one."""
    action, reason = decided.action, decided.reason
    if decided.dry_run:
        told = (
            "dry run: training and answers were bought and the look was counted, but nobody is promoted, and the next "
            "iteration waits for new images; "
            f"the gate says {decided.code}: {reason}"
        )
        return ended(turn, "kept the champion", told)
    if action is Action.ASK:
        answer, amiss = answer_of_a_person(turn, promotion)
        if answer is None:
            return waits(turn, reason)
        action = Action.PROMOTE if answer.yes else Action.KEEP
        reason = f"{reason}; answered {'yes' if answer.yes else 'no'}: {answer.reason}{amiss}"
    if action is Action.PROMOTE:
        if swap(turn, challenger, promotion):
            return ended(turn, "promoted", reason)
        reason = f"{reason}; but production was rolled back since, to another model than the one it was compared with"
    return ended(turn, "kept the champion", reason)


def swap(turn: Turn, challenger: Contender, promotion: PromotionPolicy) -> bool:
    """Production's tier, the same answers as evaluated, then the pointer; only the last where both tiers are one.

    Whether the challenger became champion: not where production was rolled back meanwhile.
    """
    deployed = deploy_for_production(turn, challenger)
    if deployed.model_deployment != challenger.model_deployment:
        compare_answers(turn, deployed, promotion)
    return switch_champion(turn, deployed) is not None


def answer_of_a_person(turn: Turn, promotion: PromotionPolicy) -> tuple[Approved | None, str]:
    """The answer, asked for on a form where there is one; None while nobody gave it, and what else was answered."""
    amiss = take_answer(turn)
    answer = approval(turn)
    if answer is not None:
        withdraw_forms(turn)
        return answer, f"; {amiss}" if amiss else ""
    if form_that_waits(turn) is None:
        publish_iteration(turn)
        publish_evidence(turn)
        ask_on_form(turn, promotion.approval_days, amiss)
    return None, ""


def waits(turn: Turn, reason: str) -> Result:
    """Tell where the answer is waited for."""
    form = form_that_waits(turn)
    if form is not None:
        reason = (
            f"{reason}; run {form} waits for the answer: Resume in the Prefect UI (V2: behind the three dots), "
            f'or kaizen approve {turn.iteration} --yes|--no --why "…"'
        )
    return Result(status="waits for a person", iteration=turn.iteration, reason=reason, form=form)


def ended(turn: Turn, outcome: Outcome, reason: str) -> Result:
    """Close the iteration and publish its report."""
    close_iteration(turn, outcome, reason)
    publish_iteration(turn)
    publish_evidence(turn)
    return Result(status=outcome, iteration=turn.iteration, reason=reason)

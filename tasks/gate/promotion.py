"""Letting the gate decide, carrying out what it or a person decided."""

from prefect import get_run_logger, task

from cloud.errors import CloudUnavailable
from data_contracts.evaluation import Action, PairedAnswer
from data_contracts.ledger import (
    ChampionSwitched,
    Decided,
    Evaluated,
    HeldOutVersionMade,
)
from data_contracts.policies import PromotionPolicy
from data_contracts.record import Record
from decisions.gate.pairing import paired
from decisions.promotion import decide_promotion, decide_without_comparison
from tasks.contender import Contender
from tasks.evaluation.looks import count_look, uses_after
from tasks.evaluation.stored_answers import stored_evaluation
from tasks.gate.gate_evidence import Compared, budget_remarks, gather, local_baseline
from tasks.loop import Turn, connect
from tasks.pausing import check_may_act
from tasks.retrying import PATIENTLY
from tasks.tables import to_parquet


class Champion(Record):
    """What readers of champion.json find; only a projection of the ledger."""

    loop: str
    model: str
    model_deployment: str
    iteration: int
    ledger_head: str


@task(**PATIENTLY)
def decide(
    turn: Turn, version: HeldOutVersionMade, champion: Evaluated | None, challenger: Evaluated, policy: PromotionPolicy
) -> Decided:
    """Let the gate decide on the paired answers; the look at the held-out set is in the ledger by then.

    Without a *champion* to compare with, a person is asked. Raises CloudUnavailable when the evaluation does not
    count and has to be made again; no use is spent.
    """
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.decided is not None:
        return iteration.decided
    after = Compared(challenger, stored_evaluation(loop, challenger))
    before = Compared(champion, stored_evaluation(loop, champion)) if champion else None
    evidence = gather(loop, turn, version, (before, after), policy) if before else None
    if evidence is None:
        local = local_baseline(loop, iteration, version, after.answers)
        verdict = decide_without_comparison(after.answers, version.images, policy, local)
    else:
        verdict = decide_promotion(evidence, policy)
    if verdict.action is Action.RERUN:
        raise CloudUnavailable(f"Iteration {turn.iteration} cannot be decided: {verdict.reason}")
    count_look(loop, turn, version, (champion.model if champion else None, challenger.model))
    if before:
        pairs = to_parquet(paired(before.answers, after.answers), PairedAnswer)
        loop.store.put(loop.iteration_path(turn.iteration, "evaluation.parquet"), pairs)
    decided = Decided(
        code=verdict.code,
        action=verdict.action,
        reason=verdict.reason,
        champion=champion.model if champion else None,
        challenger=challenger.model,
        n=evidence.n if evidence else version.images,
        losses=evidence.losses if evidence else 0,
        wins=evidence.wins if evidence else 0,
        p_superior=verdict.p_superior,
        p_harm=verdict.p_harm,
        p_noninferior=verdict.p_noninferior,
        interval=verdict.interval,
        class_tests=verdict.class_tests if loop.contract.tells_classes else (),
        alpha_per_use=version.alpha_per_use,
        uses_left=uses_after(loop.state(), version),
        failure_share=max(each.answers.failure_share for each in (before, after) if each),
        policy=policy.model_dump(mode="json"),
        dry_run=policy.dry_run,
        worse_batches=evidence.worse_cohorts if evidence else (),
        harmed=verdict.harmed,
        warned=verdict.warned,
        remarks=(*verdict.remarks, *budget_remarks(loop.state(), version, policy)),
    )
    loop.record(turn, decided)
    get_run_logger().info("%s: %s", decided.code, decided.reason)
    return decided


@task(**PATIENTLY)
def swap(turn: Turn, contender: Contender) -> ChampionSwitched:
    """Make the contender the champion: the ledger says so, champion.json follows."""
    loop = connect(turn.folder)
    switched = loop.iteration(turn.iteration).switched
    if switched is None:
        check_may_act(loop, turn.fence)
        before = loop.state().champion
        switched = ChampionSwitched(
            model=contender.model,
            model_deployment=contender.model_deployment,
            previous=before.model if before else None,
            previous_model_deployment=before.model_deployment if before else None,
        )
        loop.record(turn, switched)
    pointer = Champion(
        loop=loop.name,
        model=switched.model,
        model_deployment=switched.model_deployment,
        iteration=turn.iteration,
        ledger_head=loop.ledger.head,
    )
    loop.store.put(loop.path("champion.json"), pointer.model_dump_json(indent=2).encode())
    return switched

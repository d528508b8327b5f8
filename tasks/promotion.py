"""Letting the gate decide, carrying out what it or a person decided."""

from collections.abc import Sequence

from prefect import get_run_logger, task

from cloud.errors import CloudUnavailable
from data_contracts.evaluation import Action, Evaluation, PairedAnswer, PromotionEvidence
from data_contracts.ledger import (
    Actor,
    Approved,
    ChampionSwitched,
    Decided,
    Evaluated,
    HeldOutLookedAt,
    HeldOutVersionMade,
    LedgerEntry,
)
from data_contracts.policies import PromotionPolicy
from data_contracts.record import Record
from decisions.gate.continual import worse_cohorts
from decisions.gate.pairing import by_cohort, paired, promotion_evidence
from decisions.held_out import retired
from decisions.loop_state import Iteration, state_of
from decisions.promotion import decide_promotion, decide_without_comparison
from tasks.datasets import held_out_images
from tasks.evaluation import Contender, stored_evaluation
from tasks.loop import Loop, Turn, connect
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
    """Let the gate decide on the paired answers; the look at the held-out set is counted before anyone learns it.

    Without a *champion* to compare with, a person is asked. Raises CloudUnavailable when the evaluation does not
    count and has to be made again; no use is spent.
    """
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.decided is not None:
        return iteration.decided
    new, evidence = stored_evaluation(loop, challenger), None
    if champion is None:
        verdict = decide_without_comparison(new, version.images, policy)
    else:
        evidence = _evidence(loop, turn, version, stored_evaluation(loop, champion), new)
        verdict = decide_promotion(evidence, policy)
    if verdict.action is Action.RERUN:
        raise CloudUnavailable(f"Iteration {turn.iteration} cannot be decided: {verdict.reason}")
    if iteration.looked is None:
        before = champion.model if champion else None
        look = HeldOutLookedAt(version=version.version, champion=before, challenger=challenger.model)
        loop.record(turn, look)
    decided = Decided(
        code=verdict.code,
        action=verdict.action,
        reason=verdict.reason,
        champion=champion.model if champion else None,
        challenger=challenger.model,
        n=version.images,
        losses=evidence.losses if evidence else 0,
        wins=evidence.wins if evidence else 0,
        p_superior=verdict.p_superior,
        interval=verdict.interval,
        alpha_per_use=version.alpha_per_use,
        policy=policy.model_dump(mode="json"),
        worse_batches=_worse_batches(loop, version, stored_evaluation(loop, champion), new) if champion else (),
    )
    loop.record(turn, decided)
    get_run_logger().info("%s: %s", decided.code, decided.reason)
    return decided


def _evidence(
    loop: Loop, turn: Turn, version: HeldOutVersionMade, old: Evaluation, new: Evaluation
) -> PromotionEvidence:
    """What the gate looks at; the paired answers are kept with the iteration."""
    pairs = to_parquet(paired(old, new), PairedAnswer)
    loop.store.put(loop.iteration_path(turn.iteration, "evaluation.parquet"), pairs)
    return promotion_evidence(
        old,
        new,
        images=version.images,
        uses_left=_uses_left(loop, version, loop.iteration(turn.iteration)),
        alpha_per_use=version.alpha_per_use,
        group_of={image.digest: image.group for image in held_out_images(loop, version)},
    )


def _worse_batches(loop: Loop, version: HeldOutVersionMade, before: Evaluation, after: Evaluation) -> tuple[str, ...]:
    """Batches whose held-out images the challenger answers worse than the model before it."""
    batch_of = {image.digest: image.source.partition("/")[0] for image in held_out_images(loop, version)}
    return worse_cohorts(by_cohort(before, after, batch_of))


def _uses_left(loop: Loop, version: HeldOutVersionMade, iteration: Iteration) -> int:
    """Looks that are left, this one among them; none once the version is retired and no reserve could follow it."""
    state = loop.state()
    if retired(state, loop.now()):
        return 0
    return version.uses - state.uses_spent + (iteration.looked is not None)


@task(**PATIENTLY)
def approval(turn: Turn) -> Approved | None:
    """What a person answered, or None while nobody has."""
    return connect(turn.folder).iteration(turn.iteration).approved


@task(**PATIENTLY)
def swap(turn: Turn, contender: Contender) -> ChampionSwitched:
    """Make the contender the champion: the ledger says so, champion.json follows."""
    loop = connect(turn.folder)
    switched = loop.iteration(turn.iteration).switched
    if switched is None:
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


def approve(loop: Loop, iteration: int, *, yes: bool, reason: str, actor: Actor) -> bool:
    """Write a person's answer into the ledger; False when the iteration waits for no answer (any more)."""
    approved = Approved(yes=yes, reason=reason)

    def while_asked(entries: Sequence[LedgerEntry]) -> tuple[int, Approved] | None:
        waiting = state_of(entries).open_iteration
        asks = waiting is not None and waiting.number == iteration and waiting.asks_a_person
        return (iteration, approved) if asks else None

    return loop.ledger.append(loop.authorship(actor), while_asked) is not None

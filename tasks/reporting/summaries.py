"""Iterations in figures: what the ledger and the stored evaluations say, put side by side."""

from data_contracts.evaluation import Evaluation
from data_contracts.ledger import Evaluated
from data_contracts.summary import IterationSummary
from data_contracts.training import is_fine_tuned
from decisions.intervals import wilson
from decisions.loop_state import Iteration, LoopState
from tasks.evaluation.stored_answers import stored_evaluation
from tasks.loop import Loop


def summarize(loop: Loop) -> list[IterationSummary]:
    """One summary for each iteration, oldest first."""
    state = loop.state()
    return [_summary(loop, state, iteration) for iteration in state.iterations]


def evaluations(loop: Loop, iteration: Iteration) -> tuple[Evaluation | None, Evaluation | None]:
    """The answers of the champion and of the challenger that the iteration's gate compared; None where one is not."""
    decided = iteration.decided
    if decided is None:
        return None, None
    known = iteration.evaluations
    before = stored_evaluation(loop, known[decided.champion]) if decided.champion else None
    return before, stored_evaluation(loop, known[decided.challenger])


def _summary(loop: Loop, state: LoopState, iteration: Iteration) -> IterationSummary:
    decided = iteration.decided
    labels = loop.contract.labels if loop.contract.tells_classes else ()
    champion, challenger = evaluations(loop, iteration)
    base, local = base_evaluation(state, iteration), iteration.local_baseline
    ended = iteration.closed_at - iteration.opened_at if iteration.closed_at else None
    return IterationSummary(
        number=iteration.number,
        dataset=iteration.dataset.dataset if iteration.dataset else None,
        parent=iteration.opened.parent,
        model=iteration.checkpoint.checkpoint.model if iteration.checkpoint else None,
        base_accuracy=base.correct / base.images if base else None,
        local_accuracy=local.correct / local.images if local and decided else None,
        champion=iteration.opened.champion,
        champion_accuracy=champion.accuracy if champion else None,
        challenger_accuracy=challenger.accuracy if challenger else None,
        interval=wilson(challenger.correct, len(challenger.answers)) if challenger else None,
        wins=decided.wins if decided and decided.champion else None,
        losses=decided.losses if decided and decided.champion else None,
        verdict=str(decided.code) if decided else None,
        reason=decided.reason if decided else iteration.closed.reason if iteration.closed else None,
        decided_by=iteration.approved_by or "gate",
        outcome=iteration.closed.outcome if iteration.closed else "open",
        cost=sum(cost.usd for cost in iteration.costs),
        seconds=ended.total_seconds() if ended else None,
        held_out=decided.n if decided else None,
        champion_recall=dict(champion.recall(labels)) if champion else {},
        challenger_recall=dict(challenger.recall(labels)) if challenger else {},
    )


def base_evaluation(state: LoopState, iteration: Iteration) -> Evaluated | None:
    """The base model's evaluation on the held-out version that this iteration's gate used, whenever it was made."""
    decided = iteration.decided
    if decided is None:
        return None
    version = iteration.evaluations[decided.challenger].version
    bases = (
        evaluated
        for each in state.iterations
        for evaluated in each.evaluations.values()
        if not is_fine_tuned(evaluated.model) and evaluated.version == version
    )
    return next(bases, None)

"""What the gate looks at, gathered from the ledger and the store."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from cloud.errors import CloudRefused
from data_contracts.evaluation import Answer, Evaluation, PromotionEvidence, Rival, Running
from data_contracts.ledger import Evaluated, HeldOutVersionMade
from data_contracts.policies import PromotionPolicy
from data_contracts.prices import current_prices
from decisions.costs import answer_cost
from decisions.gate.class_set import ClassSets
from decisions.gate.continual import worse_cohorts
from decisions.gate.pairing import by_cohort, promotion_evidence, rival, running
from decisions.held_out import budget_in_words, discordance_seen, uses_after
from decisions.loop_state import Iteration, LoopState
from tasks.contender import learned_contract
from tasks.datasets import held_out_images
from tasks.evaluation.looks import uses_left
from tasks.evaluation.stored_answers import stored_evaluation
from tasks.loop import Loop, Turn
from tasks.tables import from_parquet


class Compared(NamedTuple):
    """A model's entry in the ledger, and its answers."""

    entry: Evaluated
    answers: Evaluation


def gather(
    loop: Loop, turn: Turn, version: HeldOutVersionMade, pair: tuple[Compared, Compared], policy: PromotionPolicy
) -> PromotionEvidence:
    """The evidence about a champion, or the base model, and a challenger: the *pair* in this order."""
    state = loop.state()
    iteration = state.iterations[turn.iteration - 1]
    before, after = pair
    images = held_out_images(loop, version)
    group_of = {image.digest: image.group for image in images}
    classes = class_sets(loop, state, before.entry.model)
    evidence = promotion_evidence(
        before.answers,
        after.answers,
        images=version.images,
        uses_left=uses_left(loop, state, version, (before.entry.model, after.entry.model)),
        alpha_per_use=version.alpha_per_use,
        group_of=group_of,
        classes=classes,
        policy=policy,
    )
    batch_of = {image.digest: image.source.partition("/")[0] for image in images}
    first = state.champion is None
    found: dict[str, object] = {
        **({} if loop.contract.tells_classes else {"classes": {}}),
        "leak_found": any(image.digest in state.leaky for image in images),
        "anchor": None if evidence.classes_changed else anchor(loop, state, version, pair, group_of),
        "worse_cohorts": worse_cohorts(by_cohort(before.answers, after.answers, batch_of, group_of)),
        "champion_running": _running(before.entry),
        "challenger_running": _running(after.entry),
        "first": first,
        "local": local_baseline(loop, iteration, version, after.answers, group_of) if first else None,
    }
    return evidence.model_copy(update=found)


def anchor(
    loop: Loop,
    state: LoopState,
    version: HeldOutVersionMade,
    pair: tuple[Compared, Compared],
    group_of: Mapping[str, str],
) -> Rival | None:
    """The best earlier champion on this held-out version, against the challenger; None where the champion is the best.

    Only champions whose answers to this version were bought are known; nothing is bought for this.
    """
    before, after = pair
    champions = {each.switched.model for each in state.iterations if each.switched} - {after.entry.model}
    known = [
        entry
        for each in state.iterations
        for entry in each.evaluations.values()
        if entry.version == version.version and entry.model in champions
    ]
    best = max(known, key=lambda entry: entry.correct, default=None)
    if best is None or best.model == before.entry.model or best.correct <= before.entry.correct:
        return None
    return rival(best.model, stored_evaluation(loop, best), after.answers, group_of)


def class_sets(loop: Loop, state: LoopState, champion: str) -> ClassSets | None:
    """Classes that the *champion* was trained on and those in force; None where they are not known or all the same.

    A base model was trained on none of them, and is asked for those in force. A merged class has its successor's name.
    """
    learned = learned_contract(loop, state, champion)
    if learned is None:
        return None
    old = frozenset(loop.contract.current(label) for label in learned.labels)
    return ClassSets(old=old, new=frozenset(loop.contract.labels))


def local_baseline(
    loop: Loop,
    iteration: Iteration,
    version: HeldOutVersionMade,
    challenger: Evaluation,
    group_of: Mapping[str, str] | None = None,
) -> Rival | None:
    """The local baseline against the challenger; None where it was not measured on this held-out version."""
    measured = iteration.local_baseline
    if measured is None or measured.version != version.version:
        return None
    content = loop.store.get(measured.path).content
    if hashlib.sha256(content).hexdigest() != measured.digest:
        raise CloudRefused(f"{measured.path} was changed: it is not the evaluation that the ledger recorded")
    answers = tuple(from_parquet(content, Answer))
    return rival(
        measured.name,
        Evaluation(model=measured.name, held_out_version=version.version, answers=answers),
        challenger,
        group_of,
    )


def budget_remarks(state: LoopState, version: HeldOutVersionMade, policy: PromotionPolicy) -> tuple[str, ...]:
    """What the held-out version can still decide, after this look, and what its size means."""
    uses = f"{uses_after(state, version)} of {version.uses} uses of this held-out version are left"
    left = uses_after(state, version)
    return uses, budget_in_words(version.images, policy, discordance_seen(state.iterations), left)


def _running(entry: Evaluated) -> Running:
    usd = answer_cost(entry.prompt_tokens, entry.completion_tokens, entry.model, current_prices(), entry.sku)
    return running(entry, usd)

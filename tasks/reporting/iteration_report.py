"""The report of an iteration as one record, from the ledger and the store; nothing is bought for it."""

from collections.abc import Iterator, Mapping, Sequence

from cloud.store import NotFound
from data_contracts.evaluation import Evaluation
from data_contracts.figures import ModelFigures
from data_contracts.images import LabeledImage
from data_contracts.iteration_report import Comparison, IterationReport, RuleFigure
from data_contracts.ledger import Decided, Evaluated, HeldOutVersionMade, LocalBaselineMeasured, ValidationAnswered
from data_contracts.policies import PromotionPolicy
from data_contracts.prices import current_prices
from data_contracts.training import is_fine_tuned
from decisions.evaluation.decision_table import lone_rules, paired_rules, size_rules
from decisions.evaluation.figures import model_figures
from decisions.evaluation.gap import gap
from decisions.evaluation.prices_compared import prices_compared
from decisions.loop_state import Iteration, LoopState
from tasks.datasets import held_out_images
from tasks.evaluation.stored_answers import stored_evaluation
from tasks.loop import Loop
from tasks.reporting.learning_curves import learning_curves
from tasks.reporting.summaries import base_evaluation
from tasks.reporting.validation_pictures import misclassified

CHALLENGER, CHAMPION, BASE, LOCAL = "challenger", "champion", "base model", "local baseline"


def iteration_report(loop: Loop, number: int) -> IterationReport:
    """What is known of an iteration; figures of models only once the gate has decided, for they are a look."""
    state = loop.state()
    iteration = state.iterations[number - 1]
    decided = iteration.decided
    evaluations = dict(_evaluations(loop, state, iteration, decided)) if decided else {}
    return _blank(loop, iteration).model_copy(
        update=_decided(loop, state, iteration, decided, evaluations) if decided else {}
    )


def _blank(loop: Loop, iteration: Iteration) -> IterationReport:
    """The report of an iteration on which nothing was decided."""
    closed, dataset, intended = iteration.closed, iteration.dataset, iteration.intended
    took = iteration.closed_at - iteration.opened_at if iteration.closed_at else None
    chosen = intended.request.hyperparameters.model_dump(exclude_none=True) if intended else {}
    return IterationReport(
        loop=loop.name,
        iteration=iteration.number,
        outcome=closed.outcome if closed else "open",
        verdict=None,
        action=None,
        reason=closed.reason if closed else "Nothing is decided yet",
        answered=None,
        labels=tuple(loop.contract.labels) if loop.contract.tells_classes else (),
        training=tuple(training_lines(iteration)),
        parent=iteration.opened.parent,
        model=iteration.checkpoint.checkpoint.model if iteration.checkpoint else None,
        dataset=dataset.dataset if dataset else None,
        examples=dict(dataset.counts) if dataset else {},
        hyperparameters={name: str(value) for name, value in chosen.items()},
        cost=sum(cost.usd for cost in iteration.costs),
        seconds=took.total_seconds() if took else None,
    )


def training_lines(iteration: Iteration) -> list[str]:
    """Why and on what the iteration trained, how much of it the service used, and which checkpoint was chosen."""
    dataset, checkpoint, reconciled = iteration.dataset, iteration.checkpoint, iteration.reconciled
    lines = [f"Opened: {iteration.opened.reason}"]
    if dataset and dataset.replayed:
        lines.append(f"Shown: {dataset.new:,} new training examples and {dataset.replayed:,} earlier ones again")
    lines += [reconciled.reason] if reconciled else []
    return [*lines, *([f"Chosen: {checkpoint.reason}"] if checkpoint else [])]


def _evaluations(
    loop: Loop, state: LoopState, iteration: Iteration, decided: Decided
) -> Iterator[tuple[str, Evaluation]]:
    """The stored answers by role, in the order in which they are shown."""
    known = iteration.evaluations
    yield CHALLENGER, stored_evaluation(loop, known[decided.challenger])
    if decided.champion:
        role = CHAMPION if is_fine_tuned(decided.champion) else BASE
        yield role, stored_evaluation(loop, known[decided.champion])
    base = base_evaluation(state, iteration)
    if base is not None and base.model != decided.champion:
        yield BASE, stored_evaluation(loop, base)
    if iteration.local_baseline is not None:
        yield LOCAL, stored_evaluation(loop, _as_evaluated(iteration.local_baseline))


def _as_evaluated(local: LocalBaselineMeasured) -> Evaluated:
    """The local model's answers are kept like those of any other."""
    return Evaluated(
        version=local.version,
        model=local.name,
        model_deployment="none",
        images=local.images,
        correct=local.correct,
        path=local.path,
        digest=local.digest,
        prompt_tokens=0,
        completion_tokens=0,
    )


def _decided(
    loop: Loop, state: LoopState, iteration: Iteration, decided: Decided, evaluations: Mapping[str, Evaluation]
) -> dict[str, object]:
    """What a decision adds to the report."""
    labels = tuple(loop.contract.labels) if loop.contract.tells_classes else ()
    version = _version(state, iteration.evaluations[decided.challenger].version)
    slices, prices = _slices(loop, version), current_prices()
    tiers = {
        each.model: each.sku
        for turn in state.iterations
        for each in turn.evaluations.values()
        if each.version == version.version
    }
    models = {
        role: model_figures(each, role, labels, prices, slices_of=slices, tier=tiers.get(each.model))
        for role, each in evaluations.items()
    }
    validation, local = iteration.validation, iteration.local_baseline
    priced = [each for role, each in models.items() if role != LOCAL]
    return {
        "verdict": str(decided.code),
        "action": str(decided.action),
        "reason": decided.reason,
        "answered": _answered(iteration),
        "dry_run": decided.dry_run,
        "remarks": decided.remarks,
        "models": tuple(models.values()),
        "prices": prices_compared(priced, prices, models.get(LOCAL), local.ms_per_image if local else 0),
        "gap": _gap(validation, models[CHALLENGER]),
        "learning": learning_curves(loop, iteration.number),
        "misclassified": misclassified(loop, state, validation) if validation and labels else (),
        **_rules(loop, decided, evaluations, models),
    }


def _answered(iteration: Iteration) -> str | None:
    approved = iteration.approved
    if approved is None:
        return None
    until = f" (to be looked at again after {approved.until:%Y-%m-%d})" if approved.until else ""
    who = f"{iteration.approved_by} ({iteration.approved_as})"
    return f"{'Yes' if approved.yes else 'No'}, said {who}: {approved.reason}{until}"


def _rules(
    loop: Loop, decided: Decided, evaluations: Mapping[str, Evaluation], models: Mapping[str, ModelFigures]
) -> dict[str, object]:
    """The gate's rules with their figures, by the policy of the ledger, or of the settings where it tells none."""
    told, challenger, champion = decided.policy, evaluations[CHALLENGER], _before(decided, evaluations)
    policy = PromotionPolicy.model_validate(told) if told else loop.settings.promotion
    last = tuple(size_rules(decided, _version(loop.state(), challenger.held_out_version), policy))
    if champion is None:
        rules = lone_rules(models[CHALLENGER], models.get(LOCAL), models.get(BASE), policy)
        return {"rules": (*rules, *last)}
    first = () if is_fine_tuned(champion.model) else lone_rules(models[CHALLENGER], models.get(LOCAL), None, policy)
    rules_held: tuple[RuleFigure, ...] = (*paired_rules(decided, policy), *first, *last)
    return {"rules": rules_held, "class_tests": decided.class_tests, "comparison": _comparison(decided)}


def _before(decided: Decided, evaluations: Mapping[str, Evaluation]) -> Evaluation | None:
    """The answers that the gate paired with the challenger's."""
    return next((each for each in evaluations.values() if each.model == decided.champion), None)


def _comparison(decided: Decided) -> Comparison | None:
    if decided.champion is None:
        return None
    return Comparison(
        champion=decided.champion,
        n=decided.n,
        losses=decided.losses,
        wins=decided.wins,
        p_superior=decided.p_superior,
        interval=decided.interval,
    )


def _gap(validation: ValidationAnswered | None, challenger: ModelFigures) -> object:
    if validation is None or not validation.images:
        return None
    return gap((validation.correct, validation.images), (challenger.correct, challenger.images))


def _slices(loop: Loop, version: HeldOutVersionMade) -> dict[str, dict[str, str]]:
    """The slice of each held-out image, by kind; groups only where some show several images."""
    try:
        images = held_out_images(loop, version)
    except NotFound:
        return {}
    kinds = {
        "batch": {each.digest: each.source.partition("/")[0] for each in images},
        "contributor": {each.digest: each.who for each in images},
    }
    return kinds | ({"group": {each.digest: each.group for each in images}} if _grouped(images) else {})


def _grouped(images: Sequence[LabeledImage]) -> bool:
    return len({image.group for image in images}) < len(images)


def _version(state: LoopState, version: str) -> HeldOutVersionMade:
    return next(each for each in reversed(state.held_out_versions) if each.version == version)

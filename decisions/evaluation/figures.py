"""What one model's answers to a held-out version add up to."""

from collections import Counter
from collections.abc import Mapping, Sequence

from data_contracts.evaluation import Answer, Evaluation
from data_contracts.figures import ClassFigures, ConfusedPair, ModelFigures
from data_contracts.prices import Prices
from decisions.costs import answer_cost
from decisions.evaluation.calibration import calibration
from decisions.evaluation.latency import latency
from decisions.evaluation.slices import slices
from decisions.intervals import wilson

NO_LABEL = "no label"
MOST_CONFUSED = 5

Counts = tuple[tuple[int, ...], ...]


def model_figures(
    evaluation: Evaluation,
    role: str,
    labels: Sequence[str],
    prices: Prices,
    *,
    slices_of: Mapping[str, Mapping[str, str]] | None = None,
    tier: str | None = None,
) -> ModelFigures:
    """The figures of an evaluation, its price that of the *tier* that answered; *labels* is empty for graded texts.

    *slices_of* says by kind of slice (batch, contributor, group) to which one each example belongs, by digest.
    """
    counts = confusion(evaluation.answers, labels) if labels else ()
    classes = class_figures(evaluation.answers, labels) if labels else ()
    f1s = [each.f1 for each in classes if each.images and each.f1 is not None]
    tokens = (
        sum(answer.prompt_tokens for answer in evaluation.answers),
        sum(answer.completion_tokens for answer in evaluation.answers),
    )
    return ModelFigures(
        role=role,
        model=evaluation.model,
        version=evaluation.held_out_version,
        images=len(evaluation.answers),
        correct=evaluation.correct,
        accuracy=evaluation.accuracy,
        interval=wilson(evaluation.correct, len(evaluation.answers)),
        macro_f1=sum(f1s) / len(f1s) if f1s else None,
        classes=classes,
        confusion=counts,
        confused=most_confused(counts, labels),
        slices=slices(evaluation.answers, slices_of or {}),
        outcomes=dict(Counter(str(answer.outcome) for answer in evaluation.answers).most_common()),
        latency=latency(evaluation.answers),
        prompt_tokens=tokens[0],
        completion_tokens=tokens[1],
        usd=answer_cost(*tokens, evaluation.model, prices, tier),
        calibration=calibration(evaluation.answers),
    )


def confusion(answers: Sequence[Answer], labels: Sequence[str]) -> Counts:
    """How often each label (rows) was answered as each (columns); the last column counts what is no label."""
    from sklearn.metrics import confusion_matrix

    names = [*labels, NO_LABEL]
    expected, given = _columns(answers)
    if not set(expected) & set(labels):
        return tuple((0,) * len(names) for _ in labels)
    matrix = confusion_matrix(expected, given, labels=names)
    return tuple(tuple(int(count) for count in row) for row in matrix[: len(labels)])


def class_figures(answers: Sequence[Answer], labels: Sequence[str]) -> tuple[ClassFigures, ...]:
    """Precision, recall and F1 of each label; F1 is 0 where a class was never answered rightly."""
    from sklearn.metrics import precision_recall_fscore_support

    expected, given = _columns(answers)
    table = precision_recall_fscore_support(expected, given, labels=list(labels), zero_division=0.0)
    sizes, answered = Counter(expected), Counter(given)
    right = Counter(answer.expected for answer in answers if answer.correct)
    return tuple(
        ClassFigures(
            name=label,
            images=sizes[label],
            answered=answered[label],
            correct=right[label],
            precision=float(precision) if answered[label] else None,
            recall=float(recall) if sizes[label] else None,
            recall_interval=wilson(right[label], sizes[label]) if sizes[label] else None,
            f1=float(f1) if sizes[label] or answered[label] else None,
        )
        for label, precision, recall, f1 in zip(labels, *table[:3], strict=True)
    )


def most_confused(counts: Counts, labels: Sequence[str], most: int = MOST_CONFUSED) -> tuple[ConfusedPair, ...]:
    """The pairs of label and wrong answer that occur most often."""
    names = [*labels, NO_LABEL]
    pairs = [
        ConfusedPair(label=label, given=name, images=count, share=count / sum(row))
        for label, row in zip(labels, counts, strict=False)
        for name, count in zip(names, row, strict=True)
        if count and name != label
    ]
    return tuple(sorted(pairs, key=lambda pair: (-pair.images, -pair.share, pair.label, pair.given))[:most])


def _columns(answers: Sequence[Answer]) -> tuple[list[str], list[str]]:
    return [answer.expected for answer in answers], [answer.given or NO_LABEL for answer in answers]

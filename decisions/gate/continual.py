"""What a chain of continued models forgets, by cohort: images that came together, such as those of one batch."""

from collections.abc import Mapping, Sequence

from data_contracts.evaluation import ClassTable
from decisions.gate.paired_tests import p_worse
from decisions.intervals import holm

LARGEST_MEAN_FORGETTING = 0.02
SMALLEST_COHORT = 30
"""Images below which a cohort's change of accuracy is noise."""
ALPHA = 0.05

Accuracies = Sequence[Sequence[float | None]]
"""Row t, column j: accuracy after round t on cohort j; None before cohort j came."""


def forgetting(accuracies: Accuracies) -> list[float]:
    """Of each cohort but the last: its best accuracy in earlier rounds less that after the last round.

    F_j = max over i < t of a(i, j) - a(t, j), Chaudhry et al. 2018, arXiv:1801.10112. Raises ValueError for a cohort
    without an accuracy after the last round.
    """
    *earlier, last = accuracies
    found = []
    for cohort, now in enumerate(last[: len(earlier)]):
        known = [row[cohort] for row in earlier if cohort < len(row)]
        best = [value for value in known if value is not None]
        if now is None or not best:
            raise ValueError(f"cohort {cohort + 1} has no accuracy to compare")
        found.append(max(best) - now)
    return found


def mean_forgetting(accuracies: Accuracies) -> float:
    """Mean over the cohorts of `forgetting`; 0 after the first round, when nothing can be forgotten."""
    found = forgetting(accuracies)
    return sum(found) / len(found) if found else 0.0


def backward_transfer(accuracies: Accuracies) -> float:
    """Mean over the cohorts but the last of accuracy now less that when the cohort came: below 0 is forgetting.

    BWT = mean of a(T, j) - a(j, j), Lopez-Paz and Ranzato 2017, arXiv:1706.08840; 0 after the first round.
    """
    last, count = accuracies[-1], len(accuracies) - 1
    changes = []
    for cohort in range(count):
        now, then = last[cohort], accuracies[cohort][cohort]
        if now is None or then is None:
            raise ValueError(f"cohort {cohort + 1} has no accuracy to compare")
        changes.append(now - then)
    return sum(changes) / count if count else 0.0


def worse_cohorts(cohorts: Mapping[str, ClassTable]) -> tuple[str, ...]:
    """Cohorts that the later model answers worse: beyond chance, or all that lost where the mean fell by two points.

    One-sided exact tests, adjusted by Holm; small cohorts have no part in the mean.
    """
    adjusted = holm([p_worse(each, each.n) for each in cohorts.values()])
    worse = tuple(name for name, p in zip(cohorts, adjusted, strict=True) if p <= ALPHA)
    if worse:
        return worse
    large = {name: each for name, each in cohorts.items() if each.images >= SMALLEST_COHORT}
    drops = {name: (each.losses - each.wins) / each.images for name, each in large.items()}
    if not drops or sum(drops.values()) / len(drops) <= LARGEST_MEAN_FORGETTING:
        return ()
    return tuple(name for name, drop in drops.items() if drop > 0)

"""Tests over groups: images that show one part are right or wrong together, and must not count as many."""

from collections.abc import Callable
from math import isclose

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import t as student

from data_contracts.evaluation import ClassTable, PairedCounts, PromotionEvidence, Rival
from data_contracts.policies import PromotionPolicy
from decisions.gate.continual import worse_cohorts
from decisions.gate.paired_tests import (
    gain_interval,
    images_to_show,
    p_at_most_worse,
    p_better,
    p_better_if_heard,
    p_worse,
)
from decisions.intervals import clustered_error, mcnemar_harm, noninferiority, signflip, tango
from decisions.promotion import decide_promotion
from tests.decisions.builders import evidence

POLICY = PromotionPolicy()


def groups(*net: int, size: int = 10) -> PairedCounts:
    """Groups of *size* images each, all of the same sign, that won so many."""
    return PairedCounts(
        losses=-sum(each for each in net if each < 0),
        wins=sum(each for each in net if each > 0),
        group_net_wins=net,
        group_images=(size,) * len(net),
    )


def test_single_images_are_tested_as_ever() -> None:
    alone = PairedCounts(losses=2, wins=3, group_net_wins=(1, 1, 1, -1, -1, 0), group_images=(1,) * 6)
    assert p_worse(alone, 6) == mcnemar_harm(2, 3)
    assert p_at_most_worse(alone, 6, 0.02) == noninferiority(6, 2, 3, 0.02)
    assert gain_interval(alone, 6) == tango(6, 2, 3)


def test_three_lost_parts_of_ten_pictures_are_three_losses_not_thirty() -> None:
    lost = groups(-10, -10, -10, *[0] * 17)
    assert p_worse(lost, 200) == 1 / 8
    assert mcnemar_harm(30, 0) < 1e-8
    assert p_better(lost, 200) == 1


def test_a_class_or_batch_of_few_parts_is_not_proved_worse_by_many_pictures() -> None:
    counts = groups(-10, -10, -10, *[0] * 17)
    table = ClassTable(images=200, **counts.model_dump())
    alone = ClassTable(images=200, losses=30, wins=0)
    # the mean of a large batch fell by more than two points all the same, so compare with twenty quiet ones
    quiet = {f"batch {number}": ClassTable(images=400, losses=2, wins=2) for number in range(20)}
    assert worse_cohorts({"monday": table, **quiet}) == ()
    assert worse_cohorts({"monday": alone, **quiet}) == ("monday",)
    seen = evidence(n=2000, losses=30, wins=100)
    assert decide_promotion(seen.model_copy(update={"classes": {"patches": alone}}), POLICY).harmed == ("patches",)
    assert decide_promotion(seen.model_copy(update={"classes": {"patches": table}}), POLICY).harmed == ()


@pytest.mark.parametrize("net", [(5, -1, -1, -1, -1, -1, 1, 0), (3, 2, 0, -1, 4, 1, 0, 2), (0,) * 8])
def test_groups_never_say_more_than_as_many_single_images(net: tuple[int, ...]) -> None:
    counts = groups(*net, size=8)
    low, high = gain_interval(counts, 64)
    inner = tango(64, counts.losses, counts.wins)
    assert low <= inner[0] <= inner[1] <= high
    assert p_at_most_worse(counts, 64, 0.05) >= noninferiority(64, counts.losses, counts.wins, 0.05)


def test_the_interval_of_groups_is_students_t_with_a_lost_and_a_won_group_added() -> None:
    low, high = gain_interval(groups(3, 2, 0, -1, 4, 1, 0, 2, size=5), 40)
    half = student.isf(0.025, 9) * clustered_error([3, 2, 0, -1, 4, 1, 0, 2, 5, -5], [5] * 10)
    assert isclose(low, 0.275 - half, abs_tol=1e-12)
    assert isclose(high, 0.275 + half, abs_tol=1e-12)


def test_groups_of_unknown_size_count_as_of_one_size() -> None:
    known = groups(3, 2, 0, -1, 4, 1, 0, 2, size=5)
    unknown = known.model_copy(update={"group_images": ()})
    assert gain_interval(unknown, 40) == gain_interval(known, 40)


def test_one_group_proves_nothing() -> None:
    only = groups(10)
    assert p_better(only, 10) == 0.5
    assert p_at_most_worse(groups(0), 10, 0.05) > 0.4


@pytest.mark.parametrize(
    ("count", "size", "margin", "alpha"),
    [(2, 35, 0.05, 0.05), (5, 20, 0.05, 0.05), (20, 5, 0.05, 0.05), (50, 10, 0.02, 0.0125), (100, 5, 0.02, 0.0125)],
)
def test_parts_that_are_lost_as_often_as_the_margin_are_seldom_called_as_good(
    count: int, size: int, margin: float, alpha: float
) -> None:
    random = np.random.default_rng(5)
    lost = [random.random(count) < margin for _ in range(1000)]
    called = [p_at_most_worse(groups(*(-size * each), size=size), count * size, margin) <= alpha for each in lost]
    assert np.mean(called) <= alpha * 1.3


def test_many_parts_that_agree_show_a_challenger_as_good() -> None:
    assert p_at_most_worse(groups(*[0] * 300, size=3), 900, 0.05) < 0.001


def test_more_images_are_needed_where_they_come_in_groups() -> None:
    by_image = PairedCounts(losses=10, wins=30)
    by_group = groups(10, 10, 10, -10, *[0] * 46)
    assert images_to_show(by_image, 500, 0.01) is not None
    assert (images_to_show(by_group, 500, 0.01) or 0) > 5 * (images_to_show(by_image, 500, 0.01) or 0)
    assert images_to_show(groups(-10, 0), 20, 0.01) is None


def test_a_challenger_worse_by_the_margin_is_seldom_called_as_good() -> None:
    random, margin = np.random.default_rng(3), 0.05
    called = called_by_image = 0
    for _ in range(400):
        net = random.choice(
            [-5, 0, 5], 120, p=[0.10, 0.85, 0.05]
        )  # five pictures of each part, in truth 5 points worse
        counts = groups(*map(int, net), size=5)
        called += p_at_most_worse(counts, 600, margin) <= 0.05
        called_by_image += noninferiority(600, counts.losses, counts.wins, margin) <= 0.05
    assert called / 400 <= 0.07 < called_by_image / 400


@pytest.mark.parametrize(
    "made",
    [
        lambda: Rival(name="a", n=10, losses=6, wins=5),
        lambda: ClassTable(images=-1, losses=0, wins=0),
        lambda: ClassTable(images=10, losses=1, wins=2, group_net_wins=(2, 0)),
        lambda: ClassTable(images=10, losses=1, wins=2, group_net_wins=(1, 0), group_images=(5, 6)),
        lambda: PromotionEvidence(n=10, losses=1, wins=2, uses_left=1, alpha_per_use=1),
        lambda: PromotionEvidence(n=10, losses=1, wins=2, uses_left=1, alpha_per_use=float("nan")),
        lambda: PromotionEvidence(
            n=10, losses=1, wins=2, uses_left=1, alpha_per_use=0.01, champion_failure_share=float("nan")
        ),
    ],
)
def test_evidence_that_cannot_be_is_refused(made: Callable[[], object]) -> None:
    with pytest.raises(ValidationError):
        made()


def test_a_challenger_does_not_win_by_the_answers_that_the_service_lost() -> None:
    seen = evidence(losses=10, wins=40).model_copy(update={"wins_by_failure": 30})
    decision = decide_promotion(seen, POLICY)
    assert (decision.code, decision.action) == ("HUMAN_SUPERIOR_WITH_WARNINGS", "ask")
    assert "30 of the wins are answers of the champion that the service lost" in decision.reason
    still = seen.model_copy(update={"wins": 70})
    assert decide_promotion(still, POLICY).code == "PROMOTE"


def test_lost_answers_of_the_champion_do_not_hide_that_a_class_got_worse() -> None:
    hidden = ClassTable(images=300, losses=30, wins=30, wins_by_failure=30)
    seen = evidence(losses=30, wins=180).model_copy(update={"wins_by_failure": 30, "classes": {"patches": hidden}})
    assert decide_promotion(seen, POLICY).harmed == ("patches",)
    critical = POLICY.model_copy(update={"critical_classes": ("scratches",)})
    fewer = ClassTable(images=300, losses=15, wins=15, wins_by_failure=15)
    seen = evidence(losses=15, wins=180).model_copy(update={"wins_by_failure": 15, "classes": {"scratches": fewer}})
    assert decide_promotion(seen, critical).code != "PROMOTE"


def test_a_challenger_is_not_rejected_for_answers_that_the_service_lost() -> None:
    lost = evidence(losses=12, wins=0).model_copy(update={"losses_by_failure": 12})
    assert decide_promotion(evidence(losses=12, wins=0), POLICY).code == "REJECT"
    assert decide_promotion(lost, POLICY).code == "HUMAN_NON_INFERIOR"
    table = ClassTable(images=300, losses=8, wins=0, losses_by_failure=8)
    better = evidence(losses=8, wins=150).model_copy(update={"losses_by_failure": 8, "classes": {"patches": table}})
    assert decide_promotion(better, POLICY).code == "PROMOTE"


def test_groups_know_what_was_lost_to_failures() -> None:
    table = ClassTable(
        images=30,
        losses=12,
        wins=3,
        losses_by_failure=10,
        wins_by_failure=2,
        group_net_wins=(-10, 2, -1),
        group_images=(10, 10, 10),
        group_losses_by_failure=(10, 0, 0),
        group_wins_by_failure=(0, 2, 0),
    )
    assert p_worse(table, 30) == signflip([0, 0, 1])
    assert p_better_if_heard(table, 30) == signflip([-10, 0, -1])


def test_models_without_a_class_in_common_are_for_a_person() -> None:
    seen = evidence(n=0, losses=0, wins=0).model_copy(update={"classes_changed": True, "complete": True})
    decision = decide_promotion(seen, POLICY)
    assert (decision.code, decision.action) == ("HUMAN_CLASS_CHANGE", "ask")

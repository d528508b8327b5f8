"""Tests over groups: images that show one part are right or wrong together, and must not count as many."""

from collections.abc import Callable
from math import isclose

import numpy as np
import pytest
from pydantic import ValidationError

from data_contracts.evaluation import ClassTable, PairedCounts, PromotionEvidence, Rival
from data_contracts.policies import PromotionPolicy
from decisions.gate.continual import worse_cohorts
from decisions.gate.paired_tests import gain_interval, images_to_show, p_at_most_worse, p_better, p_worse
from decisions.intervals import mcnemar_harm, noninferiority, tango
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


def test_the_interval_of_groups_is_students_t_of_the_reference_error() -> None:
    low, high = gain_interval(groups(3, 2, 0, -1, 4, 1, 0, 2, size=5), 40)
    assert isclose(low, 0.275 - 2.3646242515927845 * 0.11914876655437341, abs_tol=1e-9)
    assert isclose(high, 0.275 + 2.3646242515927845 * 0.11914876655437341, abs_tol=1e-9)


def test_groups_of_unknown_size_count_as_of_one_size() -> None:
    known = groups(3, 2, 0, -1, 4, 1, 0, 2, size=5)
    unknown = known.model_copy(update={"group_images": ()})
    assert gain_interval(unknown, 40) == gain_interval(known, 40)


def test_one_group_proves_nothing() -> None:
    only = groups(10)
    assert (p_better(only, 10), p_at_most_worse(only, 10, 0.02), gain_interval(only, 10)) == (0.5, 1.0, (-1.0, 1.0))


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
    seen = PromotionEvidence(
        n=1800,
        losses=10,
        wins=40,
        wins_by_failure=30,
        without_failures=PairedCounts(losses=10, wins=10),
        champion_failure_share=30 / 1800,
        uses_left=4,
        alpha_per_use=0.0125,
    )
    decision = decide_promotion(seen, POLICY)
    assert (decision.code, decision.action) == ("HUMAN_SUPERIOR_WITH_WARNINGS", "ask")
    assert "30 of the wins are answers of the champion that the service lost" in decision.reason
    still = seen.model_copy(update={"wins": 70, "without_failures": PairedCounts(losses=10, wins=40)})
    assert decide_promotion(still, POLICY).code == "PROMOTE"

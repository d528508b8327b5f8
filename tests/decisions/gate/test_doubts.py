"""What keeps a better challenger from being promoted without a person."""

import pytest

from data_contracts.evaluation import Action, Code, PromotionEvidence, Rival, Running
from data_contracts.policies import PromotionPolicy
from decisions.promotion import decide_promotion
from tests.decisions.builders import evidence

POLICY = PromotionPolicy()


def with_more(**more: object) -> PromotionEvidence:
    return PromotionEvidence.model_validate(evidence().model_dump() | more)


def runs(ms: float, tier: str | None = "GlobalStandard", usd: float | None = 1.0) -> Running:
    return Running(median_ms=ms, tier=tier, usd_per_1000=usd)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (
            with_more(anchor=Rival(name="best", n=1800, losses=60, wins=40)),
            "creeping loss is possible: won 40, lost 60 of 1,800 against the best champion so far, best",
        ),
        (with_more(worse_cohorts=("monday",)), "images of monday are answered worse than before"),
        (with_more(champion_running=runs(600), challenger_running=runs(920)), "median latency grew by 53%, to 920 ms"),
        (
            with_more(champion_running=runs(300), challenger_running=runs(300, usd=1.3)),
            "the price of 1,000 answers grew by 30%, to $1.30",
        ),
        (
            with_more(first=True, local=Rival(name="logistic regression", n=1800, losses=90, wins=30)),
            "a local model (logistic regression) is right on 60 more of the 1,800 images",
        ),
        (with_more(first=True, correct=890), "890 of 1,800 right is less than the 50 % of a first model"),
    ],
    ids=["creeping loss", "a forgotten batch", "slower", "dearer", "a better local model", "below the floor"],
)
def test_a_better_challenger_with_a_doubt_waits_for_a_person(seen: PromotionEvidence, told: str) -> None:
    decision = decide_promotion(seen, POLICY)

    assert (decision.code, decision.action) == (Code.HUMAN_SUPERIOR_WITH_WARNINGS, Action.ASK)
    assert told in decision.reason
    assert any(told in each for each in decision.remarks)


@pytest.mark.parametrize(
    "seen",
    [
        with_more(anchor=Rival(name="best", n=1800, losses=30, wins=30)),
        with_more(champion_running=runs(300), challenger_running=runs(450, usd=1.25)),
        with_more(champion_running=runs(300), challenger_running=runs(9000, tier="Standard")),
        with_more(champion_running=runs(300, tier=None), challenger_running=runs(9000, tier=None)),
        with_more(first=True, correct=1000, local=Rival(name="any", n=1800, losses=30, wins=30)),
    ],
    ids=["as good as the anchor", "within the margins", "other tiers", "tiers not noted", "a first model that is fine"],
)
def test_what_is_within_the_margins_or_not_comparable_keeps_nobody_from_promoting(seen: PromotionEvidence) -> None:
    assert decide_promotion(seen, POLICY).code is Code.PROMOTE


def test_latency_on_another_tier_is_remarked_as_not_compared() -> None:
    seen = with_more(champion_running=runs(300), challenger_running=runs(300, tier="Standard"))

    remarks = decide_promotion(seen, POLICY).remarks

    assert "latency not compared: the tiers differ (GlobalStandard and Standard)" in remarks


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        ({"crack": (300, 2, 4)}, None),
        ({"crack": (20, 0, 0)}, "critical class crack (won 0, lost 0 of 20) is not shown to lose at most 5 points"),
        ({"patches": (300, 2, 4)}, "critical class crack has no held-out images"),
    ],
)
def test_a_critical_class_has_to_be_shown_not_to_be_worse(
    classes: dict[str, tuple[int, int, int]], told: str | None
) -> None:
    decision = decide_promotion(evidence(classes=classes), PromotionPolicy(critical_classes=("crack",)))

    assert (decision.code is Code.PROMOTE) == (told is None)
    assert told is None or told in decision.reason


def test_a_first_model_proved_below_the_floor_is_rejected_though_it_beats_the_base_model() -> None:
    decision = decide_promotion(with_more(first=True, correct=600), POLICY)

    assert (decision.code, decision.action) == (Code.REJECT, Action.KEEP)
    assert "below the 50 % that a first model has to reach" in decision.reason


def test_a_policy_that_only_reports_the_local_baseline_promotes_and_says_so() -> None:
    seen = with_more(first=True, local=Rival(name="any", n=1800, losses=90, wins=30))

    decision = decide_promotion(seen, PromotionPolicy(local_baseline="report"))

    assert decision.code is Code.PROMOTE
    assert any("a local model (any) is right on 60 more" in each for each in decision.remarks)


def test_groups_of_images_are_tested_by_their_signs() -> None:
    # Three parts won all; as single images they would be proof.
    grouped = with_more(losses=0, wins=30, group_net_wins=(10, 10, 10))

    decision = decide_promotion(grouped, POLICY)

    assert decision.p_superior == 0.125
    assert decision.reason.startswith("won 30, lost 0 of 1,800 (p = 0.12 over 3 groups of images), no proof either way")


def test_groups_that_lost_together_prove_less_harm_than_their_images() -> None:
    lost = with_more(losses=30, wins=0, group_net_wins=(-10, -10, -10))

    assert decide_promotion(lost, POLICY).p_harm == 0.125


def test_groups_that_do_not_add_up_to_the_images_are_named() -> None:
    with pytest.raises(ValueError, match="the groups won 3, the images 36"):
        decide_promotion(with_more(group_net_wins=(1, 2)), POLICY)


def test_that_no_class_is_worse_is_not_said_to_show_that_each_is_as_good() -> None:
    remarks = decide_promotion(evidence(classes={"a": (300, 2, 4), "b": (20, 0, 0)}), POLICY).remarks

    assert (
        "that no class is proved worse does not show each to be as good; shown to lose at most 5 points: 1 of 2 (a)"
    ) in remarks


def test_a_slowdown_that_nobody_feels_is_no_doubt() -> None:
    seen = with_more(champion_running=runs(60), challenger_running=runs(160))

    assert decide_promotion(seen, POLICY).code is Code.PROMOTE


def test_a_first_model_is_not_held_to_the_latency_and_price_of_the_base_model() -> None:
    seen = with_more(first=True, correct=1700, champion_running=runs(600), challenger_running=runs(1200, usd=9))

    assert decide_promotion(seen, POLICY).code is Code.PROMOTE

"""The gate: only proof promotes, and everything else says why not."""

import itertools
import re

import pytest

from data_contracts.evaluation import Action, Code, PromotionEvidence
from data_contracts.policies import PromotionPolicy
from decisions.promotion import decide_promotion
from tests.decisions.builders import evidence

POLICY = PromotionPolicy()
ASKING = PromotionPolicy(when_inconclusive="ask")

# Per class: images, losses, wins.
EVEN = {
    "crazing": (300, 5, 12),
    "inclusion": (300, 6, 14),
    "patches": (300, 5, 10),
    "pitted": (300, 7, 12),
    "rolled": (300, 5, 11),
    "scratches": (300, 6, 11),
}
ONE_COLLAPSES = {
    "crazing": (300, 2, 20),
    "inclusion": (300, 3, 20),
    "patches": (300, 2, 20),
    "pitted": (300, 30, 2),
    "rolled": (300, 5, 15),
    "scratches": (300, 4, 15),
}
ONE_DROPS = {"crazing": (500, 8, 39), "patches": (50, 4, 1), "scratches": (50, 0, 0)}


@pytest.mark.parametrize(
    ("seen", "code", "figures", "harmed", "warned"),
    [
        pytest.param(
            evidence(n=58, losses=0, wins=25),
            Code.HUMAN_SUPERIOR_WITH_WARNINGS,
            (0.43103448275862066, 2.9802322387695312e-08, 1.0, 1.1918781642099858e-07),
            (),
            (),
            id="58 images, 53.45 to 96.55 percent",
        ),
        pytest.param(
            evidence(classes=EVEN),
            Code.PROMOTE,
            (0.02, 0.00026714209499008074, 0.9998764420794677, 4.1746613926523545e-11),
            (),
            (),
            id="1,800 images, two points better, no class worse",
        ),
        pytest.param(
            evidence(losses=25, wins=20),
            Code.HUMAN_NON_INFERIOR,
            (-0.002777777777777778, 0.8143509827644948, 0.2757421649012599, 3.9805599716278424e-05),
            (),
            (),
            id="1,800 images, flat",
        ),
        pytest.param(
            evidence(losses=46, wins=92, classes=ONE_COLLAPSES),
            Code.REJECT,
            (0.025555555555555557, 5.587172794252919e-05, 0.9999731346197637, 2.162298298909997e-11),
            ("pitted",),
            (),
            id="better overall, but one class collapses",
        ),
        pytest.param(
            evidence(failures=(0, 0.05)),
            Code.INVALID_RERUN,
            (0.02, 0.00026714209499008074, 0.9998764420794677, 4.1746613926523545e-11),
            (),
            (),
            id="too many failures",
        ),
        pytest.param(
            evidence(n=600, losses=12, wins=40, classes=ONE_DROPS),
            Code.HUMAN_SUPERIOR_WITH_WARNINGS,
            (0.04666666666666667, 6.376939192787034e-05, 0.9999820560419352, 9.753350340063249e-08),
            (),
            ("patches",),
            id="better, but one class drops without proof",
        ),
    ],
)
def test_the_gate_agrees_with_the_reference(
    seen: PromotionEvidence,
    code: Code,
    figures: tuple[float, ...],
    harmed: tuple[str, ...],
    warned: tuple[str, ...],
) -> None:
    decision = decide_promotion(seen, POLICY)

    assert (decision.code, decision.harmed, decision.warned) == (code, harmed, warned)
    computed = (decision.delta, decision.p_superior, decision.p_harm, decision.p_noninferior)
    assert computed == pytest.approx(figures, abs=1e-9, rel=0)


@pytest.mark.parametrize(
    ("losses", "wins", "code"),
    [
        (40, 60, Code.HUMAN_NON_INFERIOR),
        (25, 20, Code.HUMAN_NON_INFERIOR),
        (70, 30, Code.REJECT),
        (34, 70, Code.PROMOTE),
        (60, 70, Code.HUMAN_NON_INFERIOR),
        (0, 0, Code.HUMAN_NON_INFERIOR),
    ],
)
def test_1800_images_decide_as_the_methods_work_them_out(losses: int, wins: int, code: Code) -> None:
    assert decide_promotion(evidence(losses=losses, wins=wins), POLICY).code is code


def test_proof_without_doubt_promotes_without_a_person() -> None:
    decision = decide_promotion(evidence(classes=EVEN), POLICY)

    assert decision.action is Action.PROMOTE


@pytest.mark.parametrize("n", [1, 58, 199, 200, 1800, 100_000])
@pytest.mark.parametrize("each", [0, 1, 20])
def test_ties_keep_the_champion(n: int, each: int) -> None:
    differing = min(each, n // 2)

    decision = decide_promotion(evidence(n=n, losses=differing, wins=differing), POLICY)

    assert decision.action is Action.KEEP


@pytest.mark.parametrize(
    "seen",
    [
        evidence(complete=False),
        evidence(complete=False, classes=EVEN, uses_left=0),
        evidence(n=0, losses=0, wins=0),
        evidence(n=0, losses=0, wins=0, complete=False),
    ],
)
def test_a_partial_evaluation_decides_nothing_and_reveals_nothing(seen: PromotionEvidence) -> None:
    decision = decide_promotion(seen, POLICY)

    assert (decision.code, decision.action) == (Code.INVALID_RERUN, Action.RERUN)
    assert (decision.p_superior, decision.p_harm, decision.p_noninferior) == (1, 1, 1)
    assert (decision.delta, decision.interval) == (0, (-1, 1))


@pytest.mark.parametrize("uses_left", [0, -1])
def test_an_exhausted_budget_asks_a_person_whatever_the_proof(uses_left: int) -> None:
    decision = decide_promotion(evidence(uses_left=uses_left), POLICY)

    assert (decision.code, decision.action) == (Code.HUMAN_BUDGET_EXHAUSTED, Action.ASK)


def test_the_last_use_of_a_held_out_version_still_decides() -> None:
    assert decide_promotion(evidence(uses_left=1), POLICY).code is Code.PROMOTE


@pytest.mark.parametrize("failures", [(0.021, 0), (0, 0.021), (1, 1)])
def test_failures_of_either_model_above_two_percent_ask_for_another_run(failures: tuple[float, float]) -> None:
    decision = decide_promotion(evidence(failures=failures), POLICY)

    assert (decision.code, decision.action) == (Code.INVALID_RERUN, Action.RERUN)


def test_failures_of_exactly_two_percent_still_count() -> None:
    assert decide_promotion(evidence(failures=(0.02, 0.02)), POLICY).code is Code.PROMOTE


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (evidence(uses_left=0, failures=(0, 0.5)), Code.HUMAN_BUDGET_EXHAUSTED),
        (evidence(uses_left=0, losses=70, wins=30), Code.HUMAN_BUDGET_EXHAUSTED),
        (evidence(failures=(0, 0.5), losses=70, wins=30), Code.INVALID_RERUN),
        (evidence(failures=(0, 0.5), classes=ONE_COLLAPSES), Code.INVALID_RERUN),
        (evidence(losses=46, wins=92, classes=ONE_COLLAPSES), Code.REJECT),
        (evidence(n=10_000, losses=140, wins=100), Code.REJECT),
        (evidence(n=10_000, losses=100, wins=160), Code.PROMOTE),
    ],
    ids=[
        "an empty budget comes before failures",
        "an empty budget comes before harm",
        "failures come before harm",
        "failures come before a harmed class",
        "a harmed class comes before proof",
        "harm comes before non-inferiority",
        "proof comes before non-inferiority",
    ],
)
def test_the_first_rule_that_applies_decides(seen: PromotionEvidence, code: Code) -> None:
    assert decide_promotion(seen, POLICY).code is code


def test_a_better_challenger_on_199_images_needs_a_person_and_on_200_does_not() -> None:
    few, enough = evidence(n=199, losses=0, wins=25), evidence(n=200, losses=0, wins=25)

    assert decide_promotion(few, POLICY).action is Action.ASK
    assert decide_promotion(enough, POLICY).action is Action.PROMOTE


def test_a_leak_of_held_out_images_needs_a_person() -> None:
    decision = decide_promotion(evidence(leak_found=True), POLICY)

    assert (decision.code, decision.action) == (Code.HUMAN_SUPERIOR_WITH_WARNINGS, Action.ASK)
    assert "held-out images resemble training images" in decision.reason


def test_a_drop_of_exactly_five_points_warns_of_nothing() -> None:
    decision = decide_promotion(evidence(classes={"patches": (60, 4, 1)}), POLICY)

    assert decision.warned == ()


def test_a_drop_is_looked_at_in_classes_of_30_images_and_more() -> None:
    small, large = {"patches": (29, 3, 0)}, {"patches": (30, 3, 0)}

    assert decide_promotion(evidence(classes=small), POLICY).warned == ()
    assert decide_promotion(evidence(classes=large), POLICY).warned == ("patches",)


def test_a_p_value_of_exactly_the_significance_asked_for_is_enough() -> None:
    # Five of five is 1 in 32 by chance.
    superior = evidence(n=400, losses=0, wins=5).model_copy(update={"alpha_per_use": 1 / 32})
    policy = PromotionPolicy(harm_alpha=1 / 32)

    assert decide_promotion(superior, policy).code is Code.PROMOTE
    assert decide_promotion(evidence(n=400, losses=5, wins=0), policy).code is Code.REJECT
    assert decide_promotion(evidence(classes={"patches": (100, 5, 0)}), policy).harmed == ("patches",)


def test_a_class_is_harmed_or_warned_of_but_never_both() -> None:
    decision = decide_promotion(evidence(classes=ONE_COLLAPSES), POLICY)

    assert decision.harmed == ("pitted",)
    assert decision.warned == ()


def test_harm_to_one_of_many_classes_is_judged_by_how_many_there_are() -> None:
    alone = {"patches": (100, 5, 0)}
    among_six = alone | {f"class {number}": (100, 2, 2) for number in range(5)}

    assert decide_promotion(evidence(classes=alone), POLICY).harmed == ("patches",)
    assert decide_promotion(evidence(classes=among_six), POLICY).harmed == ()


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (evidence(losses=25, wins=20), Code.HUMAN_NON_INFERIOR),
        (evidence(n=228, losses=5, wins=3), Code.HUMAN_INCONCLUSIVE),
    ],
)
def test_without_proof_the_policy_keeps_the_champion_or_asks(seen: PromotionEvidence, code: Code) -> None:
    keeping, asking = decide_promotion(seen, POLICY), decide_promotion(seen, ASKING)

    assert (keeping.code, asking.code) == (code, code)
    assert (keeping.action, asking.action) == (Action.KEEP, Action.ASK)


def test_a_worse_challenger_is_rejected_even_by_a_policy_that_asks() -> None:
    assert decide_promotion(evidence(losses=70, wins=30), ASKING).action is Action.KEEP


def test_nothing_short_of_significance_ever_promotes() -> None:
    for losses, wins in itertools.product(range(0, 60, 3), repeat=2):
        decision = decide_promotion(evidence(n=500, losses=losses, wins=wins), ASKING)

        assert (decision.action is Action.PROMOTE) == (decision.p_superior <= 0.005), (losses, wins)


def test_wins_turned_into_losses_never_help_the_challenger() -> None:
    order = [Code.PROMOTE, Code.HUMAN_NON_INFERIOR, Code.HUMAN_INCONCLUSIVE, Code.REJECT]
    ranks = [
        order.index(decide_promotion(evidence(losses=losses, wins=100 - losses), POLICY).code) for losses in range(101)
    ]

    assert ranks == sorted(ranks)


@pytest.mark.parametrize(
    "seen",
    [
        evidence(),
        evidence(n=58, losses=0, wins=25),
        evidence(losses=25, wins=20),
        evidence(n=228, losses=5, wins=3),
        evidence(losses=70, wins=30),
        evidence(losses=46, wins=92, classes=ONE_COLLAPSES),
        evidence(n=600, losses=12, wins=40, classes=ONE_DROPS, leak_found=True),
        evidence(uses_left=0),
    ],
)
def test_the_reason_is_one_sentence_that_starts_with_the_counts(seen: PromotionEvidence) -> None:
    reason = decide_promotion(seen, POLICY).reason

    assert re.match(rf"won {seen.wins}, lost {seen.losses} of {seen.n:,} \(p [=<] 0\.\d+( for harm)?\), ", reason)
    assert "\n" not in reason
    assert ". " not in reason


def test_the_reason_for_doubt_names_every_doubt() -> None:
    seen = evidence(n=199, losses=5, wins=30, classes={"patches": (50, 4, 1)}, leak_found=True)

    assert decide_promotion(seen, POLICY).reason == (
        "won 30, lost 5 of 199 (p < 0.0001), better, but 199 images are fewer than the 200 the policy asks for, "
        "recall of patches fell by more than 5 points and held-out images resemble training images: a person decides"
    )


def test_the_reason_for_rejection_names_the_harmed_class() -> None:
    reason = decide_promotion(evidence(losses=46, wins=92, classes=ONE_COLLAPSES), POLICY).reason

    assert reason == "won 92, lost 46 of 1,800 (p = 0.0001), worse on pitted: keep the champion"


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (evidence(classes=EVEN), "won 70, lost 34 of 1,800 (p = 0.0003), no class worse: promote"),
        (
            evidence(losses=40, wins=60),
            "won 60, lost 40 of 1,800 (p = 0.028), not proved better, but at most 2 points worse (p <= 0.005 was asked "
            "for; 3,453 more held-out images would show a gain of 1.1 points): keep the champion",
        ),
        (
            evidence(losses=70, wins=30),
            "won 30, lost 70 of 1,800 (p < 0.0001 for harm), worse overall: keep the champion",
        ),
        (
            evidence(uses_left=0),
            "won 70, lost 34 of 1,800 (p = 0.0003), but this held-out version has no uses left: a person decides",
        ),
        (evidence(failures=(0, 0.05)), "5.0% of the answers were lost to failures: evaluate again"),
    ],
    ids=["promoted", "kept", "rejected", "exhausted", "invalid and so without a word on who won"],
)
def test_the_reason_fits_in_one_sentence(seen: PromotionEvidence, told: str) -> None:
    assert decide_promotion(seen, POLICY).reason == told

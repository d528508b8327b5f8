"""Whether a loop may train on its model, and whether the base model is a baseline."""

from datetime import date

import pytest

from data_contracts.models import Customer, OfferedModel, current_models
from decisions.training.model_choice import ModelVerdict, Wish, is_baseline, judge_in_tiers, judge_model

FACTS = current_models()
GPT_41, GPT_4O = "gpt-4.1-2025-04-14", "gpt-4o-2024-08-06"
NOVEMBER = date(2026, 11, 25)


def judged(
    model: str = GPT_41,
    *,
    images: bool = True,
    customer: Customer = "existing",
    region: str | None = None,
    training: str = "GlobalStandard",
    deployment: str = "GlobalStandard",
    offered: tuple[OfferedModel, ...] = (),
    today: date = NOVEMBER,
) -> ModelVerdict:
    wish = Wish(
        model=model,
        images=images,
        customer=customer,
        region=region,
        training_tier=training,
        deployment_tier=deployment,
    )
    return judge_model(wish, FACTS, offered, today)


def test_an_existing_customer_may_train_after_the_base_model_has_retired() -> None:
    verdict = judged()

    assert verdict.refusal is None
    assert verdict.warnings == (f"{GPT_41} itself cannot be deployed since 2026-10-14, so it is no baseline",)


def test_a_new_customer_may_not() -> None:
    refusal = judged(customer="new").refusal

    assert refusal == (
        f"{GPT_41} cannot be fine-tuned since 2026-10-14 (customer: new); "
        "no model that is known can; wait for a successor, and keep the champion until it retires"
    )


def test_a_model_without_images_names_those_that_have_them() -> None:
    refusal = judged("gpt-4.1-mini-2025-04-14").refusal

    assert refusal == (
        "gpt-4.1-mini-2025-04-14 cannot be fine-tuned with images; "
        f"{GPT_4O} (until 2027-04-01) or {GPT_41} (until 2027-04-14) can; set base_model in [training]"
    )


def test_a_model_without_images_may_learn_from_text() -> None:
    assert judged("gpt-4.1-mini-2025-04-14", images=False).refusal is None


def test_a_model_that_only_answers_cannot_be_trained() -> None:
    assert str(judged("gpt-5.1-2025-11-13").refusal).startswith("gpt-5.1-2025-11-13 cannot be fine-tuned; ")


def test_a_fine_tuned_model_is_judged_by_its_base_model() -> None:
    assert judged(f"{GPT_41}.ft-k1:ckpt-step-9", today=date(2027, 4, 14)).refusal is not None


def test_ninety_days_before_the_end_a_loop_is_warned() -> None:
    assert f"{GPT_41} can be fine-tuned for 90 more days, until 2027-04-14" in judged(today=date(2027, 1, 14)).warnings
    assert len(judged(today=date(2027, 1, 13)).warnings) == 1


def test_an_unknown_model_is_warned_of_and_not_refused() -> None:
    verdict = judged("gpt-9-2030-01-01")

    assert verdict.refusal is None
    assert verdict.warnings == ("models.yaml of 2026-10-06 does not know gpt-9-2030-01-01; look up when it retires",)


@pytest.mark.parametrize(
    ("model", "training", "deployment", "region", "refusal"),
    [
        (
            GPT_4O,
            "Developer",
            "DeveloperTier",
            "eastus2",
            f"{GPT_4O} cannot be deployed as DeveloperTier in eastus2; Standard or GlobalStandard is offered",
        ),
        (
            GPT_41,
            "Standard",
            "GlobalStandard",
            "eastus2",
            f"{GPT_41} cannot be trained as Standard in eastus2; GlobalStandard or Developer is offered",
        ),
        (
            GPT_41,
            "GlobalStandard",
            "GlobalStandard",
            "japaneast",
            f"{GPT_41} cannot be trained as GlobalStandard in japaneast; choose another region",
        ),
        (GPT_41, "Developer", "DeveloperTier", "eastus2", None),
        (GPT_41, "Standard", "Standard", None, None),
    ],
)
def test_a_tier_that_is_not_offered_is_said_with_those_that_are(
    model: str, training: str, deployment: str, region: str | None, refusal: str | None
) -> None:
    assert judged(model, training=training, deployment=deployment, region=region).refusal == refusal


def test_a_tier_that_is_not_offered_is_no_refusal_as_long_as_a_later_one_is() -> None:
    wish = Wish(model=GPT_41, region="eastus2", training_tier="Standard", deployment_tier="GlobalStandard")

    assert judge_in_tiers(wish, ("Standard", "GlobalStandard"), FACTS, (), NOVEMBER).refusal is None
    assert "cannot be trained as Standard" in str(judge_in_tiers(wish, ("Standard",), FACTS, (), NOVEMBER).refusal)


def test_what_the_account_says_counts_before_the_file() -> None:
    ends = OfferedModel(name=GPT_41, retired=False, trainable_until=NOVEMBER, deployable_until=NOVEMBER)

    assert str(judged(offered=(ends,)).refusal).startswith(f"{GPT_41} cannot be fine-tuned since 2026-11-25")
    assert not is_baseline(GPT_41, FACTS, (ends,), NOVEMBER)


def test_an_account_in_which_nothing_retires_keeps_its_baseline() -> None:
    alive = OfferedModel(name=GPT_41, retired=False)

    assert is_baseline(GPT_41, FACTS, (alive,), NOVEMBER)
    assert judged(offered=(alive,), customer="new").refusal is None


def test_without_the_accounts_word_the_file_decides_about_the_baseline() -> None:
    assert is_baseline(GPT_41, FACTS, (), date(2026, 10, 13))
    assert not is_baseline(GPT_41, FACTS, (), date(2026, 10, 14))
    assert is_baseline("gpt-9-2030-01-01", FACTS, (), NOVEMBER)

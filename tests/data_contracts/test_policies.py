"""Policies: sensible defaults, and no value that could not be meant."""

from datetime import timedelta

import pytest
from pydantic import BaseModel

from data_contracts.limits import current_limits
from data_contracts.policies import AugmentationPolicy, BudgetPolicy, DeletionPolicy, PromotionPolicy, TrainingPolicy


def test_the_gates_defaults_are_those_of_the_methods() -> None:
    policy = PromotionPolicy()

    assert (policy.alpha, policy.harm_alpha, policy.margin) == (0.05, 0.05, 0.02)
    assert (policy.smallest_held_out, policy.class_drop, policy.class_drop_images) == (200, 0.05, 30)
    assert (policy.largest_failure_share, policy.largest_number_of_uses) == (0.02, 20)


@pytest.mark.parametrize(
    ("field", "lowest", "highest"),
    [("n_epochs", 1, 10), ("attempts", 1, 5)],
)
def test_training_counts_have_a_range(field: str, lowest: int, highest: int) -> None:
    for value in (lowest, highest):
        assert getattr(TrainingPolicy.model_validate({field: value}), field) == value
    for value in (lowest - 1, highest + 1):
        with pytest.raises(ValueError, match=field):
            TrainingPolicy.model_validate({field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 0),
        ("learning_rate_multiplier", 0),
        ("learning_rate_multiplier", 10.1),
        ("seed", -1),
        ("detail", "medium"),
        ("training_type", "Provisioned"),
        ("smallest_addition", 0),
        ("settling_minutes", -1),
        ("deadline_hours", 0),
        ("epochs", 3),
    ],
)
def test_a_training_policy_that_cannot_be_meant_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        TrainingPolicy.model_validate({field: value})


SHARES = ("alpha", "target_gain", "margin", "harm_alpha", "class_drop", "largest_failure_share")


@pytest.mark.parametrize("field", SHARES)
@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), "much"])
def test_a_share_outside_zero_and_one_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        PromotionPolicy.model_validate({field: value})


@pytest.mark.parametrize("field", SHARES)
@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_a_share_from_zero_to_one_is_taken(field: str, value: float) -> None:
    assert getattr(PromotionPolicy.model_validate({field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("smallest_held_out", 0),
        ("largest_number_of_uses", 0),
        ("class_drop_images", 0),
        ("when_inconclusive", "promote"),
        ("smalest_held_out", 10),
    ],
)
def test_a_promotion_policy_that_cannot_be_meant_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        PromotionPolicy.model_validate({field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("copies", 11),
        ("seed", -1),
        ("rotation", 181),
        ("scale", 0.51),
        ("crop", -0.1),
        ("brightness", 1),
        ("greyscale", 1.1),
        ("masking", 0.6),
        ("rotate", 5),
    ],
)
def test_an_augmentation_that_cannot_be_meant_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        AugmentationPolicy.model_validate({field: value})


def test_nothing_is_augmented_or_balanced_unless_it_is_asked_for() -> None:
    policy = TrainingPolicy()

    assert policy.augmentation.copies == 0
    assert policy.balance == "none"


@pytest.mark.parametrize(
    "policy", [TrainingPolicy(), PromotionPolicy(), DeletionPolicy(), AugmentationPolicy(), BudgetPolicy()]
)
def test_every_threshold_of_a_form_explains_itself(policy: BaseModel) -> None:
    for name, field in type(policy).model_fields.items():
        assert "_" not in type(policy).model_json_schema()["properties"][name]["title"], name
        assert field.description, name
        assert field.description.endswith("."), name


def test_a_policy_survives_the_form() -> None:
    policy = PromotionPolicy(target_gain=0.03, when_inconclusive="ask")

    assert PromotionPolicy.model_validate_json(policy.model_dump_json()) == policy


def test_a_single_training_tier_under_its_old_name_is_the_only_one() -> None:
    policy = TrainingPolicy.model_validate({"training_type": "Developer"})

    assert (policy.training_types, policy.training_type) == (("Developer",), "Developer")


@pytest.mark.parametrize(
    "given", [{"training_types": []}, {"training_type": "Standard", "training_types": ["Standard"]}]
)
def test_no_tier_and_both_names_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="training_types"):
        TrainingPolicy.model_validate(given)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"safety_margin_hours": 23}, "safety_margin_hours"),
        ({"idle_days": 0}, "idle_days"),
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": ["Caturday"]}, "weekdays"),
        ({"working_from": 17, "working_until": 17}, "working_until 17 has to be later than working_from 17"),
        ({"time_zone": "Mars/Olympus"}, "'Mars/Olympus' is no time zone"),
        ({"time_zone": "../etc/passwd"}, "is no time zone"),
        ({"time_zone": ""}, "is no time zone"),
        ({"keep_alive_every": 15}, "keep_alive_every 15 days is too late for Azure's 15"),
        ({"azure_days": 7}, "keep_alive_every 7 days is too late for Azure's 7"),
        ({"most_a_day": 0}, "most_a_day"),
        ({"idle_champion": "delete"}, "idle_champion"),
    ],
)
def test_a_deletion_policy_that_cannot_be_meant_is_refused(given: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        DeletionPolicy.model_validate(given)


def test_azures_idle_days_are_the_dated_fact_unless_they_are_set() -> None:
    assert DeletionPolicy().azure_span == timedelta(days=current_limits().idle_deployment_days.value)
    assert DeletionPolicy(azure_days=30).azure_span == timedelta(days=30)

"""What an iteration will cost, and how long its job takes."""

from datetime import timedelta

import pytest

from data_contracts.batches import BATCH_TIER
from data_contracts.ledger import LedgerEntry, TrainingFinished, TrainingSubmitted
from data_contracts.prices import current_prices
from data_contracts.training import JobStatus
from decisions.loop_state import LoopState, state_of
from decisions.training.forecast import Asked, Job, Questions, duration, example_tokens, forecast, training_tokens
from decisions.training.preflight import Sent
from tests.decisions.builders import BASE, entry, opened, training_intended

SMALL = Sent(line_bytes=20_400, image_bytes=15_000, width=200, height=200, text_tokens=100)
PRICES = current_prices()


def after_jobs(*jobs: tuple[int, float]) -> LoopState:
    """A loop whose jobs had so many tokens and took so many minutes."""
    entries: list[LedgerEntry] = []
    for number, (tokens, minutes) in enumerate(jobs, start=1):
        finished = TrainingFinished(
            suffix="k1",
            attempt=1,
            job="ftjob-1",
            status=JobStatus.SUCCEEDED,
            model="any",
            trained_tokens=tokens,
            problem=None,
        )
        submitted = TrainingSubmitted(suffix="k1", job="ftjob-1", found=False)
        for event in (opened(number), training_intended(), submitted):
            entries.append(entry(event, len(entries), iteration=number))
        ended = entry(finished, len(entries), iteration=number)
        moment = entries[-1].time + timedelta(minutes=minutes)
        entries.append(ended.model_copy(update={"time": moment}))
    return state_of(entries)


def test_every_epoch_counts_and_an_image_costs_what_its_detail_says() -> None:
    assert training_tokens([SMALL] * 10, "low", 3) == 3 * 10 * (100 + 85)
    assert training_tokens([SMALL] * 10, "high", 1) == 10 * (100 + 255)


def test_a_chat_without_an_image_costs_its_text() -> None:
    assert example_tokens(SMALL._replace(image_bytes=0, width=0, height=0), "high") == 100


def test_a_forecast_is_the_sum_of_training_answers_and_hosting() -> None:
    job = Job([SMALL] * 1000, "low", 2, "GlobalStandard")
    questions = Questions([SMALL] * 5, 4, (Asked(BASE, 100), Asked(BASE, 100)))

    made = forecast(job, questions, "GlobalStandard", LoopState(), PRICES)

    assert made.usd_of("training") == pytest.approx(370_000 / 1e6 * 25)
    assert made.usd_of("evaluation") == pytest.approx(2 * (18_500 * 2 + 400 * 8) / 1e6)
    assert made.usd == pytest.approx(made.usd_of("training") + made.usd_of("evaluation") + 1.7)


def test_hosting_until_the_decision_is_that_of_the_tier_on_which_the_challenger_is_evaluated() -> None:
    job, questions = Job([SMALL], "low", 1, "GlobalStandard"), Questions([SMALL], 4, (), "DeveloperTier")

    made = forecast(job, questions, "GlobalStandard", LoopState(), PRICES)

    assert made.usd_of("hosting") == 0
    assert made.usd_per_day_deployed == pytest.approx(24 * 1.7)


def test_answers_by_batch_are_forecast_at_their_share_of_the_price() -> None:
    job = Job([SMALL], "low", 1, "GlobalStandard")
    full, by_batch = (
        forecast(job, Questions([SMALL], 4, (Asked(BASE, 100, tier),)), "GlobalStandard", LoopState(), PRICES)
        for tier in (None, BATCH_TIER)
    )

    assert by_batch.usd_of("evaluation") == pytest.approx(full.usd_of("evaluation") / 2)


def test_a_forecast_asks_for_answers_what_their_tier_costs() -> None:
    job, questions = Job([SMALL], "low", 1, "GlobalStandard"), Questions([SMALL] * 5, 4, (Asked(BASE, 100),))

    usual = forecast(job, questions, "GlobalStandard", LoopState(), PRICES).usd_of("evaluation")

    assert forecast(job, questions, "Standard", LoopState(), PRICES).usd_of("evaluation") == pytest.approx(1.1 * usual)
    assert forecast(job, questions, "Unheard", LoopState(), PRICES).usd_of("evaluation") == usual


def test_answers_of_a_model_without_a_price_have_none_rather_than_nothing_to_pay() -> None:
    made = forecast(
        Job([SMALL], "low", 1, "Developer"),
        Questions([SMALL], 4, (Asked("llama-4", 1),)),
        "DeveloperTier",
        LoopState(),
        PRICES,
    )

    assert next(cost.usd for cost in made.costs if cost.what == "evaluation") is None
    assert made.usd_of("hosting") == 0


def test_without_a_job_of_its_own_a_loop_has_a_rule_of_thumb() -> None:
    found = duration(1_200_000, LoopState())

    assert found.minutes == 80
    assert "rule of thumb" in found.basis


def test_one_job_tells_the_minutes_a_token() -> None:
    assert duration(400_000, after_jobs((200_000, 30))).minutes == pytest.approx(60)


def test_jobs_of_two_sizes_tell_the_time_before_training_too() -> None:
    state = after_jobs((100_000, 30), (300_000, 50))

    assert duration(600_000, state).minutes == pytest.approx(80)
    assert duration(600_000, state).basis == "2 finished jobs of this loop: 20.0 minutes and 6 s a thousand tokens"

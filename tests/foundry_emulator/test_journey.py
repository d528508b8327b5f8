"""The way of a model from a file to answers, through the official clients."""

import csv
import io
from collections.abc import Callable

import pytest
from azure.mgmt.cognitiveservices.models import Deployment
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.foundry_emulator.support import TEXTURES, Example, examples, once_deployed, question, train

Deploy = Callable[..., Deployment]
HELD_OUT = examples(range(200, 210))


def accuracy(client: OpenAI, name: str, shown: list[Example]) -> float:
    once_deployed(lambda: client.chat.completions.create(model=name, messages=question(HELD_OUT[0].url)))
    given = [client.chat.completions.create(model=name, messages=question(e.url), temperature=0) for e in shown]
    return sum(g.choices[0].message.content == e.texture for g, e in zip(given, shown, strict=True)) / len(shown)


def test_a_fine_tuned_model_knows_what_its_base_model_guesses(
    client: OpenAI, deploy: Deploy, trained: FineTuningJob
) -> None:
    deploy("base", "gpt-4o", "2024-08-06")
    deploy("tuned", str(trained.fine_tuned_model))

    assert accuracy(client, "base", HELD_OUT) < 0.5
    assert accuracy(client, "tuned", HELD_OUT) > 0.8


def test_the_job_tells_what_it_did(trained: FineTuningJob) -> None:
    told = trained.model_dump(exclude_unset=True)

    assert told["status"] == "succeeded"
    assert told["fine_tuned_model"] == f"gpt-4o-2024-08-06.ft-{trained.id.removeprefix('ftjob-')}-textures"
    assert told["hyperparameters"] == {"batch_size": 1, "learning_rate_multiplier": 1.0, "n_epochs": 5}
    assert told["trainingType"] == "globalStandard"
    assert told["metadata"] == {"purpose": "tests"}
    assert told["trained_tokens"] > 5 * 80 * 85
    assert "error" not in told


def test_events_come_newest_first_with_the_messages_of_the_service(client: OpenAI, trained: FineTuningJob) -> None:
    events = list(client.fine_tuning.jobs.list_events(trained.id, limit=50))
    messages = [event.message for event in reversed(events) if event.type == "message"]
    steps = [event.to_dict()["data"]["step"] for event in events if event.type == "metrics"]  # type: ignore[index]

    assert messages[:9] == [
        "Job enqueued. Waiting for jobs ahead to complete.",
        "Preprocessing running for file training file.",
        "Preprocessing completed for file training file.",
        "Preprocessing completed for file validation file.",
        "Job started.",
        "Data Import started.",
        "Finetuning started.",
        "Job queued, waiting for GPUs.",
        "Training started.",
    ]
    assert messages[9:] == [
        f"Created results file: {trained.result_files[0]}",
        "Job succeeded.",
        "Model Evaluation Passed.",
        f"Completed results file: {trained.result_files[0]}",
        f"Training tokens billed: {trained.trained_tokens}",
    ]
    assert steps == [*range(400, 0, -10), 1]


def test_the_last_three_checkpoints_are_kept_newest_first(client: OpenAI, trained: FineTuningJob) -> None:
    kept = client.fine_tuning.jobs.checkpoints.list(trained.id).data
    model = trained.fine_tuned_model

    assert [c.step_number for c in kept] == [400, 320, 240]
    assert [c.fine_tuned_model_checkpoint for c in kept] == [
        model,
        f"{model}:ckpt-step-320",
        f"{model}:ckpt-step-240",
    ]
    assert all(c.metrics.full_valid_loss is not None for c in kept)


def test_the_results_file_has_a_row_per_step(client: OpenAI, trained: FineTuningJob) -> None:
    file = client.files.retrieve(trained.result_files[0])
    rows = list(csv.DictReader(io.StringIO(client.files.content(file.id).text)))

    assert (file.purpose, file.filename) == ("fine-tune-results", "results.csv")
    assert list(rows[0]) == [
        "step",
        "train_loss",
        "train_mean_token_accuracy",
        "valid_loss",
        "validation_mean_token_accuracy",
        "full_valid_loss",
        "full_valid_mean_token_accuracy",
    ]
    assert [int(row["step"]) for row in rows] == list(range(1, 401))
    assert [row["step"] for row in rows if row["full_valid_loss"]] == ["80", "160", "240", "320", "400"]
    assert float(rows[-1]["full_valid_loss"]) < float(rows[79]["full_valid_loss"])


@pytest.mark.parametrize("place", [1, 2])
def test_an_earlier_checkpoint_can_be_deployed(
    client: OpenAI, deploy: Deploy, trained: FineTuningJob, place: int
) -> None:
    checkpoint = client.fine_tuning.jobs.checkpoints.list(trained.id).data[place]
    name = checkpoint.id if place == 1 else checkpoint.fine_tuned_model_checkpoint

    assert deploy(f"checkpoint-{place}", name).as_dict()["properties"]["provisioning_state"] == "Succeeded"


def test_a_deployed_checkpoint_is_its_own_model(client: OpenAI, deploy: Deploy, trained: FineTuningJob) -> None:
    deploy("newest", str(trained.fine_tuned_model))
    deploy("earlier", f"{trained.fine_tuned_model}:ckpt-step-240")

    assert surprise(client, "newest") != surprise(client, "earlier")


def test_training_again_with_the_same_seed_gives_the_same_model_to_the_last_bit(client: OpenAI, deploy: Deploy) -> None:
    shown = examples(range(6))
    for name, seed in (("first", 5), ("again", 5), ("other", 6)):
        deploy(name, str(train(client, shown, seed=seed).fine_tuned_model))
    first, again, other = (surprise(client, name) for name in ("first", "again", "other"))

    assert first == again
    assert first != other


def test_continuing_with_a_new_texture_keeps_the_old_ones(client: OpenAI, deploy: Deploy) -> None:
    old = train(client, examples(range(20), TEXTURES[:3]))
    few = examples(range(50, 54))
    once = {"n_epochs": 1}
    continued = train(client, few, model=str(old.fine_tuned_model), hyperparameters=once)
    afresh = train(client, few, hyperparameters=once)
    deploy("continued", str(continued.fine_tuned_model))
    deploy("afresh", str(afresh.fine_tuned_model))
    new = [e for e in HELD_OUT if e.texture == TEXTURES[3]]

    assert continued.fine_tuned_model == f"gpt-4o-2024-08-06.ft-{continued.id.removeprefix('ftjob-')}"
    assert accuracy(client, "continued", HELD_OUT) > accuracy(client, "afresh", HELD_OUT)
    assert accuracy(client, "continued", new) > 0.5


def surprise(client: OpenAI, name: str) -> list[float]:
    """Return the log-probabilities that a model gives to four images."""
    once_deployed(lambda: client.chat.completions.create(model=name, messages=question(HELD_OUT[0].url)))
    given = [
        client.chat.completions.create(model=name, messages=question(e.url), temperature=0, logprobs=True)
        for e in HELD_OUT[:4]
    ]
    return [g.choices[0].logprobs.content[0].logprob for g in given if g.choices[0].logprobs]  # type: ignore[index]

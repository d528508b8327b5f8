"""The life of a fine-tuning job: how many run, pause and resume, cancellation, and its longest duration."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from azure.mgmt.cognitiveservices.models import Deployment
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.foundry_emulator.deployed import ask, wait_for
from tests.foundry_emulator.support import (
    API_KEY,
    MODEL,
    EmulatorProcess,
    ended,
    examples,
    in_status,
    question,
    running,
    train,
    trainer_of,
    training_file,
    until,
    upload,
)
from tests.foundry_emulator.waiting import long_job, paused

Deploy = Callable[..., Deployment]
SHOWN = examples(range(300, 302))


def results(client: OpenAI, job: FineTuningJob) -> str:
    """Return the results file of a job that has succeeded: every loss, to the last digit."""
    return client.files.content(job.result_files[0]).text


def probabilities(client: OpenAI, name: str) -> list[Any]:
    wait_for(client, name)
    given = [ask(client, name, example.url, logprobs=True, top_logprobs=4) for example in SHOWN]
    return [logprobs.to_dict() for each in given if (logprobs := each.choices[0].logprobs)]


def messages(client: OpenAI, job: str) -> list[str]:
    return [event.message for event in client.fine_tuning.jobs.list_events(job, limit=100)]


def test_a_paused_job_goes_on_exactly_where_it_was_and_its_model_is_the_same_to_the_last_bit(
    client: OpenAI, deploy: Deploy
) -> None:
    file = upload(client, training_file(examples(range(20)))).id
    request = {"training_file": file, "validation_file": file, "hyperparameters": {"n_epochs": 15}}
    straight = long_job(client, **request)
    interrupted = long_job(client, **request)
    paused(client, interrupted.id)
    client.fine_tuning.jobs.resume(interrupted.id)
    jobs = [ended(client, job.id) for job in (straight, interrupted)]
    for name, job in zip(("straight", "interrupted"), jobs, strict=True):
        deploy(name, str(job.fine_tuned_model))

    assert results(client, jobs[0]) == results(client, jobs[1])
    assert probabilities(client, "straight") == probabilities(client, "interrupted")


def test_a_paused_job_tells_so_and_has_a_checkpoint_that_can_be_deployed(client: OpenAI, deploy: Deploy) -> None:
    job = paused(client, long_job(client).id)
    checkpoint = client.fine_tuning.jobs.checkpoints.list(job.id).data[0]
    deploy("at-rest", checkpoint.fine_tuned_model_checkpoint)
    answered = probabilities(client, "at-rest")
    cancelled = client.fine_tuning.jobs.cancel(job.id)

    assert answered
    assert "estimated_finish" not in job.to_dict()
    assert checkpoint.fine_tuned_model_checkpoint.endswith(f":ckpt-step-{checkpoint.step_number}")
    assert f"Job paused at step {checkpoint.step_number}." in messages(client, job.id)
    assert cancelled.status == "cancelled"
    assert cancelled.trained_tokens


def test_a_checkpoint_of_a_job_that_still_runs_cannot_be_deployed_or_trained_on(client: OpenAI, deploy: Deploy) -> None:
    job = long_job(client)
    checkpoint = until(lambda: client.fine_tuning.jobs.checkpoints.list(job.id).data)[0]

    with pytest.raises(openai.BadRequestError, match="does not exist"):
        long_job(client, model=checkpoint.id)
    with pytest.raises(Exception, match="DeploymentModelNotSupported"):
        deploy("too-early", checkpoint.id)
    client.fine_tuning.jobs.cancel(job.id)


def test_only_what_runs_is_paused_and_only_what_is_paused_is_resumed(client: OpenAI) -> None:
    job = long_job(client)
    with pytest.raises(openai.BadRequestError, match="it must be running and have done a step"):
        client.fine_tuning.jobs.pause(job.id)
    with pytest.raises(openai.BadRequestError, match="is not paused"):
        client.fine_tuning.jobs.resume(job.id)
    paused(client, job.id)
    with pytest.raises(openai.BadRequestError, match="its status is paused"):
        client.fine_tuning.jobs.pause(job.id)
    client.fine_tuning.jobs.cancel(job.id)

    with pytest.raises(openai.BadRequestError, match="its status is cancelled"):
        client.fine_tuning.jobs.resume(job.id)
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.pause("ftjob-nope")


def test_a_paused_job_survives_a_kill_and_its_model_is_that_of_a_job_that_was_never_stopped(tmp_path: Path) -> None:
    content = training_file(examples(range(10)))
    killed = EmulatorProcess(tmp_path)
    with killed.client() as client:
        file = upload(client, content).id
        job = paused(client, long_job(client, training_file=file, hyperparameters={"n_epochs": 30}).id)
        pausing = long_job(client, training_file=file)
        until(lambda: client.fine_tuning.jobs.checkpoints.list(pausing.id).data)
        client.fine_tuning.jobs.pause(pausing.id)
        killed.kill()
    with running(tmp_path) as restarted, restarted.client() as client:
        still = client.fine_tuning.jobs.retrieve(job.id)
        also = in_status(client, pausing.id, "paused")
        client.fine_tuning.jobs.resume(job.id)
        straight = long_job(client, training_file=file, hyperparameters={"n_epochs": 30})

        assert str(still.status) == str(also.status) == "paused"
        assert results(client, ended(client, job.id)) == results(client, ended(client, straight.id))


def test_cancelling_bills_the_steps_that_were_done_and_a_job_that_waited_costs_nothing(client: OpenAI) -> None:
    whole = train(client, examples(range(20)), hyperparameters={"n_epochs": 1})
    waiting = long_job(client)
    waited = client.fine_tuning.jobs.cancel(waiting.id)
    job = long_job(client)
    until(lambda: client.fine_tuning.jobs.checkpoints.list(job.id).data)
    client.fine_tuning.jobs.cancel(job.id)
    billed = ended(client, job.id).trained_tokens

    assert "trained_tokens" not in waited.to_dict()
    assert billed is not None
    assert whole.trained_tokens is not None
    steps = -(-billed * 80 // whole.trained_tokens)
    assert 80 <= steps < 4000
    assert billed == whole.trained_tokens * steps // 80
    assert f"Training tokens billed: {billed}" in messages(client, job.id)


def test_three_jobs_of_an_account_run_at_a_time_and_five_developer_ones_beside_them(tmp_path: Path) -> None:
    accounts = ("--account", "first", "--account", "second")
    with running(tmp_path, *accounts) as process, process.client() as client:
        file = upload(client, training_file(examples(range(20)))).id
        kinds = ["Standard", "GlobalStandard", "Developer"] * 6
        jobs = [long_job(client, training_file=file, extra_body={"trainingType": kind}) for kind in kinds]
        with OpenAI(api_key=API_KEY, base_url=f"{process.address}/second/openai/v1/") as second:
            other = long_job(second)
            in_status(second, other.id, "running")
        for job in [job for job, kind in zip(jobs, kinds, strict=True) if kind == "Developer"][:5]:
            in_status(client, job.id, "running")
        listed = [job.to_dict() for job in client.fine_tuning.jobs.list(limit=50)]
        active = [job["trainingType"] == "developerTier" for job in listed if job["status"] == "running"]

    assert active.count(False) == 3
    assert active.count(True) == 5


def test_a_job_ends_when_it_has_run_for_720_hours_by_the_clock(tmp_path: Path) -> None:
    with running(tmp_path) as process, process.client() as client:
        job = in_status(client, long_job(client).id, "running")
        process.forward(721 * 3600)
        failed = ended(client, job.id)
        told = client.fine_tuning.jobs.list_events(job.id, limit=1).data[0]

    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.message == "The job has exceeded the maximum duration of 720 hours."
    assert 720 * 3600 <= (failed.finished_at or 0) - failed.created_at < 721 * 3600
    assert told.created_at == failed.finished_at


def test_a_learning_rate_far_too_high_learns_nothing_but_breaks_nothing(client: OpenAI) -> None:
    job = train(client, examples(range(20)), hyperparameters={"learning_rate_multiplier": 1_000_000, "n_epochs": 2})
    rows = results(client, job).splitlines()

    assert len(rows) == 161
    assert max(float(row.split(",")[1]) for row in rows[1:]) > 1_000


def test_only_the_dated_address_deletes_a_job_and_only_one_that_has_ended(
    emulator: EmulatorProcess, client: OpenAI
) -> None:
    job = long_job(client)
    path = f"/fine_tuning/jobs/{job.id}"
    with AzureOpenAI(
        azure_endpoint=emulator.address, api_version="2024-10-21", api_key=API_KEY, max_retries=0
    ) as dated:
        with pytest.raises(openai.BadRequestError, match="before it has ended"):
            dated.delete(path, cast_to=object)
        client.fine_tuning.jobs.cancel(job.id)
        with pytest.raises(openai.NotFoundError, match="Resource not found"):
            client.delete(path, cast_to=object)
        dated.delete(path, cast_to=type(None))

    with pytest.raises(openai.NotFoundError, match="was not found"):
        client.fine_tuning.jobs.retrieve(job.id)
    assert job.id not in [each.id for each in client.fine_tuning.jobs.list(limit=100)]


def test_the_process_of_a_paused_job_dies_with_its_emulator(tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path)
    with emulator.client() as client:
        paused(client, long_job(client).id)
        trainer = Path("/proc") / trainer_of(emulator.process.pid)
        slept = trainer.exists()
        emulator.kill()

    assert slept
    assert until(lambda: not trainer.exists())


@pytest.mark.slow
def test_a_job_of_more_than_two_billion_tokens_is_refused_before_it_trains(client: OpenAI) -> None:
    example = examples(range(1))[0]
    line = {"role": "assistant", "content": example.texture}
    long = {"role": "system", "content": " cat" * 4_100_000}
    content = "\n".join([json.dumps({"messages": [long, question(example.url)[1], line]})] * 10)
    file = upload(client, content.encode())
    created = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, hyperparameters={"n_epochs": 50})
    job = ended(client, created.id)

    assert job.status == "failed"
    assert job.error is not None
    assert job.error.message.endswith("in 50 epochs; a job may have 2000000000.")
    assert job.trained_tokens is None


async def pause_and_resume(emulator: EmulatorProcess) -> list[str]:
    async with AsyncOpenAI(api_key=API_KEY, base_url=f"{emulator.address}/openai/v1/") as client:
        file = await client.files.create(purpose="fine-tune", file=("a.jsonl", training_file(examples(range(20)))))
        await client.files.wait_for_processing(file.id, poll_interval=0.02)
        jobs = client.fine_tuning.jobs
        job = await jobs.create(model=MODEL, training_file=file.id, hyperparameters={"n_epochs": 50})
        while not (await jobs.checkpoints.list(job.id)).data:
            await asyncio.sleep(0.02)
        seen = [(await jobs.pause(job.id)).status]
        while str((await jobs.retrieve(job.id)).status) != "paused":
            await asyncio.sleep(0.02)
        seen.append((await jobs.resume(job.id)).status)
        seen.append((await jobs.cancel(job.id)).status)
    return [str(status) for status in seen]


def test_the_async_client_pauses_and_resumes_too(emulator: EmulatorProcess) -> None:
    assert asyncio.run(pause_and_resume(emulator)) == ["pausing", "pending", "cancelled"]

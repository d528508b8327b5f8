"""The process: how it starts, how it ends, and what survives."""

import signal
import time
from pathlib import Path

import pytest
from openai import OpenAI

from tests.foundry_emulator.support import (
    MODEL,
    EmulatorProcess,
    ended,
    examples,
    running,
    start_in_vain,
    trainer_of,
    training_file,
    until,
    upload,
)


def first_checkpoint(client: OpenAI, job: str) -> str:
    return until(lambda: client.fine_tuning.jobs.checkpoints.list(job).data)[-1].id


def test_what_was_acknowledged_survives_a_kill_and_the_job_is_finished(tmp_path: Path) -> None:
    content = training_file(examples(range(20)))
    killed = EmulatorProcess(tmp_path)
    with killed.client() as client:
        file = upload(client, content)
        job = client.fine_tuning.jobs.create(
            model=MODEL, training_file=file.id, seed=3, hyperparameters={"n_epochs": 25}
        )
        queued = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, seed=3)
        first_checkpoint(client, job.id)
        killed.kill()
    with running(tmp_path) as restarted, restarted.client() as client:
        finished = ended(client, job.id)

        assert client.files.content(file.id).content == content
        assert finished.status == "succeeded"
        assert [c.step_number for c in client.fine_tuning.jobs.checkpoints.list(job.id)] == [2000, 1920, 1840]
        assert ended(client, queued.id).status == "succeeded"
        messages = [event.message for event in client.fine_tuning.jobs.list_events(job.id, limit=100)]
        assert len(messages) == len(set(messages))


def test_a_training_process_dies_with_its_emulator(tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path)
    with emulator.client() as client:
        file = upload(client, training_file(examples(range(20))))
        job = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, hyperparameters={"n_epochs": 50})
        first_checkpoint(client, job.id)
        trainer = Path("/proc") / trainer_of(emulator.process.pid)
        emulator.kill()

    assert until(lambda: not trainer.exists())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quickly_and_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    emulator = EmulatorProcess(tmp_path)
    emulator.process.send_signal(number)

    assert emulator.stop() == 0


def test_a_busy_port_is_told_in_one_line(emulator: EmulatorProcess, tmp_path: Path) -> None:
    port = emulator.address.rpartition(":")[2]
    ended_at_once = start_in_vain("--port", port, "--state", str(tmp_path))

    assert ended_at_once.returncode == 1
    assert ended_at_once.stdout == ""
    assert ended_at_once.stderr.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended_at_once.stderr


def test_a_state_folder_belongs_to_one_living_emulator(emulator: EmulatorProcess) -> None:
    ended_at_once = start_in_vain("--port", "0", "--state", str(emulator.ready["state"]))

    assert ended_at_once.returncode == 1
    assert "is in use by another emulator" in ended_at_once.stderr
    assert ended_at_once.stderr.count("\n") == 1


def test_a_state_folder_that_is_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended_at_once = start_in_vain("--port", "0", "--state", str(tmp_path / "file"))

    assert ended_at_once.returncode == 1
    assert ended_at_once.stderr.startswith("foundry_emulator: cannot use the state folder")
    assert ended_at_once.stderr.count("\n") == 1


def test_the_clock_tells_the_time(emulator: EmulatorProcess) -> None:
    now = emulator.clock()["now"]

    assert now.endswith("Z")
    assert abs(time.time() - time.mktime(time.strptime(now[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 60

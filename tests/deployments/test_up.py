"""`kaizen up` serves a loop, and the other commands of its folder find what it started."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.init_loop import init_loop
from tests.support.commands import KAIZEN, clean_environment, kaizen

READY = "Flows run on schedule"


@pytest.fixture
def served(tmp_path: Path, images: Path) -> Iterator[Path]:
    """A new loop's folder while `kaizen up` serves it; Ctrl-C ends it well."""
    init_loop(tmp_path / "desk", images, None)
    command = [*KAIZEN, "up", "--loop", str(tmp_path / "desk"), "--prefect-port", "0", "--emulator-port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=clean_environment()) as up:
        try:
            assert up.stderr is not None
            assert any(READY in line for line in up.stderr)
            yield tmp_path / "desk"
            up.send_signal(signal.SIGINT)
            assert up.wait(60) in (0, 130)
        finally:
            up.kill()


@pytest.mark.slow
def test_commands_in_the_same_folder_use_the_servers_that_are_up(served: Path, images: Path) -> None:
    shutil.copytree(images, served / "store" / "inbox" / "desk" / "first")

    ingested = kaizen("ingest", "--loop", served)
    planned = kaizen("plan", "--json", "--loop", served)

    assert ingested.returncode == 0, ingested.stderr
    assert (planned.returncode, planned.stderr) == (0, "")
    assert json.loads(planned.stdout)["usd"] > 0

"""`kaizen demo`: the whole loop on the emulator, from first images to a second champion."""

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.errors import SettingsUnreadable
from deployments.demo_loop import DemoLoop, Say, demo_loop
from deployments.servers import Addresses, Servers, answers, client_environment, servers

if TYPE_CHECKING:
    from flows.improve_model import Result

LOCK_PATIENCE = 30.0
KEPT = "servers.json"


def run_demo(
    folder: Path, images: Path | None, *, keep: bool, as_json: bool, prefect_port: int, emulator_port: int
) -> None:
    """Run the loop in *folder* as far as there is anything to learn, and print what came of it."""
    folder = folder.resolve()
    say = _speaker()
    with _alone_in(folder) as lock:
        loop = demo_loop(folder, images, say)
        count = sum(len(files) for files in loop.images.values())
        say(f"{count:,} images of {len(loop.images)} classes in {images or folder / 'images'}")
        kept = _kept_servers(folder)
        if kept is not None:
            say(f"Using the servers that are up: Prefect {kept.prefect}, emulator {kept.emulator}")
            _with_servers(loop, kept, say, as_json=as_json)
            return
        say("Starting a Prefect server and the emulator ...")
        with servers(folder, prefect_port=prefect_port, emulator_port=emulator_port, lock=lock) as running:
            addresses = running.addresses()
            say(f"Prefect {addresses.prefect}, emulator {addresses.emulator}")
            _with_servers(loop, addresses, say, as_json=as_json)
            if keep:
                _keep(folder, running, addresses, say)


def _with_servers(loop: DemoLoop, addresses: Addresses, say: Say, *, as_json: bool) -> None:
    os.environ |= client_environment(loop.folder, addresses)
    # The demo has its own words for what happens; the run's log is in the Prefect UI.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    from deployments.demo_report import print_json, print_table

    learn_everything(loop, say)
    report = write_report(loop.folder)
    if as_json:
        print_json(str(loop.folder), report)
    else:
        print_table(str(loop.folder), report, addresses.prefect)


def learn_everything(loop: DemoLoop, say: Say) -> None:
    """Ingest and learn from batch after batch until nothing is left, answering for the person where asked."""
    from flows.ingest_images import ingest_images
    from tasks.loop import connect

    folder = str(loop.folder)
    before = len(connect(folder).state().iterations)
    _improve(folder, say)
    for batch in loop.deliver([each.batch for each in connect(folder).state().batches]):
        for accepted in ingest_images(folder):
            say(f"{batch}: {accepted.accepted} images accepted, {accepted.quarantined} quarantined")
        _improve(folder, say)
    if len(connect(folder).state().iterations) == before:
        say("Nothing to learn from: there are no new images.")


def _improve(folder: str, say: Say) -> None:
    """Run improve_model until it has nothing left to do; the person whom it asks is the demo."""
    from flows.improve_model import improve_model

    while True:
        result = improve_model(folder)
        if result.iteration is not None:
            say(f"Iteration {result.iteration}: {result.status}: {result.reason}")
        if result.status == "waits for a person":
            _answer(folder, result, say)
        elif result.iteration is None:
            return


def _answer(folder: str, result: "Result", say: Say) -> None:
    from data_contracts.ledger import Actor
    from tasks.loop import connect
    from tasks.promotion import approve

    loop = connect(folder)
    assert result.iteration is not None
    decided = loop.iteration(result.iteration).decided
    assert decided is not None
    yes = decided.p_superior <= decided.alpha_per_use
    reason = "better beyond chance" if yes else "nothing is proved"
    approve(loop, result.iteration, yes=yes, reason=reason, actor=Actor(name="demo", established="claimed"))
    say(f"Iteration {result.iteration}: the demo answers {'yes' if yes else 'no'}, {reason}")


def write_report(folder: Path) -> Path:
    """The report of all iterations, at a place that is easy to find."""
    from tasks.loop import connect
    from tasks.reports import render
    from tasks.summaries import summarize

    loop = connect(str(folder))
    report = folder / "report.html"
    report.write_text(render(loop, summarize(loop)), "utf-8")
    return report


def _keep(folder: Path, running: Servers, addresses: Addresses, say: Say) -> None:
    pids = running.release()
    (folder / KEPT).write_text(json.dumps({**addresses.model_dump(), "pids": pids}))
    variables = client_environment(folder, addresses)
    say("Both servers stay up. To use them from another terminal:")
    for name, value in variables.items():
        say(f"  export {name}={value}")
    say(f"To stop them: kill {' '.join(map(str, pids))}")


def _kept_servers(folder: Path) -> Addresses | None:
    """The servers that an earlier `--keep` left up, if they still answer."""
    file = folder / KEPT
    if not file.exists():
        return None
    known = json.loads(file.read_text("utf-8"))
    addresses = Addresses(prefect=known["prefect"], emulator=known["emulator"])
    if answers(f"{addresses.prefect}/api/health") and answers(f"{addresses.emulator}/emulator/clock"):
        return addresses
    file.unlink()
    return None


@contextmanager
def _alone_in(folder: Path) -> Iterator[int]:
    """Hold the folder's lock; it is also held by the servers that a killed demo has not stopped yet."""
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_PATIENCE
    with (folder / ".lock").open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SettingsUnreadable(
                        f"Another demo is at work in {folder}; let it finish, or name --folder"
                    ) from None
                time.sleep(0.2)
        yield lock.fileno()


def _speaker() -> Say:
    began = time.monotonic()

    def say(text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        sys.stderr.write(f"{minutes}:{seconds:02d}  {text}\n")
        sys.stderr.flush()

    return say

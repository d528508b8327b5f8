"""`kaizen demo`: the whole loop on the emulator, from first images to a second champion."""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.commands import told
from deployments.demo_loop import DemoLoop, Say, demo_loop
from deployments.folder_lock import alone_in
from deployments.interrupts import stop_if_interrupted
from deployments.kept_servers import keep_up, kept_servers
from deployments.servers import Addresses, client_environment, servers

if TYPE_CHECKING:
    from decisions.loop_state import Iteration
    from flows.improve_model import Result
    from tasks.loop import Loop


def run_demo(
    folder: Path, images: Path | None, *, keep: bool, as_json: bool, prefect_port: int, emulator_port: int
) -> None:
    """Run the loop in *folder* as far as there is anything to learn, and print what came of it."""
    folder = folder.resolve()
    say = speaker()
    with alone_in(folder) as lock:
        loop = demo_loop(folder, images, say)
        count = sum(len(files) for files in loop.images.values())
        say(f"{count:,} images of {len(loop.images)} classes in {images or folder / 'images'}")
        kept = kept_servers(folder)
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
                keep_up(folder, running, addresses)


def _with_servers(loop: DemoLoop, addresses: Addresses, say: Say, *, as_json: bool) -> None:
    os.environ |= client_environment(loop.folder, addresses)
    from deployments.demo_report import print_json, print_table

    learn_everything(loop, say)
    report = write_report(loop.folder)
    if as_json:
        print_json(str(loop.folder), report)
    else:
        print_table(str(loop.folder), report)


def learn_everything(loop: DemoLoop, say: Say) -> None:
    """Ingest and learn from batch after batch until nothing is left, answering for the person where asked."""
    from flows.ingest_images import ingest_images
    from tasks.loop import connect

    folder = str(loop.folder)
    before = len(connect(folder).state().iterations)
    reason = _improve(folder, say)
    for _ in loop.deliver([each.batch for each in connect(folder).state().batches]):
        for accepted in ingest_images(folder):
            say(told(accepted))
        stop_if_interrupted()
        reason = _improve(folder, say)
    if len(connect(folder).state().iterations) == before:
        say(f"Nothing new to learn from: {reason}")


def _improve(folder: str, say: Say) -> str:
    """Run improve_model to the end of an iteration, answering where it asks; returns the reason where it stopped."""
    from flows.improve_model import improve_model

    while True:
        result = improve_model(folder)
        stop_if_interrupted()
        if result.iteration is not None:
            say(f"Iteration {result.iteration}: {result.status}: {result.reason}")
        if result.status != "waits for a person":
            return result.reason
        _answer(folder, result, say)


def _answer(folder: str, result: "Result", say: Say) -> None:
    from data_contracts.ledger import Actor, Approved
    from tasks.gate.approvals import approve
    from tasks.loop import connect

    loop = connect(folder)
    assert result.iteration is not None
    yes = _convinced(loop, loop.iteration(result.iteration))
    reason = "better beyond chance" if yes else "nothing is proved"
    approve(loop, result.iteration, Approved(yes=yes, reason=reason), Actor(name="demo", established="claimed"))
    say(f"Iteration {result.iteration}: the demo answers {'yes' if yes else 'no'}, {reason}")


def _convinced(loop: "Loop", iteration: "Iteration") -> bool:
    """Whether the challenger is better than the champion beyond chance, or without one better than guessing."""
    from decisions.intervals import wilson

    decided = iteration.decided
    assert decided is not None
    if decided.champion is not None:
        return decided.p_superior <= decided.alpha_per_use
    answers = iteration.evaluations[decided.challenger]
    return wilson(answers.correct, answers.images)[0] > 1 / len(loop.contract.labels)


def write_report(folder: Path) -> Path:
    """The report of all iterations, at a place that is easy to find, with links to that of each."""
    from tasks.loop import connect
    from tasks.reporting.report_pages import render_iterations
    from tasks.reporting.summaries import summarize

    loop = connect(str(folder))
    report = folder / "report.html"
    report.write_text(render_iterations(loop, summarize(loop), f"store/{loop.path()}/"), "utf-8")
    return report


def speaker() -> Say:
    """Says on standard error what happens, with the minutes and seconds since now."""
    began = time.monotonic()

    def say(text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        sys.stderr.write(f"{minutes}:{seconds:02d}  {text}\n")
        sys.stderr.flush()

    return say

"""Flows killed and disturbed: `python -m benchmarks.chaos [--cases N] [--seed S] [--json]`.

Each case runs a flow against the emulator and a Prefect server, kills it with SIGKILL or has the service fail, runs it
again, and asks whether every promise was kept. Case N of a seed is always the same one. With `--results FILE` a run
that was interrupted goes on with the cases that the file lacks; `--only N` plays one case alone. Folders of cases that
broke a promise are kept.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks._table import report
from deployments.servers import client_environment, servers
from tests.chaos.harness import Played, again, as_line, folder_of, harness

CASES = 100


def measure() -> Mapping[str, float]:
    """How many `cases` were played, how many were `survived`, and in how many a process was `killed`."""
    options = _options()
    played = _read(options.results, options.seed)
    wanted = [options.only] if options.only is not None else list(range(options.cases))
    missing = [number for number in wanted if number not in played or options.only is not None]
    if missing:
        for each in _played(options, missing):
            played[each.case.number] = each
    mine = [played[number] for number in wanted]
    survived, killed = sum(each.survived for each in mine), sum(each.killed > 0 for each in mine)
    return {"cases": len(mine), "survived": survived, "killed": killed}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help="cases 0 to N - 1 (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--only", type=int, metavar="N", help="play case N alone")
    parser.add_argument("--results", type=Path, metavar="FILE", help="go on where this file of results ends")
    parser.add_argument("--home", type=Path, metavar="DIR", help="an empty folder for everything; it is kept")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    return parser.parse_args()


def _read(results: Path | None, seed: int) -> dict[int, Played]:
    if results is None or not results.exists():
        return {}
    played = [Played.model_validate_json(line) for line in results.read_text("utf-8").splitlines()]
    return {each.case.number: each for each in played if each.case.seed == seed}


def _played(options: argparse.Namespace, numbers: list[int]) -> Iterator[Played]:
    home, broken = options.home or Path(tempfile.mkdtemp(prefix="kaizen-chaos-")), 0
    with ExitStack() as open_:
        running = open_.enter_context(servers(home / "servers", emulator_port=None))
        prefect = client_environment(home / "servers", running.addresses())
        for each in open_.enter_context(harness(home / "cases", prefect)).play(options.seed, numbers):
            _tell(each, home / "cases")
            broken += not each.survived
            _keep(each, options.results)
            yield each
    if not broken and options.home is None:
        shutil.rmtree(home)


def _keep(played: Played, results: Path | None) -> None:
    if results is not None:
        with results.open("a", encoding="utf-8") as file:
            file.write(as_line(played) + "\n")


def _tell(played: Played, home: Path) -> None:
    case = played.case
    told = f"{case.number:>4} {case.scenario}, {case.kind}{f' ({case.fault})' if case.fault else ''}"
    sys.stderr.write(f"{told}: {'survived' if played.survived else 'BROKEN'} after {played.runs} runs\n")
    for promise in played.broken:
        sys.stderr.write(f"     {promise}\n")
    if played.broken:
        sys.stderr.write(f"     again: {again(played)}\n     its folder: {home / folder_of(case)}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what it started ends with it
    report("chaos", measure)

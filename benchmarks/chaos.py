"""Runs of the flows, killed and disturbed: `python -m benchmarks.chaos [--cases N] [--seed S] [--json]`.

Each case runs a flow against the emulator and a Prefect server, kills it with SIGKILL or has the service fail, runs it
again, and asks whether every promise was kept. Case N of a seed is always the same. With `--results FILE` a run that
was interrupted goes on; `--only N` plays one case and keeps its folder; `--home DIR` keeps everything.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks._table import report
from deployments.servers import client_environment, servers
from tests.chaos.harness import Played, again, as_line, harness

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
    parser.add_argument("--home", type=Path, metavar="DIR", help="a new folder for everything; it is kept")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    return parser.parse_args()


def _read(results: Path | None, seed: int) -> dict[int, Played]:
    if results is None or not results.exists():
        return {}
    played = [Played.model_validate_json(line) for line in results.read_text("utf-8").splitlines()]
    return {each.case.number: each for each in played if each.case.seed == seed}


def _played(options: argparse.Namespace, numbers: list[int]) -> Iterator[Played]:
    home = options.home or Path(tempfile.mkdtemp(prefix="kaizen-chaos-"))
    with ExitStack() as open_:
        running = open_.enter_context(servers(home / "servers", emulator_port=None))
        prefect = client_environment(home / "servers", running.addresses())
        for each in open_.enter_context(harness(home, prefect)).play(options.seed, numbers):
            _tell(each, home)
            if options.results is not None:
                with options.results.open("a", encoding="utf-8") as results:
                    results.write(as_line(each) + "\n")
            yield each


def _tell(played: Played, home: Path) -> None:
    if played.survived:
        sys.stderr.write(f"{played.case.number:>4} {played.case.scenario}, {played.case.kind}\n")
        return
    told = "\n     ".join(played.broken)
    sys.stderr.write(f"{played.case.number:>4} BROKEN: {told}\n     again: {again(played)}\n     see {home}\n")


if __name__ == "__main__":
    report("chaos", measure)

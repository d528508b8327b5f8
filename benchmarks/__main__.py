"""`python -m benchmarks`: runs every benchmark, each in a process of its own, and writes `benchmarks/results.md`."""

import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import benchmarks
from benchmarks._table import told


def main() -> int:
    """Run all benchmarks in turn, print and keep their figures."""
    rows = [f"| {name} | {figure} | {told(value)} |" for name, figure, value in _figures()]
    title = f"# Benchmarks, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    lines = [title, "", "| benchmark | figure | value |", "|---|---|---|", *rows]
    (Path(__file__).parent / "results.md").write_text("\n".join(lines) + "\n", "utf-8")
    return 0


def _figures() -> Iterator[tuple[str, str, float | None]]:
    for name in sorted(each.name for each in pkgutil.iter_modules(benchmarks.__path__)):
        if name.startswith("_"):
            continue
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        for figure, value in json.loads(done.stdout)["figures"].items():
            sys.stdout.write(f"{name:<16} {figure:<24} {told(value)}\n")
            yield name, figure, value


if __name__ == "__main__":
    sys.exit(main())

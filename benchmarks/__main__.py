"""`python -m benchmarks`: runs every benchmark and writes `benchmarks/results.md`."""

import importlib
import pkgutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import benchmarks


def main() -> int:
    """Run all benchmarks in turn, print and keep their tables."""
    names = sorted(each.name for each in pkgutil.iter_modules(benchmarks.__path__) if not each.name.startswith("_"))
    lines = [
        f"# Benchmarks, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "",
        "| benchmark | figure | value |",
        "|---|---|---|",
    ]
    for name in names:
        for figure, value in importlib.import_module(f"benchmarks.{name}").measure().items():
            lines.append(f"| {name} | {figure} | {value:.4g} |")
            sys.stdout.write(f"{name:<16} {figure:<24} {value:.4g}\n")
    (Path(__file__).parent / "results.md").write_text("\n".join(lines) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How one benchmark prints its figures: a table, or one object with `--json`."""

import json
import sys
from collections.abc import Callable, Mapping


def report(name: str, measure: Callable[[], Mapping[str, float | None]]) -> None:
    """Measure and print; *name* is the benchmark's."""
    figures = measure()
    if "--json" in sys.argv[1:]:
        sys.stdout.write(json.dumps({"name": name, "figures": figures}) + "\n")
        return
    for figure, value in figures.items():
        sys.stdout.write(f"{figure:<24} {told(value)}\n")


def told(value: float | None) -> str:
    """A figure to four digits; `none` where there is none to tell."""
    return "none" if value is None else f"{value:.4g}"

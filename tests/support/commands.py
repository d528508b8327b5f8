"""Running `kaizen` as a person would."""

import os
import subprocess
import sys
from pathlib import Path

KAIZEN = (sys.executable, "-m", "deployments.cli")


def kaizen(*arguments: str | Path, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """What the command printed and how it ended."""
    return subprocess.run(
        [*KAIZEN, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=clean_environment(),
    )


def clean_environment() -> dict[str, str]:
    """The environment without what other tests have set for loops and Prefect."""
    ours = ("KAIZEN_FOUNDRY", "PREFECT_", "IDENTITY_", "AZURE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}

"""A stand-in over HTTP for Azure's fine-tuning services that really learns."""

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Run the emulator with command line *arguments* until it is told to stop; return the exit code."""
    from foundry_emulator.__main__ import main as run

    return run(arguments)

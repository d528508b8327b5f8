"""`python -m foundry_emulator --port N --state DIR`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from foundry_emulator.command_line import parser_for, settings_from
from foundry_emulator.processes import ONE_BLAS_THREAD
from foundry_emulator.settings import CannotServe


def main(arguments: Sequence[str] | None = None, program: str = "python -m foundry_emulator") -> int:
    """Serve until told to stop; return 0, or 1 after one line on standard error that says why it cannot.

    *program* is what the help calls it.
    """
    given = parser_for(program).parse_args(arguments)
    os.environ.update(ONE_BLAS_THREAD)
    from foundry_emulator.server import serve

    try:
        serve(settings_from(given), given.host, given.port)
    except CannotServe as problem:
        sys.stderr.write(f"foundry_emulator: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

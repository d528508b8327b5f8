"""Runs a command that must not outlive whoever started it: `python -m deployments.keeper PID_FILE COMMAND [ARG ...]`.

The starter holds the other end of standard input. When that closes, even by `kill -9`, the command's
process group is stopped. The line `keep` lets the command go on by itself. PID_FILE gets the command's PID.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

GRACE = 10.0
KEEP = "keep"


def main(pid_file: Path, command: list[str]) -> int:
    """Run *command* until it ends or standard input closes; returns its exit code."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    pid_file.write_text(str(child.pid))
    threading.Thread(target=_watch, args=(child,), daemon=True).start()
    return child.wait()


def _watch(child: subprocess.Popen[bytes]) -> None:
    for line in sys.stdin:
        if line.strip() == KEEP:
            os._exit(0)
    _signal(child, signal.SIGTERM)
    reaper = threading.Timer(GRACE, _signal, (child, signal.SIGKILL))
    reaper.daemon = True  # the keeper ends with its command, not after the grace
    reaper.start()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))

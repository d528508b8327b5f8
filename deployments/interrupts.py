"""Ctrl-C, remembered: libraries between us and the terminal may swallow the exception that it raises."""

import signal
from types import FrameType

_seen: list[int] = []


def remember_interrupts() -> None:
    """From now on Ctrl-C is remembered, beside raising KeyboardInterrupt as always."""
    signal.signal(signal.SIGINT, _remember)


def interrupted() -> bool:
    """Whether Ctrl-C was pressed."""
    return bool(_seen)


def stop_if_interrupted() -> None:
    """Raise KeyboardInterrupt when an earlier one was swallowed; to be asked between two steps."""
    if _seen:
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    _seen.append(number)
    signal.default_int_handler(number, frame)

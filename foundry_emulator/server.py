"""Listening: a socket, uvicorn on it, one line of JSON when it is ready, and a quick clean end."""

import json
import logging
import os
import signal
import socket
import sqlite3
import sys
from types import FrameType

import uvicorn

from foundry_emulator.app import Emulator, assemble
from foundry_emulator.meter.prices import PricesUnusable
from foundry_emulator.models.table import TableError
from foundry_emulator.protocol import protocol_class
from foundry_emulator.settings import CannotServe, Settings
from foundry_emulator.state import StateUnusable

_GRACE_SECONDS = 1


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; CannotServe if the port, the state folder or a table cannot be used."""
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of every broken form; the caller is told
    listener = _listen(host, port)
    try:
        emulator = assemble(settings)
    except (StateUnusable, TableError, PricesUnusable) as problem:
        listener.close()
        raise CannotServe(str(problem)) from problem
    except (sqlite3.Error, OSError) as problem:
        listener.close()
        raise CannotServe(f"cannot use the state folder {settings.state}: {problem}") from problem
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _already_handled)
    for worker in emulator.workers:
        worker.start()
    try:
        _run(emulator, settings, listener)
    finally:
        for worker in emulator.workers:
            worker.stop()
        emulator.state.close()


class _AnnouncingServer(uvicorn.Server):
    """Says on standard output when it is ready."""

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(self._announcement + "\n")
        sys.stdout.flush()


def _run(emulator: Emulator, settings: Settings, listener: socket.socket) -> None:
    config = uvicorn.Config(
        emulator.application,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        http=protocol_class(),
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    ready = {"address": f"http://{host}:{port}", "state": str(settings.state.resolve()), "pid": os.getpid()}
    _AnnouncingServer(config, json.dumps(ready)).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except (OSError, OverflowError) as problem:
        listener.close()
        raise CannotServe(f"cannot listen on {host}:{port}: {problem}") from problem
    return listener


def _already_handled(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: uvicorn stops on the signal and raises it again afterwards, which would spoil the exit code."""

"""Lets requests in, and can be shut until nobody is inside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.types import ASGIApp, Receive, Scope, Send

from foundry_emulator.addresses import true_path
from foundry_emulator.controls.fault_gate import OWN

LONGEST_WAIT_SECONDS = 10


class Doors:
    """Counts the requests to the imitated services that are being served; the emulator's own addresses pass freely."""

    def __init__(self) -> None:
        self._inside = 0
        self._one_at_a_time = asyncio.Lock()
        self._open = asyncio.Event()
        self._open.set()
        self._empty = asyncio.Event()

    def leading_to(self, application: ASGIApp) -> ASGIApp:
        """Return *application* behind these doors."""

        async def enter(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or true_path(scope).startswith(OWN):
                await application(scope, receive, send)
                return
            while not self._open.is_set():
                await self._open.wait()
            self._inside += 1
            try:
                await application(scope, receive, send)
            finally:
                self._inside -= 1
                if not self._inside:
                    self._empty.set()

        return enter

    @asynccontextmanager
    async def shut(self) -> AsyncIterator[None]:
        """Keep new requests waiting inside the block, which begins when those being served have been answered.

        One that takes longer than ten seconds is not waited for.
        """
        async with self._one_at_a_time:
            self._open.clear()
            try:
                await self._wait_until_empty()
                yield
            finally:
                self._open.set()

    async def _wait_until_empty(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                while self._inside:
                    self._empty.clear()
                    await self._empty.wait()

"""Ends a client's connection in the way that a broken network does."""

import asyncio
import socket
import struct
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

_NO_LINGER = struct.pack("ii", 1, 0)


def reset(send: Send) -> None:
    """Reset the connection that *send* writes to: whatever the client waits for, it sees a TCP reset.

    RuntimeError if *send* is not that of uvicorn.
    """
    cycle = _cycle(send)
    connection = cycle.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    cycle.transport.abort()


def end(send: Send) -> None:
    """End the connection that *send* writes to when all that was written has left; RuntimeError as for `reset`."""
    _cycle(send).transport.close()


def ended_at_the_stop(application: ASGIApp) -> ASGIApp:
    """Return *application*; what it still serves when the emulator stops ends with its connection, in silence."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await application(scope, receive, send)
        except asyncio.CancelledError:  # the emulator stops and does not wait: the client sees the connection end
            end(send)

    return serve


async def read_to_the_end(receive: Receive) -> None:
    """Read and drop the body of the request, so that its sender has come to wait for the answer."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


def _cycle(send: Send) -> Any:
    """Return the request cycle of uvicorn that *send* is a method of, told that the client is gone.

    Both of uvicorn's HTTP implementations have one; knowing that, it does not ask for an answer.
    """
    cycle: Any = getattr(send, "__self__", None)
    if not hasattr(cycle, "transport"):
        raise RuntimeError("the connections of this server cannot be reset")
    cycle.disconnected = True
    return cycle

"""HTTP as uvicorn reads it, with a bound on the head of a request."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_HEAD_BYTES = 1 << 20
_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def protocol_class() -> type[asyncio.Protocol]:
    """Return the quickest protocol that is installed; h11 has a bound of its own, httptools none."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return H11Protocol

    class Bounded(HttpToolsProtocol):
        """Refuses a head that does not end."""

        _head: int | None = 0

        def data_received(self, data: bytes) -> None:
            if self._head is not None:
                self._head += len(data)
                if self._head > MOST_HEAD_BYTES:
                    self.transport.write(_REFUSAL)
                    self.transport.close()
                    return
            super().data_received(data)

        def on_message_begin(self) -> None:
            self._head = 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._head = None
            super().on_headers_complete()

    return Bounded

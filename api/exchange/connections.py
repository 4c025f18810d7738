"""The connections to one remote source, which are closed whatever ends a call, unless it ends well.

Beside httpcore, which speaks HTTP. Its own pool keeps for good the place of a call that is cancelled just as
it gets its connection or has made it, and its network a socket whose TLS handshake is cancelled. Both happen
with a source that hangs, until it can't be called at all.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpcore

__all__ = ["Connections"]


class Connections:
    """Connections to one origin, kept for the next call where a call ended well.

    Parameters
    ----------
    address : URL of the source.
    context : of TLS.
    most : connections at a time; more calls wait for one.
    idle_seconds : how long one is kept.
    """

    def __init__(self, address: str, context: ssl.SSLContext, *, most: int, idle_seconds: float) -> None:
        self._origin, self._context = httpcore.URL(address).origin, context
        self._idle_seconds, self._network = idle_seconds, _Network()
        self._room = asyncio.Semaphore(most)
        self._idle: list[httpcore.AsyncHTTPConnection] = []
        self._closed = False

    @asynccontextmanager
    async def one(self) -> AsyncIterator[httpcore.AsyncHTTPConnection]:
        """Give a connection for one call."""
        async with self._room:
            connection = await self._kept() or httpcore.AsyncHTTPConnection(
                self._origin,
                ssl_context=self._context,
                keepalive_expiry=self._idle_seconds,
                network_backend=self._network,
            )
            try:
                yield connection
            finally:
                if connection.is_idle() and not connection.is_closed() and not self._closed:
                    self._idle.append(connection)
                else:
                    await _close(connection)

    async def _kept(self) -> httpcore.AsyncHTTPConnection | None:
        """The connection that was used last, if it is still good."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await _close(connection)
        return None

    async def aclose(self) -> None:
        """Close the connections that are kept, and keep no more."""
        self._closed = True
        while self._idle:
            await _close(self._idle.pop())


async def _close(connection: httpcore.AsyncHTTPConnection | httpcore.AsyncNetworkStream) -> None:
    with anyio.CancelScope(shield=True):
        await connection.aclose()


class _Network(httpcore.AnyIOBackend):
    async def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        return _Stream(await super().connect_tcp(*arguments, **options))


class _Stream(httpcore.AsyncNetworkStream):
    """A connection before TLS; what it secures is httpcore's own."""

    def __init__(self, plain: httpcore.AsyncNetworkStream) -> None:
        self._plain = plain

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._plain.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await _close(self._plain)
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._plain.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._plain.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._plain.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)

"""The connections to one remote source, which are closed whatever ends a call, unless it ends well.

Whom they are with is checked when they are made: by the address that the name stands for at that moment, so
that no name leads to what only this machine can reach, and by the OIN in the certificate.

Beside httpcore, which speaks HTTP. Its own pool keeps for good the place of a call that is cancelled just as
it gets its connection or has made it, and its network a socket whose TLS handshake is cancelled. Both happen
with a source that hangs, until it can't be called at all.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

import anyio
import httpcore
from cryptography.x509 import load_der_x509_certificate

from api.contracts.identity import oin_of

__all__ = ["Connections", "WrongEnd", "is_public"]

_ATTEMPT_SECONDS: Final = 1.0
"""How long an address of a source gets, where its name stands for others, too."""


class WrongEnd(Exception):  # noqa: N818  It says what is the matter, as `BadAnswer` does.
    """What a connection would be with isn't the source. The text tells the kind of fault."""


class Connections:
    """Connections to one origin, kept for the next call where a call ended well.

    Parameters
    ----------
    address : URL of the source.
    context : of TLS.
    oin : which the certificate of the source must be of.
    private_networks : whether it may be at an address that isn't public.
    most : connections at a time; more calls wait for one.
    idle_seconds : how long one is kept.
    """

    def __init__(
        self,
        address: str,
        context: ssl.SSLContext,
        *,
        oin: str,
        private_networks: bool,
        most: int,
        idle_seconds: float,
    ) -> None:
        self._origin, self._context = httpcore.URL(address).origin, context
        self._idle_seconds, self._network = idle_seconds, _Network(oin, private_networks)
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


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the internet, and not of a private network or of this machine."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        within = found.ipv4_mapped or found.sixtofour
        if within is not None:
            return _is_public(within)
        return _is_public(found) and not found.is_site_local
    return _is_public(found)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Network(httpcore.AnyIOBackend):
    def __init__(self, oin: str, private_networks: bool) -> None:
        self._oin, self._private_networks = oin, private_networks

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *arguments: Any, **options: Any
    ) -> httpcore.AsyncNetworkStream:
        # What is looked up here is what is connected to: asked again, a name may stand for something else.
        *others, last = await _addresses(host, port)
        if not self._private_networks and not all(map(is_public, (*others, last))):
            raise WrongEnd("private address")
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._connect(address, port, _ATTEMPT_SECONDS, *arguments, **options)
        return await self._connect(last, port, timeout, *arguments, **options)

    async def _connect(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        return _Stream(await super().connect_tcp(*arguments, **options), self._oin)


async def _addresses(host: str, port: int) -> list[str]:
    """Give the IP addresses that a name stands for. Raises OSError where it stands for none."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class _Stream(httpcore.AsyncNetworkStream):
    """A connection before TLS; what it secures is httpcore's own."""

    def __init__(self, plain: httpcore.AsyncNetworkStream, oin: str) -> None:
        self._plain, self._oin = plain, oin

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            secured = await self._plain.start_tls(ssl_context, server_hostname, timeout)
            if _holder(secured) != self._oin:
                raise WrongEnd("certificate")
            return secured
        except BaseException as problem:
            await _close(self._plain)
            if isinstance(problem.__cause__, ssl.SSLCertVerificationError):
                raise WrongEnd("certificate") from problem
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._plain.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._plain.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._plain.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)


def _holder(secured: httpcore.AsyncNetworkStream) -> str | None:
    """Give the OIN of whose certificate a connection was secured with."""
    certificate = secured.get_extra_info("ssl_object").getpeercert(binary_form=True)
    try:
        return oin_of(load_der_x509_certificate(certificate))
    except ValueError:
        return None

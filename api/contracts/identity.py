"""Who is on the other end of a connection, told by the certificate that it was made with.

TLS ends in a proxy (`api/deploy/nginx.conf`), which checks the issuer and the revocation list and passes the
certificate in the header `Client-Cert`. What it passes is believed from the configured Unix socket or address
only: anyone else can write the same header.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from api.clock import Clock, microseconds
from api.contracts.headers import Received

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate

    from api.config import Settings

__all__ = ["LAPTOP", "Identified", "Identity", "LaptopIdentity", "ProxyIdentity", "identity_of", "oin_of"]

Scope = Any
"""The ASGI scope of a request."""

LAPTOP: Final = "laptop"
"""Stands in the place of a certificate's fingerprint where there is no certificate."""

_OIN: Final = re.compile("[0-9]{20}")
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_LONGEST: Final = 16 * 1024
_PASSED_ON: Final = frozenset({b"client-cert", b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"})
_AT_HOME: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Identified:
    """Who made a connection.

    Attributes
    ----------
    oin : 20 digits; on a laptop "" where the caller doesn't say who it is, or in no way that counts: its call
        is then as wrong as it would be with a certificate.
    fingerprint : SHA-256 of the certificate (DER), in hexadecimal digits; LAPTOP where there is none.
    """

    oin: str
    fingerprint: str


class Identity(Protocol):
    """Tells who made a connection."""

    def __call__(self, scope: Scope) -> Identified | None:
        """Give who sent a request, None where that is not certain."""


def identity_of(settings: Settings, clock: Clock) -> Identity:
    """Give the way to tell callers apart that the settings ask for."""
    if settings.identity == "laptop":
        return LaptopIdentity()
    return ProxyIdentity(clock, settings.socket, settings.trusted)


class ProxyIdentity:
    """The certificate that a trusted proxy passes.

    Parameters
    ----------
    clock : gives the time at which certificates must be valid.
    socket : path of the Unix socket that we listen on and that only the proxy can reach, or None.
    trusted : IP addresses of the proxy.
    """

    def __init__(self, clock: Clock, socket: Path | None, trusted: Collection[str]) -> None:
        self._clock = clock
        self._socket = None if socket is None else str(socket)
        self._trusted = frozenset(map(ip_address, trusted))

    def __call__(self, scope: Scope) -> Identified | None:
        """Give the holder of the certificate: the one OIN in its subject's serialNumber."""
        passed = [value for name, value in scope["headers"] if name.lower() == b"client-cert"]
        if len(passed) != 1 or not self._from_the_proxy(scope):
            return None
        read = _read(passed[0])
        return read.holder if read and read.valid_from <= self._clock() <= read.valid_until else None

    def _from_the_proxy(self, scope: Scope) -> bool:
        server, client = scope.get("server"), scope.get("client")
        if self._socket is not None and server is not None and server[1] is None:
            return bool(server[0] == self._socket)
        try:
            return client is not None and ip_address(client[0]) in self._trusted
        except ValueError:
            return False


class LaptopIdentity:
    """Whoever a caller on this same machine says it is: for trying things out, never for real data.

    It answers no request that a proxy passed on, and none to another host name, with which a web page that
    is open in a browser here could reach it.
    """

    def __call__(self, scope: Scope) -> Identified | None:
        """Give the OIN in X-VUM-viaParty, of a caller on the loopback interface."""
        client, names = scope.get("client"), [name.lower() for name, _ in scope["headers"]]
        hosts = {_host(value) for name, value in scope["headers"] if name.lower() == b"host"}
        if client is None or not _loopback(client[0]) or not _PASSED_ON.isdisjoint(names):
            return None
        if not hosts or not hosts <= _AT_HOME:
            return None
        oin = Received(scope["headers"]).value("X-VUM-viaParty") or ""
        return Identified(oin if _OIN.fullmatch(oin) else "", LAPTOP)


@dataclass(frozen=True)
class _Read:
    holder: Identified
    valid_from: int
    valid_until: int


@lru_cache(maxsize=1024)
def _read(passed: bytes) -> _Read | None:
    """Read a certificate as RFC 9440 passes it (`:base64 of DER:`), or as nginx can (escaped PEM)."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    if len(passed) > _LONGEST:
        return None
    try:
        if passed[:1] == passed[-1:] == b":":
            certificate = x509.load_der_x509_certificate(base64.b64decode(passed[1:-1], validate=True))
        else:
            pem = unquote_to_bytes(passed)
            if not pem.startswith(_BEGIN) or pem.count(_BEGIN) != 1:
                return None
            certificate = x509.load_pem_x509_certificate(pem)
        oin = oin_of(certificate)
    except ValueError:
        return None
    if oin is None:
        return None
    return _Read(
        Identified(oin, certificate.fingerprint(SHA256()).hex()),
        microseconds(certificate.not_valid_before_utc),
        microseconds(certificate.not_valid_after_utc),
    )


def oin_of(certificate: Certificate) -> str | None:
    """Give the OIN of the subject: PKIoverheid has it in serialNumber, and nowhere else does it count.

    None where there is no such number, or more than one. Raises ValueError where the subject can't be read.
    """
    from cryptography.x509.oid import NameOID

    numbers = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    if len(numbers) != 1 or not isinstance(numbers[0].value, str):
        return None
    return numbers[0].value if _OIN.fullmatch(numbers[0].value) else None


def _loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _host(value: bytes) -> str | None:
    try:
        return urlsplit(f"//{value.decode('ascii')}").hostname
    except ValueError:
        return None

"""Who is on the other end: what a certificate says, from whom it is believed, and what a laptop believes."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from pki import Issued, authority

from api.clock import DAY, now
from api.contracts.identity import Identified, Identity, LaptopIdentity, ProxyIdentity

OIN = "00000001234567890000"
OTHER = "00000009876543210000"
SOCKET = Path("/run/koppel/koppel.sock")
FROM_SOCKET: dict[str, Any] = {"server": (str(SOCKET), None), "client": None}
FROM_ADDRESS: dict[str, Any] = {"server": ("10.0.0.1", 8000), "client": ("10.0.0.9", 40_000)}

BY_SOCKET = ProxyIdentity(now, SOCKET, ())
BY_ADDRESS = ProxyIdentity(now, None, ("10.0.0.9", "fd00::9"))


def seen(identity: Identity, where: dict[str, Any], *headers: tuple[bytes, bytes]) -> Identified | None:
    return identity({"type": "http", "headers": list(headers)} | where)


def holder(issued: Issued) -> str | None:
    """Whose certificate it is, in both ways of passing it."""
    ways = [seen(BY_SOCKET, FROM_SOCKET, (b"client-cert", each)) for each in (issued.rfc9440, issued.escaped)]
    assert ways[0] == ways[1]
    return ways[0].oin if ways[0] else None


def test_the_oin_is_the_serial_number_of_the_subject() -> None:
    issued = authority().issue([OIN])
    assert seen(BY_SOCKET, FROM_SOCKET, (b"client-cert", issued.rfc9440)) == Identified(
        OIN, issued.certificate.fingerprint(hashes.SHA256()).hex()
    )
    assert holder(issued) == OIN


@pytest.mark.parametrize(
    ("numbers", "common_name", "more"),
    [
        ([], OIN, []),
        ([], "x", [x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, OIN)]),
        ([], "x", [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"serialNumber={OIN}")]),
        ([OIN, OIN], "x", []),
        ([OIN, OTHER], "x", []),
        ([OIN[1:]], "x", []),
        (["0" + OIN], "x", []),
        ([], "x", [x509.NameAttribute(NameOID.SERIAL_NUMBER, OIN + "\n", _ASN1Type.UTF8String)]),
        ([" " + OIN[1:]], "x", []),
        ([f"OIN:{OIN}"], "x", []),
        ([OIN[:-1] + "A"], "x", []),
    ],
)
def test_an_oin_elsewhere_twice_or_misspelt_is_none(
    numbers: list[str], common_name: str, more: list[x509.NameAttribute[str]]
) -> None:
    assert holder(authority().issue(numbers, common_name=common_name, more=more)) is None


def test_digits_of_another_script_are_no_oin() -> None:
    arabic = "".join(chr(0x660 + int(digit)) for digit in OIN)
    name = x509.NameAttribute(NameOID.SERIAL_NUMBER, arabic, _ASN1Type.UTF8String)
    assert holder(authority().issue(more=[name])) is None


@pytest.mark.parametrize("days", [-1, 2])
def test_a_certificate_counts_only_within_its_dates(days: int) -> None:
    issued = authority().issue([OIN], first=-timedelta(hours=1), last=timedelta(hours=1))
    passed = (b"client-cert", issued.rfc9440)
    assert seen(ProxyIdentity(lambda: now() + days * DAY, SOCKET, ()), FROM_SOCKET, passed) is None
    assert seen(BY_SOCKET, FROM_SOCKET, passed) is not None


@pytest.mark.parametrize(
    "where",
    [
        {"server": ("/tmp/other.sock", None), "client": None},
        {"server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 40_000)},
        {"server": ("10.0.0.1", 8000), "client": ("10.0.0.99", 40_000)},
        {"server": (str(SOCKET), 80), "client": ("10.0.0.99", 40_000)},
        {"server": None, "client": None},
        {"server": ("10.0.0.1", 8000), "client": ("testclient", 1)},
        {},
    ],
)
def test_a_certificate_is_believed_from_the_proxy_only(where: dict[str, Any]) -> None:
    passed = (b"client-cert", authority().issue([OIN]).rfc9440)
    assert seen(BY_SOCKET, where, passed) is None
    assert seen(BY_ADDRESS, where, passed) is None


def test_a_proxy_is_known_by_its_socket_or_by_its_address() -> None:
    passed = (b"client-cert", authority().issue([OIN]).rfc9440)
    assert seen(BY_SOCKET, FROM_SOCKET, passed) is not None
    assert seen(BY_ADDRESS, FROM_ADDRESS, passed) is not None
    assert seen(BY_SOCKET, FROM_ADDRESS, passed) is None
    assert seen(BY_ADDRESS, FROM_SOCKET, passed) is None
    assert seen(BY_ADDRESS, {"server": None, "client": ("fd00:0::9", 1)}, passed) is not None


def test_without_a_certificate_or_with_two_nobody_is_identified() -> None:
    one, other = authority().issue([OIN]).rfc9440, authority().issue([OTHER]).rfc9440
    assert seen(BY_SOCKET, FROM_SOCKET) is None
    assert seen(BY_SOCKET, FROM_SOCKET, (b"client-cert", b"")) is None
    assert seen(BY_SOCKET, FROM_SOCKET, (b"client-cert", one), (b"Client-Cert", other)) is None
    assert seen(BY_SOCKET, FROM_SOCKET, (b"client-cert", one), (b"client-cert", one)) is None
    assert seen(BY_SOCKET, FROM_SOCKET, (b"client-cert", one + b", " + other)) is None
    assert seen(BY_SOCKET, FROM_SOCKET, (b"client_cert", one)) is None


def test_a_chain_of_certificates_or_one_after_other_text_is_none() -> None:
    one, other = authority().issue([OIN]), authority().issue([OTHER])
    for passed in (one.escaped + other.escaped, b"x%0A" + one.escaped, one.rfc9440[1:-1], one.pem[:-40]):
        assert seen(BY_SOCKET, FROM_SOCKET, (b"client-cert", passed)) is None


@given(st.binary(max_size=300))
def test_what_is_no_certificate_identifies_nobody(junk: bytes) -> None:
    for passed in (junk, b":" + base64.b64encode(junk) + b":", b"-----BEGIN%20CERTIFICATE-----" + junk):
        assert seen(BY_SOCKET, FROM_SOCKET, (b"client-cert", passed)) is None


HERE: dict[str, Any] = {"server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 40_000)}
VIA = (b"x-vum-viaparty", OIN.encode())
HOST = (b"host", b"127.0.0.1:8000")


def test_a_laptop_believes_the_header_of_a_caller_on_the_same_machine() -> None:
    assert seen(LaptopIdentity(), HERE, VIA, HOST) == Identified(OIN, "laptop")
    for host in (b"localhost", b"[::1]:8000", b"LOCALHOST:1"):
        assert seen(LaptopIdentity(), HERE, VIA, (b"host", host)) is not None


@pytest.mark.parametrize(
    "via", [(), (VIA, VIA), ((b"x-vum-viaparty", b"abc"),), ((b"x_vum_viaparty", OIN.encode()),)]
)
def test_whoever_says_on_a_laptop_in_no_way_that_counts_who_it_is_is_nobody(
    via: tuple[tuple[bytes, bytes], ...],
) -> None:
    assert seen(LaptopIdentity(), HERE, *via, HOST) == Identified("", "laptop")


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        (("10.0.0.9", 1), [VIA, HOST]),
        (None, [VIA, HOST]),
        (("testclient", 1), [VIA, HOST]),
        (("127.0.0.1", 1), [VIA]),
        (("127.0.0.1", 1), [VIA, HOST, (b"host", b"evil.example")]),
        (("127.0.0.1", 1), [VIA, (b"host", b"evil.example")]),
        (("127.0.0.1", 1), [VIA, (b"host", b"127.0.0.1.evil.example")]),
        (("127.0.0.1", 1), [VIA, (b"host", b"[")]),
        (("127.0.0.1", 1), [VIA, (b"host", b"\xff")]),
        (("127.0.0.1", 1), [VIA, HOST, (b"client-cert", b"")]),
        (("127.0.0.1", 1), [VIA, HOST, (b"X-Forwarded-For", b"127.0.0.1")]),
        (("127.0.0.1", 1), [VIA, HOST, (b"forwarded", b"for=127.0.0.1")]),
    ],
)
def test_a_laptop_believes_nobody_from_elsewhere_or_passed_on(
    client: tuple[str, int] | None, headers: list[tuple[bytes, bytes]]
) -> None:
    assert seen(LaptopIdentity(), {"server": ("127.0.0.1", 8000), "client": client}, *headers) is None

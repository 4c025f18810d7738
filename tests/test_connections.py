"""Whom a connection is with: an address that may be reached, and the certificate of the source."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from false_sources import ANSWERING, ASKING, CALLER, PROCESSOR, honest, registered, serving
from laptop import laptop
from pki import Authority
from test_fanout import CONTEXT, INQUIRY

from api.exchange.connections import is_public
from api.exchange.remote import RemoteSources, SourceAnswer, tls_context
from api.services import open_services

PUBLIC = "93.184.216.34"


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700:4700::1111", f"::ffff:{PUBLIC}", "2002:5db8:d822::1"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1"),
        *("192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1"),
        *("ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::a00:1"),
        *("2002:7f00:1::1", "2002:a00:1::1", "2001::1"),
    ],
)
def test_an_address_of_this_machine_or_a_private_network_or_of_many_is_not(address: str) -> None:
    assert not is_public(address)


async def ask(
    url: str, context: ssl.SSLContext = CONTEXT, *, private_networks: bool = False, times: int = 1
) -> SourceAnswer:
    remotes = RemoteSources(context, private_networks=private_networks)
    source = remotes.get(replace(registered("s", 0), url=url))
    for _ in range(times):
        found = await source.ask(INQUIRY, CALLER, seconds=5)
    await remotes.aclose()
    return found


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_source_on_this_machine_is_asked_only_where_that_is_allowed(host: str) -> None:
    async def asked(*, allowed: bool) -> tuple[str, str, int]:
        async with serving(honest()) as server:
            found = await ask(f"http://{host}:{server.port}/api/v3", private_networks=allowed)
            return found.status, found.why, len(server.requests)

    assert asyncio.run(asked(allowed=True)) == ("answered", "", 1)
    assert asyncio.run(asked(allowed=False)) == ("failed", "private address", 0)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"identity": "proxy", "trusted": ("127.0.0.1",)}, "private address"),
        ({"identity": "proxy", "trusted": ("127.0.0.1",), "private_networks": True}, ""),
        ({"identity": "laptop"}, ""),
    ],
)
def test_the_configuration_says_whether_a_source_may_be_in_a_private_network(
    tmp_path: Path, settings: dict[str, Any], why: str
) -> None:
    told = laptop(tmp_path / "state").model_copy(update=settings)

    async def asked() -> str:
        services = open_services(told)
        async with serving(honest()) as server:
            found = await services.remotes.get(registered("s", server.port)).ask(INQUIRY, CALLER, seconds=5)
        await services.aclose()
        return found.why

    assert asyncio.run(asked()) == why


class Names:
    """A name server that gives one answer after the other, and the addresses that are connected to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> None:
        self.answers, self.connected = list(answers), list[str]()
        names = self

        async def getaddrinfo(_: Any, host: str, port: int, **options: Any) -> list[Any]:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in names.answers.pop(0)
            ]

        connect = httpcore.AnyIOBackend.connect_tcp

        async def connect_tcp(backend: Any, host: str, *arguments: Any, **options: Any) -> Any:
            names.connected.append(host)
            if host == PUBLIC:
                raise httpcore.ConnectError
            return await connect(backend, host, *arguments, **options)

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)


def test_what_is_connected_to_is_what_was_checked_and_not_what_the_name_stands_for_by_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(monkeypatch, [PUBLIC], ["127.0.0.1"], ["10.0.0.1"])
    found = asyncio.run(ask("https://bron.example/api/v3"))
    assert (found.why, names.connected, len(names.answers)) == ("connection", [PUBLIC], 2)
    assert asyncio.run(ask("https://bron.example/api/v3")).why == "private address"
    assert names.connected == [PUBLIC]


def test_a_name_that_stands_for_a_private_address_too_is_not_connected_to_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(monkeypatch, [PUBLIC, "192.168.0.1"])
    assert asyncio.run(ask("https://bron.example/api/v3")).why == "private address"
    assert names.connected == []


def test_where_one_address_of_a_source_is_dead_the_next_one_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def asked() -> None:
        async with serving(honest()) as server:
            names = Names(monkeypatch, [PUBLIC, "127.0.0.1"])
            url = f"http://localhost:{server.port}/api/v3"
            assert (await ask(url, private_networks=True)).status == "answered"
            assert names.connected == [PUBLIC, "127.0.0.1"]

    asyncio.run(asked())


def test_a_name_that_stands_for_nothing_is_a_source_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_: Any, **__: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    found = asyncio.run(ask("https://bron.example/api/v3"))
    assert (found.status, found.why) == ("failed", "connection")


@pytest.mark.parametrize(
    ("numbers", "more", "why"),
    [
        ([PROCESSOR], [], ""),
        ([ANSWERING], [], "certificate"),
        ([ASKING], [], "certificate"),
        ([], [], "certificate"),
        ([], [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, PROCESSOR)], "certificate"),
        ([PROCESSOR, ANSWERING], [], "certificate"),
        ([PROCESSOR[:-1]], [], "certificate"),
        ([f"OIN:{PROCESSOR}"], [], "certificate"),
    ],
)
def test_a_source_is_believed_only_with_a_certificate_of_the_oin_that_the_registry_knows(
    tmp_path: Path, numbers: list[str], more: list[x509.NameAttribute[str]], why: str
) -> None:
    authority = Authority()
    (tmp_path / "authorities.pem").write_bytes(authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = authority.issue(numbers, common_name=PROCESSOR, more=more)
    context.load_cert_chain(*issued.written(tmp_path, "source"))

    async def asked() -> None:
        async with serving(honest(), context) as server:
            url = f"https://127.0.0.1:{server.port}/api/v3"
            client = tls_context(None, None, tmp_path / "authorities.pem")
            found = await ask(url, client, private_networks=True, times=2)
            assert (found.status, found.why) == ("failed" if why else "answered", why)
            # Nothing of the question was sent, and no connection is left.
            assert len(server.requests) == (0 if why else 2)
            for _ in range(100):
                if not server.open:
                    break
                await asyncio.sleep(0.01)
            assert server.open == 0

    asyncio.run(asked())


def test_a_certificate_of_an_authority_that_is_not_trusted_is_told_as_such(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority().issue([PROCESSOR]).written(tmp_path, "source"))

    async def asked() -> SourceAnswer:
        async with serving(honest(), context) as server:
            return await ask(f"https://127.0.0.1:{server.port}/api/v3", private_networks=True)

    assert asyncio.run(asked()).why == "certificate"

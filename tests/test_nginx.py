"""The shipped nginx.conf, with a real nginx: who gets through to Koppel, and over what TLS."""

import json
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from command import process, put
from laptop import laptop
from pki import DAY, Authority, Issued, authority
from served import served
from vum import (
    GEMEENTE,
    LEVERANCIER,
    MANDATES,
    NOBODY,
    OWN,
    QUESTION,
    FakeExchange,
    registry,
    vum_app,
)
from vum import headers as headers_of

from api.clock import now
from api.contracts.identity import ProxyIdentity

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
OPENSSL = shutil.which("openssl")

pytestmark = pytest.mark.skipif(
    NGINX is None, reason="nginx is not installed (Debian: apt install nginx-light)"
)

MATCHES = "/vum/v3/werkzoekendeProfielen/matches"
QUESTION_BODY = json.dumps(QUESTION).encode()
Pairs = list[tuple[str, str]]

# Of every kind of certificate there is one; only the last says who may call.
CERTIFICATES: dict[str, Callable[[], Issued | None]] = {
    "none": lambda: None,
    "expired": lambda: authority().issue([LEVERANCIER], first=-10 * DAY, last=-DAY),
    "revoked": lambda: authority().issue([LEVERANCIER]),
    "wrong CA": lambda: Authority("Other CA").issue([LEVERANCIER]),
    "same name as our CA": lambda: Authority().issue([LEVERANCIER]),
    "unknown OIN": lambda: authority().issue([NOBODY]),
    "OIN in the wrong field": lambda: authority().issue(common_name=LEVERANCIER),
    "right": lambda: authority().issue([LEVERANCIER]),
}
CIPHERS = {
    f"ECDHE-ECDSA-{cipher}" for cipher in ("AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305")
}


@dataclass(frozen=True)
class Got:
    """What came back; `lines` are the headers but for those of the moment and of the connection."""

    status: int
    lines: tuple[tuple[str, str], ...]
    body: bytes


class Front:
    """nginx before the VUM paths, and the certificates of those who call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mandate = "valid"
        self.exchange = FakeExchange()
        self.headers: list[tuple[bytes, bytes]] = []
        self.certificates = {name: issue() for name, issue in CERTIFICATES.items()}
        self.names = {
            name: issued.written(folder, name.replace(" ", "-"))
            for name, issued in self.certificates.items()
            if issued is not None
        }
        revoked = self.certificates["revoked"]
        assert revoked is not None
        self.revoke(revoked)
        authority().issue(common_name="localhost").written(folder, "server")
        (folder / "clients.crt").write_bytes(authority().pem)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def revoke(self, *revoked: Issued) -> None:
        (self.folder / "clients.crl").write_bytes(authority().revocations(*revoked))

    def configuration(self) -> Path:
        """The shipped configuration with the paths, the port and the user of this test."""
        text = (files("api") / "deploy" / "nginx.conf").read_text("utf-8")
        user = pwd.getpwuid(os.getuid()).pw_name
        for shipped, ours in {
            "user www-data;": f"user {user};" if os.getuid() == 0 else "",
            "worker_processes auto;": "worker_processes 1;",
            "/etc/koppel/tls": f"{self.folder}",
            "/run/koppel/koppel.sock": f"{self.folder}/koppel.sock",
            "/run/nginx.pid": f"{self.folder}/nginx.pid",
            "/var/log/nginx": f"{self.folder}",
            "listen 443": f"listen 127.0.0.1:{self.port}",
            "http {": "http {"
            + "".join(
                f" {each}_temp_path {self.folder}/{each};"
                for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            ),
        }.items():
            assert shipped in text, shipped
            text = text.replace(shipped, ours)
        path = self.folder / "nginx.conf"
        path.write_text(text)
        return path

    def context(self, certificate: str | None = "right") -> ssl.SSLContext:
        """The TLS of a caller with a certificate."""
        context = ssl.create_default_context(cadata=authority().pem.decode())
        if certificate in self.names:
            context.load_cert_chain(*self.names[certificate])
        return context

    def connect(self, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return context.wrap_socket(plain, server_hostname="localhost", session=session)

    def send(self, request: bytes, certificate: str | None = "right") -> Got:
        """Send bytes, and read one answer."""
        with self.connect(self.context(certificate)) as connection:
            connection.sendall(request)
            return read(connection, request.partition(b" ")[0].decode())

    def ask(
        self,
        certificate: str | None = "right",
        pairs: Pairs | None = None,
        *,
        method: str = "POST",
        path: str = MATCHES,
        body: bytes = QUESTION_BODY,
    ) -> Got:
        """Send one request."""
        pairs = list(headers_of(GEMEENTE, LEVERANCIER).items()) if pairs is None else pairs
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs)]
        lines += [f"Content-Length: {len(body)}"] if body else []
        return self.send("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body, certificate)


def read(connection: socket.socket, method: str = "GET") -> Got:
    response = HTTPResponse(connection, method=method)
    response.begin()
    body = response.read()
    lines = (
        (name.lower(), value)
        for name, value in response.getheaders()
        if name.lower() not in ("date", "connection")
    )
    return Got(response.status, tuple(sorted(lines)), body)


def wait_until(holds: Callable[[], bool], seconds: int = 5) -> None:
    for _ in range(100 * seconds):
        if holds():
            return
        time.sleep(0.01)
    pytest.fail("waited in vain")


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A running nginx before a running server of the VUM paths."""
    front = Front(tmp_path_factory.mktemp("n"))
    identity = ProxyIdentity(now, front.folder / "koppel.sock", ())
    contracts = vum_app(front.exchange, identity=identity, of=lambda: registry(MANDATES[front.mandate]))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        front.headers = scope["headers"]
        await contracts(scope, receive, send)

    with served(app, unix_socket=front.folder / "koppel.sock"), running(front):
        yield front


@contextmanager
def running(front: Front) -> Iterator[None]:
    assert NGINX
    nginx = subprocess.Popen([NGINX, "-c", front.configuration(), "-p", front.folder, "-g", "daemon off;"])
    try:
        wait_until(lambda: answers(front.port))
        yield
    finally:
        nginx.terminate()
        nginx.wait(timeout=10)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_question_of_who_may_ask_comes_through(front: Front) -> None:
    got = front.ask()
    assert (got.status, json.loads(got.body)["vraagID"]) == (200, "1")
    right = front.certificates["right"]
    assert right is not None
    assert front.exchange.calls[-1][1].processor == LEVERANCIER


def variants() -> dict[str, Pairs]:
    """What a caller may do with the headers, all with the same intent."""
    plain = list(headers_of(GEMEENTE, LEVERANCIER).items())
    injected = authority().issue([LEVERANCIER])

    def without(name: str) -> Pairs:
        return [pair for pair in plain if pair[0] != name]

    return {
        "plain": plain,
        "absent": without("X-VUM-viaParty"),
        "other": [*without("X-VUM-viaParty"), ("X-VUM-viaParty", GEMEENTE)],
        "other controller": [*without("X-VUM-fromParty"), ("X-VUM-fromParty", OWN)],
        "duplicate": [*plain, ("X-VUM-fromParty", GEMEENTE)],
        "duplicate via": [*plain, ("x-vum-viaparty", LEVERANCIER)],
        "list": [*without("X-VUM-fromParty"), ("X-VUM-fromParty", f"{GEMEENTE}, {OWN}")],
        "underscored": [*plain, ("X_VUM_fromParty", OWN)],
        "underscored only": [*without("X-VUM-fromParty"), ("X_VUM_fromParty", GEMEENTE)],
        "injected": [*plain, ("Client-Cert", injected.rfc9440.decode())],
        "injected as nginx does": [*plain, ("client-cert", injected.escaped.decode())],
        "injected twice": [*plain, *[("Client-Cert", injected.rfc9440.decode())] * 2],
        "injected underscored": [*plain, ("Client_Cert", injected.rfc9440.decode())],
    }


ADMITTED = {
    "plain",
    "underscored",
    "injected",
    "injected as nginx does",
    "injected twice",
    "injected underscored",
}
REFUSED_BY_ALL = {"other", "other controller"}


@pytest.mark.parametrize("mandate", MANDATES)
@pytest.mark.parametrize("certificate", CERTIFICATES)
def test_who_is_admitted_is_what_the_registry_says_whatever_the_headers_claim(
    front: Front, certificate: str, mandate: str
) -> None:
    front.mandate = mandate
    refusal = front.ask("none")
    assert (refusal.status, refusal.body) == (401, b"")
    for name, pairs in variants().items():
        front.exchange.calls.clear()
        got = front.ask(certificate, pairs)
        if certificate == "right" and mandate == "valid" and name in ADMITTED:
            assert got.status == 200, name
            assert len(front.exchange.calls) == 1
            continue
        assert front.exchange.calls == [], name
        if certificate in ("right", "unknown OIN") and name not in ADMITTED | REFUSED_BY_ALL:
            assert (got.status, got.body[:14]) == (400, b'{"code":"400.0'), name
        else:
            assert got == refusal, name
    front.mandate = "valid"


def test_of_headers_that_tell_who_calls_only_the_checked_certificate_reaches_koppel(front: Front) -> None:
    claims = ["Client-Cert-Chain", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP"]
    claims += ["Client_Cert", "X_VUM_fromParty"]
    for certificate in ("none", "right"):
        front.ask(certificate, [*variants()["injected"], *((claim, "127.0.0.1") for claim in claims)])
        names = {name.decode() for name, _ in front.headers}
        assert names.isdisjoint(claim.lower() for claim in claims)
        assert ("client-cert" in names) == (certificate == "right")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/vum"),
        ("GET", "/vum/v3/vacatures/"),
        ("GET", "/vum/v3/vacatures/.."),
        ("GET", "/vum/v3/vacatures/../../../v1"),
        ("GET", "/vum/v3/vacatures/%2e%2e/%2e%2e"),
        ("GET", "/vum/v3/vacatures%2Fmatches"),
        ("GET", "/vum/../metrics"),
        ("GET", "/vum/v3//vacatures/matches"),
        ("GET", "/vum/v3/vacatures/%00"),
        ("GET", "/vum/v3/vacatures/%zz"),
        ("GET", "/vum/v3/vacatures/" + "a" * 10_000),
        ("HEAD", "/vum/v3/vacatures/a"),
        ("OPTIONS", MATCHES),
        ("TRACE", MATCHES),
        ("CONNECT", MATCHES),
        ("FOO", MATCHES),
        ("PUT", MATCHES),
        ("GET", "/metrics"),
        ("GET", "/health/"),
    ],
)
def test_a_call_outside_the_contract_is_400_in_its_form_whoever_refuses_it(
    front: Front, method: str, path: str
) -> None:
    got = front.ask(method=method, path=path, body=b"")
    assert got.status == 400
    assert dict(got.lines)["content-type"] == "application/json"
    assert dict(got.lines)["api-version"] == "3.0.0"
    if method != "HEAD":
        assert json.loads(got.body)["code"] == "400.01"


def own_problem(got: Got, status: int) -> None:
    """Check that an answer is a problem of our own API."""
    told = dict(got.lines)
    assert (got.status, told["content-type"], told["api-version"]) == (
        status,
        "application/problem+json",
        "1.0.0",
    )
    assert told["cache-control"] == "no-store"
    assert json.loads(got.body).keys() == {"type", "title", "status", "detail", "faults"}
    assert json.loads(got.body)["status"] == status


def test_what_nginx_refuses_of_our_own_api_is_a_problem(front: Front) -> None:
    large = [("Host", "localhost"), ("X-Large", "x" * 40_000)]
    own_problem(front.ask(pairs=large, method="GET", path="/v1/sources", body=b""), 400)
    own_problem(front.ask(path="/v1/rankings", body=b" " * 2_000_000), 400)
    for method in ("TRACE", "FOO"):
        got = front.ask(method=method, path="/v1/rules?x=1", body=b"")
        own_problem(got, 405)
        assert dict(got.lines)["allow"] == "DELETE, GET, POST, PUT"


HEAD = f"POST {MATCHES} HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\n\r\n",
        b"GET /vum/v3 HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"foo\r\n\r\n",
        f"{HEAD}Host: other\r\nContent-Length: 0\r\n\r\n".encode(),
        f"{HEAD}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx".encode(),
        f"{HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
        f"{HEAD}Transfer-Encoding: gzip\r\n\r\n".encode(),
        f"{HEAD}Content-Length: x\r\n\r\n".encode(),
        f"{HEAD}Content-Length: 2000000\r\n\r\n".encode(),
        f"{HEAD}X-Large: {'x' * 40_000}\r\n\r\n".encode(),
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\nffffff\r\n".encode() + b"x" * 1_500_000,
    ],
    ids=lambda request: repr(request[-40:]),
)
def test_a_request_that_nginx_itself_refuses_is_400_too(front: Front, request_bytes: bytes) -> None:
    got = front.send(request_bytes)
    assert (got.status, json.loads(got.body)["code"]) == (400, "400.01")


def test_plain_http_is_refused(front: Front) -> None:
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as connection:
        connection.sendall(b"GET /vum/v3 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read(connection).status == 400


def test_a_body_may_come_in_chunks_and_not_packed(front: Front) -> None:
    pairs = "".join(f"{name}: {value}\r\n" for name, value in headers_of(GEMEENTE, LEVERANCIER).items())
    start = f"POST {MATCHES} HTTP/1.1\r\n{pairs}Connection: close\r\n"
    body = f"{len(QUESTION_BODY):x}\r\n".encode() + QUESTION_BODY + b"\r\n0\r\n\r\n"
    chunked = f"{start}Transfer-Encoding: chunked\r\n\r\n".encode() + body
    assert front.send(chunked).status == 200
    packed = f"{start}Content-Encoding: gzip\r\nContent-Length: {len(QUESTION_BODY)}\r\n\r\n".encode()
    assert front.send(packed + QUESTION_BODY).status == 400


def test_a_large_body_within_the_limit_of_nginx_meets_that_of_koppel(front: Front) -> None:
    got = front.ask(body=b" " * 300_000)
    assert (got.status, json.loads(got.body)["code"]) == (400, "400.01")


def test_only_tls_1_2_and_1_3_are_spoken(front: Front) -> None:
    spoken = set()
    for version in (
        ssl.TLSVersion.TLSv1,
        ssl.TLSVersion.TLSv1_1,
        ssl.TLSVersion.TLSv1_2,
        ssl.TLSVersion.TLSv1_3,
    ):
        context = front.context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = version
            context.minimum_version = version
        try:
            with front.connect(context) as connection:
                spoken.add(connection.version())
                assert connection.compression() is None
        except (ssl.SSLError, ConnectionError):
            continue
    assert spoken == {"TLSv1.2", "TLSv1.3"}


def test_of_all_ciphers_those_with_forward_secrecy_and_authenticated_encryption_are_accepted(
    front: Front,
) -> None:
    every = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    every.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    names = [each["name"] for each in every.get_ciphers() if each["protocol"] != "TLSv1.3"]
    assert len(names) > 50
    accepted = set()
    for name in names:
        context = front.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(f"{name}:@SECLEVEL=0")
        try:
            with front.connect(context) as connection:
                assert (connection.cipher() or ("",))[0] == name
                accepted.add(name)
        except (ssl.SSLError, ConnectionError):
            continue
    assert accepted == CIPHERS


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_is_resumed_so_that_revocation_is_checked_each_time(
    front: Front, version: ssl.TLSVersion
) -> None:
    context = front.context()
    context.minimum_version = context.maximum_version = version
    with front.connect(context) as connection:
        connection.sendall(b"GET /vum HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert read(connection).status == 400
        session = connection.session
    with front.connect(context, session) as connection:
        assert not connection.session_reused


def client(front: Front, version: str, told: bytes) -> tuple[int, bytes]:
    """What OpenSSL's own client ends with, and what it tells."""
    if OPENSSL is None:
        pytest.skip("openssl is not installed")
    certificate, key = map(str, front.names["right"])
    command = [OPENSSL, "s_client", "-connect", f"127.0.0.1:{front.port}", version, "-cert", certificate]
    ended = subprocess.run([*command, "-key", key], input=told, capture_output=True, timeout=20)
    return ended.returncode, ended.stdout + ended.stderr


def test_a_caller_cannot_renegotiate(front: Front) -> None:
    code, told = client(front, "-tls1_2", b"R\n")
    assert b"RENEGOTIATING" in told
    assert code != 0


def test_nothing_can_be_sent_before_the_handshake_is_over(front: Front) -> None:
    request = b"GET /vum HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    _, told = client(front, "-tls1_3", request)
    assert b"Early data was not sent" in told
    assert {line.strip() for line in told.splitlines() if b"Max Early Data" in line} <= {b"Max Early Data: 0"}


def test_nothing_that_was_asked_stands_in_a_log(front: Front) -> None:
    front.ask(method="GET", path="/vum/v3/vacatures/geheim-vumid?q=geheim", body=b"")
    front.ask("expired", method="GET", path="/vum/v3/vacatures/geheim-vumid", body=b"")
    front.send(b"GET /geheim HTTP/9.9\r\nHost: geheim\r\n\r\n")
    logged = (front.folder / "access.log").read_text() + (front.folder / "error.log").read_text()
    assert " GET 400 " in logged
    for secret in ("geheim", GEMEENTE, LEVERANCIER, "/vum"):
        assert secret not in logged


def test_a_certificate_that_is_revoked_is_refused_after_a_reload(front: Front) -> None:
    late = authority().issue([LEVERANCIER])
    front.names["late"] = late.written(front.folder, "late")
    assert front.ask("late").status == 200
    revoked = front.certificates["revoked"]
    assert revoked is not None
    front.revoke(revoked, late)
    os.kill(int((front.folder / "nginx.pid").read_text()), 1)
    wait_until(lambda: front.ask("late").status == 401)
    assert front.ask("right").status == 200


def test_without_koppel_the_answer_is_that_the_service_is_unavailable(tmp_path: Path) -> None:
    front = Front(tmp_path)
    with running(front):
        got = front.ask()
        own_problem(front.ask(method="GET", path="/v1/rules", body=b""), 503)
    assert (got.status, json.loads(got.body)["code"]) == (503, "500.3")


def test_a_party_is_served_by_its_certificate_from_nginx_to_the_store(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    front = Front(tmp_path_factory.mktemp("c"))
    profile = {"idWerkzoekende": "a", "mobiliteit": {"bemiddelingspostcode": "6511AB"}}
    profiles = put(front.folder / "profiles.ndjson", profile)
    settings = laptop(front.folder / "state", {"werkzoekende": profiles})
    config = front.folder / "koppel.toml"
    config.write_text(f'oin = "{OWN}"\nstate = "{settings.state}"\nsocket = "{front.folder}/koppel.sock"\n')
    front.names["own"] = authority().issue([OWN]).written(front.folder, "own")
    koppel = process("serve", "--config", config)
    try:
        wait_until((front.folder / "koppel.sock").exists, seconds=60)
        with running(front):
            pairs = list(headers_of(OWN).items())
            wait_until(lambda: front.ask("own", pairs).status == 200, seconds=60)
            (match,) = json.loads(front.ask("own", pairs).body)["matches"]
            path = f"/vum/v3/werkzoekendeProfielen/{match['vumID']}"
            detail = front.ask("own", pairs, method="GET", path=path, body=b"")
            assert json.loads(detail.body)["werkzoekende"] == profile
            assert [front.ask(other, pairs).status for other in ("right", "none", "revoked")] == [401] * 3
            own_problem(front.ask("none", method="GET", path="/v1/sources", body=b""), 401)
            assert front.ask("own", pairs, method="GET", path="/v1/sources", body=b"").status == 200
            other = [*(pair for pair in pairs if pair[0] != "X-VUM-viaParty"), ("X-VUM-viaParty", NOBODY)]
            own_problem(front.ask("own", other, method="GET", path="/v1/sources", body=b""), 401)
    finally:
        koppel.terminate()
        koppel.communicate(timeout=30)

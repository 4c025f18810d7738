"""The server below the application: what is a header, what is refused, and that refusals can be read."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import pytest
from served import served
from vum import GEMEENTE, NOBODY, OWN, QUESTION, FakeExchange, headers, vum_app

from api import protocol

MATCHES = "/vum/v3/werkzoekendeProfielen/matches"
BODY = json.dumps(QUESTION).encode()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of the contracts, whoever asks believed."""
    with served(vum_app(FakeExchange())) as url:
        yield int(url.rpartition(":")[2])


def head(
    *more: str, target: str = MATCHES, without: str = "", method: str = "POST", close: bool = True
) -> bytes:
    """The head of a request."""
    told = [f"{name}: {value}" for name, value in headers(OWN).items() if name != without]
    lines = [f"{method} {target} HTTP/1.1", *told, *more, *(["Connection: close"] if close else [])]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunked(*trailers: str) -> bytes:
    """A question in one chunk, with trailers."""
    return b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY) + "\r\n".join([*trailers, "", ""]).encode()


def send(port: int, *pieces: bytes) -> HTTPResponse:
    """Send a request to its end, and only then read the answer, as urllib does."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return read(connection)


def read(connection: socket.socket) -> HTTPResponse:
    response = HTTPResponse(connection)
    response.begin()
    response.told = response.read()  # type: ignore[attr-defined]
    return response


def told(response: HTTPResponse) -> Any:
    return json.loads(response.told)  # type: ignore[attr-defined]


def refused(response: HTTPResponse, code: str = "400.01") -> None:
    """Check that an answer is a refusal of the contract."""
    assert (response.status, told(response)["code"]) == (400, code)
    assert response.getheader("Content-Type") == "application/json"
    assert response.getheader("API-Version") == "3.0.0"


@pytest.mark.parametrize("name", ["X-VUM-viaParty", "X-VUM-fromParty", "API-Version", "Content-Type"])
def test_what_a_trailer_says_is_no_header(port: int, name: str) -> None:
    chunks = "Transfer-Encoding: chunked"
    assert send(port, head(chunks), chunked(f"{name}: {headers(GEMEENTE)[name]}")).status == 200
    without = head(chunks, without=name)
    response = send(port, without, chunked(f"{name}: {headers(OWN)[name]}"))
    refused(response, "400.01" if name == "Content-Type" else "400.02")


@pytest.mark.parametrize(
    "request_bytes",
    [
        head(method="FOO"),
        head("X-A: a\0b"),
        head("Content-Length: 1", "Content-Length: 1"),
        head("Content-Length: x"),
        head("Content-Length: 1", "Transfer-Encoding: chunked"),
        head(target="/vum/v3/vacatures/\xe9"),
        head(target="/vum/v3/vacatures/" + "a" * 70_000),
        head("X-A: " + "a" * 70_000),
        head(*(f"X-{n}: {'a' * 1000}" for n in range(70))),
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=lambda each: repr(each[:10] + each[-70:-40]),
)
def test_what_is_no_http_is_refused_in_the_form_of_the_contract(port: int, request_bytes: bytes) -> None:
    refused(send(port, request_bytes))


@pytest.mark.parametrize(
    "request_bytes",
    [
        head("X-A: a\0b", target="/v1/sources", method="GET"),
        head(target="/v1/sources/stad/records/werkzoekende?id=" + "a" * 70_000, method="DELETE"),
    ],
    ids=["a header", "a target"],
)
def test_below_v1_what_is_no_http_is_a_problem(port: int, request_bytes: bytes) -> None:
    response = send(port, request_bytes)
    assert (response.status, response.getheader("Content-Type")) == (400, "application/problem+json")
    assert response.getheader("API-Version") == "1.0.0"
    assert told(response)["status"] == 400


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (head()[:-2], b"X-A: " + b"a" * 1000 + b"\r\n"),
        (head()[:-2] + b"X-A: ", b"a" * 1000),
        (b"POST /", b"a" * 1000),
        (head("Transfer-Encoding: chunked") + chunked()[:-2] + b"X-A: ", b"a" * 1000),
        (head("Transfer-Encoding: chunked") + b"1;x=", b"a" * 1000),
    ],
    ids=["headers", "a header", "a target", "a trailer", "an extension"],
)
def test_no_head_is_read_without_end(port: int, start: bytes, piece: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(start)
        sent = 0
        # Enough to be refused, and less than what is thrown away afterwards.
        while sent < 16 * protocol.HEAD_BYTES:
            connection.sendall(piece)
            sent += len(piece)
        refused(read(connection))


@pytest.mark.parametrize("size", [100_000, 1_000_000, 5_000_000])
@pytest.mark.parametrize("what", ["a large body", "nobody", "a wrong path", "no HTTP"])
def test_whoever_is_refused_before_all_is_sent_can_read_the_refusal(port: int, size: int, what: str) -> None:
    lines = {"nobody": ["X-OIN: x"], "no HTTP": ["X-A: \0"]}.get(what, [])
    asked = head(*lines, f"Content-Length: {size}", target="/vum/v3/x" if what == "a wrong path" else MATCHES)
    if what == "nobody":
        asked = asked.replace(OWN.encode(), NOBODY.encode())
    response = send(port, asked, b" " * size)
    if what == "nobody":
        assert (response.status, response.told) == (401, b"")  # type: ignore[attr-defined]
    else:
        refused(response)


def test_a_connection_that_is_kept_after_a_refusal_answers_the_next_request(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head("Content-Length: 500000", close=False) + b" " * 500_000)
        refused(read(connection))
        connection.sendall(head(f"Content-Length: {len(BODY)}", close=False) + BODY)
        assert read(connection).status == 200


def test_a_connection_is_closed_after_as_many_answers_as_are_agreed(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "ANSWERS", 3)
    asked = head(f"Content-Length: {len(BODY)}", close=False) + BODY
    closing = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for _ in range(3):
            connection.sendall(asked)
            response = read(connection)
            closing.append((response.status, response.will_close))
        assert connection.recv(1) == b""
    assert closing == [(200, False), (200, False), (200, True)]


def test_a_connection_is_closed_at_once_where_others_wait_for_their_turn(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = head(f"Content-Length: {len(BODY)}", close=False) + BODY
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        closing = []
        for n_waiting in (protocol.CROWD - 1, protocol.CROWD):
            monkeypatch.setattr(protocol, "n_waiting", lambda n=n_waiting: n)
            connection.sendall(asked)
            closing.append(read(connection).will_close)
    assert closing == [False, True]


def test_of_a_refused_request_no_more_is_read_than_is_agreed(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "LINGER_BYTES", 1_000_000)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head("Content-Length: 1000000000"))
        with pytest.raises(ConnectionError):
            connection.sendall(b" " * 200_000_000)


def test_of_a_refused_request_is_waited_for_no_longer_than_is_agreed(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.05)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head("Content-Length: 1000000000"))
        refused(read(connection))
        assert any(is_reset(connection) for _ in range(1_000))


def is_reset(connection: socket.socket) -> bool:
    """Tell whether the other side has ended a connection, after a short while."""
    try:
        connection.sendall(b" ")
    except ConnectionError:
        return True
    time.sleep(0.02)
    return False

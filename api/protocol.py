"""HTTP/1.1 as uvicorn reads it, where that is too trusting.

The head of a request ends where its body starts: what a trailer says after the body is no header. A head is
bounded while it comes in, before anybody knows who sends it. What is no HTTP is refused in the form of the
contract that it was meant for. Whoever is answered before all of its request came in can read the answer: a
connection that is closed with bytes unread is reset, and the answer lost with it. And a connection has so
many answers and no more, one where others wait: the processes that serve share an address, and each would
otherwise keep the clients that it got.
"""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.contracts.answers import refused
from api.contracts.headers import VERSION
from api.exchange.errors import Invalid
from api.threads import n_waiting
from api.v1.problems import problem_of

__all__ = ["Protocol"]

HEAD_BYTES: Final = 64 * 1024
"""Most bytes of the target and the headers of a request, trailers included; nginx passes half of that."""

LINGER_BYTES: Final = 64 * 1024 * 1024
LINGER_SECONDS: Final = 5.0
"""How much, and for how long, a request that is answered already is still read and thrown away."""

ANSWERS: Final = 100
CROWD: Final = 2
"""Answers on one connection, and a single one where so many wait for their turn. Then it is closed, and the
next one goes to a worker that has less to do."""

_REFUSAL: Final = Invalid("HTTP: a request of RFC 9112, with a head of at most 64 KiB")


class Protocol(HttpToolsProtocol):
    """A connection with a client (uvicorn, asyncio)."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.url = b""
        self._head_bytes = self._unheard_bytes = self._answers = 0
        self._in_head = False

    def connection_made(self, transport: Any) -> None:
        """Begin (asyncio)."""
        super().connection_made(_Lingering(transport, self))  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        """Read what comes in (asyncio)."""
        transport: Any = self.transport
        if transport.lingers:
            transport.throw_away(len(data))
            return
        # What the parser keeps to itself, of a header that has not ended for instance.
        self._unheard_bytes += len(data)
        super().data_received(data)
        if self._unheard_bytes > HEAD_BYTES and not transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin a request (httptools)."""
        super().on_message_begin()
        self._head_bytes, self._in_head = 0, True

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target (httptools)."""
        super().on_url(url)
        # Only then: what it is a target of decides how it is refused.
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, and drop one that stands in a trailer (httptools)."""
        self._count(len(name) + len(value))
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer (httptools)."""
        self._unheard_bytes, self._in_head = 0, False
        super().on_headers_complete()
        self._answers += 1
        if (self._answers >= ANSWERS or n_waiting() >= CROWD) and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body (httptools)."""
        self._unheard_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request (httptools)."""
        self._unheard_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, and close. msg : uvicorn's own words, which are none of the contracts'."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        if self.url.startswith(b"/v1/"):
            problem = problem_of(_REFUSAL)
            headers, body = problem.raw_headers, bytes(problem.body)
        else:
            refusal = refused(_REFUSAL, {"API-Version": VERSION})
            headers, body = refusal.raw_headers, refusal.body
        lines = b"".join(b"%b: %b\r\n" % header for header in (*headers, (b"connection", b"close")))
        self.transport.write(STATUS_LINE[400] + lines + b"\r\n" + body)
        self.transport.close()

    def is_receiving(self) -> bool:
        """Tell whether there is more to come of a request."""
        return self._in_head or (self.cycle is not None and self.cycle.more_body)

    def _count(self, n: int) -> None:
        self._unheard_bytes = 0
        self._head_bytes += n
        if self._head_bytes > HEAD_BYTES:
            # To httptools, which then refuses the request.
            raise ValueError


class _Lingering:
    """A transport that ends its own side first where the client is still sending, and listens on a while."""

    def __init__(self, transport: Any, protocol: Protocol) -> None:
        self._transport, self._protocol = transport, protocol
        self._left = LINGER_BYTES
        self._timer: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    @property
    def lingers(self) -> bool:
        """Whether all is said, and what still comes in is thrown away."""
        return self._timer is not None

    def is_closing(self) -> bool:
        """Tell whether nothing can be said any more (asyncio)."""
        return self.lingers or bool(self._transport.is_closing())

    def write(self, data: bytes) -> None:
        """Send, unless all is said (asyncio)."""
        if not self.lingers:
            self._transport.write(data)

    def close(self) -> None:
        """Close (asyncio); a second time at once."""
        if self.is_closing() or not self._protocol.is_receiving():
            self._end()
            return
        self._transport.write_eof()
        self._timer = self._protocol.loop.call_later(LINGER_SECONDS, self._end)
        self._protocol.flow.resume_reading()

    def throw_away(self, n: int) -> None:
        """Take note of bytes that came in too late."""
        self._left -= n
        if self._left < 0:
            self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._transport.close()

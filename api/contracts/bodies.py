"""The body of a request, read with its limits counted while it comes in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from api.contracts.headers import Received
from api.contracts.strict_json import Limits, parse
from api.exchange.errors import Invalid

__all__ = ["ClientGone", "Receive", "read_body", "read_json", "read_nothing"]

Receive = Callable[[], Awaitable[Any]]
"""ASGI's way to get the next piece of a request."""

_JSON: Final = re.compile(r'application/json(\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
_SECONDS: Final = 10.0


class ClientGone(Exception):  # noqa: N818  It is nobody's error.
    """Whoever asked has hung up: there is nobody to answer."""


async def read_json(received: Received, receive: Receive, limits: Limits) -> Any:
    """Give what the JSON of a body says. Raises as `read_body` and `strict_json.parse`."""
    return parse(await read_body(received, receive, limits.body_bytes), limits)


async def read_body(received: Received, receive: Receive, most: int) -> bytes:
    """Give a body of JSON as it was sent.

    Raises
    ------
    Invalid : it is not `application/json` in UTF-8, is packed (Content-Encoding), comes in slower than 10 s,
        or is larger than `most` bytes.
    ClientGone : the connection ended before the body did.
    """
    if not _JSON.fullmatch(received.value("Content-Type") or ""):
        raise Invalid("Content-Type: application/json")
    if (received.value("Content-Encoding") or "identity").lower() != "identity":
        raise Invalid("Content-Encoding: none")
    return await _read(received, receive, most)


async def read_nothing(received: Received, receive: Receive) -> None:
    """Check that a request has no body.

    Raises
    ------
    Invalid : it has one.
    ClientGone : the connection ended first.
    """
    await _read(received, receive, 0)


async def _read(received: Received, receive: Receive, most: int) -> bytes:
    refusal = Invalid(f"body: at most {most} bytes" if most else "body: none")
    declared = received.value("Content-Length") or "0"
    if not (declared.isascii() and declared.isdigit()) or len(declared) > 12 or int(declared) > most:
        raise refusal
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > most:
                    raise refusal
    except TimeoutError:
        raise Invalid(f"body: within {_SECONDS:.0f} seconds") from None
    return bytes(body)

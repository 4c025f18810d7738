"""What goes back over the wire: status, headers and body of the contracts, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from api.contracts.headers import VERSION

if TYPE_CHECKING:
    from api.exchange.answering import Answer
    from api.exchange.errors import ExchangeError

__all__ = ["UNAUTHORISED", "Response", "failed", "given", "refused", "said_of"]

Send = Callable[[Any], Awaitable[None]]

_LONGEST_NAME: Final = 200
_LONGEST_LIST: Final = 4_000


@dataclass(frozen=True)
class Response:
    """An answer to be sent."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send) -> None:
        """Send it, by ASGI."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """All its headers, as ASGI has them."""
        headers = {"content-length": str(len(self.body)), "cache-control": "no-store", **self.headers}
        if self.body:
            headers["content-type"] = "application/json"
        return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


UNAUTHORISED: Final = Response(401, headers={"API-Version": VERSION})
"""The one answer to whoever is not admitted, whatever the reason. It echoes nothing."""


def _error(code: str, message: str, details: str = "") -> bytes:
    error = {"code": code[:10], "message": message[:500]} | ({"details": details[:2000]} if details else {})
    return json.dumps(error, ensure_ascii=False, separators=(",", ":")).encode()


def given(answer: Answer, echo: Mapping[str, str]) -> Response:
    """Give the answer with status 200."""
    return Response(200, answer.body, {**echo, **said_of(answer)})


def said_of(answer: Answer) -> dict[str, str]:
    """Give the headers that say what had no effect on an answer, and how complete it is."""
    told = {}
    if answer.ignored:
        told["Koppel-Ignored-Criteria"] = _listed(answer.ignored)
    if answer.completeness:
        told["Koppel-Completeness"] = answer.completeness
    return told


def refused(error: ExchangeError, echo: Mapping[str, str]) -> Response:
    """Give the answer that tells a refusal."""
    if error.status == UNAUTHORISED.status:
        return UNAUTHORISED
    return Response(error.status, _error(error.code, error.message, error.details), echo)


def failed(echo: Mapping[str, str]) -> Response:
    """Give the answer that tells that something broke, and not what."""
    return Response(500, _error("500.1", "Interne serverfout"), echo)


def _listed(paths: Sequence[str]) -> str:
    """Give paths as a list of strings (RFC 9651), as many as fit; the last then tells how many did not."""
    told: list[str] = []
    room = _LONGEST_LIST
    for number, path in enumerate(paths):
        shown = path if len(path) <= _LONGEST_NAME else f"{path[:_LONGEST_NAME]}..."
        shown = (
            "".join(c if " " <= c <= "~" else "?" for c in shown).replace("\\", "\\\\").replace('"', '\\"')
        )
        room -= len(shown) + 4
        if room < 0:
            told.append(f'"... {len(paths) - number} more"')
            break
        told.append(f'"{shown}"')
    return ", ".join(told)

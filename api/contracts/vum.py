"""The paths of the VUM contracts, as one ASGI application.

    /vum/v3/...         we are the exchange, and a bemiddelaar asks
    /vum/v3/bron/...    we are the bron, and an exchange asks

Everything below /vum is answered here, and by the contracts' statuses alone: 200, 400, 401, 429, 500 and 503.
A framework's router would answer 404, 405, 422 or a redirect to what it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import structlog

from api.contracts import bemiddelaar, bron, contactmoment
from api.contracts.answers import UNAUTHORISED, Response, Send, failed, given, refused
from api.contracts.bodies import ClientGone, Receive, read_json, read_nothing
from api.contracts.headers import Parties, Received, Role
from api.contracts.identity import LAPTOP
from api.contracts.strict_json import Limits
from api.exchange.errors import ExchangeError, Invalid

if TYPE_CHECKING:
    from api.contracts.identity import Identified, Identity
    from api.contracts.operations import Operation
    from api.exchange.exchange import Exchange
    from api.exchange.rules import Caller

__all__ = ["Admit", "VumApp", "serves"]

Admit = Callable[[Role, "Identified", Parties], Awaitable["Caller"]]
"""Gives who asks, by the registry; raises NotAuthorised where it doesn't admit them (`Admission`)."""

_ROOT: Final = re.compile("/+vum(/|$)")
_VERSION_ROOT: Final = ("vum", "v3")
# Letters, digits and -._~, escaped.
_ESCAPED: Final = re.compile("%(2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])", re.IGNORECASE)
_OPERATIONS: Final = (*bemiddelaar.OPERATIONS, *bron.OPERATIONS, *contactmoment.OPERATIONS)
_log: Final = structlog.get_logger(__name__)


def serves(scope: Any) -> bool:
    """Tell whether a request is for these paths, however it spells them."""
    if scope["type"] != "http":
        return False
    return any(_ROOT.match(path) for path in (scope["path"], _raw_path(scope)))


class VumApp:
    """The contracts, both sides.

    The certificate is looked at first, then the path, the headers, the registry, the body, and last the
    exchange is called: nothing of a body is parsed for whoever is not admitted.

    Parameters
    ----------
    exchange : does what is asked.
    identity : tells who made the connection.
    admit : tells who asks.
    own_oin : of this exchange, which signs the answers to a bemiddelaar.
    limits : of what is parsed.
    """

    def __init__(
        self, exchange: Exchange, identity: Identity, admit: Admit, own_oin: str, limits: Limits | None = None
    ) -> None:
        self._exchange = exchange
        self._identity = identity
        self._admit = admit
        self._own_oin = own_oin
        self._limits = limits or Limits()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI, type "http")."""
        try:
            response = await self._answer(scope, receive)
        except ClientGone:
            return
        await response.send(send)

    async def _answer(self, scope: Any, receive: Receive) -> Response:
        received = Received(scope["headers"])
        role, segments = _place(scope)
        echo = received.echo(role, self._own_oin)
        try:
            identified = self._identity(scope)
            if identified is None:
                return UNAUTHORISED
            if identified.fingerprint == LAPTOP:
                echo["Koppel-Identity"] = "not checked"
            operation = _operation(role, scope["method"], segments)
            caller = await self._admit(role, identified, received.parties(role))
            if operation.method == "POST":
                asked = await read_json(received, receive, self._limits)
            else:
                await read_nothing(received, receive)
                asked = segments[-1]
            return given(await operation.call(self._exchange, caller, asked), echo)
        except ExchangeError as refusal:
            return refused(refusal, echo)
        except ClientGone:
            raise
        except Exception as problem:
            # What the problem says may hold personal data; what it is does not.
            _log.error("vum.failed", error=type(problem).__name__)
            return failed(echo)


def _raw_path(scope: Any) -> str:
    """Give the path as it was sent: decoded, an escaped slash could not be told from one.

    But for what needn't be escaped: that means the same either way (RFC 3986, 6.2.2.2).
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]
    return _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), path)


def _place(scope: Any) -> tuple[Role, tuple[str, ...]]:
    """Give the contract's role and the segments below its root; none where the path is not below a root."""
    _, *segments = _raw_path(scope).split("/")
    below = tuple(segments[len(_VERSION_ROOT) :])
    if tuple(segments[: len(_VERSION_ROOT)]) != _VERSION_ROOT:
        return "bemiddelaar", ()
    return ("bron", below[1:]) if below[:1] == ("bron",) else ("bemiddelaar", below)


def _operation(role: Role, method: str, segments: tuple[str, ...]) -> Operation:
    for operation in _OPERATIONS:
        if operation.answers(role, method, segments):
            return operation
    raise Invalid("path or method: one of the contract")

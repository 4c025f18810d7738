"""Middleware against more requests than can be answered: whoever comes on top hears so at once."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from api.contracts.answers import refused
from api.contracts.headers import VERSION
from api.contracts.vum import serves
from api.exchange.errors import Unavailable
from api.v1.problems import problem_of

__all__ = ["Busy"]

_PROBES = frozenset({"/health", "/ready", "/metrics"})


class Busy:
    """Answers 503 where `most` requests are being answered already; the operator is always answered."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most, self._now = app, most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on (ASGI, type "http"), or refuse it."""
        if self._now >= self._most and scope["path"] not in _PROBES:
            if serves(scope):
                await refused(Unavailable(), {"API-Version": VERSION}).send(send)
            else:
                await problem_of(Unavailable())(scope, receive, send)
            return
        self._now += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._now -= 1

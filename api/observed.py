"""Middleware around everything: each request is traced, counted, timed and logged; no error gets through."""

from __future__ import annotations

import secrets
import time
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.contracts.vum import serves
from api.exchange.trace import trace_of, traced
from api.metrics import in_progress, measured

__all__ = ["Observed", "operation_of"]

_UNKNOWN: Final = "unknown"
_COLLECTIONS: Final = frozenset({"werkzoekendeProfielen", "vacatures", "werkgeverscontactmomenten"})
_log: Final = structlog.get_logger(__name__)


class Observed:
    """Traces, counts, times and logs requests: which operation, which status, and nothing that they say."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on (ASGI)."""
        started, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        trace = trace_of([value for name, value in scope["headers"] if name == b"traceparent"])
        structlog.contextvars.bind_contextvars(request=secrets.token_hex(8), trace=trace.id)
        in_progress.inc()
        try:
            with traced(trace):
                await self._app(scope, receive, sending)
        except Exception as problem:
            # What it says may hold personal data; what it is does not.
            _log.error("request.failed", error=type(problem).__name__)
            if not status:
                await _fail(sending)
        finally:
            in_progress.dec()
            operation = operation_of(scope)
            # Without a status whoever asked has hung up: 499, as proxies say.
            milliseconds = measured(operation, status or 499, started)
            _log.info("request", operation=operation, status=status or 499, milliseconds=milliseconds)
            structlog.contextvars.unbind_contextvars("request", "trace")


def operation_of(scope: Scope) -> str:
    """Name the operation of a request that was answered: one of a few names, whatever its path says."""
    route = scope.get("route")
    if named := getattr(route, "operation_id", None) or getattr(route, "name", None):
        return str(named)
    return _of_contract(scope) if serves(scope) else _UNKNOWN


def _of_contract(scope: Scope) -> str:
    segments = scope["path"].split("/")[3:]
    role = "bron" if segments[:1] == ["bron"] else "bemiddelaar"
    collection, *rest = (segments[1:] if role == "bron" else segments) or [""]
    if collection not in _COLLECTIONS or len(rest) != 1:
        return f"{role}.{_UNKNOWN}"
    return f"{role}.{collection}.{'matches' if rest == ['matches'] else 'detail'}"


async def _fail(send: Send) -> None:
    headers: list[Any] = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": b""})

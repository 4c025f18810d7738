"""What the operator asks the server: does it live, is it ready, what has it counted. Nothing about data.

The proxy that is shipped passes none of it on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import structlog
from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.metrics import CONTENT_TYPE, exposed
from data.errors import KoppelError

if TYPE_CHECKING:
    from api.services import Services

__all__ = ["probes"]

_FRESH: Final = {"Cache-Control": "no-store"}
_log: Final = structlog.get_logger(__name__)


def probes(services: Services) -> list[Route]:
    """Make the routes."""
    checks: dict[str, Callable[[], Any]] = {
        "store": services.store.check,
        "log": services.audit.check,
        "index": services.hosted.index,
        "keys": services.keys.newest,
    }

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=_FRESH)

    async def ready(_: Request) -> Response:
        told = {name: await run_sync(_holds, name, check) for name, check in checks.items()}
        is_ready = all(told.values())
        body = {
            "status": "ready" if is_ready else "not ready",
            "checks": {name: "ok" if holds else "fails" for name, holds in told.items()},
        }
        return JSONResponse(body, 200 if is_ready else 503, headers=_FRESH)

    async def metrics(_: Request) -> Response:
        return Response(await run_sync(exposed), media_type=CONTENT_TYPE, headers=_FRESH)

    return [Route("/health", health), Route("/ready", ready), Route("/metrics", metrics)]


def _holds(name: str, check: Callable[[], Any]) -> bool:
    try:
        check()
    except (KoppelError, SQLAlchemyError, OSError) as problem:
        _log.error(f"not ready: {name}", error=type(problem).__name__)
        return False
    return True

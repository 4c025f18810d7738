"""The application, assembled: what it works with, the middleware in order, the routes.

/vum/...                     the contracts of VUM                    api.contracts
/v1/...                      our own API                             api.v1
/health, /ready, /metrics    for the operator                        api.probes
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from api.busy import Busy
from api.contracts.strict_json import Limits
from api.contracts.vum import VumApp, serves
from api.metrics import source_changed, source_failed
from api.observed import Observed
from api.probes import probes
from api.services import open_services
from api.threads import share_threads
from api.v1.app import create_v1
from api.v1.problems import handle_problems
from data.errors import KoppelError

if TYPE_CHECKING:
    from api.config import Settings
    from api.services import Services

__all__ = ["assemble", "create_app"]

_CHECKPOINT_SECONDS: Final = 5.0
_CHANGES_SECONDS: Final = 2.0
"""How often is looked for changes that nobody took in: who noted them died, or is no server."""
_DAY_SECONDS: Final = 60.0
"""How often is looked whether a new day has begun."""

_log: Final = structlog.get_logger(__name__)


def assemble(services: Services) -> ASGIApp:
    """Put the application together: the first middleware is the outermost."""
    settings = services.settings
    contracts = VumApp(
        services.exchange,
        services.identity,
        services.admit,
        settings.oin,
        Limits(settings.body_bytes, settings.depth, settings.width),
    )
    rest = Starlette(routes=[Mount("/v1", create_v1(services)), *probes(services)])
    rest.router.redirect_slashes = False
    handle_problems(rest)

    async def routes(scope: Scope, receive: Receive, send: Send) -> None:
        await (contracts if serves(scope) else rest)(scope, receive, send)

    return Observed(Busy(routes, settings.busy))


def create_app(settings: Settings) -> ASGIApp:
    """Open what a configuration names, and make the application of it.

    No thread is started before the server starts the application: none lives on in a process that is forked
    off. Raises StoreError and FileError, as `open_services` does.
    """
    services = open_services(settings)
    return _Living(services, assemble(services))


class _Living:
    """The application, and what is done when a server starts and stops it."""

    def __init__(self, services: Services, app: ASGIApp) -> None:
        self._services, self._app = services, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or begin and end (ASGI, types "http" and "lifespan")."""
        if scope["type"] == "http":
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        share_threads()
        try:
            await asyncio.to_thread(self._services.prepare)
        except (KoppelError, SQLAlchemyError) as problem:
            _log.error("start.failed", error=type(problem).__name__)
            await send({"type": "lifespan.startup.failed", "message": type(problem).__name__})
            return
        self._services.remotes.watch(source_changed, source_failed)
        services = self._services
        always = [
            asyncio.create_task(_every(_CHECKPOINT_SECONDS, services.audit.checkpoint, "checkpoint.failed")),
            asyncio.create_task(_every(_CHANGES_SECONDS, services.hosted.take_in, "take-in.failed")),
            asyncio.create_task(_every(_DAY_SECONDS, services.hosted.roll_over, "rollover.failed")),
        ]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in always:
            task.cancel()
        await asyncio.gather(*always, return_exceptions=True)
        with suppress(KoppelError):
            await self._services.aclose()
        await send({"type": "lifespan.shutdown.complete"})


async def _every(seconds: float, work: Callable[[], object], failed: str) -> None:
    """Do something in a thread again and again, and log where it fails.

    The log is signed as far as it has come, so that a cut is seen also where nobody asks; the index takes in
    what has changed, and is built anew when a day has begun. Whatever fails is tried again.
    """
    while True:
        try:
            await asyncio.to_thread(work)
        except Exception as problem:
            _log.error(failed, error=type(problem).__name__)
        await asyncio.sleep(seconds)

"""The application of our own API, assembled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.contracts.strict_json import Limits
from api.v1.document import document, methods
from api.v1.problems import VERSION, handle_problems, problem_of_status
from api.v1.questions import questions
from api.v1.rankings import rankings
from api.v1.records import records
from api.v1.registry import registry
from api.v1.strict import strict_route
from api.v1.words import Titles, words

if TYPE_CHECKING:
    from api.services import Services

__all__ = ["create_v1"]


def create_v1(services: Services) -> FastAPI:
    """Make the application, which is mounted at /v1."""
    settings = services.settings
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        version=VERSION,
        # It would tell whoever collects it what queries and errors say.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.services = services
    app.add_middleware(_Headed, believing=settings.identity == "laptop")
    handle_problems(app)
    limits = Limits(settings.body_bytes, settings.depth, settings.width)
    strict = strict_route(limits)
    # Every element takes two bytes or more.
    batch = strict_route(Limits(settings.batch_bytes, settings.depth, settings.batch_bytes))
    app.include_router(rankings(services, strict_route(limits, direct=True)))
    app.include_router(words(Titles(lambda: services.hosted.index().space.taxonomy), strict))
    app.include_router(registry(services, strict))
    app.include_router(questions(services, strict))
    app.include_router(records(strict, batch))

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        # For whoever reads it in a browser, as the design rules ask.
        return JSONResponse(told, headers={"Access-Control-Allow-Origin": "*"})

    async def not_allowed(request: Request, error: Exception) -> Response:
        response = problem_of_status(405)
        response.headers["Allow"] = ", ".join(methods(told, request.url.path.removeprefix("/v1")))
        return response

    # On a laptop it is reached wherever it listens.
    told = document(app, "" if settings.identity == "laptop" else settings.address)
    app.add_exception_handler(405, not_allowed)
    return app


class _Headed:
    """Middleware that says the version of the API, and that no answer is to be kept.

    believing : whether callers are who they say, so that each answer says that too.
    """

    def __init__(self, app: ASGIApp, believing: bool) -> None:
        self._app, self._believing = app, believing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on (ASGI)."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["API-Version"] = VERSION
                headers["Cache-Control"] = "no-store"
                if self._believing:
                    headers["Koppel-Identity"] = "not checked"
            await send(message)

        await self._app(scope, receive, sending)

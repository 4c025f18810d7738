"""Routes that are read as strictly as the contracts: who asks first, a body bounded and in one way only."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from anyio.to_thread import run_sync
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from api.contracts.bodies import ClientGone, read_body, read_nothing
from api.contracts.headers import Received
from api.contracts.strict_json import Limits, parse
from api.exchange.errors import Invalid
from api.v1.callers import SECURED, admit

__all__ = ["StrictRequest", "strict_route"]

_SOON_PARSED: Final = 16 * 1024
"""Bytes up to which a body is parsed in about the time that it takes to have a thread do it."""


class StrictRequest(Request):
    """A request whose body has been read and parsed: `raw` and `document`."""

    raw: bytes = b""
    document: Any = None

    async def body(self) -> bytes:
        """Give the body as it was sent."""
        return self.raw

    async def json(self) -> Any:
        """Give what the body says."""
        return self.document


def strict_route(limits: Limits, direct: bool = False) -> type[APIRoute]:
    """Make the class of routes whose bodies are kept to these limits.

    direct : whether their operations take who asks and a body, nothing else, and give a response. FastAPI
        then only describes them: its search of a request for arguments costs more than all that is done here.
    """

    class StrictRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = _call(self) if direct else super().get_route_handler()
            takes_body = self.body_field is not None
            is_secured = self.openapi_extra == SECURED

            async def strictly(request: Request) -> Response:
                received = Received(request.scope["headers"])
                received.check_repeated()
                if is_secured:
                    await admit(request, received)
                strict = StrictRequest(request.scope, request.receive)
                try:
                    if takes_body:
                        strict.raw = await read_body(received, request.receive, limits.body_bytes)
                        if len(strict.raw) <= _SOON_PARSED:
                            strict.document = parse(strict.raw, limits)
                        else:
                            strict.document = await run_sync(parse, strict.raw, limits)
                    else:
                        await read_nothing(received, request.receive)
                except ClientGone:
                    # Nobody will read it.
                    raise Invalid("body: whole") from None
                return await handle(strict)

            return strictly

    return StrictRoute


def _call(route: APIRoute) -> Callable[[StrictRequest], Coroutine[Any, Any, Response]]:
    """Make what calls an operation with who asks and a body."""
    body: Any = route.body_field

    async def call(request: StrictRequest) -> Response:
        asked, faults = body.validate(request.document, loc=("body",))
        if faults:
            raise RequestValidationError(faults)
        response: Response = await route.endpoint(request.state.caller, asked)
        return response

    return call

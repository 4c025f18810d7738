"""What is wrong with a request, as problem details (RFC 9457). Never with what the request says."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException

from api.exchange.errors import ExchangeError, Incomplete, Invalid, LimitExceeded, NotAuthorised
from data.errors import KoppelError

__all__ = ["ERRORS", "Problem", "handle_problems"]

MEDIA_TYPE: Final = "application/problem+json"

_TITLES: Final = {
    Invalid: "De aanvraag klopt niet",
    Incomplete: "De aanvraag is niet volledig",
    NotAuthorised: "Geen toegang",
    LimitExceeded: "De limiet is bereikt",
}


class Fault(BaseModel):
    """A field that is wrong."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    field: str = Field(description="Where it stands, as a path with dots.")
    message: str = Field(description="What may stand there.")


class Problem(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    type: str = Field(default="about:blank", description="The kind of problem.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    faults: list[Fault] = Field(
        default=[], description="The fields that are wrong, if those are the problem."
    )


def _documented(status: HTTPStatus) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": status.phrase, "content": {MEDIA_TYPE: {"schema": schema}}}


ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    int(status): _documented(status)
    for status in (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )
}
"""The responses beside 200 that every operation may give, for the OpenAPI document."""


def handle_problems(app: FastAPI) -> None:
    """Let an application answer every error as a problem."""

    @app.exception_handler(ExchangeError)
    async def refused(_: Request, error: ExchangeError) -> Response:
        return _response(
            error.status, _TITLES.get(type(error), "Nu niet mogelijk"), error.details or error.message
        )

    @app.exception_handler(KoppelError)
    async def wrong(_: Request, error: KoppelError) -> Response:
        return _response(HTTPStatus.BAD_REQUEST, _TITLES[Invalid], str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        # Only where and what kind: the message of a custom check or the input itself may be personal.
        faults = [
            Fault(field=".".join(map(str, each["loc"])), message=str(each["type"]).replace("_", " "))
            for each in error.errors()
        ]
        return _response(HTTPStatus.BAD_REQUEST, _TITLES[Invalid], "Zie de velden onder faults.", faults)

    @app.exception_handler(HTTPException)
    async def unrouted(_: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        response = _response(status, status.phrase, "Zie /v1/openapi.json voor wat er is.")
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> Response:
        return _response(
            HTTPStatus.INTERNAL_SERVER_ERROR, "Interne fout", "De fout is gemeld in het logboek."
        )


def _response(status: int, title: str, detail: str, faults: Sequence[Fault] = ()) -> Response:
    problem = Problem(title=title, status=int(status), detail=detail, faults=list(faults))
    return Response(problem.model_dump_json(by_alias=True), int(status), media_type=MEDIA_TYPE)

"""What is wrong with a request, as problem details (RFC 9457). Never with what the request says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.exchange.errors import (
    ExchangeError,
    Incomplete,
    Invalid,
    LimitExceeded,
    NotAuthorised,
    Unavailable,
)
from data.errors import KoppelError, QuestionError, RecordError
from data.standard.faults import PROPERTIES_ONLY, object_of
from data.standard.fields import FORM

__all__ = [
    "ERRORS",
    "MEDIA_TYPE",
    "VERSION",
    "Fault",
    "Problem",
    "handle_problems",
    "problem_of",
    "problem_of_status",
]

VERSION: Final = "1.0.0"
"""Of our own API: every answer has it in the header API-Version."""

MEDIA_TYPE: Final = "application/problem+json"

_TITLES: Final = {
    Invalid: "De aanvraag klopt niet",
    Incomplete: "De aanvraag is niet volledig",
    NotAuthorised: "Geen toegang",
    LimitExceeded: "De limiet is bereikt",
}

_STATUS_TITLES: Final = {
    HTTPStatus.NOT_FOUND: "Niet gevonden",
    HTTPStatus.METHOD_NOT_ALLOWED: "Deze methode is er niet",
}

_KEY: Final = "[key]"
"""Stands behind the key of a dictionary in the place of what is wrong with the key itself."""

_BOUNDS: Final = {"expected", "ge", "gt", "le", "lt", "max_length", "min_length", "pattern"}
"""What the schema allows, of what the context of a fault says."""


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


ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    int(status): {
        "description": status.phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
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


def handle_problems(app: Starlette) -> None:
    """Let an application answer every error as a problem."""
    app.add_exception_handler(ExchangeError, _answered(problem_of))
    app.add_exception_handler(RecordError, _answered(_wrong))
    app.add_exception_handler(QuestionError, _answered(_wrong))
    app.add_exception_handler(KoppelError, _answered(lambda _: problem_of(Unavailable())))
    app.add_exception_handler(SQLAlchemyError, _answered(lambda _: problem_of(Unavailable())))
    app.add_exception_handler(RequestValidationError, _answered(_invalid))
    app.add_exception_handler(HTTPException, _answered(_unrouted))
    app.add_exception_handler(Exception, _answered(_failed))


def problem_of(error: ExchangeError) -> Response:
    """Give the answer that tells a refusal of the exchange."""
    title = _TITLES.get(type(error), "Nu niet mogelijk")
    return _response(error.status, title, error.details or error.message)


def _answered(told: Callable[[Any], Response]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_: Request, error: Exception) -> Response:
        return told(error)

    return answer


def _wrong(error: KoppelError) -> Response:
    # The last of the subject is the place; before it stands the record's id, which may be anything.
    place = error.subject.rpartition(", ")[2]
    if error.allowed == PROPERTIES_ONLY:
        place = object_of(place)
    return _response(HTTPStatus.BAD_REQUEST, _TITLES[Invalid], f"{place}: {error.allowed or error.found}")


def _invalid(error: RequestValidationError) -> Response:
    # Only where, what kind and the bound: the message of a custom check or the input itself may be personal,
    # and what is unknown in an object is the caller's own word.
    faults = [Fault(field=_place(each), message=_message(each)) for each in error.errors()]
    return _response(HTTPStatus.BAD_REQUEST, _TITLES[Invalid], "Zie de velden onder faults.", faults)


def _place(fault: Mapping[str, Any]) -> str:
    steps = fault["loc"]
    if _KEY in steps:
        steps = steps[: steps.index(_KEY) - 1]
    elif fault["type"] == "extra_forbidden":
        steps = steps[:-1]
    return ".".join(step for step in map(str, steps) if not step.startswith(FORM))


def _message(fault: Mapping[str, Any]) -> str:
    bounds = (str(value) for name, value in fault.get("ctx", {}).items() if name in _BOUNDS)
    return " ".join((str(fault["type"]).replace("_", " "), *bounds))


def problem_of_status(code: int) -> Response:
    """Give the answer to what isn't there: it says no more than the status does."""
    status = HTTPStatus(code)
    return _response(code, _STATUS_TITLES.get(status, status.phrase), "Zie /v1/openapi.json voor wat er is.")


def _unrouted(error: HTTPException) -> Response:
    response = problem_of_status(error.status_code)
    response.headers.update(error.headers or {})
    if allowed := response.headers.get("Allow"):
        # Starlette joins a set, whose order is another one in every process.
        response.headers["Allow"] = ", ".join(sorted(allowed.split(", ")))
    return response


def _failed(_: Exception) -> Response:
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, "Interne fout", "De fout is gemeld in het logboek.")


def _response(status: int, title: str, detail: str, faults: Sequence[Fault] = ()) -> Response:
    problem = Problem(title=title, status=int(status), detail=detail, faults=list(faults))
    return Response(
        problem.model_dump_json(by_alias=True),
        int(status),
        headers={"API-Version": VERSION, "Cache-Control": "no-store"},
        media_type=MEDIA_TYPE,
    )

"""The records of a hosted source, which its own party puts and deletes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path as File
from tempfile import NamedTemporaryFile
from time import time
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.exchange.errors import Invalid
from api.exchange.rules import Caller
from api.v1.callers import SECURED, Asking, own_source
from api.v1.problems import ERRORS
from api.v1.strict import StrictRequest
from data.errors import FileError
from data.standard import Side

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

    from api.services import Services

__all__ = ["drop_left_batches", "records"]

MOST: Final = 500
"""Records that are deleted at a time."""

TOGETHER: Final = 2_000
"""Records that are put at a time: a load checks so many before it stores the first of them."""

_BATCH: Final = "batch-"
_LEFT_SECONDS: Final = 3_600.0
"""A batch is stored in less than this."""

_BLANK_OR_COMMA: Final = " \t\r\n,"
_ONE_LINE: Final = str.maketrans("\r\n", "  ")

_RecordId = Annotated[str, Field(min_length=1, max_length=200)]
_Record = Annotated[
    dict[str, Any], Field(description="A Werkzoekende or Vacature of the VUM standard, with its id.")
]


class Stored(BaseModel):
    """How many records were stored."""

    stored: int = Field(ge=0)


class Deleted(BaseModel):
    """How many records there were of those that are deleted now."""

    deleted: int = Field(ge=0)


def drop_left_batches(state: File) -> None:
    """Remove the batches that processes left in the state folder that were killed while they stored them."""
    for path in state.glob(f"{_BATCH}*"):
        with suppress(FileNotFoundError):
            if time() - path.stat().st_mtime > _LEFT_SECONDS:
                path.unlink()


@dataclass(frozen=True)
class _Held:
    """The records of one side of one of the caller's own sources."""

    services: Services
    caller: Caller
    source_id: str
    side: Side

    def put(self, record_id: str, raw: bytes, document: Mapping[str, Any]) -> None:
        self._note(put=1)
        self.services.hosted.put(self.source_id, self.side, record_id, raw, document)

    def load(self, raw: bytes, n: int) -> int:
        self._note(put=n)
        state = self.services.settings.state
        with NamedTemporaryFile(dir=state, prefix=_BATCH, suffix=".ndjson") as file:
            file.writelines(_lines(raw.decode()))
            file.flush()
            try:
                return self.services.hosted.load(self.source_id, self.side, File(file.name)).stored
            except FileError as problem:
                # The file is what was sent; of another one the sender knows nothing.
                if not problem.subject.startswith(file.name):
                    raise
                raise Invalid(f"records: {problem.allowed or problem.found}") from None

    def delete(self, ids: Sequence[str]) -> int:
        self._note(deleted=len(ids))
        return self.services.hosted.delete(self.source_id, self.side, ids)

    def _note(self, **counts: int) -> None:
        told = {
            "controller": self.caller.controller,
            "processor": self.caller.processor,
            "certificate": self.caller.certificate,
            "source": self.source_id,
            "side": self.side,
            **counts,
        }
        with self.services.audit.write() as connection:
            self.services.audit.append(connection, "records", told)


async def _held(
    request: Request,
    caller: Asking,
    source_id: Annotated[str, Path(alias="sourceId", pattern="^[a-z0-9-]{1,50}$")],
    side: Side,
) -> _Held:
    services: Services = request.app.state.services
    source = await run_sync(own_source, services, caller, source_id)
    return _Held(services, caller, source.id, side)


Held = Annotated[_Held, Depends(_held)]


def records(one: type[APIRoute], batch: type[APIRoute]) -> APIRouter:
    """Make the routes; `batch` takes larger bodies than `one`."""
    router = APIRouter()
    options: dict[str, Any] = {
        "prefix": "/sources/{sourceId}/records/{side}",
        "tags": ["records"],
        "responses": ERRORS,
    }
    single, many = APIRouter(**options, route_class=one), APIRouter(**options, route_class=batch)

    @many.put("", operation_id="putRecords", openapi_extra=SECURED)
    async def put_records(
        request: Request, held: Held, told: Annotated[list[_Record], Field(min_length=1, max_length=TOGETHER)]
    ) -> Stored:
        """Store records, each in the place of the one with its id. They count at the next question.

        Where one of them is wrong, none of them is stored.
        """
        return Stored(stored=await run_sync(held.load, cast(StrictRequest, request).raw, len(told)))

    @single.delete("", operation_id="deleteRecords", openapi_extra=SECURED)
    async def delete_records(
        held: Held, ids: Annotated[list[_RecordId], Query(alias="id", min_length=1, max_length=MOST)]
    ) -> Deleted:
        """Delete records. From now on they are in no answer."""
        return Deleted(deleted=await run_sync(held.delete, ids))

    @single.put("/{recordId}", operation_id="putRecord", status_code=204, openapi_extra=SECURED)
    async def put_record(
        request: Request,
        held: Held,
        told: _Record,
        record_id: Annotated[_RecordId, Path(alias="recordId")],
    ) -> Response:
        """Store a record, in the place of the one with its id. It counts at the next question."""
        await run_sync(held.put, record_id, cast(StrictRequest, request).raw, told)
        return Response(status_code=204)

    @single.delete("/{recordId}", operation_id="deleteRecord", status_code=204, openapi_extra=SECURED)
    async def delete_record(held: Held, record_id: Annotated[_RecordId, Path(alias="recordId")]) -> Response:
        """Delete a record. From now on it is in no answer."""
        if not await run_sync(held.delete, [record_id]):
            raise HTTPException(404)
        return Response(status_code=204)

    router.include_router(many)
    router.include_router(single)
    return router


def _lines(text: str) -> Iterator[bytes]:
    """Yield the elements of a JSON list that was read before, as they were sent, each on one line."""
    decoder = json.JSONDecoder()
    at = text.index("[") + 1
    while True:
        while text[at] in _BLANK_OR_COMMA:
            at += 1
        if text[at] == "]":
            return
        _, end = decoder.raw_decode(text, at)
        # Outside of a string, the end of a line is a blank as any other; inside there can be none.
        yield text[at:end].translate(_ONE_LINE).encode() + b"\n"
        at = end

"""A caller's own questions: what it asked, how complete the answers were, what is left of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.clock import SECOND, microseconds
from api.exchange.fanout import LEFT_OUT
from api.exchange.questions import PAGE, Kind
from api.v1.callers import SECURED, Asking
from api.v1.problems import ERRORS
from data.standard import Side

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

    from api.exchange.questions import Asked
    from api.services import Services

__all__ = ["questions"]


_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _spelled_out(value: Any) -> Any:
    """Refuse what is a moment to Pydantic only: a number."""
    if isinstance(value, str) and not _RFC3339.fullmatch(value):
        raise ValueError("a date and time of RFC 3339, with its time zone")
    return value


_Moment = Annotated[AwareDatetime, BeforeValidator(_spelled_out)]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Completed(_Model):
    """How many of the sources that were asked answered, and what became of the others."""

    answered: int = 0
    timed_out: int = 0
    failed: int = 0
    refused: int = 0
    left_out: int = Field(
        0,
        description="Records of those that answered that were not told, as something was wrong with them.",
    )


class PastQuestion(_Model):
    """A question that was asked."""

    vraag_id: str = Field(alias="vraagID")
    kind: Kind = Field(description="vraag: matches; rangorde: a ranking; nacht: of a nightly run.")
    side: Side = Field(description="What was looked for.")
    asked_at: AwareDatetime
    expires_at: AwareDatetime = Field(description="From when on its vumIDs are not answered any more.")
    criteria: dict[str, Any] = Field(description="What was asked; of the postcode its four digits (pc4).")
    completeness: Completed | None = Field(description="null where it was never answered.")
    details_left: int = Field(ge=0, description="How many more records may be seen in detail.")


class Questions(_Model):
    """A page of questions, the newest first; `next` is the `before` of the page that follows, if one does."""

    questions: list[PastQuestion]
    next: AwareDatetime | None


def questions(services: Services, route_class: type[APIRoute]) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["questions"], responses=ERRORS, route_class=route_class)

    @router.get("/questions", operation_id="listQuestions", openapi_extra=SECURED)
    async def list_questions(
        caller: Asking,
        before: Annotated[
            _Moment | None, Query(description="Only those that were asked before this moment.")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
    ) -> Questions:
        """The caller's own questions and rankings, the newest first."""
        asked = await services.exchange.history(
            caller, before=None if before is None else microseconds(before), limit=limit
        )
        page = [_told(each) for each in asked]
        return Questions(questions=page, next=page[-1].asked_at if len(page) == limit else None)

    return router


def _told(asked: Asked) -> PastQuestion:
    return PastQuestion(
        vraag_id=asked.id,
        kind=asked.kind,
        side=asked.side,
        asked_at=_moment(asked.asked_at),
        expires_at=_moment(asked.expires_at),
        criteria=dict(asked.criteria),
        completeness=None if asked.completeness is None else _completed(asked.completeness),
        details_left=asked.details_left,
    )


def _completed(kept: Mapping[str, Any]) -> Completed:
    statuses = Counter(each for name, each in kept.items() if name != LEFT_OUT)
    return Completed(**statuses, left_out=kept.get(LEFT_OUT, 0))


def _moment(at: int) -> datetime:
    seconds, rest = divmod(at, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)

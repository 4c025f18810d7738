"""The registry as a participant may know it: who takes part, which sources it may ask, by which rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.exchange.registry import SHARED, Kind, Shared
from api.exchange.rules import explain_source, rules, verdict
from api.v1.callers import SECURED, Asking
from api.v1.problems import ERRORS

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

    from api.services import Services

__all__ = ["registry"]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Participant(_Model):
    """A party that is admitted."""

    oin: str = Field(pattern="^[0-9]{20}$")
    name: str
    kind: Kind
    suwi: bool = Field(description="Whether it takes part in SUWI.")


class SourceForCaller(_Model):
    """A source (bron) that the caller may ask, or that is its own."""

    id: str
    oin: str = Field(pattern="^[0-9]{20}$", description="Of the participant whose source it is (bronID).")
    name: str
    own: bool
    shares: list[Shared] = Field(description="What the caller may ask it for, now.")


class RuleText(_Model):
    """A rule of sharing, and one of its effects."""

    id: str
    scope: str
    effect: Literal["allow", "refuse", "remove"]
    reason: str
    legal_basis: str


def registry(services: Services, route_class: type[APIRoute]) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["registry"], responses=ERRORS, route_class=route_class)

    @router.get("/participants", operation_id="listParticipants", openapi_extra=SECURED)
    async def list_participants(caller: Asking) -> list[Participant]:
        """The participants that are admitted now, by OIN."""
        known, at = await run_sync(services.reader.current), services.clock()
        return [
            Participant(oin=party.oin, name=party.name, kind=party.kind, suwi=party.suwi)
            for _, party in sorted(known.parties.items())
            if party.admitted.holds(at)
        ]

    @router.get("/sources", operation_id="listSources", openapi_extra=SECURED)
    async def list_sources(caller: Asking) -> list[SourceForCaller]:
        """The sources that the caller may ask, and its own, by id. Of others nothing is told."""
        known, at = await run_sync(services.reader.current), services.clock()
        told = []
        for source_id, source in sorted(known.sources.items()):
            own = (source.oin, source.processor_oin) == (caller.controller, caller.processor)
            shares = [side for side in SHARED if verdict(explain_source(known, caller, source_id, side, at))]
            if shares or own:
                told.append(
                    SourceForCaller(id=source_id, oin=source.oin, name=source.name, own=own, shares=shares)
                )
        return told

    @router.get("/rules", operation_id="listRules")
    async def list_rules() -> list[RuleText]:
        """The rules by which is decided who may see what, with their legal basis."""
        return [RuleText.model_validate(each) for each in rules()]

    return router

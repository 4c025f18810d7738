"""Who asks, told as in the contracts: by the certificate, and by the registry as it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, Header, Request
from starlette.exceptions import HTTPException

from api.contracts.headers import Parties, Received
from api.exchange import rules
from api.exchange.errors import Invalid, NotAuthorised
from api.exchange.rules import Caller

if TYPE_CHECKING:
    from api.exchange.registry import Source
    from api.services import Services

__all__ = ["SECURED", "Asking", "admit", "own_source"]

SECURED: Final[dict[str, Any]] = {"security": [{"certificate": []}]}
"""Goes into the document of operations that ask for a certificate, and has their callers admitted."""

_FROM: Final = "X-VUM-fromParty"
_VIA: Final = "X-VUM-viaParty"
_OIN: Final = "^[0-9]{20}$"


async def admit(request: Request, received: Received) -> None:
    """Find out who asks, before anything else of a request is read; then it is `Asking`.

    Raises
    ------
    NotAuthorised : nobody says so for certain, or the registry doesn't admit them.
    Invalid : the controller is no OIN.
    """
    services: Services = request.app.state.services
    identified = services.identity(request.scope)
    if identified is None or received.value(_VIA) not in (None, identified.oin):
        raise NotAuthorised
    controller = received.value(_FROM)
    if controller is not None and not re.fullmatch(_OIN, controller, re.ASCII):
        raise Invalid(f"{_FROM}: an OIN of 20 digits")
    parties = Parties(controller or identified.oin, services.settings.oin, identified.oin)
    request.state.caller = await services.admit("bemiddelaar", identified, parties)


async def _asking(
    request: Request,
    controller: Annotated[
        str | None,
        Header(
            alias=_FROM,
            pattern=_OIN,
            description="OIN of the controller that asks; by default the holder of the certificate.",
        ),
    ] = None,
) -> Caller:
    caller: Caller = request.state.caller
    return caller


Asking = Annotated[Caller, Depends(_asking)]
"""Who asks, in an operation that is `SECURED`."""


def own_source(services: Services, caller: Caller, source_id: str) -> Source:
    """Give a hosted source of a caller.

    Raises HTTPException (404) alike for one that there is not and for another's.
    """
    source = rules.own_source(services.reader.current(), caller, source_id, services.clock())
    if source is None:
        raise HTTPException(404)
    return source

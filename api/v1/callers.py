"""Who asks, told as in the contracts: by the certificate, and by the registry as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, Header, Request
from starlette.exceptions import HTTPException

from api.contracts.headers import Parties
from api.exchange import rules
from api.exchange.errors import Invalid, NotAuthorised
from api.exchange.rules import Caller

if TYPE_CHECKING:
    from api.exchange.registry import Source
    from api.services import Services

__all__ = ["SECURED", "Asking", "own_source"]

SECURED: Final[dict[str, Any]] = {"security": [{"certificate": []}]}
"""Goes into the document of operations that ask for a certificate."""

_FROM: Final = "X-VUM-fromParty"
_REPEATED: Final = frozenset({b"x-vum-fromparty", b"x-vum-viaparty", b"host", b"client-cert"})


async def _asking(
    request: Request,
    controller: Annotated[
        str | None,
        Header(
            alias=_FROM,
            pattern="^[0-9]{20}$",
            description="OIN of the controller that asks; by default the holder of the certificate.",
        ),
    ] = None,
) -> Caller:
    services: Services = request.app.state.services
    names = [name.lower() for name, _ in request.scope["headers"]]
    if any(names.count(name) > 1 for name in _REPEATED):
        raise Invalid("headers: X-VUM-fromParty, X-VUM-viaParty and Host at most once")
    identified = services.identity(request.scope)
    if identified is None:
        raise NotAuthorised
    parties = Parties(controller or identified.oin, services.settings.oin, identified.oin)
    return await services.admit("bemiddelaar", identified, parties)


Asking = Annotated[Caller, Depends(_asking)]
"""Who asks. Raises NotAuthorised where the registry doesn't admit them."""


def own_source(services: Services, caller: Caller, source_id: str) -> Source:
    """Give a hosted source of a caller.

    Raises HTTPException (404) alike for one that there is not and for another's.
    """
    source = rules.own_source(services.reader.current(), caller, source_id, services.clock())
    if source is None:
        raise HTTPException(404)
    return source

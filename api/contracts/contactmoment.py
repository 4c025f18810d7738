"""The contracts of Werkgeverscontactmomenten 3.1.0: records whole at once, no vumID and no detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.contracts.operations import Operation, asked_in
from api.exchange.answering import Answer

if TYPE_CHECKING:
    from api.exchange.admission import CallerOfSource
    from api.exchange.exchange import Exchange
    from api.exchange.rules import Caller

__all__ = ["OPERATIONS"]

_PATH: Final = ("werkgeverscontactmomenten", "matches")


async def _ask(exchange: Exchange, caller: Caller, document: Any) -> Answer:
    return await exchange.contacts(caller, asked_in(document, alone=True))


async def _bron_ask(exchange: Exchange, caller: CallerOfSource, document: Any) -> Answer:
    return await exchange.bron_contacts(caller, asked_in(document, alone=True))


OPERATIONS: Final = (
    Operation("bemiddelaar", "POST", _PATH, _ask),
    Operation("bron", "POST", _PATH, _bron_ask),
)
"""The operations of these contracts."""

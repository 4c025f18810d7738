"""The contracts with a bemiddelaar: WerkzoekendeProfielen and Vacatures 3.0.0."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from api.contracts.operations import Operation, asked_in
from api.exchange.answering import Answer
from api.exchange.errors import unknown

if TYPE_CHECKING:
    from api.exchange.exchange import Exchange
    from api.exchange.rules import Caller
    from data.standard import Side

__all__ = ["COLLECTIONS", "OPERATIONS"]

COLLECTIONS: Final[dict[Side, str]] = {"werkzoekende": "werkzoekendeProfielen", "vacature": "vacatures"}
"""What the contracts call the records of a side."""

_VUM_ID: Final = re.compile("[a-zA-Z0-9_.-]{1,500}")


def _operations(side: Side) -> tuple[Operation, Operation]:
    async def ask(exchange: Exchange, caller: Caller, document: Any) -> Answer:
        # The contract of vacancies lets other properties stand beside vraagObject.
        return await exchange.ask(caller, side, asked_in(document, alone=side == "werkzoekende"))

    async def detail(exchange: Exchange, caller: Caller, vum_id: str) -> Answer:
        if not _VUM_ID.fullmatch(vum_id):
            raise unknown()
        return Answer(await exchange.detail(caller, side, vum_id), (), "")

    return (
        Operation("bemiddelaar", "POST", (COLLECTIONS[side], "matches"), ask),
        Operation("bemiddelaar", "GET", (COLLECTIONS[side], None), detail),
    )


OPERATIONS: Final = (*_operations("werkzoekende"), *_operations("vacature"))
"""The operations of these contracts."""

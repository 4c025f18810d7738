"""The contracts with a bron, which we are: WerkzoekendeProfielen and Vacatures 3.0.0."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from api.contracts.bemiddelaar import COLLECTIONS
from api.contracts.operations import Operation, asked_in
from api.exchange.answering import Answer
from api.exchange.errors import unknown

if TYPE_CHECKING:
    from api.exchange.admission import CallerOfSource
    from api.exchange.exchange import Exchange
    from data.standard import Side

__all__ = ["OPERATIONS"]

_RECORD_ID: Final = re.compile("[a-zA-Z0-9_.-]{1,200}")


def _operations(side: Side) -> tuple[Operation, Operation]:
    async def ask(exchange: Exchange, caller: CallerOfSource, document: Any) -> Answer:
        return await exchange.bron_ask(caller, side, asked_in(document, alone=side == "werkzoekende"))

    async def detail(exchange: Exchange, caller: CallerOfSource, record_id: str) -> Answer:
        if not _RECORD_ID.fullmatch(record_id):
            raise unknown()
        return Answer(await exchange.bron_detail(caller, side, record_id), (), "")

    return (
        Operation("bron", "POST", (COLLECTIONS[side], "matches"), ask),
        Operation("bron", "GET", (COLLECTIONS[side], None), detail),
    )


OPERATIONS: Final = (*_operations("werkzoekende"), *_operations("vacature"))
"""The operations of these contracts."""

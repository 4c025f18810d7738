"""Whether what a vumID of a night stands for was withdrawn since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from api.store.tables import nightly_withdrawal, question

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.exchange.decision import Decision
    from api.exchange.handles import Handle
    from data.standard import Side

__all__ = ["is_withdrawn"]


def is_withdrawn(connection: Connection, handle: Handle, side: Side, decision: Decision) -> bool:
    """Tell whether a record, its list, or a party of either was withdrawn after the night that listed it.

    False for a vumID of a question: what is withdrawn from the nights stays with its source.

    side : of the record.
    decision : about the caller and the one source of the record.
    """
    if handle.run is None:
        return False
    asked = connection.scalar(select(question.c.asked_at).where(question.c.id == handle.question_id))
    # Without its question a vumID opens nothing anyway.
    withdrawn = select(nightly_withdrawal).where(nightly_withdrawal.c.withdrawn_at >= (asked or 0))
    caller, (source,) = decision.caller, (*decision.hosted, *decision.remote)
    parties = {caller.controller, caller.processor, source.oin}
    for row in connection.execute(withdrawn):
        if row.oin is not None:
            if row.oin in parties:
                return True
        elif (row.source_id, row.record_id) == (handle.source_id, handle.record_id) or (
            handle.run.question(side, caller, row.source_id, row.record_id) == handle.question_id
        ):
            return True
    return False

"""How long the store knows of a night: as long as it is published, or one of its vumIDs can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from api.exchange.keys import forget_keys
from api.exchange.nightly import notices
from api.exchange.nightly.nights import number_of
from api.store.tables import night, nightly_withdrawal

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection
    from sqlalchemy.engine import CursorResult

    from api.clock import Clock
    from api.exchange.audit import Audit
    from api.exchange.nightly.nights import Nights

__all__ = ["forget_nights"]


def forget_nights(audit: Audit, keys: Path, nights: Nights, clock: Clock) -> int:
    """Remove nights from the store, with what it knows of their files and who fetched them; give how many.

    A night stays that is published or runs, that the changes of such a night are told against, or whose
    vumIDs can be used; so does the latest, from which the next one is counted. Withdrawals stay as long as a
    night that was begun before them, keys that open nothing any more as long as a night that they sealed, and
    notices as long as the night that they tell of. The log keeps its entries, which stand for themselves.

    keys : the file of the keys.

    Raises AuditUnavailable where the log can't be written: then nothing is removed from the store.
    """
    # So that no night is published or taken away meanwhile.
    with nights.changing():
        with audit.write() as connection:
            published = {number_of(name) for name in nights.names()}
            gone = _unneeded(connection, published, clock())
            connection.execute(delete(night).where(night.c.number.in_(gone)))
            first = select(func.min(night.c.cut_off)).scalar_subquery()
            columns = nightly_withdrawal.c
            is_old = (columns.withdrawn_at < func.coalesce(first, clock())) & columns.finished_at.is_not(None)
            withdrawals: CursorResult[tuple[()]] = connection.execute(
                delete(nightly_withdrawal).where(is_old)
            )
            used = {bytes.fromhex(each) for each in connection.scalars(select(night.c.key_id).distinct())}
            told = {"nights": len(gone), "withdrawals": withdrawals.rowcount}
            told["keys"] = forget_keys(keys, clock, used) if keys.exists() else 0
            known = {*nights.names(), *connection.scalars(select(night.c.name))}
            if any(told.values()):
                audit.append(connection, "nightly-retention", {"removed": told})
        notices.forget(nights, known)
    return len(gone)


def _unneeded(connection: Connection, published: set[int], now: int) -> list[int]:
    """Give the numbers of the nights that nobody needs any more."""
    rows = connection.execute(select(night).order_by(night.c.number)).all()
    kept = [row for row in rows if row.number in published or row.state == "running"]
    needed = {*(row.number for row in kept), *(row.before for row in kept)}
    return [row.number for row in rows[:-1] if row.number not in needed and row.settings["expires_at"] <= now]

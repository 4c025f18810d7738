"""One runner at a time: a lease in the store, with a token that fences off whoever held it before."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from api.clock import SECOND
from api.store.tables import nightly_lease
from engine.nightly import NightlyError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from api.clock import Clock
    from api.store import Store

__all__ = ["Lease", "end_silent", "holder_of"]

HELD_SECONDS: Final = 60
"""For how long a runner that is silent keeps others away."""

_NAME: Final = "night"
_MINE: Final = nightly_lease.c.name == _NAME


class Lease:
    """The right to run the night. It is renewed in a thread as long as the process lives.

    A runner that was paused so long that another took over finds that out before it changes anything: every
    transaction that it writes, and the publication, calls `check` first.

    Parameters
    ----------
    store, clock : where the lease stands, and the time: microseconds since 1970 UTC.
    """

    def __init__(self, store: Store, clock: Clock, seconds: int = HELD_SECONDS) -> None:
        self._store, self._clock, self._seconds = store, clock, seconds
        self.token = 0

    @contextmanager
    def held(self) -> Iterator[Lease]:
        """Hold the lease. Raises NightlyError where another runner does."""
        self._take()
        over = Event()
        thread = Thread(target=self._renew, args=(over,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            over.set()
            thread.join()
            with self._store.write() as connection:
                mine = _MINE & (nightly_lease.c.token == self.token)
                connection.execute(update(nightly_lease).where(mine).values(held_until=0))

    def check(self, connection: Connection) -> None:
        """Raise NightlyError where another runner took over; else none does before this transaction ends.

        connection : of a transaction that writes.
        """
        found = select(nightly_lease.c.token).where(_MINE).with_for_update()
        if connection.execute(found).scalar() != self.token:
            raise NightlyError("this runner", "was silent too long, and another took over")

    def _take(self) -> None:
        now, holder = self._clock(), f"{socket.gethostname()}/{os.getpid()}"
        with self._store.write() as connection:
            row = connection.execute(select(nightly_lease).where(_MINE).with_for_update()).one_or_none()
            if row is not None and _is_at_work(row, now):
                raise NightlyError(
                    "the nightly run",
                    f"is at work already, in process {row.holder}",
                    remedy=f"Wait for it. After {self._seconds} seconds of silence another may take over.",
                )
            self.token = 1 if row is None else row.token + 1
            values = {"token": self.token, "holder": holder, "held_until": now + self._seconds * SECOND}
            if row is None:
                connection.execute(insert(nightly_lease).values(name=_NAME, **values))
            else:
                connection.execute(update(nightly_lease).where(_MINE).values(values))

    def _renew(self, over: Event) -> None:
        mine = _MINE & (nightly_lease.c.token == self.token)
        while not over.wait(self._seconds / 4):
            until = self._clock() + self._seconds * SECOND
            try:
                with self._store.write() as connection:
                    connection.execute(update(nightly_lease).where(mine).values(held_until=until))
            except SQLAlchemyError:
                # Busy, perhaps. The next time will do; where it doesn't, `check` says so.
                continue


def holder_of(connection: Connection, now: int) -> str | None:
    """Tell which process runs the night, as host/number, None where none does."""
    row = connection.execute(select(nightly_lease).where(_MINE)).one_or_none()
    return row.holder if row is not None and _is_at_work(row, now) else None


def end_silent(connection: Connection, now: int) -> bool:
    """End the right of a runner that is at work no more; tell whether there was one, and none is at work.

    Should it wake up, `Lease.check` tells it; and no other begins before this transaction ends.

    connection : of a transaction that writes.
    """
    row = connection.execute(select(nightly_lease).where(_MINE).with_for_update()).one_or_none()
    if row is None or _is_at_work(row, now):
        return False
    ended = update(nightly_lease).where(_MINE).values(token=row.token + 1, held_until=0)
    connection.execute(ended)
    return True


def _is_at_work(row: Row[Any], now: int) -> bool:
    return row.held_until > now and not _is_gone(row.holder)


def _is_gone(holder: str) -> bool:
    """Tell whether a process was killed, as far as that can be seen from this machine."""
    host, _, number = holder.rpartition("/")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False

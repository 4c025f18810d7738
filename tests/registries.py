"""A registry that is changed by its administration, and a log that only remembers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from api.clock import DAY
from api.exchange.administration import Administration
from api.exchange.registry import PHASES
from api.store import Store

GEMEENTE = f"{2:020}"
SUPPLIER = f"{3:020}"
PRIVAAT = f"{5:020}"
NOBODY = f"{9:020}"


class FakeLog:
    """A log in memory. It fails once `fails` is set; an entry counts only if its transaction is committed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.entries: list[dict[str, Any]] = []
        self.fails = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        before = len(self.entries)
        try:
            with self._store.write() as connection:
                yield connection
        except BaseException:
            del self.entries[before:]
            raise

    def append(self, connection: Connection, kind: str, body: Mapping[str, Any]) -> None:
        if self.fails:
            raise OSError("the log is full")
        assert connection.in_transaction()
        assert kind == "administration"
        self.entries.append(dict(body))


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: int = 20_000 * DAY) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def fill(administration: Administration) -> None:
    """Let a municipality take part, with a source that shares profiles with all and a processor."""
    for name in PHASES:
        administration.open_phase(name)
    administration.add_agreement("1.0")
    administration.admit_party(GEMEENTE, "Gemeente", "gemeente", suwi=True)
    administration.accept(GEMEENTE, "1.0")
    administration.add_mandate(SUPPLIER, GEMEENTE)
    administration.register_source("bron", GEMEENTE, "Bron")
    administration.set_scope("bron", "alle")

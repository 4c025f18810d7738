"""The log: who was shown what, under which mandate and by which rules, written before anything leaves.

Entries are chained by SHA-256: each holds the hash of the one before it. They stand in the table
`audit_entry`, which the database lets nobody change, and are vouched for by signed checkpoints outside the
store (`api.exchange.checkpoints`). People are named by pseudonyms: random, kept in the table `subject`. Once
that row is gone an entry still tells that somebody's data were shown, but not whose; the chain stays valid.

What readers of the log rely on in the body of an entry that tells what was shown: `controller` and
`processor` (OINs), `question` (the vraagID, "" where another exchange asked), `side`, `level`, `subjects`
(pseudonyms) and `sources` (by id, with the `count` of records of each). What a request asked for has `trace`,
with the `id` of the trace, the `span` of what is done here and its `parent` at the caller; a request has one
entry with `subjects` at most, whose span that is.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import Connection, Row, bindparam, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Transaction
from sqlalchemy.exc import SQLAlchemyError

from api.clock import DAY
from api.exchange.room import check_room
from api.exchange.trace import current
from api.store import StoreError
from api.store.tables import audit_entry, audit_segment, source, subject

if TYPE_CHECKING:
    from api.clock import Clock
    from api.exchange.checkpoints import Checkpoints
    from api.store import Store
    from data.standard import Side

__all__ = ["GENESIS", "SEEN", "Audit", "AuditUnavailable", "Entry", "Level", "entry_hash"]

GENESIS: Final = "0" * 64
"""The hash before the first entry."""

Level = Literal["match", "detail"]
"""How much of a record was shown."""

_LOCK: Final = 0x6B6F7070656C01
"""The advisory lock in PostgreSQL of whoever appends: "koppel" in ASCII, and 1."""

_WAIT_MS: Final = 5000

SEEN: Final = 30 * DAY
"""How exactly the table `subject` knows when the log last named somebody: to the month, to write seldom."""

# Made once, as what else is run for every question.
_NEW: Final = insert(audit_entry)
_LATEST: Final = select(audit_entry.c.seq, audit_entry.c.hash).order_by(audit_entry.c.seq.desc()).limit(1)
_SEALED: Final = (
    select(audit_segment.c.last_seq, audit_segment.c.last_hash)
    .order_by(audit_segment.c.number.desc())
    .limit(1)
)
# One value holds all ids: a list of many values would be spelt, sent and planned anew each time.
_KNOWN: Final = {
    "sqlite": text(
        "SELECT record_id, pseudonym, seen_at FROM subject "
        "WHERE source_id = :source AND side = :side AND record_id IN (SELECT value FROM json_each(:ids))"
    ),
    # LIMIT keeps PostgreSQL from reading the whole source while it has no statistics of the table yet.
    "postgresql": text(
        "SELECT asked.id AS record_id, known.pseudonym, known.seen_at "
        "FROM unnest(CAST(:ids AS text[])) AS asked (id), "
        "LATERAL (SELECT pseudonym, seen_at FROM subject WHERE source_id = :source AND side = :side "
        "AND record_id = asked.id LIMIT 1) AS known"
    ),
}
_HELD: Final = {
    "sqlite": text(
        "SELECT id FROM record "
        "WHERE source_id = :source AND side = :side AND id IN (SELECT value FROM json_each(:ids))"
    ),
    "postgresql": text(
        "SELECT asked.id FROM unnest(CAST(:ids AS text[])) AS asked (id), "
        "LATERAL (SELECT 1 FROM record WHERE source_id = :source AND side = :side "
        "AND record.id = asked.id LIMIT 1) AS held"
    ),
}
_MAY_WRITE: Final = text(
    "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off' "
    "AND has_table_privilege('audit_entry', 'INSERT')"
)
_TAKE_TURNS: Final = text("SELECT set_config('lock_timeout', :wait, true), pg_advisory_xact_lock(:key)")


class AuditUnavailable(StoreError):  # noqa: N818  It says what is the matter, as those of `errors` do.
    """The log can't be written, so that nothing may leave."""


@dataclass(frozen=True)
class Entry:
    """One entry of the log.

    Attributes
    ----------
    seq : its number, from 1, without gaps.
    at : microseconds since 1970, UTC.
    kind : what happened: "matches", "detail", "administration", …
    body : what is told of it: canonical JSON, ASCII.
    previous, hash : SHA-256 of the entry before it and of this one, in 64 hexadecimal digits.
    """

    seq: int
    at: int
    kind: str
    body: str
    previous: str
    hash: str


class Audit:
    """The log of a store. May be used by any number of threads and processes at once.

    Parameters
    ----------
    store : holds the log.
    clock : gives the times of entries.
    checkpoints : vouch for it.
    """

    def __init__(self, store: Store, clock: Clock, checkpoints: Checkpoints) -> None:
        self._store = store
        self._clock = clock
        self.checkpoints: Final = checkpoints
        # Transactions that appended: what they see at the end of the log isn't committed yet.
        self._appending: weakref.WeakSet[Transaction] = weakref.WeakSet()
        self._failed = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a transaction that writes. Once it has ended, its entries are on the disk: data may leave.

        Raises AuditUnavailable where it can't begin, write or be committed: locked, full, read-only, gone.
        """
        try:
            with _guarded(), self._store.write() as connection:
                yield connection
        except AuditUnavailable:
            self._failed = True
            raise
        self._failed = False

    def append(self, connection: Connection, kind: str, body: Mapping[str, Any]) -> Entry:
        """Add an entry, inside a transaction that writes; it counts when that is committed.

        body : what `json` can write. Never a name, free text, a contact or a full postcode.

        From here to the end of the transaction no other can append, so that this comes last in it. Raises
        AuditUnavailable where the entry, or a checkpoint that is due, can't be written.
        """
        trace = current()
        told = body if trace is None else {**body, "trace": vars(trace)}
        said = json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)
        with _guarded():
            self.take_turns(connection)
            seq, previous = _end(connection)
            at = self._clock()
            transaction = connection.get_transaction()
            if transaction not in self._appending:
                self.checkpoints.extend(at, seq, previous, due_only=True)
                if self.checkpoints.signed > seq:
                    raise _cut()
            digest = entry_hash(previous.encode(), seq + 1, at, kind.encode(), said.encode())
            entry = Entry(seq + 1, at, kind, said, previous, digest)
            connection.execute(_NEW, vars(entry))
            if transaction is not None:
                self._appending.add(transaction)
            return entry

    def subjects(
        self,
        connection: Connection,
        source_id: str,
        side: Side,
        record_ids: Sequence[str],
        *,
        held: bool = False,
    ) -> list[str]:
        """Give the pseudonyms of records, in their order; one that has none gets one.

        held : whether the records of hosted sources were found in the store. One that isn't there any more
            was erased since: it gets a pseudonym that nobody keeps, as the log has of all who were erased.

        Inside a transaction that writes, as for `append`. Raises AuditUnavailable.
        """
        now = self._clock()
        with _guarded():
            rows = _pseudonyms(connection, source_id, side, record_ids)
            known = {record_id: pseudonym for record_id, pseudonym, _ in rows}
            stale = sorted(pseudonym for _, pseudonym, seen_at in rows if seen_at <= now - SEEN)
            missing = sorted({*record_ids} - known.keys())
            if stale or missing:
                self.take_turns(connection)
            if stale:
                seen = update(subject).where(subject.c.pseudonym == bindparam("one")).values(seen_at=now)
                connection.execute(seen, [{"one": each} for each in stale])
            if missing and held:
                missing = _still_held(connection, source_id, side, missing)
            if missing:
                _add_pseudonyms(connection, source_id, side, missing, now)
                added = _pseudonyms(connection, source_id, side, missing)
                known |= {record_id: pseudonym for record_id, pseudonym, _ in added}
        nobodys = {each: secrets.token_hex(16) for each in {*record_ids} - known.keys()}
        return [known.get(each) or nobodys[each] for each in record_ids]

    def check(self) -> None:
        """Tell whether the log can be written, and keep nobody from it.

        As long as this process's last write went well, only what can be seen without one is looked at. After
        one that failed it is tried: whatever holds that up would hold up any other.

        Raises AuditUnavailable.
        """
        # Before the end is read: what is signed was committed.
        signed = self.checkpoints.signed
        with _guarded():
            if self._store.dialect == "sqlite":
                file = Path(self._store.url.database or "")
                # Beside it SQLite makes the files into which it writes ahead.
                check_room(file)
                check_room(file.with_name(f"{file.name}-wal"))
            check_room(self.checkpoints.path)
            with self._store.read() as connection:
                seq, _ = _end(connection)
                may_write = connection.dialect.name == "sqlite" or connection.scalar(_MAY_WRITE)
        if signed > seq:
            raise _cut()
        if not may_write:
            raise _unavailable("is read-only")
        if self._failed:
            with self.write() as connection:
                self.append(connection, "resumed", {})
            self.checkpoint()

    def checkpoint(self) -> None:
        """Sign how far the log has come, unless that is signed: every few seconds, and when all is over.

        Raises AuditUnavailable.
        """
        try:
            with _guarded():
                with self._store.read() as connection:
                    seq, digest = _end(connection)
                self.checkpoints.extend(self._clock(), seq, digest)
        except AuditUnavailable:
            self._failed = True
            raise

    def take_turns(self, connection: Connection) -> None:
        """Wait until no other appends; none does until this transaction ends.

        Needed before `subject` is changed in it, or two transactions could each wait for a row of the other.
        """
        # In SQLite the transaction has been the only one that writes since it began.
        if connection.dialect.name == "postgresql":
            connection.execute(_TAKE_TURNS, {"wait": f"{_WAIT_MS}ms", "key": _LOCK})


def entry_hash(previous: bytes, seq: int, at: int, kind: bytes, body: bytes) -> str:
    """Give the hash of an entry: SHA-256 of its fields, a line each.

    None of them contains the end of a line, so that no other fields give the same bytes.
    """
    return hashlib.sha256(b"%b\n%d\n%d\n%b\n%b" % (previous, seq, at, kind, body)).hexdigest()


def _end(connection: Connection) -> tuple[int, str]:
    """Give the number and the hash of the newest entry."""
    # All entries may have been removed since: then the last segment knows.
    row = connection.execute(_LATEST).one_or_none() or connection.execute(_SEALED).one_or_none()
    return (0, GENESIS) if row is None else (row[0], row[1])


def _still_held(connection: Connection, source_id: str, side: Side, record_ids: Sequence[str]) -> list[str]:
    """Give those of some records that still stand in the store, all where their source is elsewhere."""
    if not connection.scalar(select(source.c.hosted).where(source.c.id == source_id)):
        return list(record_ids)
    asked = _about(connection, source_id, side, record_ids)
    return list(connection.scalars(_HELD[connection.dialect.name], asked))


def _about(connection: Connection, source_id: str, side: Side, record_ids: Sequence[str]) -> dict[str, Any]:
    ids = json.dumps(list(record_ids)) if connection.dialect.name == "sqlite" else list(record_ids)
    return {"source": source_id, "side": side, "ids": ids}


def _pseudonyms(
    connection: Connection, source_id: str, side: Side, record_ids: Sequence[str]
) -> Sequence[Row[str, str, int]]:
    """Give record, pseudonym and when it was seen, of those of some records that have a pseudonym."""
    asked = _about(connection, source_id, side, record_ids)
    return connection.execute(_KNOWN[connection.dialect.name], asked).all()


def _add_pseudonyms(
    connection: Connection, source_id: str, side: Side, record_ids: Sequence[str], now: int
) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(subject).on_conflict_do_nothing(),
        [
            {
                "source_id": source_id,
                "side": side,
                "record_id": each,
                "pseudonym": secrets.token_hex(16),
                "seen_at": now,
            }
            for each in record_ids
        ],
    )


@contextmanager
def _guarded() -> Iterator[None]:
    """Say of any fault of the store, or of the file of checkpoints, that the log is unavailable."""
    try:
        yield
    except (SQLAlchemyError, OSError) as problem:
        raise _unavailable(f"can't be written: {type(problem).__name__}") from problem


def _cut() -> AuditUnavailable:
    found = "lacks entries that were signed: it was cut, or an older copy put back"
    return _unavailable(found, "Run `koppel audit verify`, and put the newest copy back.")


def _unavailable(found: str, remedy: str = "Nothing is answered until that is mended.") -> AuditUnavailable:
    return AuditUnavailable("the audit log", found, remedy=remedy)

"""What is kept for how long: once its time is over it is removed, and the log tells how much.

The log goes in whole segments, each a day (UTC), oldest first. What stays verifies from the boundary of what
was removed, since a signed statement says which hash stood there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from api.clock import DAY
from api.exchange.audit import GENESIS, SEEN
from api.exchange.checkpoints import Removal
from api.exchange.log_files import stored_rows
from api.exchange.verification import LogError, read_statements, verify
from api.store.tables import audit_entry, audit_segment, contact_moment, question, record, subject

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row, Table
    from sqlalchemy.engine import CursorResult

    from api.clock import Clock
    from api.exchange.audit import Audit
    from api.exchange.subjects import Holder
    from api.store import Store

__all__ = ["Periods", "Removed", "apply_retention"]


@dataclass(frozen=True)
class Periods:
    """How long things are kept.

    Attributes
    ----------
    question_days : of a question with its claims, after it expired.
    record_days : of a record or a contact that its source hasn't supplied anew. Who is restricted stays.
    audit_days : of an entry of the log; of a pseudonym, after the log last named it, up to a month more.
    """

    question_days: int = 30
    record_days: int = 366
    audit_days: int = 1096


@dataclass(frozen=True)
class Removed:
    """How many rows were removed: of questions, records, contact moments, the log, and pseudonyms."""

    questions: int
    records: int
    contact_moments: int
    audit_entries: int
    pseudonyms: int


def apply_retention(store: Store, audit: Audit, holder: Holder, periods: Periods, clock: Clock) -> Removed:
    """Remove everything whose time is over. May be run again at any time, also after it was broken off.

    Raises
    ------
    LogError : what would be removed of the log isn't what was written: that has to be looked into first.
    AuditUnavailable : the log can't be written.
    """
    now = clock()
    stale = now - periods.record_days * DAY
    records = _remove_records(store, holder, now, stale)
    with store.write() as connection:
        contacts = _remove(connection, contact_moment, _is_over(contact_moment, now, stale))
    with audit.write() as connection:
        _seal(connection, now)
    over = _old_segments(store, audit, now - periods.audit_days * DAY)
    with audit.write() as connection:
        audit.take_turns(connection)
        questions = _remove(connection, question, question.c.expires_at <= now - periods.question_days * DAY)
        forgotten = subject.c.seen_at <= now - periods.audit_days * DAY - SEEN
        pseudonyms = _remove(connection, subject, forgotten)
        entries = _remove_entries(connection, over, now)
        removed = Removed(questions, records, contacts, entries, pseudonyms)
        audit.append(connection, "retention", {"removed": vars(removed)})
        if over:
            # Signed before it is committed: the other way round it would look like a log that was cut.
            first, last = over[0], over[-1]
            audit.checkpoints.add(
                Removal(now, first.first_seq, last.last_seq, first.first_previous, last.last_hash)
            )
    return removed


def _remove(connection: Connection, table: Table, over: Any) -> int:
    result: CursorResult[Any] = connection.execute(delete(table).where(over))
    return result.rowcount


def _is_over(table: Table, now: int, stale: int) -> ColumnElement[bool]:
    return (table.c.expires_at <= now) | (table.c.stored_at <= stale)


def _remove_records(store: Store, holder: Holder, now: int, stale: int) -> int:
    """Remove the records of hosted sources that expired or went stale, from the index as well."""
    expired: defaultdict[tuple[str, Any], list[str]] = defaultdict(list)
    with store.read() as connection:
        found = select(record.c.source_id, record.c.side, record.c.id)
        for row in connection.execute(found.where(~record.c.restricted, _is_over(record, now, stale))):
            expired[row.source_id, row.side].append(row.id)
    for (source_id, side), record_ids in sorted(expired.items()):
        holder.delete(source_id, side, record_ids)
    return sum(map(len, expired.values()))


def _seal(connection: Connection, now: int) -> None:
    """Make a segment of each day that is over."""
    latest = select(audit_segment).order_by(audit_segment.c.number.desc()).limit(1)
    row = connection.execute(latest).one_or_none()
    number, sealed, previous = (row.number, row.last_seq, row.last_hash) if row else (0, 0, GENESIS)
    entry, at = audit_entry.c, audit_entry.c.at
    while True:
        day = connection.execute(select(at).where(entry.seq == sealed + 1)).scalar()
        if day is None or (day := day // DAY * DAY) + DAY > now:
            return
        # By day, so that only that part of the index is read; a clock set back leaves it to a later day.
        last = connection.execute(select(func.max(entry.seq)).where(at >= day, at < day + DAY)).scalar_one()
        number, first_seq, first_previous, sealed = number + 1, sealed + 1, previous, last
        previous = connection.execute(select(entry.hash).where(entry.seq == last)).scalar_one()
        connection.execute(
            insert(audit_segment).values(
                number=number,
                first_seq=first_seq,
                last_seq=sealed,
                first_previous=first_previous,
                last_hash=previous,
                sealed_at=now,
            )
        )


def _old_segments(store: Store, audit: Audit, before: int) -> Sequence[Row[Any]]:
    """Give the segments whose last entry is older than `before`. Raises LogError where they aren't whole."""
    over = (
        select(audit_segment)
        .join(audit_entry, audit_entry.c.seq == audit_segment.c.last_seq)
        .where(audit_segment.c.removed_at.is_(None), audit_entry.c.at < before)
        .order_by(audit_segment.c.number)
    )
    with store.read() as connection:
        segments = connection.execute(over).all()
        if not segments:
            return ()
        first, last = segments[0], segments[-1]
        rows = stored_rows(connection, first.first_seq - 1, last.last_seq)
        said = read_statements([audit.checkpoints.path], [audit.checkpoints.public_key])
        found = verify(rows, said, until=last.last_seq)
    if found.problems or (found.last_seq, found.last_hash) != (last.last_seq, last.last_hash):
        problem = found.problems[0] if found.problems else "it doesn't end as it was sealed"
        raise LogError(
            "the audit log", problem, remedy="Nothing of it was removed: run `koppel audit verify`."
        )
    return segments


def _remove_entries(connection: Connection, segments: Sequence[Row[Any]], now: int) -> int:
    if not segments:
        return 0
    first, last = segments[0], segments[-1]
    # Marked, so that the database lets the entries go.
    numbers = audit_segment.c.number.between(first.number, last.number)
    connection.execute(update(audit_segment).where(numbers).values(removed_at=now))
    return _remove(connection, audit_entry, audit_entry.c.seq.between(first.first_seq, last.last_seq))

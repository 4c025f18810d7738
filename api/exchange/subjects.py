"""The rights of a person: to know what is held of them and who saw it, to be left out, to be erased."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import delete, select

from api.clock import spelled
from api.store.tables import audit_entry, party, record, subject
from data.errors import KoppelError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.exchange.audit import Audit
    from api.store import Store
    from data.standard import Side

__all__ = ["Holder", "SubjectError", "erase", "export", "restrict", "side_of"]


class SubjectError(KoppelError):
    """There is nothing of such a person, or of two."""

    exit_code = 4


class Holder(Protocol):
    """Who holds the records of hosted sources: in the store, in the index and in what came of it."""

    def delete(self, source_id: str, side: Side, ids: Sequence[str], /) -> object:
        """Remove records. Ids that there are none of have no effect."""

    def erase(self, source_id: str, side: Side, ids: Sequence[str], /) -> object:
        """Remove records, as if they had never been there."""

    def restrict(self, source_id: str, side: Side, ids: Sequence[str], /) -> object:
        """Leave records out of every answer from now on, also when they are deleted and put anew."""


def side_of(connection: Connection, source_id: str, record_id: str, side: Side | None = None) -> Side:
    """Tell of which side something is held of a record: whose it is.

    side : of which it should be. An id may be that of a profile and of a vacancy, who are two.

    Raises SubjectError where nothing is held, or of both sides and `side` doesn't say which.
    """
    found: set[Side] = {
        row.side
        for table in (record, subject)
        for row in connection.execute(_of(table, source_id, record_id, side))
    }
    if not found:
        raise SubjectError("--source and --id", "nothing is held of such a record", remedy="Check both.")
    if len(found) > 1:
        found_both = "is that of a profile and that of a vacancy"
        raise SubjectError("--id", found_both, ", ".join(sorted(found)), "Say whose, by --side.")
    return found.pop()


def export(
    store: Store, audit: Audit, source_id: str, record_id: str, actor: str, side: Side | None = None
) -> dict[str, Any]:
    """Give everything that is held of a person (or a vacancy), for them.

    Parameters
    ----------
    source_id, record_id : the source, and its own id of the record.
    actor : who asks for it, for the log.
    side : of the record, see `side_of`.

    Returns
    -------
    {"source", "id", "records": [{"side", "stored_at", "expires_at", "restricted", "record"}], "log":
    [{"side", "pseudonym", "entries": [...]}]}: an entry tells who was shown the record when, at which level,
    for which question. Times are spelled by ISO 8601.

    Raises SubjectError as `side_of` does, AuditUnavailable where the log can't be written.
    """
    with audit.write() as connection:
        side = side_of(connection, source_id, record_id, side)
        audit.append(connection, "subject-export", _told(connection, source_id, record_id, side, actor))
    with store.read() as connection:
        records = [
            {
                "side": row.side,
                "stored_at": spelled(row.stored_at),
                "expires_at": None if row.expires_at is None else spelled(row.expires_at),
                "restricted": row.restricted,
                "record": json.loads(row.body),
            }
            for row in connection.execute(_of(record, source_id, record_id, side))
        ]
        names = {row.oin: row.name for row in connection.execute(select(party.c.oin, party.c.name))}
        log = [
            {
                "side": row.side,
                "pseudonym": row.pseudonym,
                "entries": [_entry(each, names) for each in _naming(connection, row.pseudonym)],
            }
            for row in connection.execute(_of(subject, source_id, record_id, side))
        ]
    return {"source": source_id, "id": record_id, "records": records, "log": log}


def restrict(
    audit: Audit, holder: Holder, source_id: str, record_id: str, actor: str, side: Side | None = None
) -> None:
    """Leave a person's records out of every answer.

    Raises as `export` does, and SubjectError too where the records are held elsewhere: what is held here is
    all that can be left out.
    """
    with audit.write() as connection:
        side = side_of(connection, source_id, record_id, side)
        if not connection.execute(_of(record, source_id, record_id, side)).first():
            raise SubjectError("--id", "no such record is held here", remedy="Have its source restrict it.")
        audit.append(connection, "subject-restrict", _told(connection, source_id, record_id, side, actor))
    holder.restrict(source_id, side, [record_id])


def erase(
    audit: Audit, holder: Holder, source_id: str, record_id: str, actor: str, side: Side | None = None
) -> None:
    """Remove a person's records and the names of their pseudonyms. Raises as `export` does.

    The log keeps its entries, which then tell of somebody, and its chain stays valid. Whatever breaks it off,
    it can be done again. An answer that is under way may still show the record: then the log speaks of
    nobody that is known (`Audit.subjects`).
    """
    with audit.write() as connection:
        side = side_of(connection, source_id, record_id, side)
        told = _told(connection, source_id, record_id, side, actor)
        audit.append(connection, "subject-erase", told)
    holder.erase(source_id, side, [record_id])
    with audit.write() as connection:
        audit.append(connection, "subject-erased", told)
        own = subject.c.source_id == source_id, subject.c.side == side, subject.c.record_id == record_id
        connection.execute(delete(subject).where(*own))


def _told(connection: Connection, source_id: str, record_id: str, side: Side, actor: str) -> dict[str, Any]:
    """Give what the log tells of a right that is served: never the id, which erasing couldn't take out."""
    found = connection.execute(_of(subject, source_id, record_id, side))
    return {"actor": actor, "source": source_id, "side": side, "subjects": [row.pseudonym for row in found]}


def _of(table: Any, source_id: str, record_id: str, side: Side | None) -> Any:
    """Select what a table has of a record, of either side where none is given."""
    key = table.c.id if table is record else table.c.record_id
    found = select(table).where(table.c.source_id == source_id, key == record_id).order_by(table.c.side)
    return found if side is None else found.where(table.c.side == side)


def _naming(connection: Connection, pseudonym: str) -> list[Any]:
    found = select(audit_entry.c.at, audit_entry.c.kind, audit_entry.c.body)
    holding = found.where(audit_entry.c.body.contains(pseudonym)).order_by(audit_entry.c.seq)
    # It may stand elsewhere in an entry: in the id of a trace, which is the caller's own choice.
    return [
        row for row in connection.execute(holding) if pseudonym in json.loads(row.body).get("subjects", ())
    ]


def _entry(row: Any, names: dict[str, str]) -> dict[str, Any]:
    body = json.loads(row.body)
    told = {"at": spelled(row.at), "kind": row.kind}
    told |= {name: body[name] for name in ("level", "question", "mandate", "actor") if name in body}
    for name in ("controller", "processor"):
        if name in body:
            told[name] = {"oin": body[name], "name": names.get(body[name])}
    return told

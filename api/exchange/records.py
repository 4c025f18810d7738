"""The records of hosted sources in the store, and which of them the index has yet to take in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import ValidationError
from pydantic_core import to_json
from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from api.exchange.bodies import identified
from api.store.tables import record, record_change
from data.dataset import ID_FIELDS
from data.errors import RecordError
from data.standard import at_match_level, faults, model_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from data.standard import Side

__all__ = ["Change", "Key", "Prepared", "could_be_bsn", "prepared", "refuse_bsn"]

_BSN_DIGITS: Final = 9
_NOTHING: Final = b"{}"
_HELD: Final = or_(~record.c.restricted, record.c.body != _NOTHING)
_ASKED_AT_ONCE: Final = 500


class Key(NamedTuple):
    """What a record is known by."""

    source_id: str
    side: Side
    id: str


class Change(NamedTuple):
    """A record that was put or deleted, and the number of that."""

    key: Key
    number: int


@dataclass(frozen=True)
class Prepared:
    """A record as it is stored: `body` as it was supplied, `shown` its match level without any id."""

    id: str
    body: bytes
    shown: bytes


def prepared(body: bytes, value: Mapping[str, Any], side: Side) -> Prepared:
    """Make what is stored of a valid record.

    body : JSON as it was supplied. value : what it says.
    """
    shown = at_match_level(dict(value), side)
    return Prepared(value[ID_FIELDS[side]], body, to_json(shown))


def checked(body: bytes, value: Any, side: Side, record_id: str) -> Prepared:
    """Check one record against the standard. Raises RecordError, which names the place of the first fault."""
    subject = f"record {record_id}"
    try:
        model_of(side).model_validate(value)
    except ValidationError as error:
        fault = faults(error)[0]
        raise RecordError(f"{subject}, {fault.path}", fault.found, fault.allowed, "Mend it.") from None
    field = ID_FIELDS[side]
    if not record_id or value.get(field) != record_id:
        raise RecordError(f"{subject}, $.{field}", "another id", "the id that it is stored by", "Mend it.")
    return prepared(body.strip(b" \t\r\n"), value, side)


def could_be_bsn(record_id: str) -> bool:
    """Tell whether an id has nine digits that pass the eleven-test of a burgerservicenummer."""
    if len(record_id) != _BSN_DIGITS or not (record_id.isascii() and record_id.isdigit()):
        return False
    *first, last = map(int, record_id)
    return (
        sum(weight * digit for weight, digit in zip(range(9, 1, -1), first, strict=True)) - last
    ) % 11 == 0


def refuse_bsn(record_id: str) -> RecordError | None:
    """Give the refusal of an id that could be a BSN, which isn't in it; None for any other."""
    if not could_be_bsn(record_id):
        return None
    return RecordError(
        "a record's id",
        "nine digits that pass the eleven-test: it could be a burgerservicenummer",
        "an id that says nothing of the person",
        "Give records other ids, or have the source declare in writing that they are no BSN: "
        "koppel source declare-no-bsn.",
    )


# -- tables


def put(
    connection: Connection,
    source_id: str,
    side: Side,
    records: Sequence[Prepared],
    at: int,
    expires_at: int | None = None,
) -> None:
    """Store records, in the place of those with their ids. Who is restricted stays so."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(record)
    taken = {name: new.excluded[name] for name in ("body", "shown", "stored_at", "expires_at")}
    rows = [
        {
            "source_id": source_id,
            "side": side,
            "id": each.id,
            "body": each.body,
            "shown": each.shown,
            "stored_at": at,
            "expires_at": expires_at,
            "restricted": False,
        }
        for each in records
    ]
    connection.execute(new.on_conflict_do_update(index_elements=list(record.primary_key), set_=taken), rows)


def note(connection: Connection, keys: Sequence[Key], *, put: bool) -> None:
    """Note that records were put or deleted, so that the index takes it in."""
    connection.execute(
        insert(record_change),
        [{"source_id": each.source_id, "side": each.side, "id": each.id, "put": put} for each in keys],
    )


def remove(connection: Connection, source_id: str, side: Side, ids: Sequence[str]) -> int:
    """Delete records, and give how many there were. Of who is restricted stays that, and nothing else."""
    emptied = update(record).values(body=_NOTHING, shown=_NOTHING, expires_at=None)
    n_removed = 0
    for part in _parts(ids):
        mine = (*_of(source_id, side), record.c.id.in_(part))
        n_removed += connection.execute(emptied.where(*mine, record.c.restricted, _HELD)).rowcount
        n_removed += connection.execute(delete(record).where(*mine, ~record.c.restricted)).rowcount
    return n_removed


def erase(connection: Connection, source_id: str, side: Side, ids: Sequence[str]) -> None:
    """Delete records, and also that they were restricted."""
    for part in _parts(ids):
        connection.execute(delete(record).where(*_of(source_id, side), record.c.id.in_(part)))


def restrict(connection: Connection, keys: Sequence[Key]) -> None:
    """Have records left out of every answer."""
    for key in keys:
        mine = update(record).where(*_of(key.source_id, key.side), record.c.id == key.id)
        connection.execute(mine.values(restricted=True))


def remove_stored_before(connection: Connection, source_id: str, side: Side, moment: int) -> list[Key]:
    """Delete the records of a source that were stored before a moment, some at a time; none: that is all."""
    ids = connection.scalars(
        select(record.c.id)
        .where(*_of(source_id, side), record.c.stored_at < moment, _HELD)
        .limit(_ASKED_AT_ONCE)
    ).all()
    remove(connection, source_id, side, ids)
    return [Key(source_id, side, each) for each in ids]


def shown(
    connection: Connection, source_id: str, side: Side, ids: Sequence[str], at: int
) -> dict[str, bytes]:
    """Give what a match shows of records, by id; of those that there are and that may be shown."""
    found: dict[str, bytes] = {}
    dialect = connection.dialect.name
    for part in _parts(ids):
        asked = json.dumps(part) if dialect == "sqlite" else part
        about = {"source_id": source_id, "side": side, "ids": asked, "at": at}
        found |= {row[0]: row[1] for row in connection.execute(_SHOWN[dialect], about).all()}
    return found


def body(connection: Connection, key: Key, at: int) -> bytes | None:
    """Give a record as it was supplied, None where there is none that may be shown."""
    found: bytes | None = connection.scalar(
        select(record.c.body).where(*_of(key.source_id, key.side), record.c.id == key.id, *_may_be_shown(at))
    )
    return found


def all_shown(connection: Connection, source_id: str, side: Side, at: int) -> Iterator[bytes]:
    """Give all records of a source that may be shown, at match level, each a line of JSON with its id."""
    rows = connection.execution_options(yield_per=1000).execute(
        select(record.c.id, record.c.shown)
        .where(*_of(source_id, side), *_may_be_shown(at))
        .order_by(record.c.id)
    )
    return (identified(ID_FIELDS[side], row.id, row.shown) for row in rows)


def holders(connection: Connection, side: Side) -> list[str]:
    """Give the sources that have records of a side."""
    found = connection.scalars(select(record.c.source_id).where(record.c.side == side).distinct())
    return sorted(found)


def pending(connection: Connection, limit: int) -> list[Change]:
    """Give what the index has yet to take in, the oldest first."""
    rows = connection.execute(select(record_change).order_by(record_change.c.n).limit(limit))
    return [Change(Key(row.source_id, row.side, row.id), row.n) for row in rows]


def last_pending(connection: Connection) -> int:
    """Give the number of the last change that the index has yet to take in, 0 for none."""
    return connection.scalar(select(func.max(record_change.c.n))) or 0


def taken_in(connection: Connection, numbers: Sequence[int]) -> None:
    """Forget changes that the index has taken in."""
    for part in _parts(numbers):
        connection.execute(delete(record_change).where(record_change.c.n.in_(part)))


def taken_in_until(connection: Connection, number: int) -> None:
    """Forget the changes up to a number, which the index has taken in."""
    connection.execute(delete(record_change).where(record_change.c.n <= number))


def _may_be_shown(at: ColumnElement[int] | int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ~record.c.restricted, or_(record.c.expires_at.is_(None), record.c.expires_at > at)


def _shown_of(ids: Any) -> Select[str, bytes]:
    return select(record.c.id, record.c.shown).where(
        record.c.source_id == bindparam("source_id"),
        record.c.side == bindparam("side"),
        record.c.id.in_(ids),
        *_may_be_shown(bindparam("at")),
    )


# Made once: it is asked for every question. In SQLite one value holds all ids: a list of many would be spelt
# and planned anew each time.
_SHOWN: Final = {
    "sqlite": _shown_of(select(func.json_each(bindparam("ids")).table_valued("value").c.value)),
    "postgresql": _shown_of(bindparam("ids", expanding=True)),
}


def _of(source_id: str, side: Side) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return record.c.source_id == source_id, record.c.side == side


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _ASKED_AT_ONCE] for start in range(0, len(values), _ASKED_AT_ONCE))

"""What hosted sources supplied: in SQLite it stands in a file of its own, beside that of the store.

Every question is logged, and reads a hundred records. After a commit SQLite forgets what it had read of that
file: so the log, which every question adds to, and the records, which seldom change, each have one. Every
connection is attached to both, and names tables as if there were one. No transaction changes both: a power
loss could undo the one and not the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

__all__ = ["SCHEMA", "SUPPLIED", "copy_apart", "drop_copied", "file_beside", "has_supplied"]

SCHEMA: Final = "records"
"""As what the file is attached."""

_COPY: Final = {
    "record": "INSERT INTO records.record SELECT * FROM main.record",
    "record_change": "INSERT INTO records.record_change SELECT * FROM main.record_change",
    "contact_moment": "INSERT INTO records.contact_moment SELECT * FROM main.contact_moment",
}
SUPPLIED: Final = tuple(_COPY)
"""The tables in it."""

# Tables before their indexes.
_MADE: Final = "SELECT tbl_name, sql FROM main.sqlite_master WHERE sql > '' ORDER BY type DESC"
# Numbers of changes go on where they were, also where none is pending.
_COUNT_ON: Final = (
    "DELETE FROM records.sqlite_sequence",
    "INSERT INTO records.sqlite_sequence SELECT * FROM main.sqlite_sequence WHERE name = 'record_change'",
)
_SEEN: Final = (
    "SELECT count(*), max(stored_at) FROM {}.record",
    "SELECT max(seq) FROM {}.sqlite_sequence WHERE name = 'record_change'",
    "SELECT count(*), max(stored_at) FROM {}.contact_moment",
)
"""What differs as soon as something is stored, changed or deleted."""


def file_beside(path: Path) -> Path:
    """Give the file of the records, beside the store's."""
    return path.with_name(f"{path.stem}-{SCHEMA}{path.suffix}")


def has_supplied(connection: Connection) -> bool:
    """Tell whether the tables are where they should be."""
    found = "SELECT name FROM pragma_table_list WHERE schema = ?"
    return {*SUPPLIED} <= {*connection.exec_driver_sql(found, (SCHEMA,)).scalars()}


def copy_apart(connection: Connection) -> None:
    """Copy the tables into the file of their own, where they still stand in the store's.

    What a copy of before left there goes. Nothing is changed in the store's file, so that whatever happens it
    holds all of them until `drop_copied`.
    """
    made = [sql for table, sql in connection.exec_driver_sql(_MADE).all() if table in SUPPLIED]
    if not made:
        return
    for name in SUPPLIED:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {SCHEMA}.{name}")
    for each in made:
        create, kind, rest = each.split(" ", 2)
        connection.exec_driver_sql(f"{create} {kind} {SCHEMA}.{rest}")
    for each in (*_COPY.values(), *_COUNT_ON):
        connection.exec_driver_sql(each)


def drop_copied(connection: Connection) -> bool:
    """Drop the tables in the store's file. False, and nothing is done, where they have changed since."""
    for each in _SEEN:
        here, copied = (connection.exec_driver_sql(each.format(schema)).one() for schema in ("main", SCHEMA))
        if here != copied:
            return False
    for name in SUPPLIED:
        connection.exec_driver_sql(f"DROP TABLE main.{name}")
    return True

"""The log as a file: written line by line, and read back from that, from SQLite or from PostgreSQL.

Reading needs nothing of the running exchange: a copy of the file of SQLite will do, opened read-only.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pydantic_core import from_json
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.store.tables import audit_entry
from data.errors import FileError
from data.files import open_input, read_pieces

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Row", "read_log", "stored", "stored_rows", "write_log"]

Row = tuple[Any, Any, Any, Any, Any, Any]
"""seq and at (int), kind, body, previous and hash (bytes) of an entry, of which nothing has been checked."""

_NAMES: Final = ("seq", "at", "kind", "body", "previous", "hash")
_SQLITE: Final = b"SQLite format 3\x00"
_PIECE: Final = 1000
_HEAD: Final = 16
"""A file is no log at all where none of so many first lines is an entry."""


def write_log(connection: Connection, file: IO[bytes], after: int = 0) -> int:
    """Write the entries behind the number `after`, one a line, in order; gives their number.

    A line is a JSON object of the attributes of `api.exchange.audit.Entry`, the body as the text that was
    hashed.
    """
    written = 0
    for row in stored(connection, after):
        file.write(json.dumps(dict(zip(_NAMES, row, strict=True)), separators=(",", ":")).encode() + b"\n")
        written += 1
    return written


def stored(connection: Connection, after: int = 0, until: int | None = None) -> Iterator[Any]:
    """Yield the entries of a store behind the number `after`, in order, a piece in memory at a time."""
    found = select(audit_entry).where(audit_entry.c.seq > after).order_by(audit_entry.c.seq)
    if until is not None:
        found = found.where(audit_entry.c.seq <= until)
    yield from connection.execution_options(yield_per=_PIECE).execute(found)


def stored_rows(connection: Connection, after: int = 0, until: int | None = None) -> Iterator[Row]:
    """Yield the same entries to be verified."""
    for seq, at, *texts in stored(connection, after, until):
        kind, body, previous, digest = (each.encode() for each in texts)
        yield seq, at, kind, body, previous, digest


def read_log(where: str) -> Iterator[Row]:
    """Yield the entries of a log in the order in which they stand there, by number in a database.

    where : a file that `write_log` wrote (also packed: .gz, .zst), a file of SQLite, or the URL of a store.

    Raises FileError where that isn't readable, or is no log at all. A line that is no entry gives a row of
    None.
    """
    if where.startswith("postgresql:"):
        return _from_postgresql(where)
    path = Path(where.removeprefix("sqlite:///"))
    with open_input(path) as file:
        is_sqlite = file.read(len(_SQLITE)) == _SQLITE
    return _from_sqlite(path) if is_sqlite else _from_export(path)


def _from_export(path: Path) -> Iterator[Row]:
    rows = _from_lines(path)
    head = list(islice(rows, _HEAD))
    if head and not any(map(any, head)):
        raise FileError(
            str(path),
            "no export of a log",
            "an entry a line, a file of SQLite, or a postgresql:// URL",
            "Give what `koppel audit export` wrote.",
        )
    yield from chain(head, rows)


def _from_lines(path: Path) -> Iterator[Row]:
    rest = b""
    for piece in read_pieces(path):
        *lines, rest = (rest + piece).split(b"\n")
        yield from map(_row, lines)
    if rest:
        yield _row(rest)


def _row(line: bytes) -> Row:
    try:
        said = from_json(line)
        seq, at, *texts = (said[name] for name in _NAMES)
        kind, body, previous, digest = (each.encode() for each in texts)
    except (ValueError, TypeError, KeyError, AttributeError):
        return (None,) * 6
    return seq, at, kind, body, previous, digest


def _from_sqlite(path: Path) -> Iterator[Row]:
    name = f"file:{quote(str(path.resolve()))}?mode=ro"
    # Without its journal beside it the file is all there is; SQLite would still want to make one.
    has_journal = path.with_name(f"{path.name}-wal").exists()
    try:
        with closing(sqlite3.connect(name if has_journal else f"{name}&immutable=1", uri=True)) as connection:
            connection.text_factory = bytes
            yield from connection.execute(
                "SELECT seq, at, kind, body, previous, hash FROM audit_entry ORDER BY seq"
            )
    except sqlite3.Error as problem:
        raise FileError(str(path), f"can't be read as a store: {type(problem).__name__}") from problem


def _from_postgresql(url: str) -> Iterator[Row]:
    from api.store.store import Store

    store = Store(url)
    try:
        with store.read() as connection:
            yield from stored_rows(connection)
    except SQLAlchemyError as problem:
        told = str(getattr(problem, "orig", None) or problem).partition("\n")[0]
        raise FileError(str(store), f"can't be read: {told}") from problem
    finally:
        store.close()

"""A store: transactions that read, transactions that write, and the schema brought up to date."""

from __future__ import annotations

import math
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from api.store.apart import SCHEMA, copy_apart, file_beside, has_supplied
from data.errors import KoppelError

WAIT_S: Final = 5.0
"""How long a transaction waits for another that writes, in seconds."""

_LOOK_S: Final = 0.001
_WRITE: Final = "BEGIN IMMEDIATE"
_SCRUB: Final = f"PRAGMA {SCHEMA}.wal_checkpoint(TRUNCATE)"
_TOGETHER: Final = "0005"
"""The last revision at which a store in SQLite is one file."""
_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_MIGRATING: Final = 0x6B6F7070656C
"""The advisory lock in PostgreSQL of whoever migrates: "koppel" in ASCII."""


class StoreError(KoppelError):
    """The store can't be reached, or isn't what this version of Koppel works with."""

    exit_code = 6


class Store:
    """The tables of `api.store.tables` in a database.

    A transaction waits up to `WAIT_S` for another that writes. SQLite writes ahead (WAL): what is committed
    is on the disk; records have a file of their own, beside the store's (`api.store.apart`): both belong in a
    backup. In PostgreSQL a transaction that reads sees one snapshot (REPEATABLE READ, READ ONLY), one that
    writes runs at READ COMMITTED. A store may be opened before the process forks: each child has connections
    of its own. May be used by any number of threads; a connection by one at a time.

    Parameters
    ----------
    url : `sqlite:///path/to/koppel.db` (a file: workers share it), or `postgresql://user@host/name`, for
        which psycopg must be installed (`koppel[postgres]`).

    Raises
    ------
    StoreError
        The URL is none of both.
    """

    def __init__(self, url: str) -> None:
        self.url: Final = _checked(url)
        self.dialect: Final = self.url.get_backend_name()
        if self.dialect == "sqlite":
            self._reader = _sqlite(self.url, _begin, WAIT_S, "PRAGMA query_only = ON")
            self._writer = _sqlite(
                self.url, _begin_to_write, 0, "PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON"
            )
        else:
            self._writer = _postgresql(self.url)
            self._reader = self._writer.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        # A connection for `value`: in SQLite to take one from the pool would take longer. For one thread at a
        # time: while a statement is open, the connection sees the state of when that began.
        self._kept: PoolProxiedConnection | None = None
        self._one_at_a_time = Lock()
        _opened.add(self)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that sees one state of the whole store and can't change it.

        In SQLite one state of each of its files, as of when it first reads of that. Raises
        `sqlalchemy.exc.SQLAlchemyError` where the store can't be reached.
        """
        with self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a transaction that writes: committed at the end, undone by an exception.

        In SQLite one at a time: from its first moment no other can begin. Raises
        `sqlalchemy.exc.SQLAlchemyError` where the store can't be reached or written, or is held by another.
        """
        with self._writer.begin() as connection:
            yield connection

    def value(self, statement: str) -> Any:
        """Give the one value that a statement finds, None for none; what was committed before counts.

        In SQLite by the driver itself: a transaction of SQLAlchemy takes forty times as long. It raises what
        `read` does.
        """
        if self.dialect == "sqlite":
            with suppress(sqlite3.Error), self._one_at_a_time:
                kept = self._kept = self._kept or self._reader.raw_connection()
                with closing(kept.cursor()) as cursor:
                    row = cursor.execute(statement).fetchone()
                return row and row[0]
        # What failed once more, by SQLAlchemy, which raises its own kind of error.
        with self.read() as connection:
            return connection.exec_driver_sql(statement).scalar()

    def scrub(self) -> None:
        """Take records that were deleted out of the journal of their file, which keeps them for long.

        Where those who read leave no room for that within `WAIT_S`, the next time does it.
        """
        if self.dialect != "sqlite":
            return
        until = time.monotonic() + WAIT_S
        with suppress(sqlite3.Error), closing(self._writer.raw_connection()) as connection:
            driver: Any = connection.driver_connection
            while time.monotonic() < until:
                is_held_up, *_ = driver.execute(_SCRUB).fetchone()
                if not is_held_up:
                    break
                time.sleep(_LOOK_S)

    def migrate(self) -> str:
        """Bring the schema to the newest revision, and give it. Raises StoreError.

        Whatever happens, the schema is the old or the new one, or one in between that migrating again brings
        to the newest. Any number of processes may do so at the same time.
        """
        from alembic.util import CommandError

        try:
            if self.dialect == "sqlite":
                path = Path(self.url.database or "")
                beside = file_beside(path)
                if beside.exists() and not path.exists():
                    remedy = "Put it back from a backup, with that file; or move that away."
                    raise StoreError(str(self), f"isn't there, but {beside.name} is", remedy=remedy)
                for each in (path, beside):
                    _make_file(each)
                # Connections of before may know of one file only.
                self.close()
                self._upgrade(_TOGETHER)
                with self.write() as connection:
                    copy_apart(connection)
            self._upgrade("head")
        except (SQLAlchemyError, CommandError, OSError, sqlite3.Error) as problem:
            raise self._error("can't be migrated", problem) from problem
        return self.check()

    def _upgrade(self, revision: str) -> None:
        from alembic import command

        with self.write() as connection:
            if self.dialect == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            config = _alembic()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)

    def check(self) -> str:
        """Give the revision of the schema. Raises StoreError where this version works with another."""
        newest = _newest_revision()
        try:
            with self.read() as connection:
                found = _revision(connection)
                is_whole = self.dialect != "sqlite" or has_supplied(connection)
        except SQLAlchemyError as problem:
            raise self._error("can't be read", problem, "Is it made, by `koppel store migrate`?") from problem
        if found != newest:
            remedy = "Run `koppel store migrate`."
            raise StoreError(str(self), f"has revision {found or 'none'}", f"{newest}", remedy)
        if not is_whole:
            name = file_beside(Path(self.url.database or "")).name
            remedy = "Put it back from the backup that the store is from."
            raise StoreError(str(self), f"lacks {name}, the file of its records", remedy=remedy)
        return found

    def close(self) -> None:
        """Close the connections. The store opens new ones when it is used again."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._reader.dispose()
        self._writer.dispose()

    def __str__(self) -> str:
        return f"store {self.url.render_as_string(hide_password=True)}"

    def _error(self, what: str, problem: Exception, remedy: str = "") -> StoreError:
        cause = getattr(problem, "orig", None) or problem
        return StoreError(str(self), f"{what}: {str(cause).partition(chr(10))[0]}", remedy=remedy)

    def _forget(self) -> None:
        # The connections belong to the parent, which goes on using them.
        self._kept, self._one_at_a_time = None, Lock()
        self._reader.dispose(close=False)
        self._writer.dispose(close=False)


def _checked(url: str) -> URL:
    try:
        made = make_url(url)
    except ArgumentError:
        made = None
    if made is not None and made.get_backend_name() == "postgresql":
        return made.set(drivername="postgresql+psycopg")
    if made is not None and made.drivername == "sqlite" and made.database and made.database != ":memory:":
        return made
    raise StoreError(
        "the URL of the store",
        "can't be used",
        "sqlite:///path/to/koppel.db or postgresql://user@host/name",
    )


def _postgresql(url: URL) -> Engine:
    try:
        return create_engine(
            url,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_size=10,
            connect_args={
                "connect_timeout": math.ceil(WAIT_S),
                "options": f"-c lock_timeout={WAIT_S * 1000:.0f}ms",
            },
        )
    except ModuleNotFoundError as problem:
        remedy = "Install `koppel[postgres]`."
        raise StoreError(
            "a store in PostgreSQL", "needs psycopg, which isn't there", remedy=remedy
        ) from problem


def _sqlite(url: URL, begin: Callable[[Connection], None], wait_s: float, *pragmas: str) -> Engine:
    """Make an engine whose transactions begin where they should, and not where the driver thinks fit."""
    # A file that isn't there is an error: only `migrate` makes one.
    existing = url.set(database=f"file:{quote(url.database or '')}", query={"mode": "rw", "uri": "true"})
    beside = file_beside(Path(url.database or ""))
    arguments = {"timeout": wait_s, "isolation_level": None}
    engine = create_engine(
        existing, connect_args=arguments, pool_size=20, max_overflow=20, pool_use_lifo=True
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        if beside.is_file():
            connection.execute(f"ATTACH ? AS {SCHEMA}", (f"file:{quote(str(beside))}?mode=rw",))
            connection.execute(f"PRAGMA {SCHEMA}.synchronous = FULL")
        for pragma in ("PRAGMA foreign_keys = ON", *pragmas):
            connection.execute(pragma)

    event.listen(engine, "begin", begin)
    return engine


def _begin(connection: Connection) -> None:
    # It touches nothing yet, and so can't fail; by SQLAlchemy it would take as long as a query.
    _driver(connection).execute("BEGIN")


def _begin_to_write(connection: Connection) -> None:
    """Wait for whoever writes to be done, up to `WAIT_S`.

    SQLite itself would sleep up to 100 ms between two looks, which many short transactions never need.
    """
    driver = _driver(connection)
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        try:
            driver.execute(_WRITE)
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                break
            time.sleep(_LOOK_S)
        else:
            return
    # Once more, by SQLAlchemy, which raises its own kind of error.
    connection.exec_driver_sql(_WRITE)


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _make_file(path: Path) -> None:
    """Make a database that writes ahead, where there is none; it stays so for whoever opens it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=WAIT_S)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _alembic() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


@cache
def _newest_revision() -> str:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_alembic()).get_current_head() or ""


def _revision(connection: Connection) -> str:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision() or ""


_opened: Final[weakref.WeakSet[Store]] = weakref.WeakSet()


def _forget_all() -> None:
    for store in _opened:
        store._forget()


os.register_at_fork(after_in_child=_forget_all)

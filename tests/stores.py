"""Databases for tests: files of SQLite, and a PostgreSQL server that is started for the run."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, text

from api.store import Store
from api.store.apart import file_beside

BACKENDS = ("sqlite", "postgresql")

_OPTIONS = (
    "-c",
    "listen_addresses=",
    "-c",
    "fsync=off",
    "-c",
    "max_connections=200",
    "-c",
    "shared_buffers=32MB",
)


def copied_store(template: Path, folder: Path) -> Store:
    """Open a copy of a store in SQLite, with all its files, in a folder: as `koppel.db`."""
    path = folder / "koppel.db"
    for of, to in ((template, path), (file_beside(template), file_beside(path))):
        shutil.copy(of, to)
    return Store(f"sqlite:///{path}")


def postgres_programs() -> Path | None:
    """The folder of Debian's newest PostgreSQL, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


@contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """Run a server with an empty cluster on a socket in a new folder, and give its URL, without a database.

    The server refuses to run as root: then it runs as `postgres`, which Debian's package makes.
    """
    as_whom = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # Not in pytest's folder: the path of a socket may have 107 characters, and pytest's is ours alone.
    folder = Path(tempfile.mkdtemp(prefix="koppel-pg-"))
    try:
        if as_whom:
            shutil.chown(folder, "postgres")
        cluster = folder / "data"
        create = ("-D", cluster, "-U", "koppel", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        _run(folder, *as_whom, programs / "initdb", *create)
        options = " ".join((*_OPTIONS, "-k", str(folder)))
        control = (*as_whom, programs / "pg_ctl", "-D", cluster, "-w", "-l", folder / "log")
        _run(folder, *control, "-o", options, "start")
        try:
            yield f"postgresql://koppel@/{{database}}?host={folder}"
        finally:
            _run(folder, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@contextmanager
def postgres_database(server: str, template: str | None = None) -> Iterator[str]:
    """Make a database on a server, empty or a copy, and give its URL; it is dropped afterwards."""
    name = f"test_{uuid4().hex}"
    url = server.replace("postgresql:", "postgresql+psycopg:").format(database="postgres")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}"))
        yield server.format(database=name)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


def migrate(url: str) -> None:
    """Make all tables in a database."""
    store = Store(url)
    store.migrate()
    store.close()


def _run(folder: Path, *command: object) -> None:
    subprocess.run([str(each) for each in command], cwd=folder, check=True, stdout=subprocess.DEVNULL)

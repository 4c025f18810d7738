"""What the tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import make_url
from stores import BACKENDS, copied_store, migrate, postgres_database, postgres_programs, postgres_server

from api.store import Store

pytest_plugins = ["nightly_blocks"]

SHARED = Path(__file__).parents[1].parent / "shared"

# Compiling a kernel in the first example takes seconds, so no example has a deadline.
settings.register_profile("local", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much of what is random is tried."""
    many = 100_000 if os.environ.get("CI") else 10_000
    parser.addoption("--states", type=int, default=many, help="states of the registry to try the rules in")
    parser.addoption("--nights", type=int, default=200, help="parties whose folders of a night are compared")
    parser.addoption("--kills", type=int, default=4, help="moments at which a run of the night is killed")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the published contracts, value lists and accreditation sets."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there: the published contracts and accreditation sets are kept apart")
    return SHARED


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of this run, with `{database}` where the name goes."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL isn't installed in /usr/lib/postgresql: apt-get install postgresql")
    with postgres_server(programs) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in SQLite with all tables, for `copied_store`: quicker than to make them for each test."""
    path = tmp_path_factory.mktemp("migrated") / "koppel.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def one_night(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a world with a night, to copy."""
    from nightly_world import filled

    folder = tmp_path_factory.mktemp("one-night") / "state"
    with filled(folder, migrated_file) as world:
        world.run()
    return folder


@pytest.fixture(scope="session")
def migrated_database(postgres: str) -> Iterator[str]:
    """The name of a database in PostgreSQL with all tables, to copy."""
    with postgres_database(postgres) as url:
        migrate(url)
        yield make_url(url).database or ""


@pytest.fixture(params=BACKENDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in SQLite and in PostgreSQL: without any table, unless `store` is asked too."""
    is_migrated = "store" in request.fixturenames
    if request.param == "sqlite":
        if is_migrated:
            copied_store(request.getfixturevalue("migrated_file"), tmp_path)
        yield f"sqlite:///{tmp_path / 'koppel.db'}"
    else:
        template = request.getfixturevalue("migrated_database") if is_migrated else None
        with postgres_database(request.getfixturevalue("postgres"), template) as url:
            yield url


@pytest.fixture
def sqlite_store(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    """A store with all tables, empty, in SQLite only: for what doesn't depend on the database."""
    made = copied_store(migrated_file, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def empty_index(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index without records, to copy: that is quicker than to build it for each test."""
    # Few tests rank in an exchange, and to load one takes half a second.
    from ranking_world import build_empty_index

    root = tmp_path_factory.mktemp("empty") / "index"
    build_empty_index(migrated_file, root)
    return root


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store with all tables, empty, in SQLite and in PostgreSQL."""
    made = Store(store_url)
    made.check()
    yield made
    made.close()

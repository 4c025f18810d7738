"""The store: SQLite and PostgreSQL behave alike, and nothing is ever half done."""

import os
import signal
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    CheckConstraint,
    Connection,
    Executable,
    MetaData,
    Row,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from stores import migrate

from api.store import Store, StoreError, apart, tables
from api.store import store as store_module

VERSION = tables.registry_version


def child(work: Callable[[], None]) -> int:
    """Start a process of this one that does some work, and give its id."""
    process = os.fork()
    if process == 0:
        # It must not end as pytest would.
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return process


def ended(process: int) -> int:
    """Wait for a process, and give its exit code; -9 where it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def migrate_and_die(store_url: str, statement: int) -> None:
    """Migrate a store, and be killed before the statement of that number, from 1."""
    store = Store(store_url)

    @event.listens_for(store._writer, "before_cursor_execute")
    def count(*_: object) -> None:
        nonlocal statement
        statement -= 1
        if statement == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    store.migrate()


def number(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(select(VERSION.c.n)).scalar_one())


def raise_number(store: Store) -> None:
    with store.write() as connection:
        connection.execute(update(VERSION).values(n=VERSION.c.n + 1))


# The schema


def placed(store: Store) -> MetaData:
    """The tables, each in the file of SQLite in which it should be."""
    made = MetaData(naming_convention=tables.METADATA.naming_convention)
    for table in tables.METADATA.tables.values():
        if store.dialect == "sqlite" and table.name in apart.SUPPLIED:
            table.to_metadata(made, schema=apart.SCHEMA)
        else:
            table.to_metadata(made)
    return made


def test_the_migrations_make_the_tables_that_the_code_works_with(store: Store) -> None:
    def is_ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "schema" or name in (None, apart.SCHEMA)

    options = {"include_schemas": True, "include_name": is_ours}
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), placed(store)) == []
        assert connection.execute(select(VERSION.c.n)).scalars().all() == [0]


def test_the_migrations_make_every_constraint_and_index_of_the_tables(store: Store) -> None:
    with store.read() as connection:
        found = inspect(connection)
        for table in placed(store).tables.values():
            where = table.name, table.schema
            made = {each["name"] for each in found.get_check_constraints(*where)}
            assert made == {str(each.name) for each in table.constraints if isinstance(each, CheckConstraint)}
            made = {each["name"] for each in found.get_foreign_keys(*where)}
            assert len(made) == len(table.foreign_key_constraints)


def test_migrating_a_store_that_is_up_to_date_changes_nothing(store: Store) -> None:
    raise_number(store)
    assert store.migrate() == store.check()
    assert number(store) == 1


def test_a_store_that_was_not_migrated_is_refused_with_the_remedy(store_url: str) -> None:
    store = Store(store_url)
    if store.dialect == "sqlite":
        with pytest.raises(StoreError, match="can't be read: unable to open database file"):
            store.check()
        assert not Path(store.url.database or "").exists()
        Path(store.url.database or "").touch()
    with pytest.raises(StoreError, match=r"has revision none; allowed: \d+\. Run `koppel store migrate`"):
        store.check()
    store.close()


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="has revision 9999"):
        store.check()
    with pytest.raises(StoreError, match="can't be migrated"):
        store.migrate()
    assert number(store) == 0


def test_processes_that_migrate_at_the_same_time_make_one_store(store_url: str) -> None:
    def migrate() -> None:
        Store(store_url).migrate()

    processes = [child(migrate) for _ in range(4)]
    assert [ended(each) for each in processes] == [0] * 4
    store = Store(store_url)
    assert number(store) == 0
    store.close()


def test_a_migration_that_is_killed_leaves_a_store_that_is_refused_until_it_is_done(
    store_url: str,
) -> None:
    store = Store(store_url)
    statement = 1
    while (code := ended(child(partial(migrate_and_die, store_url, statement)))) == -signal.SIGKILL:
        with pytest.raises(StoreError, match=r"has revision (none|0005)"):
            store.check()
        statement += 7
    assert code == 0
    assert statement > 7 * 5
    store.check()
    assert number(store) == 0
    store.close()


@pytest.fixture
def together(tmp_path: Path) -> Store:
    """A store in SQLite of when it was one file, with some records; the last change was taken in."""
    store = Store(f"sqlite:///{tmp_path / 'koppel.db'}")
    store_module._make_file(tmp_path / "koppel.db")
    store._upgrade("0005")
    with store.write() as connection:
        for number in range(40):
            new = {"id": f"{number}", "body": b"{}", "shown": b"{%d}" % number, "stored_at": number}
            new |= {"source_id": "bron", "side": "vacature", "restricted": number == 7}
            connection.execute(insert(tables.record).values(new))
            change = {"source_id": "bron", "side": "vacature", "id": f"{number}", "put": True}
            connection.execute(insert(tables.record_change).values(change))
        contact = {
            "source_id": "bron",
            "kvk": "12345678",
            "datum": "2026-01-01",
            "body": b"{}",
            "stored_at": 1,
        }
        connection.execute(insert(tables.contact_moment).values(contact))
        connection.execute(delete(tables.record_change).where(tables.record_change.c.n == 40))
    return store


def supplied(store: Store) -> list[list[Row[Any]]]:
    with store.read() as connection:
        return [
            list(connection.execute(select(table).order_by(*table.primary_key)).all())
            for name in apart.SUPPLIED
            for table in [tables.METADATA.tables[name]]
        ]


def test_no_record_is_lost_wherever_their_move_into_a_file_of_their_own_is_killed(together: Store) -> None:
    before, url, statement = supplied(together), str(together.url), 1
    together.close()
    while (code := ended(child(partial(migrate_and_die, url, statement)))) == -signal.SIGKILL:
        statement += 1
    assert code == 0
    assert statement > 15
    moved = Store(url)
    assert moved.check() >= "0006"
    assert supplied(moved) == before
    with moved.write() as connection:
        last = {"source_id": "bron", "side": "vacature", "id": "1", "put": False}
        assert connection.execute(insert(tables.record_change).values(last)).inserted_primary_key == (41,)
        named = connection.exec_driver_sql("SELECT name FROM main.sqlite_master").scalars().all()
    assert set(apart.SUPPLIED).isdisjoint(named)
    moved.close()


@pytest.mark.parametrize(
    "change",
    [
        insert(tables.record_change).values(source_id="bron", side="vacature", id="1", put=True),
        delete(tables.record).where(tables.record.c.id == "3"),
        update(tables.contact_moment).values(stored_at=2),
    ],
    ids=["put", "deleted", "contacts"],
)
def test_records_that_change_while_they_are_moved_are_not_dropped(
    together: Store, change: Executable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy_and_change(connection: Connection) -> None:
        apart.copy_apart(connection)
        # Whatever still works with the one file knows of no other.
        connection.execute(change)

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "copy_apart", copy_and_change)
        with pytest.raises(StoreError, match="records have changed meanwhile"):
            together.migrate()
    after = supplied(together)
    together.migrate()
    assert supplied(together) == after
    together.close()


def test_a_store_without_the_file_of_its_records_is_refused(sqlite_store: Store, tmp_path: Path) -> None:
    sqlite_store.check()
    sqlite_store.close()
    (tmp_path / "koppel-records.db").unlink()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"lacks koppel-records\.db, the file of its records"):
            sqlite_store.check()
        with pytest.raises(StoreError, match=r"lacks koppel-records\.db, the file of its records"):
            sqlite_store.migrate()


def test_records_whose_store_is_gone_are_not_taken_for_those_of_a_new_one(
    sqlite_store: Store, tmp_path: Path
) -> None:
    sqlite_store.close()
    (tmp_path / "koppel.db").unlink()
    before = (tmp_path / "koppel-records.db").read_bytes()
    with pytest.raises(StoreError, match=r"isn't there, but koppel-records\.db is"):
        sqlite_store.migrate()
    assert (tmp_path / "koppel-records.db").read_bytes() == before
    assert not (tmp_path / "koppel.db").exists()


# Transactions


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def work() -> None:
        with store.write() as connection:
            connection.execute(insert(tables.phase).values(name="pilot", opens_at=1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.phase)).scalar_one() == 0


def test_a_transaction_that_reads_refuses_to_write(store: Store) -> None:
    with pytest.raises(SQLAlchemyError), store.read() as connection:
        connection.execute(update(VERSION).values(n=7))
    assert number(store) == 0


def test_a_transaction_that_reads_sees_one_state_while_others_write(store: Store) -> None:
    with store.read() as connection:
        before = connection.execute(select(VERSION.c.n)).scalar_one()
        raise_number(store)
        assert connection.execute(select(VERSION.c.n)).scalar_one() == before
    assert number(store) == before + 1


def test_one_value_is_given_as_it_was_committed_last(store: Store) -> None:
    assert store.value("SELECT n FROM registry_version") == 0
    with store.write() as connection:
        connection.execute(update(tables.registry_version).values(n=7))
        assert store.value("SELECT n FROM registry_version") == 0
    assert store.value("SELECT n FROM registry_version") == 7
    assert store.value("SELECT n FROM registry_version WHERE n = 8") is None


def test_threads_that_look_at_a_value_together_see_what_was_committed_before(store: Store) -> None:
    elsewhere, committed = Store(store.url.render_as_string(hide_password=False)), 0

    def look(_: int) -> int:
        n_old = 0
        while committed < 150:
            before = committed
            n_old += store.value("SELECT n FROM registry_version") < before
        return n_old

    with ThreadPoolExecutor(4) as threads:
        looking = threads.map(look, range(4))
        while committed < 150:
            raise_number(elsewhere)
            committed += 1
        assert list(looking) == [0] * 4
    elsewhere.close()


def test_a_value_that_cannot_be_read_fails_as_a_transaction_does(store: Store) -> None:
    with pytest.raises(SQLAlchemyError, match="nowhere"):
        store.value("SELECT n FROM nowhere")


def test_no_change_is_lost_between_processes_that_write(store: Store) -> None:
    def work() -> None:
        for _ in range(25):
            raise_number(store)

    processes = [child(work) for _ in range(4)]
    assert [ended(each) for each in processes] == [0] * 4
    assert number(store) == 100


def test_a_process_that_is_killed_while_it_writes_leaves_nothing_and_holds_up_nobody(store: Store) -> None:
    def work() -> None:
        with store.write() as connection:
            connection.execute(update(VERSION).values(n=7))
            os.kill(os.getpid(), signal.SIGKILL)

    assert ended(child(work)) == -signal.SIGKILL
    raise_number(store)
    assert number(store) == 1


def test_a_transaction_waits_for_another_that_writes_and_then_follows_it(store: Store) -> None:
    readable, writable = os.pipe()

    def work() -> None:
        with store.write() as connection:
            connection.execute(update(VERSION).values(n=7))
            os.write(writable, b"holding")
            time.sleep(0.2)

    process = child(work)
    os.read(readable, 7)
    raise_number(store)
    assert number(store) == 8
    assert ended(process) == 0
    os.close(readable)
    os.close(writable)


def test_a_transaction_does_not_wait_for_ever(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(store_url)
    monkeypatch.setattr(store_module, "WAIT_S", 0.1)
    with closing(Store(store_url)) as one, closing(Store(store_url)) as other, one.write() as connection:
        connection.execute(update(VERSION).values(n=7))
        with pytest.raises(SQLAlchemyError, match="lock"):
            raise_number(other)
        assert number(other) == 0


def test_a_forked_process_does_not_use_the_connections_of_its_parent(store: Store) -> None:
    with store.read() as connection:
        connection.execute(select(VERSION.c.n))
        assert ended(child(lambda: raise_number(store))) == 0
        assert connection.execute(select(VERSION.c.n)).scalar_one() == 0
    assert number(store) == 1


def test_a_commit_in_sqlite_is_on_the_disk(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'koppel.db'}")
    store.migrate()
    with store.write() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
    store.close()


# What both databases hold to


def test_text_is_in_the_order_of_its_bytes(store: Store) -> None:
    versions = ["b", "B", "a", "é", "Z", "_", "1.10", "1.9"]
    with store.write() as connection:
        rows = [{"version": each, "in_force_from": n} for n, each in enumerate(versions)]
        connection.execute(insert(tables.agreement), rows)
    with store.read() as connection:
        found = connection.execute(select(tables.agreement.c.version).order_by(tables.agreement.c.version))
        assert found.scalars().all() == sorted(versions)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (
            "party",
            {"oin": "1" * 19, "name": "n", "kind": "uwv", "suwi": True, "pilot": False, "admitted_from": 1},
        ),
        (
            "party",
            {"oin": "1" * 20, "name": "n", "kind": "bank", "suwi": True, "pilot": False, "admitted_from": 1},
        ),
        ("mandate", {"processor_oin": "1" * 20, "controller_oin": "2" * 20, "valid_from": 1}),
        ("phase", {"name": "later", "opens_at": 1}),
        ("source_scope", {"source_id": "nowhere", "scope": "alle", "valid_from": 1}),
        (
            "detail_claim",
            {
                "question_id": "q",
                "slot": 0,
                "source_id": "s",
                "record_ref": "r",
                "state": "claimed",
                "claimed_at": 1,
            },
        ),
    ],
)
def test_the_database_refuses_what_no_registry_can_hold(
    store: Store, table: str, values: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), store.write() as connection:
        connection.execute(insert(tables.METADATA.tables[table]).values(values))


def test_a_record_that_is_deleted_never_gives_its_number_of_change_to_another(store: Store) -> None:
    row = {"source_id": "s", "side": "vacature", "id": "1", "put": True}
    with store.write() as connection:
        connection.execute(insert(tables.record_change), [row, row])
        connection.execute(delete(tables.record_change))
        connection.execute(insert(tables.record_change).values(row))
        assert connection.execute(select(tables.record_change.c.n)).scalars().all() == [3]


def test_bytes_and_json_come_back_as_they_went_in(store: Store) -> None:
    body = bytes(range(256))
    criteria = {"beroep": ["é", None, 1.5], "selectiegebied": {"postcode": "3511"}}
    asked = {
        "id": "q",
        "kind": "vraag",
        "side": "vacature",
        "controller_oin": "1" * 20,
        "processor_oin": "2" * 20,
    }
    with store.write() as connection:
        record = {"source_id": "s", "side": "vacature", "id": "1", "stored_at": 2**52, "restricted": False}
        connection.execute(insert(tables.record).values(**record, body=body, shown=b""))
        question = {**asked, "asked_at": 1, "expires_at": 2, "criteria": criteria, "completeness": None}
        connection.execute(insert(tables.question).values(question))
    with store.read() as connection:
        kept = connection.execute(select(tables.record)).one()
        assert (kept.body, kept.shown, kept.stored_at, kept.restricted) == (body, b"", 2**52, False)
        found = connection.execute(select(tables.question)).one()
        assert (found.criteria, found.completeness) == (criteria, None)
        nothing = select(func.count()).where(tables.question.c.completeness.is_(None))
        assert connection.execute(nothing).scalar_one() == 1


# What can't be a store


@pytest.mark.parametrize(
    "url",
    ["", "koppel.db", "sqlite://", "sqlite:///:memory:", "mysql://u:geheim@host/db", "sqlite+aiosqlite:///x"],
)
def test_a_url_of_no_store_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StoreError, match="allowed: sqlite:///path") as told:
        Store(url)
    assert "geheim" not in str(told.value)


def test_a_store_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    store = Store(f"postgresql://koppel:geheim@/db?host={tmp_path}")
    for work in (store.check, store.migrate):
        with pytest.raises(StoreError) as told:
            work()
        assert told.value.exit_code == 6
        assert "geheim" not in str(told.value)
        assert "\n" not in str(told.value)


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be migrated: unable to open database file"):
        Store(f"sqlite:///{tmp_path}").migrate()

"""The log: written before anything leaves, by many at once, or not at all."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from uuid import uuid4

import pytest
from logs import Clock, audit_in, checked, rows_of, show, shown
from sqlalchemy import Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from stores import copied_store

from api.clock import SECOND
from api.exchange import audit as audit_module
from api.exchange.audit import SEEN, Audit, AuditUnavailable
from api.store import Store, tables
from api.store import store as store_module

APPEND = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from logs import audit_in, show
from api.store import Store
audit = audit_in(Store(sys.argv[3]), Path(sys.argv[4]), every=7)
for number in range(25):
    show(audit, [f"{number + each}" for each in range(10)])
"""


def test_four_processes_write_one_chain_and_agree_on_who_is_who(store: Store, tmp_path: Path) -> None:
    audit_in(store, tmp_path).checkpoint()
    root = Path(__file__).parents[1]
    url = store.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", APPEND, str(root), str(root / "tests"), url, str(tmp_path)]
    running = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    found = checked(store, tmp_path)
    assert (found.entries, found.last_seq, found.problems) == (100, 100, ())
    assert found.signed_to >= 93
    with store.read() as connection:
        assert len(connection.execute(select(tables.subject)).all()) == 34
    assert len({tuple(json.loads(row[3])["subjects"]) for row in rows_of(store)}) == 25


def test_an_entry_that_is_not_committed_leaves_no_trace(store: Store, tmp_path: Path) -> None:
    audit = audit_in(store, tmp_path, every=1)
    show(audit, ["1"])
    with suppress(KeyError), audit.write() as connection:
        audit.append(connection, "matches", shown([]))
        audit.append(connection, "matches", shown([]))
        raise KeyError
    show(audit, ["2"])
    audit.checkpoint()
    found = checked(store, tmp_path)
    assert (found.entries, found.signed_to, found.problems) == (2, 2, ())


def test_two_entries_of_one_transaction_follow_each_other(store: Store, tmp_path: Path) -> None:
    audit = audit_in(store, tmp_path, every=1)
    with audit.write() as connection:
        first, second = (audit.append(connection, "matches", shown([])) for _ in range(2))
    assert (second.seq, second.previous) == (first.seq + 1, first.hash)
    # The first was not committed yet, so nothing vouched for it.
    assert checked(store, tmp_path).signed_to == 0


def test_a_pseudonym_says_nothing_of_the_record_and_stays_the_same(store: Store, tmp_path: Path) -> None:
    audit = audit_in(store, tmp_path)
    names = [f"person-{number}" for number in range(700)]
    first = show(audit, names)
    assert len(set(first)) == 700
    assert show(audit, [names[3], names[1], names[3]]) == [first[3], first[1], first[3]]
    assert set(show(audit, names, side="vacature")).isdisjoint(first)
    assert all(b"person" not in row[3] for row in rows_of(store))


def test_a_person_whose_name_was_deleted_gets_another_and_the_chain_holds(
    store: Store, tmp_path: Path
) -> None:
    audit = audit_in(store, tmp_path)
    (before,) = show(audit, ["1"])
    with store.write() as connection:
        connection.execute(delete(tables.subject))
    assert show(audit, ["1"]) != [before]
    assert checked(store, tmp_path).problems == ()


def test_when_the_log_last_named_somebody_is_known_to_the_month(store: Store, tmp_path: Path) -> None:
    clock = Clock()
    audit = audit_in(store, tmp_path, clock)
    show(audit, ["1", "2"])

    def seen() -> list[int]:
        with store.read() as connection:
            return list(connection.scalars(select(tables.subject.c.seen_at).order_by("record_id")))

    first, _ = seen()
    clock.at += SEEN // 2
    show(audit, ["1"])
    assert seen() == [first, first]
    clock.at += SEEN // 2
    show(audit, ["1"])
    assert seen()[0] > first == seen()[1]


# -- what the database lets nobody do


@pytest.mark.parametrize("table", [tables.audit_entry, tables.audit_segment])
def test_nobody_changes_or_deletes_entries_and_segments(table: Table, store: Store, tmp_path: Path) -> None:
    show(audit_in(store, tmp_path), ["1"])
    with store.write() as connection:
        connection.execute(
            insert(tables.audit_segment).values(
                number=1, first_seq=1, last_seq=1, first_previous="", last_hash="", sealed_at=1
            )
        )
    changed = {"body": "{}"} if table is tables.audit_entry else {"last_seq": 2}
    for statement in (delete(table), update(table).values(changed)):
        with pytest.raises(DBAPIError, match="can only grow"), store.write() as connection:
            connection.execute(statement)
    if store.dialect == "postgresql":
        with pytest.raises(DBAPIError, match="can only grow"), store.write() as connection:
            connection.execute(text(f"TRUNCATE {table.name}"))
    else:
        with pytest.raises(DBAPIError, match="can only grow"), store.write() as connection:
            connection.execute(text(f"REPLACE INTO {table.name} SELECT * FROM {table.name}"))
    assert checked(store, tmp_path).problems == ()


@pytest.fixture
def clerk(store: Store) -> Iterator[Store]:
    """The same store, opened by a role that owns nothing and may only do what the log needs."""
    if store.dialect != "postgresql":
        pytest.skip("SQLite has no roles")
    name = f"clerk_{uuid4().hex}"
    with store.write() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(text(f"GRANT SELECT, INSERT ON audit_entry TO {name}"))
        connection.execute(text(f"GRANT SELECT ON audit_segment TO {name}"))
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON subject TO {name}"))
    opened = Store(store.url.set(username=name).render_as_string(hide_password=False))
    yield opened
    opened.close()
    with store.write() as connection:
        connection.execute(text(f"DROP OWNED BY {name}"))
        connection.execute(text(f"DROP ROLE {name}"))


def test_a_role_that_may_only_add_entries_is_enough_to_write_the_log(
    clerk: Store, store: Store, tmp_path: Path
) -> None:
    audit = audit_in(clerk, tmp_path)
    show(audit, ["1"])
    audit.checkpoint()
    assert (checked(store, tmp_path).entries, checked(store, tmp_path).problems) == (1, ())
    for statement in (
        delete(tables.audit_entry),
        update(tables.audit_entry).values(body="{}"),
        update(tables.audit_segment).values(removed_at=1),
        text("ALTER TABLE audit_entry DISABLE TRIGGER ALL"),
    ):
        with pytest.raises(DBAPIError, match=r"permission denied|must be owner"), clerk.write() as connection:
            connection.execute(statement)


# -- where it can't be written


def refused(store: Store, folder: Path) -> None:
    with pytest.raises(AuditUnavailable, match="the audit log"):
        show(audit_in(store, folder), ["1"])


@pytest.fixture
def put_back(migrated_file: Path, tmp_path: Path) -> Iterator[tuple[Store, Audit]]:
    """A log whose database was replaced by an older one, without the last entry, which is signed."""
    path = tmp_path / "koppel.db"
    with closing(copied_store(migrated_file, tmp_path)) as store:
        audit = audit_in(store, tmp_path)
        show(audit, ["1"])
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(tmp_path / "old")) as old:
            source.backup(old)
        show(audit, ["2"])
        audit.checkpoint()
        store.close()
        (tmp_path / "old").replace(path)
        yield store, audit


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the log gives up soon."""
    monkeypatch.setattr(store_module, "WAIT_S", 0.05)
    monkeypatch.setattr(audit_module, "_WAIT_MS", 50)


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Keep others from writing the log, as another process would."""
    other = Store(store.url.render_as_string(hide_password=False))
    with closing(other), other.write() as connection:
        if store.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": audit_module._LOCK})
        yield


@pytest.mark.usefixtures("impatient")
def test_a_locked_log_is_unavailable_and_works_again_afterwards(store: Store, tmp_path: Path) -> None:
    audit = audit_in(store, tmp_path)
    show(audit, ["1"])
    with locked(store), pytest.raises(AuditUnavailable):
        show(audit, ["2"])
    show(audit, ["3"])
    assert (checked(store, tmp_path).entries, checked(store, tmp_path).problems) == (2, ())


def test_a_read_only_log_is_unavailable(store: Store, tmp_path: Path) -> None:
    with store.read() as connection, pytest.raises(AuditUnavailable):
        audit_in(store, tmp_path).append(connection, "matches", shown([]))
    assert rows_of(store) == []


def test_a_full_disk_makes_the_log_unavailable_and_leaves_it_whole(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'koppel.db'}")
    store.migrate()
    audit = audit_in(store, tmp_path)
    show(audit, ["1"])
    with store.write() as connection:
        pages = connection.scalar(text("PRAGMA page_count")) or 0
        connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
    written = 1
    with suppress(AuditUnavailable):
        while written < 100:
            show(audit, [f"{written}-{each}" for each in range(50)])
            written += 1
    assert written < 100
    audit.checkpoint()
    found = checked(store, tmp_path)
    assert (found.entries, found.signed_to, found.problems) == (written, written, ())
    store.close()


def test_without_a_store_the_log_is_unavailable(tmp_path: Path) -> None:
    refused(Store(f"sqlite:///{tmp_path / 'absent' / 'koppel.db'}"), tmp_path)


def test_where_checkpoints_cannot_be_written_the_log_is_unavailable(store: Store, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    refused(store, tmp_path)
    assert rows_of(store) == []


def test_a_log_that_was_put_back_takes_no_more_entries(put_back: tuple[Store, Audit], tmp_path: Path) -> None:
    refused(put_back[0], tmp_path)


# -- whether it can be written


def test_a_log_that_can_be_written_is_checked_without_a_write(store: Store, tmp_path: Path) -> None:
    audit = audit_in(store, tmp_path)
    audit.check()
    show(audit, ["1"])
    with locked(store):
        audit.check()
    assert checked(store, tmp_path).entries == 1


@pytest.mark.usefixtures("impatient")
def test_after_a_write_that_failed_the_check_tries_one_until_it_works(store: Store, tmp_path: Path) -> None:
    audit = audit_in(store, tmp_path)
    with locked(store):
        with pytest.raises(AuditUnavailable):
            show(audit, ["1"])
        with pytest.raises(AuditUnavailable):
            audit.check()
    audit.check()
    audit.check()
    assert [row[2] for row in rows_of(store)] == [b"resumed"]
    assert checked(store, tmp_path).problems == ()


def test_a_log_without_room_or_rights_to_write_fails_the_check(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = audit_in(store, tmp_path)
    show(audit, ["1"])
    audit.checkpoint()

    def full(_: object) -> object:
        return SimpleNamespace(f_bavail=10, f_frsize=4096)

    with monkeypatch.context() as patch:
        patch.setattr("api.exchange.room.os.statvfs", full)
        with pytest.raises(AuditUnavailable):
            audit.check()
    with monkeypatch.context() as patch:
        # What a file system says that is mounted read-only.
        patch.setattr("api.exchange.room.os.access", lambda *_: False)
        with pytest.raises(AuditUnavailable):
            audit.check()
    audit.check()
    (tmp_path / "checkpoints").rename(tmp_path / "elsewhere")
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(AuditUnavailable):
        audit.check()


def test_a_database_that_takes_no_writes_fails_the_check(store: Store, tmp_path: Path) -> None:
    if store.dialect == "sqlite":
        pytest.skip("what is read-only in SQLite is its file")
    audit = audit_in(store, tmp_path)
    audit.check()
    with store.write() as connection:
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    store.close()
    with pytest.raises(AuditUnavailable, match="read-only"):
        audit.check()


def test_a_log_that_was_put_back_fails_the_check(put_back: tuple[Store, Audit]) -> None:
    with pytest.raises(AuditUnavailable, match="signed"):
        put_back[1].check()


# -- checkpoints


def test_a_checkpoint_is_due_after_so_many_entries_or_seconds(store: Store, tmp_path: Path) -> None:
    clock = Clock()
    audit = audit_in(store, tmp_path, clock, every=10, every_s=1000)
    for _ in range(25):
        show(audit, [])
    assert checked(store, tmp_path).signed_to == 20
    clock.at += 1000 * SECOND
    show(audit, [])
    assert checked(store, tmp_path).signed_to == 25
    clock.at -= 5000 * SECOND
    show(audit, [])
    assert checked(store, tmp_path).signed_to == 26
    audit.checkpoint()
    size = (tmp_path / "checkpoints").stat().st_size
    audit.checkpoint()
    assert checked(store, tmp_path).signed_to == 27
    assert (tmp_path / "checkpoints").stat().st_size == size


def test_threads_and_a_timer_sign_no_entry_twice(store: Store, tmp_path: Path) -> None:
    audit = audit_in(store, tmp_path, every=1)
    threads = [Thread(target=lambda: [show(audit, ["1"]) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        audit.checkpoint()
    audit.checkpoint()
    lines = (tmp_path / "checkpoints").read_text().splitlines()
    numbers = [json.loads(line)["seq"] for line in lines]
    assert numbers == sorted(set(numbers))
    assert (checked(store, tmp_path).signed_to, checked(store, tmp_path).problems) == (40, ())


def test_the_half_of_a_line_that_a_crash_left_is_taken_off(store: Store, tmp_path: Path) -> None:
    audit = audit_in(store, tmp_path)
    show(audit, ["1"])
    audit.checkpoint()
    path = tmp_path / "checkpoints"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])
    assert checked(store, tmp_path).problems == ()
    show(audit, ["2"])
    audit.checkpoint()
    assert path.read_bytes().startswith(whole)
    assert path.read_bytes().count(b"\n") == whole.count(b"\n") + 1
    assert (checked(store, tmp_path).signed_to, checked(store, tmp_path).problems) == (2, ())

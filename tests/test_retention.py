"""What has been kept long enough goes; what stays of the log still verifies."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from logs import MIDNIGHT, Clock, audit_in, checked, rows_of, show
from sqlalchemy import insert, select, text

from api.clock import DAY
from api.exchange.audit import Audit, AuditUnavailable
from api.exchange.checkpoints import Removal
from api.exchange.retention import Periods, Removed, apply_retention
from api.exchange.verification import LogError
from api.store import Store, tables
from data.standard import Side

PERIODS = Periods(question_days=30, audit_days=60)


class Holder:
    """Notes which records it was told to remove."""

    def __init__(self) -> None:
        self.deleted: list[tuple[str, str, list[str]]] = []

    def delete(self, source_id: str, side: Side, ids: Sequence[str], /) -> None:
        self.deleted.append((source_id, side, sorted(ids)))

    def erase(self, source_id: str, side: Side, ids: Sequence[str], /) -> None:
        raise NotImplementedError

    def restrict(self, source_id: str, side: Side, ids: Sequence[str], /) -> None:
        raise NotImplementedError


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def audit(store: Store, tmp_path: Path, clock: Clock) -> Audit:
    return audit_in(store, tmp_path, clock)


def run(store: Store, audit: Audit, clock: Clock, holder: Holder | None = None) -> Removed:
    return apply_retention(store, audit, holder or Holder(), PERIODS, clock)


def days(store: Store, audit: Audit, clock: Clock, number: int) -> None:
    """Let days go by, in each of which three answers are given."""
    for _ in range(number):
        for each in range(3):
            show(audit, [f"{each}"])
        clock.at += DAY


def segments(store: Store) -> list[tuple[int, int, bool]]:
    with store.read() as connection:
        found = connection.execute(select(tables.audit_segment).order_by(tables.audit_segment.c.number))
        return [(row.first_seq, row.last_seq, row.removed_at is not None) for row in found]


def test_whole_days_of_the_log_go_and_the_rest_verifies_from_where_they_ended(
    store: Store, audit: Audit, clock: Clock, tmp_path: Path
) -> None:
    days(store, audit, clock, 3)
    clock.at += 57 * DAY + DAY // 2
    assert run(store, audit, clock).audit_entries == 3
    assert segments(store) == [(1, 3, True), (4, 6, False), (7, 9, False)]
    audit.checkpoint()
    found = checked(store, tmp_path)
    assert (found.first_seq, found.last_seq, found.signed_to, found.problems) == (4, 10, 10, ())
    clock.at += 2 * DAY
    assert run(store, audit, clock).audit_entries == 6
    assert segments(store)[3:] == [(10, 10, False)]
    audit.checkpoint()
    found = checked(store, tmp_path)
    assert (found.first_seq, found.last_seq, found.problems) == (10, 11, ())
    clock.at += 90 * DAY
    assert run(store, audit, clock).audit_entries == 2
    assert (checked(store, tmp_path).first_seq, checked(store, tmp_path).problems) == (12, ())
    assert rows_of(store)[0][3] == (
        b'{"removed":{"audit_entries":2,"contact_moments":0,"pseudonyms":3,"questions":0,"records":0}}'
    )


def test_nothing_goes_before_its_time_and_today_is_not_sealed(
    store: Store, audit: Audit, clock: Clock
) -> None:
    days(store, audit, clock, 1)
    show(audit, ["1"])
    clock.at = MIDNIGHT + 60 * DAY
    assert run(store, audit, clock).audit_entries == 0
    clock.at = MIDNIGHT + 62 * DAY
    assert run(store, audit, clock).audit_entries == 4
    assert segments(store)[-1][:2] == (5, 5)


def test_a_log_without_its_first_days_is_seen_where_no_statement_says_that_they_went(
    store: Store, audit: Audit, clock: Clock, tmp_path: Path
) -> None:
    days(store, audit, clock, 3)
    clock.at += 57 * DAY + DAY // 2
    run(store, audit, clock)
    path = tmp_path / "checkpoints"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b"removal" not in line))
    assert "no statement says" in checked(store, tmp_path).problems[0]


def test_more_than_was_said_to_be_removed_is_seen(
    store: Store, audit: Audit, clock: Clock, tmp_path: Path
) -> None:
    days(store, audit, clock, 3)
    clock.at += 57 * DAY + DAY // 2
    run(store, audit, clock)
    with store.write() as connection:
        # As somebody would who can write the store: the database then lets the entries go.
        connection.execute(text("UPDATE audit_segment SET removed_at = 1 WHERE first_seq = 4"))
        connection.execute(text("DELETE FROM audit_entry WHERE seq <= 6"))
    assert "no statement says" in checked(store, tmp_path).problems[0]


def test_a_removal_that_was_signed_and_then_broken_off_raises_no_alarm_and_is_done_later(
    store: Store, audit: Audit, clock: Clock, tmp_path: Path
) -> None:
    days(store, audit, clock, 3)
    rows = rows_of(store)
    audit.checkpoints.add(Removal(clock(), 1, 3, "0" * 64, rows[2][5].decode()))
    audit.checkpoint()
    assert checked(store, tmp_path).problems == ()
    clock.at += 58 * DAY + DAY // 2
    assert run(store, audit, clock).audit_entries == 6
    audit.checkpoint()
    assert (checked(store, tmp_path).first_seq, checked(store, tmp_path).problems) == (7, ())


def test_what_was_tampered_with_is_kept_as_evidence(
    store: Store, audit: Audit, clock: Clock, tmp_path: Path
) -> None:
    days(store, audit, clock, 2)
    with store.write() as connection:
        switch = "DROP TRIGGER audit_entry_update" + " ON audit_entry" * (store.dialect == "postgresql")
        connection.execute(text(switch))
        connection.execute(text("UPDATE audit_entry SET body = '{}' WHERE seq = 2"))
    clock.at += 70 * DAY
    with pytest.raises(LogError, match="entry 2: it is not as it was written"):
        run(store, audit, clock)
    assert len(rows_of(store)) == 6
    assert b"removal" not in (tmp_path / "checkpoints").read_bytes()


def test_questions_records_contacts_and_pseudonyms_go_when_their_time_is_over(
    store: Store, audit: Audit, clock: Clock
) -> None:
    now = clock.at
    oin, empty = "00000001000000000001", b"{}"
    asked = {"kind": "vraag", "side": "vacature", "controller_oin": oin, "processor_oin": oin, "asked_at": 1}
    with store.write() as connection:
        connection.execute(
            insert(tables.question),
            [
                {"id": name, "expires_at": expires_at, "criteria": {}, "completeness": None, **asked}
                for name, expires_at in (("old", now - 31 * DAY), ("new", now - 29 * DAY))
            ],
        )
        claim = {"slot": 0, "source_id": "a", "record_ref": "r", "state": "delivered", "claimed_at": 1}
        connection.execute(
            insert(tables.detail_claim), [{"question_id": name, **claim} for name in ("old", "new")]
        )
        held = {"body": empty, "stored_at": now}
        record = {"source_id": "a", "side": "vacature", "shown": empty, "restricted": False, **held}
        contact = {"source_id": "a", "kvk": "12345678", "datum": "2026-01-01", **held}
        for expires_at in (now - 1, now + DAY, None):
            connection.execute(
                insert(tables.record).values(id=f"{expires_at}", expires_at=expires_at, **record)
            )
            connection.execute(insert(tables.contact_moment).values(expires_at=expires_at, **contact))
    show(audit, ["seen long ago"])
    holder = Holder()
    assert run(store, audit, clock, holder) == Removed(1, 1, 1, 0, 0)
    assert holder.deleted == [("a", "vacature", [f"{now - 1}"])]
    with store.read() as connection:
        assert connection.scalars(select(tables.question.c.id)).all() == ["new"]
        assert connection.scalars(select(tables.detail_claim.c.question_id)).all() == ["new"]
        assert len(connection.scalars(select(tables.contact_moment.c.id)).all()) == 2
    clock.at = now + 89 * DAY
    show(audit, ["seen later"])
    assert run(store, audit, clock).pseudonyms == 0
    clock.at = now + 91 * DAY
    assert run(store, audit, clock).pseudonyms == 1
    with store.read() as connection:
        assert connection.scalars(select(tables.subject.c.record_id)).all() == ["seen later"]


def test_what_a_source_has_not_supplied_anew_for_long_goes_unless_it_is_restricted(
    store: Store, audit: Audit, clock: Clock
) -> None:
    held = {"source_id": "a", "body": b"{}"}
    record = {"side": "vacature", "shown": b"{}", **held}
    contact = {"kvk": "12345678", "datum": "2026-01-01", **held}
    with store.write() as connection:
        for name, days_ago, restricted in (("old", 367, False), ("kept", 367, True), ("new", 365, False)):
            stored_at = clock.at - days_ago * DAY
            row = {"id": name, "stored_at": stored_at, "restricted": restricted, **record}
            connection.execute(insert(tables.record).values(row))
            connection.execute(insert(tables.contact_moment).values(stored_at=stored_at, **contact))
    holder = Holder()
    assert run(store, audit, clock, holder) == Removed(0, 1, 2, 0, 0)
    assert holder.deleted == [("a", "vacature", ["old"])]


def test_without_a_place_for_the_statement_nothing_of_the_log_goes(
    store: Store, audit: Audit, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days(store, audit, clock, 2)
    clock.at += 70 * DAY

    def full(statement: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audit.checkpoints, "add", full)
    with pytest.raises(AuditUnavailable):
        run(store, audit, clock)
    assert len(rows_of(store)) == 6
    assert checked(store, tmp_path).problems == ()

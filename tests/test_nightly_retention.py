"""What the store knows of a night goes once it is published no more and none of its vumIDs can be used."""

import json
from pathlib import Path

import pytest
from logs import Clock, audit_in
from sqlalchemy import insert, select

from api.clock import DAY
from api.exchange.audit import Audit
from api.exchange.keys import Keys, create_keys, read_keys, rotate_keys
from api.exchange.nightly.nights import Nights
from api.exchange.nightly.notices import NOTICES, notify
from api.exchange.nightly.retention import forget_nights
from api.exchange.nightly.taking_out import Taken
from api.store import Store
from api.store.tables import audit_entry, night, nightly_fetch, nightly_part, nightly_withdrawal

OIN = f"{20:020}"


class Kept:
    """Nights in a store and in a folder, one a day, whose vumIDs live for two days."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.clock = store, Clock()
        self.audit: Audit = audit_in(store, folder, self.clock)
        self.file, self.nights = folder / "keys.json", Nights(folder / "nights")
        create_keys(self.file, self.clock)
        (self.nights.root / ".versions").mkdir(parents=True)

    def add(self, number: int, state: str = "published", *, kept: bool = True) -> None:
        name, now = f"2027-01-{number:02}.{number}", self.clock.at
        before = number - 1 if number > 1 else None
        about = {"number": number, "name": name, "run": f"{number:024x}", "state": state, "before": before}
        about |= {"key_id": Keys(self.file).newest().id.hex(), "cut_off": now, "published_at": None}
        party = {"controller_oin": OIN, "processor_oin": OIN, "fetched_at": now}
        with self.store.write() as connection:
            connection.execute(insert(night).values(settings={"expires_at": now + 2 * DAY}, **about))
            part = {"night": number, "path": "p", "sha256": "", "logged_at": now}
            connection.execute(insert(nightly_part).values(part))
            connection.execute(insert(nightly_fetch).values(night=number, **party))
        if kept:
            (self.nights.root / ".versions" / name).mkdir()
            (self.nights.root / name).symlink_to(f".versions/{name}")
            (self.nights.root / "current").unlink(missing_ok=True)
            (self.nights.root / "current").symlink_to(name)
        self.clock.at += DAY

    def withdraw(self, *, is_finished: bool = True) -> None:
        finished = self.clock.at if is_finished else None
        about = {"oin": OIN, "withdrawn_at": self.clock.at, "finished_at": finished}
        with self.store.write() as connection:
            connection.execute(insert(nightly_withdrawal).values(about))
        self.clock.at += DAY // 2

    def forget(self) -> int:
        return forget_nights(self.audit, self.file, self.nights, self.clock)

    def numbers(self) -> list[int]:
        """The nights that are left; files and fetches are those of the same."""
        with self.store.read() as connection:
            found = connection.scalars(select(night.c.number).order_by(night.c.number)).all()
            for column in (nightly_part.c.night, nightly_fetch.c.night):
                assert connection.scalars(select(column).order_by(column)).all() == found
        return list(found)

    def withdrawals(self) -> int:
        with self.store.read() as connection:
            return len(connection.execute(select(nightly_withdrawal)).all())


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    return Kept(store, tmp_path)


def test_a_night_that_is_kept_stays_with_the_one_that_its_changes_are_told_against(kept: Kept) -> None:
    for number in (1, 2, 3):
        kept.add(number, kept=False)
    for number in (4, 5):
        kept.add(number)
    kept.clock.at += 30 * DAY
    assert kept.forget() == 2
    assert kept.numbers() == [3, 4, 5]
    assert kept.forget() == 0


def test_a_night_stays_as_long_as_its_vum_ids_can_be_used(kept: Kept) -> None:
    kept.add(1, kept=False)
    kept.add(2, "abandoned", kept=False)
    kept.add(3, kept=False)
    kept.add(4)
    kept.clock.at -= 3 * DAY
    assert kept.forget() == 0
    kept.clock.at += DAY
    assert kept.forget() == 1
    assert kept.numbers() == [2, 3, 4]


def test_the_latest_night_and_one_that_runs_stay_whatever_their_age(kept: Kept) -> None:
    kept.add(1, "running", kept=False)
    kept.add(2, "abandoned", kept=False)
    kept.add(3, "abandoned", kept=False)
    kept.clock.at += 30 * DAY
    assert kept.forget() == 1
    assert kept.numbers() == [1, 3]


def test_a_withdrawal_stays_as_long_as_a_night_that_was_begun_before_it(kept: Kept) -> None:
    kept.withdraw(is_finished=False)
    kept.withdraw()
    kept.add(1, kept=False)
    kept.withdraw()
    kept.add(2, kept=False)
    kept.add(3)
    kept.clock.at -= 2 * DAY
    assert kept.forget() == 0
    assert kept.withdrawals() == 2
    kept.add(4)
    kept.clock.at += 30 * DAY
    assert kept.forget() == 1
    assert kept.withdrawals() == 1


def test_a_key_goes_once_its_time_is_over_and_no_night_that_is_known_was_sealed_by_it(kept: Kept) -> None:
    kept.add(1, kept=False)
    rotate_keys(kept.file, kept.clock, 1)
    kept.add(2, kept=False)
    kept.add(3)
    first, newest = (key.id for key in read_keys(kept.file))
    kept.clock.at -= 2 * DAY
    kept.forget()
    assert [key.id for key in read_keys(kept.file)] == [first, newest]
    kept.clock.at += 30 * DAY
    kept.forget()
    assert [key.id for key in read_keys(kept.file)] == [newest]


def test_notices_stay_as_long_as_the_night_that_they_tell_of(kept: Kept) -> None:
    folder, other = kept.nights.root / NOTICES, f"{21:020}"
    for number in (1, 2, 3):
        kept.add(number, kept=False)
        with kept.nights.changing():
            for party in (OIN, other) if number < 3 else (OIN,):
                name = f"2027-01-{number:02}.{number}"
                notify(kept.nights, party, f"{number}", name, Taken(vum_ids=["a"]), None)
    kept.add(4)
    before = (folder / f"{OIN}.ndjson").read_bytes().splitlines()
    kept.forget()
    assert (folder / f"{OIN}.ndjson").read_bytes().splitlines() == before[2:]
    assert not (folder / f"{other}.ndjson").exists()
    assert kept.numbers() == [3, 4]


def test_the_log_tells_what_was_forgotten_and_nothing_where_nothing_was(kept: Kept) -> None:
    for number in (1, 2, 3):
        kept.add(number, kept=number == 3)
    kept.forget()
    kept.clock.at += 30 * DAY
    kept.forget()
    with kept.store.read() as connection:
        entries = connection.execute(select(audit_entry.c.kind, audit_entry.c.body)).all()
    assert [(kind, json.loads(body)) for kind, body in entries] == [
        ("nightly-retention", {"removed": {"nights": 1, "withdrawals": 0, "keys": 0}})
    ]

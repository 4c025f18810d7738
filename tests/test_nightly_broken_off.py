"""A run that was broken off keeps nobody who is withdrawn, and a withdrawal costs nobody else their lists."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
from exchange_world import OTHER_OWNER, OWNER
from nightly_world import NightlyWorld, copied, during, tomorrow
from sqlalchemy import select

from api.clock import DAY, SECOND
from api.exchange.handles import Handles
from api.exchange.keys import rotate_keys
from api.exchange.nightly.lease import Lease, end_silent
from api.exchange.nightly.nights import CURRENT, EXPECTED, RUNS, Nights
from api.exchange.nightly.withdrawal import Withdrawal, finish, withdraw
from api.store import Store, tables
from data.errors import OutputError
from engine.nightly import NightlyError

PERSON = ("two", "two-p1")


@pytest.fixture
def world(one_night: Path, tmp_path: Path) -> NightlyWorld:
    made = copied(one_night, tmp_path / "state")
    tomorrow(made)
    return made


def take(world: NightlyWorld) -> None:
    asked = Withdrawal(source_id=PERSON[0], record_id=PERSON[1])
    withdraw(world.audit, world.keys, world.nights, world.clock, asked, "test")


def break_off(world: NightlyWorld, monkeypatch: pytest.MonkeyPatch, owner: object, step: str) -> None:
    """Begin a night, and have it die in a step."""
    monkeypatch.setattr(owner, step, killed)
    with pytest.raises(KeyboardInterrupt):
        world.run()
    monkeypatch.undo()


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def shows(world: NightlyWorld, night: str | None = None) -> bool:
    """Whether the person stands anywhere in the lists of a night."""
    party = asyncio.run(world.caller(OWNER))
    tokens = world.frame(OWNER, "vacature", night=night)["vumID"]
    opened = [world.handles.open(each, "werkzoekende", party) for each in tokens]
    own = world.frame(OTHER_OWNER, "werkzoekende", night=night)["own_id"]
    return PERSON in [each and (each.source_id, each.record_id) for each in opened] or PERSON[1] in own


def states(world: NightlyWorld) -> list[str]:
    with world.store.read() as connection:
        return list(connection.scalars(select(tables.night.c.state).order_by(tables.night.c.number)))


def test_a_night_whose_run_died_right_after_it_was_shown_loses_who_is_withdrawn_and_nobody_else(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = world.nights.show

    def shown_and_killed(name: str) -> None:
        show(name)
        raise KeyboardInterrupt

    monkeypatch.setattr(world.nights, "show", shown_and_killed)
    with pytest.raises(KeyboardInterrupt):
        world.run()
    monkeypatch.undo()
    assert states(world) == ["published", "running"]
    night = world.nights.names()[0]
    assert shows(world, night)
    take(world)
    assert world.parties() == [OWNER, OTHER_OWNER]
    assert not shows(world, night)
    assert world.run().name == night
    assert states(world) == ["published", "published"]
    assert world.parties() == [OWNER, OTHER_OWNER]
    assert not shows(world, night)
    tomorrow(world)
    assert world.run().number == 3


@pytest.mark.parametrize("step", ["_seal", "show"])
def test_what_a_broken_off_run_has_of_who_is_withdrawn_goes_and_the_run_begins_anew(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    break_off(world, monkeypatch, world.nights if step == "show" else world.runner, step)
    assert (world.nights.root / RUNS).exists()
    take(world)
    assert not (world.nights.root / RUNS).exists()
    # A night that was put and never shown is none, either.
    assert [each.name for each in (world.nights.root / ".versions").iterdir()] == [world.nights.folder().name]
    assert [path.name for path in world.nights.root.glob("2*")] == world.nights.names()
    assert world.run().number == 2
    assert states(world) == ["published", "published"]
    assert not shows(world)


def test_what_a_withdrawal_left_undone_is_done_by_the_next_run_before_it_begins(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off(world, monkeypatch, world.runner, "_seal")
    monkeypatch.setattr("api.exchange.nightly.withdrawal.finish", lambda *_: None)
    take(world)
    monkeypatch.undo()
    found: list[bool] = []
    begin = world.runner._begin

    def looking(*arguments: Any) -> Any:
        found.append((world.nights.root / RUNS).exists())
        return begin(*arguments)

    monkeypatch.setattr(world.runner, "_begin", looking)
    world.run()
    assert found == [False]
    assert not shows(world)


def test_a_run_that_is_at_work_keeps_its_files_when_somebody_is_withdrawn(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off(world, monkeypatch, world.runner, "_seal")
    with Lease(world.store, world.clock).held():
        take(world)
        assert (world.nights.root / RUNS / "2" / "snapshot").exists()
    finish(world.audit, world.keys, world.nights, world.clock, "test")
    world.run()
    assert not shows(world)


def test_a_runner_that_is_silent_is_fenced_off_and_one_that_works_is_not(store: Store) -> None:
    now = [10**15]

    def is_ended() -> bool:
        with store.write() as connection:
            return end_silent(connection, now[0])

    assert not is_ended()
    lease = Lease(store, lambda: now[0], seconds=60)
    with lease.held():
        assert not is_ended()
        now[0] += 61 * SECOND
        assert is_ended()
        with store.write() as connection, pytest.raises(NightlyError, match="another took over"):
            lease.check(connection)
    with Lease(store, lambda: now[0]).held():
        assert not is_ended()


@pytest.mark.parametrize("how", ["its vumIDs expired", "its key was retired", "its key is gone"])
def test_who_is_withdrawn_from_a_night_whose_vum_ids_open_no_more_is_not_published(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(world.runner, "_days", 1)

    def change() -> None:
        take(world)
        if how == "its vumIDs expired":
            world.clock.at += DAY + SECOND
        for _ in range({"its key was retired": 1, "its key is gone": 2}.get(how, 0)):
            rotate_keys(world.folder / "keys.json", world.clock, 0)

    during(world, monkeypatch, "_seal", change)
    if how == "its key is gone":
        with pytest.raises(NightlyError, match="key"):
            world.run()
        assert len(world.nights.names()) == 1
        return
    night = world.run()
    party, handles = asyncio.run(world.caller(OWNER)), Handles(world.keys, lambda: night.cut_off)
    tokens = world.frame(OWNER, "vacature", night=night.name)["vumID"]
    opened = [handles.open(each, "werkzoekende", party) for each in tokens]
    assert opened
    assert PERSON not in [each and (each.source_id, each.record_id) for each in opened]


def test_a_withdrawal_that_cannot_see_which_night_is_the_newest_removes_none_and_is_done_later(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, readlink = world.nights.names(), Path.readlink

    def stale(path: Path) -> Path:
        if path.name == CURRENT:
            raise OSError(errno.ESTALE, "Stale file handle")
        return readlink(path)

    monkeypatch.setattr(Path, "readlink", stale)
    with pytest.raises(OutputError):
        take(world)
    monkeypatch.undo()
    assert world.nights.names() == before
    assert shows(world)
    finish(world.audit, world.keys, world.nights, world.clock, "test")
    assert not shows(world)


# What the next night is led to expect


def test_no_score_of_who_is_withdrawn_is_left_for_the_next_night(world: NightlyWorld) -> None:
    expected = world.nights.root / EXPECTED
    assert any(expected.iterdir())
    take(world)
    assert not expected.exists()
    world.run()
    assert any(expected.iterdir())


@pytest.mark.parametrize("step", ["_snapshot", "_seal"])
def test_a_run_during_which_somebody_is_withdrawn_leaves_no_score_of_theirs(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    during(world, monkeypatch, step, lambda: take(world))
    world.run()
    assert not (world.nights.root / EXPECTED).exists()


def test_nothing_of_a_run_is_put_away_where_nobody_ran(tmp_path: Path) -> None:
    nights = Nights(tmp_path / "nights")
    with nights.changing():
        nights.forget_runs()
        nights.clear()
    assert list(nights.root.iterdir()) == []

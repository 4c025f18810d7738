"""Who is withdrawn, restricted or erased, or takes part no more is gone from the nights on the next read."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from exchange_world import OTHER_OWNER, OWNER, QUESTION, vum_ids
from nightly_world import NightlyWorld, copied, published, tomorrow

from api.clock import DAY, SECOND
from api.exchange import subjects
from api.exchange.errors import Invalid
from api.exchange.keys import rotate_keys
from api.exchange.nightly.withdrawal import Withdrawal, fetch, withdraw, withdraw_ended
from api.exchange.wanted import OwnRecord, Wanted
from data.errors import QuestionError
from data.standard import Side

PERSON = ("two", "two-p1")


@pytest.fixture
def world(one_night: Path, tmp_path: Path) -> NightlyWorld:
    made = copied(one_night, tmp_path / "state")
    made.clock.at += 600 * SECOND
    return made


def about(world: NightlyWorld) -> tuple[Any, Any, Any, Any]:
    return world.audit, world.keys, world.nights, world.clock


def take(world: NightlyWorld, **what: Any) -> Any:
    return withdraw(*about(world), Withdrawal(**what), "test")


def opened(world: NightlyWorld, side: Side, controller: str, night: str | None = None) -> dict[str, Any]:
    """The vumIDs in the lists of a party, and what they stand for."""
    party = asyncio.run(world.caller(controller))
    other: Side = "werkzoekende" if side == "vacature" else "vacature"
    frame = world.frame(controller, side, night=night)
    found = {each: world.handles.open(each, other, party) for each in frame["vumID"]}
    return {each: handle and (handle.source_id, handle.record_id) for each, handle in found.items()}


def vum_id_of(world: NightlyWorld, record: tuple[str, str], controller: str = OWNER) -> str:
    """A vumID in a party's lists of matching profiles."""
    return next(each for each, found in opened(world, "vacature", controller).items() if found == record)


def opens(world: NightlyWorld, vum_id: str, controller: str = OWNER) -> bool:
    """Whether a vumID opens the detail; an explanation is given where it does, and nowhere else."""

    async def detail() -> bytes:
        return await world.exchange.detail(await world.caller(controller), "werkzoekende", vum_id)

    async def explain() -> bytes:
        wanted = Wanted("vacature", OwnRecord("one" if controller == OWNER else "two", f"{own}-v1"))
        return await world.exchange.explain(await world.caller(controller), wanted, vum_id)

    own = "one" if controller == OWNER else "two"
    told = []
    for ask in (detail, explain):
        try:
            asyncio.run(ask())
        except Invalid:
            told.append(False)
        else:
            told.append(True)
    assert told[0] == told[1]
    return told[0]


def is_held(world: NightlyWorld) -> bool:
    return world.hosted.body(PERSON[0], "werkzoekende", PERSON[1]) is not None


def test_a_vum_id_of_the_night_opens_nothing_of_who_was_withdrawn_although_the_record_is_still_held(
    world: NightlyWorld,
) -> None:
    gone, other = vum_id_of(world, PERSON), vum_id_of(world, ("two", "two-p2"))
    assert opens(world, gone)
    take(world, source_id=PERSON[0], record_id=PERSON[1])
    assert is_held(world)
    assert not opens(world, gone)
    assert opens(world, other)


def test_who_was_withdrawn_from_the_nights_is_in_later_ones_and_in_answers(world: NightlyWorld) -> None:
    take(world, source_id=PERSON[0], record_id=PERSON[1])
    tomorrow(world)
    world.run()
    assert opens(world, vum_id_of(world, PERSON))

    async def ask() -> bytes:
        return (await world.exchange.ask(await world.caller(OWNER), "werkzoekende", QUESTION)).body

    tokens = vum_ids(asyncio.run(ask()))
    handles = [world.handles.open(each, "werkzoekende", asyncio.run(world.caller(OWNER))) for each in tokens]
    take(world, source_id=PERSON[0], record_id=PERSON[1])
    (token,) = [
        each
        for each, handle in zip(tokens, handles, strict=True)
        if handle and (handle.source_id, handle.record_id) == PERSON
    ]
    assert opens(world, token)


@pytest.mark.parametrize("right", [subjects.restrict, subjects.erase])
def test_a_vum_id_of_the_night_opens_nothing_of_who_was_restricted_or_erased(
    world: NightlyWorld, right: Callable[..., None]
) -> None:
    vum_id = vum_id_of(world, PERSON)
    assert opens(world, vum_id)
    right(world.audit, world.hosted, *PERSON, "test")
    assert not opens(world, vum_id)


def test_the_list_of_an_own_record_that_was_withdrawn_opens_nothing_any_more(world: NightlyWorld) -> None:
    first = world.frame(OWNER, "vacature").row(0, named=True)
    assert opens(world, first["vumID"])
    take(world, source_id="one", record_id=first["own_id"])
    assert not opens(world, first["vumID"])
    assert opens(world, world.frame(OWNER, "vacature")["vumID"][0])


@pytest.mark.parametrize("whose", [OWNER, OTHER_OWNER])
def test_a_party_that_was_withdrawn_opens_nothing_and_nothing_of_it_is_opened(
    world: NightlyWorld, whose: str
) -> None:
    token, kept = vum_id_of(world, PERSON), vum_id_of(world, ("one", "one-p1"))
    assert opens(world, token)
    take(world, oin=whose)
    assert not opens(world, token)
    assert opens(world, kept) == (whose == OTHER_OWNER)


def test_a_party_whose_admission_ends_is_taken_out_of_the_nights_once(world: NightlyWorld) -> None:
    token = vum_id_of(world, PERSON)
    world.administration.end_party(OTHER_OWNER)
    for _ in range(2):
        withdraw_ended(*about(world), "test")
    assert world.parties() == [OWNER]
    assert set(opened(world, "vacature", OWNER).values()).isdisjoint({PERSON})
    assert not opens(world, token)
    assert [kind for kind, _ in world.entries()].count("nightly-withdrawn") == 1


def test_a_party_whose_admission_will_end_stays_until_the_first_run_after_that(world: NightlyWorld) -> None:
    night = world.nights.names()[0]
    world.administration.end_party(OTHER_OWNER, world.clock.at + DAY // 2)
    withdraw_ended(*about(world), "test")
    assert world.parties() == [OWNER, OTHER_OWNER]
    tomorrow(world)
    world.run()
    assert list(published(world)) == [world.nights.names()[0], night]
    for name in world.nights.names():
        folder = world.nights.folder(name)
        assert sorted(each.name for each in folder.iterdir() if each.is_dir()) == [OWNER]


def test_a_party_that_takes_part_no_more_can_fetch_nothing(world: NightlyWorld, tmp_path: Path) -> None:
    world.administration.end_party(OTHER_OWNER)
    with pytest.raises(QuestionError, match="takes part no more"):
        fetch(*about(world), OTHER_OWNER, tmp_path / "copy", actor="test")
    assert not (tmp_path / "copy").exists()
    fetch(*about(world), OWNER, tmp_path / "copy", actor="test")


@pytest.mark.parametrize("what", [{"source_id": PERSON[0], "record_id": PERSON[1]}, {"oin": OTHER_OWNER}])
def test_who_is_withdrawn_is_taken_out_of_nights_whose_vum_ids_have_expired(
    world: NightlyWorld, what: dict[str, str]
) -> None:
    frame = world.frame(OWNER, "vacature")
    gone = [
        each
        for each, found in opened(world, "vacature", OWNER).items()
        if found and (found == PERSON or ("oin" in what and found[0] == "two"))
    ]
    tomorrow(world, 8)
    assert set(opened(world, "vacature", OWNER).values()) == {None}
    take(world, **what)
    left = world.frame(OWNER, "vacature")["vumID"].to_list()
    assert left == [each for each in frame["vumID"] if each not in gone]
    assert len(left) < len(frame)


def test_a_night_whose_key_is_there_no_more_is_taken_out_whole(world: NightlyWorld) -> None:
    for _ in range(2):
        rotate_keys(world.folder / "keys.json", world.clock, 0)
    taken = take(world, source_id=PERSON[0], record_id=PERSON[1])
    assert world.parties() == []
    assert {each.whole for parties in taken.values() for each in parties.values()} == {True}
    notices = world.nights.root / "notices"
    assert all(json.loads(path.read_bytes())["all"] for path in notices.iterdir())


def test_whoever_withdraws_first_does_what_was_left_undone(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.exchange.nightly.withdrawal.finish", lambda *_: None)
    token = vum_id_of(world, PERSON)
    take(world, source_id=PERSON[0], record_id=PERSON[1])
    assert PERSON in opened(world, "vacature", OWNER).values()
    # The folders still have it; nothing opens it from the moment that it was asked for.
    assert not opens(world, token)
    monkeypatch.undo()
    take(world, source_id="two", record_id="two-p2")
    found = set(opened(world, "vacature", OWNER).values())
    assert found.isdisjoint({PERSON, ("two", "two-p2")})


def test_what_is_fetched_never_holds_what_was_withdrawn(
    world: NightlyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.exchange.nightly.withdrawal.finish", lambda *_: None)
    token = vum_id_of(world, PERSON)
    take(world, source_id=PERSON[0], record_id=PERSON[1])
    fetch(*about(world), OWNER, tmp_path / "copy", actor="test")
    copied = pl.read_parquet(tmp_path / "copy" / "matches" / "vacature" / "*.parquet")
    assert len(copied)
    assert token not in copied["vumID"]

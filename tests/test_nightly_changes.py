"""Changes are what two nights tell that are opened vumID by vumID, as far as those of the first open."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from exchange_world import OTHER_OWNER, OWNER
from nightly_world import NightlyWorld, copied, filled, tomorrow
from ranking_world import cook

from api.clock import DAY
from api.exchange.handles import Handles, Party
from api.exchange.keys import rotate_keys
from api.exchange.nightly.lists import CHANGES
from api.exchange.nightly.recipients import OTHER
from data.standard import Side

OWN = ["own_source", "own_id"]
GONE = "two-p0"


@pytest.fixture(scope="module")
def template(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with a night, after which somebody comes, and somebody goes."""
    folder = tmp_path_factory.mktemp("template") / "state"
    with filled(folder, migrated_file) as world:
        world.run(top=20)
        world.put("two", "werkzoekende", *(cook(f"two-new{n}") for n in range(2)))
        world.hosted.delete("two", "werkzoekende", [GONE])
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> NightlyWorld:
    return copied(template, tmp_path / "state")


def opened(frame: pl.DataFrame, handles: Handles, side: Side, party: Party) -> pl.DataFrame:
    """Lists with who stands in them; whoever's vumID opens no more is left out."""
    found = [handles.open(each, OTHER[side], party) for each in frame["vumID"]]
    return (
        frame.select(*OWN, "rank", "vumID")
        .with_columns(
            source=pl.Series([each and each.source_id for each in found], dtype=pl.String),
            id=pl.Series([each and each.record_id for each in found], dtype=pl.String),
        )
        .drop_nulls("source")
    )


def told(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """What changed between lists that were opened."""
    was, now = (
        {tuple(row[name] for name in (*OWN, "source", "id")): row for row in each.iter_rows(named=True)}
        for each in (before, after)
    )
    changes = []
    for own_source, own_id, *who in was.keys() | now.keys():
        key = own_source, own_id, *who
        old, new = (each.get(key, {"vumID": None, "rank": None}) for each in (was, now))
        if old["rank"] != new["rank"]:
            change = "new" if key not in was else "gone" if key not in now else "moved"
            changes.append((own_source, own_id, change, new["vumID"], old["vumID"], new["rank"], old["rank"]))
    return pl.DataFrame(changes, CHANGES, orient="row")


def rotate(world: NightlyWorld, keep_days: int) -> None:
    rotate_keys(world.folder / "keys.json", world.clock, keep_days)


def nothing(_: NightlyWorld) -> None:
    pass


ALL = {"new", "gone", "moved"}


@pytest.mark.parametrize(
    ("days", "between", "found"),
    [
        (1, nothing, ALL),
        (8, nothing, {"new"}),
        (1, partial(rotate, keep_days=7), ALL),
        (1, partial(rotate, keep_days=0), {"new"}),
    ],
    ids=["a day", "8 days, when they have expired", "a day, another key", "a day, a retired key"],
)
def test_changes_are_those_of_nights_that_are_opened(
    world: NightlyWorld, days: int, between: Callable[[NightlyWorld], None], found: set[str]
) -> None:
    before = world.nights.names()[0]
    between(world)
    tomorrow(world, days)
    # A list in the file of another is found, too: their blocks don't hold the same own records.
    night = world.run(top=20, block=5)
    handles, kinds = Handles(world.keys, lambda: night.cut_off), set()
    for controller in (OWNER, OTHER_OWNER):
        party = asyncio.run(world.caller(controller))
        for side in OTHER:
            frames = [world.frame(controller, side, night=each) for each in (before, night.name)]
            # Lists of own records that are there no more aren't told of.
            frames[0] = frames[0].filter(pl.col("own_id") != GONE)
            expected = told(*(opened(each, handles, side, party) for each in frames))
            assert (
                world.frame(controller, side, "changes")
                .sort(*OWN, "rank", "rank_before")
                .equals(expected.sort(*OWN, "rank", "rank_before"))
            )
            kinds |= set(expected["change"])
    assert kinds == found


def test_nobody_is_told_who_stood_in_lists_whose_key_is_there_no_more(world: NightlyWorld) -> None:
    for _ in range(2):
        rotate(world, 0)
    tomorrow(world)
    world.run(top=20)
    changes = world.frame(OWNER, "vacature", "changes")
    assert len(changes) == len(world.frame(OWNER, "vacature"))
    assert set(changes["change"]) == {"new"}


def test_no_vum_id_is_opened_to_tell_changes(world: NightlyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def opening(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Handles, "open", opening)
    world.clock.at += DAY
    world.run(top=20)
    assert len(world.frame(OWNER, "vacature", "changes"))

"""Small worlds made up by chance, in which many parties at once get their lists of a night."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from exchange_world import NOW, supplied
from nightly_world import NightlyWorld, kitchen
from ranking_world import cook
from sqlalchemy import Table, insert, select, update
from stores import copied_store

from api.clock import SECOND
from api.exchange import records
from api.exchange.errors import ExchangeError
from api.exchange.nightly.recipients import OTHER, folder_of
from api.exchange.rules import may_hold
from api.exchange.wanted import OwnRecord, Wanted
from api.store import tables
from data.standard import Side

PARTIES = [f"{number:020}" for number in range(100, 124)]
SUPPLIERS = [f"{number:020}" for number in range(200, 203)]
PLACES = ("6511AB", "6512AB", "6500AA", "6811AB", "1011AB", "9999XX")
LONG_AGO, SOON, LATER = NOW - 10**12, NOW + SECOND, NOW + 10**12
TOP = 5
"""Fewer than match many of the records, so that lists are cut off."""

Json = dict[str, Any]


class StatesWorld(NightlyWorld):
    """A world without the parties of others, whose registry and records are made up by `fill_by_chance`."""

    def _register(self) -> None:
        """Leave the registry empty."""


def fill_by_chance(world: StatesWorld, draw: random.Random) -> None:
    """Make up parties, mandates, sources, scopes and records; what is registered isn't always in force."""

    def chance(share: float) -> bool:
        return draw.random() < share

    def period(first: str, until: str) -> Json:
        # Mostly in force, or nobody would ever be let through all rules at once.
        if chance(0.9):
            return {first: LONG_AGO, until: draw.choice([None, None, LATER])}
        return dict(zip((first, until), draw.choice([(LONG_AGO, SOON), (LATER, None)]), strict=True))

    valid = ("valid_from", "valid_until")
    rows: dict[Table, list[Json]] = {
        tables.phase: [
            {"name": name, "opens_at": draw.choice([LONG_AGO, None, LATER]) if chance(0.1) else LONG_AGO}
            for name in ("pilot", "gemeenten_uwv", "openbaar", "privaat")
        ],
        tables.agreement: [{"version": "1.0", "in_force_from": LONG_AGO}],
        tables.party: [
            {
                "oin": oin,
                "name": "",
                "kind": draw.choice(["uwv", "gemeente", "gemeente", "openbaar", "privaat"]),
                "suwi": chance(0.6),
                "pilot": chance(0.3),
                **period("admitted_from", "admitted_until"),
            }
            for oin in PARTIES
        ],
        tables.mandate: [
            {"processor_oin": draw.choice([*SUPPLIERS, *PARTIES]), "controller_oin": oin, **period(*valid)}
            for oin in PARTIES
            for _ in range(draw.randrange(3))
        ],
    }
    if chance(0.2):
        rows[tables.agreement].append({"version": "2.0", "in_force_from": draw.choice([SOON, LATER])})
    rows[tables.acceptance] = [
        {"oin": oin, "version": each["version"], "accepted_at": draw.choice([LONG_AGO, SOON])}
        for oin in PARTIES
        for each in rows[tables.agreement]
        if chance(0.95)
    ]
    mandated = {each["controller_oin"]: each["processor_oin"] for each in rows[tables.mandate]}
    owners = [*PARTIES, *draw.sample(PARTIES, 4)]
    rows[tables.source] = [
        {
            "id": f"s{number}",
            "oin": oin,
            "processor_oin": mandated.get(oin, draw.choice(SUPPLIERS)) if chance(0.3) else oin,
            "name": "",
            "hosted": True,
            **period(*valid),
        }
        for number, oin in enumerate(owners)
    ]
    rows[tables.source_scope] = [
        {
            "source_id": f"s{number}",
            "side": side,
            "scope": draw.choice(["alle", "alle", "openbaar", "suwi"]),
            **period(*valid),
        }
        for number in range(len(owners))
        for side in draw.choice([(None,), (None,), ("vacature",), (*OTHER,), (None, "werkzoekende"), ()])
    ]
    with world.store.write() as connection:
        for table, values in rows.items():
            if values:
                connection.execute(insert(table), values)
        connection.execute(update(tables.registry_version).values(n=1))
        for number in range(len(owners)):
            _put_by_chance(connection, f"s{number}", draw)
    world.clock.at += 60 * SECOND
    world.hosted.rebuild()


def _put_by_chance(connection: Any, source_id: str, draw: random.Random) -> None:
    for side in OTHER:
        made = []
        for n in range(draw.choice([0, 0, 1, 1, 2])):
            place, occupation, name = draw.choice(PLACES), draw.randrange(3), f"{side[0]}{n}"
            if side == "werkzoekende":
                record = cook(name, place, occupation)
                if draw.random() < 0.3:
                    record["mobiliteit"]["maximaleReisafstand"] = draw.choice([5, 20, 200])
            else:
                record = kitchen(name, place, occupation)
                if draw.random() < 0.1:
                    record["sluitingsdatumVacature"] = "2020-01-01"
            made.append(records.prepared(supplied(record), record, side))
        expires_at = SOON if draw.random() < 0.05 else None
        if made:
            records.put(connection, source_id, side, made, NOW, expires_at)
        if made and draw.random() < 0.1:
            records.restrict(connection, [records.Key(source_id, side, made[0].id)])


@dataclass(frozen=True)
class Asked:
    """What the exchange would answer to a party for one of its own records; nothing where it refuses."""

    side: Side
    key: tuple[str, str]
    answer: list[Json]


def live(world: StatesWorld) -> dict[str, list[Asked]]:
    """Ask the exchange for the ranking of every record on behalf of who has it, by the name of its folder."""
    registry, at = world.reader.current(), world.clock()
    with world.store.read() as connection:
        rows = connection.execute(select(tables.record).order_by(tables.record.c.source_id)).all()

    async def ask() -> dict[str, list[Asked]]:
        found: dict[str, list[Asked]] = {}
        for row in rows:
            source, side = registry.sources[row.source_id], cast(Side, row.side)
            own = OwnRecord(row.source_id, row.id)
            answer: list[Json] = []
            try:
                caller = await world.caller(source.oin, source.processor_oin)
                body = (await world.exchange.rank(caller, Wanted(side, own, top=TOP))).body
            except ExchangeError:
                pass
            else:
                # It may ask for itself, but a source that holds nothing by the rules is in no night.
                if may_hold(registry, row.source_id, at):
                    answer = [_told(world, each, side, caller) for each in json.loads(body)["matches"]]
            name = folder_of(source.oin, source.processor_oin)
            found.setdefault(name, []).append(Asked(side, (own.source_id, own.record_id), answer))
        return found

    return asyncio.run(ask())


def _told(world: StatesWorld, match: Json, side: Side, caller: Any) -> Json:
    shown = dict(match["match"])
    handle = world.handles.open(shown.pop("vumID"), OTHER[side], caller)
    assert handle
    return {
        "record": (handle.source_id, handle.record_id),
        "rank": match["rank"],
        "score": match["score"],
        "scores": match["scores"],
        "unknown": match["unknown"],
        "distance_km": match["distanceKm"],
        "match": shown,
    }


def published(world: StatesWorld, name: str) -> Iterator[tuple[Side, tuple[str, str], Json]]:
    """Give the rows of the lists in a party's folder: side and key of its own record, and what it says."""
    controller, _, processor = name.partition("-")
    party = _Party(controller, processor or controller)
    for side in OTHER:
        if not (world.nights.folder() / name / "matches" / side).exists():
            continue
        for row in world.frame(name, side).iter_rows(named=True):
            handle = world.handles.open(row["vumID"], OTHER[side], party)
            assert handle
            yield (
                side,
                (row["own_source"], row["own_id"]),
                {
                    "record": (handle.source_id, handle.record_id),
                    "rank": row["rank"],
                    "score": row["score"],
                    "scores": {each: row[f"score_{each}"] for each in ("vacancy", "profile", "mutual")},
                    "unknown": row["unknown"],
                    "distance_km": row["distance_km"],
                    "match": json.loads(row["match"]),
                },
            )


@dataclass(frozen=True)
class _Party:
    controller: str
    processor: str


def world_in(folder: Path, template: Path, empty_index: Path) -> StatesWorld:
    """Open a world without parties and records; `template` has all tables."""
    folder.mkdir()
    return StatesWorld(copied_store(template, folder), folder / "state", empty_index)

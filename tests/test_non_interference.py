"""What a caller may not see changes nothing that it sees: the same bytes are answered, with it and without.

With the registry, rules, store, log, hosted sources and index of the exchange itself. A vraagID stands for
its question and a vumID for its record; both are random in every answer.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable
from dataclasses import dataclass
from itertools import count, zip_longest
from pathlib import Path
from typing import Any, cast

import pytest
from exchange_world import GEMEENTE, NOW, OWNER, PRIVAAT, Json
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from ranking_world import OCCUPATIONS, SKILL, RankingWorld
from sqlalchemy import insert, update
from stores import copied_store

from api.clock import DAY
from api.exchange.errors import ExchangeError
from api.exchange.questions import Limits
from api.exchange.rules import Caller
from api.exchange.wanted import Wanted
from api.store import tables
from data.standard import Side

POSTCODES = ("6511AB", "6512CD", "6821AA", "1011AB")
SIDES: tuple[Side, Side] = ("werkzoekende", "vacature")
INCLUDED = {"alle": {GEMEENTE, PRIVAAT}, "openbaar": {GEMEENTE}, "suwi": {GEMEENTE}}
KVK = "12345678"
# Most of them no taxonomy knows: an index learns them from the records that it holds.
SKILLS = [SKILL, *({"codeCompetentie": f"urn:elders:vaardigheid:{letter}"} for letter in "cab")]
ALL_SKILLS = frozenset(range(len(SKILLS)))


@dataclass(frozen=True)
class Source:
    """A source: whom it shares its profiles and vacancies with (None: nobody), and whether it ended."""

    scopes: tuple[str | None, str | None]
    ended: bool

    def shares(self, side: Side, with_whom: str) -> bool:
        """Whether a caller may see its records, told without the rules of the exchange."""
        scope = self.scopes[SIDES.index(side)]
        return not self.ended and scope is not None and with_whom in INCLUDED[scope]


@dataclass(frozen=True)
class Held:
    """A record in a source; `hidden` says how it is kept from everybody, if it is."""

    source: int
    side: Side
    place: int
    occupation: int
    skills: frozenset[int]
    hidden: str = ""

    def record(self, record_id: str) -> Json:
        """The record, by an id that tells nothing of it."""
        code = {"codeBeroepsnaam": OCCUPATIONS[self.occupation]}
        skills = [SKILLS[number] for number in sorted(self.skills)]
        if self.side == "vacature":
            closing = "2027-01-14" if self.hidden == "closed" else "2027-12-31"
            return {
                "idVacature": record_id,
                "adres": {"postcode": POSTCODES[self.place]},
                "beroep": code,
                "competentiebeheersing": skills,
                "sluitingsdatumVacature": closing,
            }
        return {
            "idWerkzoekende": record_id,
            "mobiliteit": {"bemiddelingspostcode": POSTCODES[self.place]},
            "bemiddelingsberoep": [code],
            "arbeidsmarktkwalificatie": {"competentiebeheersing": skills},
        }


SCOPE = st.sampled_from([None, "suwi", "openbaar", "alle", "alle"])
SOURCES = st.lists(
    st.builds(Source, st.tuples(SCOPE, SCOPE), st.integers(0, 4).map(lambda number: number == 0)),
    min_size=2,
    max_size=4,
)


def held(n_sources: int, hidden: bool = False) -> st.SearchStrategy[Held]:
    return st.sampled_from(SIDES).flatmap(
        lambda side: st.builds(
            Held,
            st.integers(0, n_sources - 1),
            st.just(side),
            st.integers(0, len(POSTCODES) - 1),
            st.integers(0, len(OCCUPATIONS) - 1),
            st.frozensets(st.sampled_from(sorted(ALL_SKILLS))),
            st.sampled_from(
                ["", "restricted", "expired", *(["closed"] if side == "vacature" else [])] if hidden else [""]
            ),
        )
    )


def put(world: RankingWorld, each: Held, record_id: str) -> None:
    source_id = f"bron-{each.source}"
    record = each.record(record_id)
    expires_at = NOW if each.hidden == "expired" else None
    body = json.dumps(record).encode()
    world.hosted.put(source_id, each.side, record_id, body, record, expires_at=expires_at)
    if each.hidden == "restricted":
        with world.store.write() as connection:
            connection.execute(
                update(tables.record).where(tables.record.c.id == record_id).values(restricted=True)
            )


class Worlds:
    """Makes worlds, one after another, each in a folder of its own."""

    def __init__(self, folder: Path, migrated: Path, empty_index: Path) -> None:
        self._folder, self._migrated, self._empty_index = folder, migrated, empty_index
        self._numbers = count()

    def make(self, sources: list[Source]) -> RankingWorld:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        store = copied_store(self._migrated, folder)
        # Low limits, so that a record more would push another one out.
        world = RankingWorld(store, folder, self._empty_index, limits=Limits(matches=2, details=2))
        for number, source in enumerate(sources):
            source_id = f"bron-{number}"
            world.administration.register_source(source_id, OWNER, source_id, first=NOW - DAY)
            for side, scope in zip(SIDES, source.scopes, strict=True):
                if scope is not None:
                    world.administration.set_scope(source_id, cast(Any, scope), side=side, first=NOW - DAY)
            if source.ended:
                world.administration.end_source(source_id)
        return world

    def drop(self, world: RankingWorld) -> None:
        world.store.close()
        shutil.rmtree(self._folder)
        self._folder.mkdir()


@pytest.fixture(scope="module")
def worlds(migrated_file: Path, empty_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return Worlds(tmp_path_factory.mktemp("worlds"), migrated_file, empty_index)


class Seen:
    """All that one caller can get out of an exchange."""

    def __init__(self, world: RankingWorld, controller: str) -> None:
        self._world, self._controller = world, controller
        self._known: list[tuple[str, str]] = []

    def everything(self) -> list[tuple[str, bytes]]:
        """Every kind of answer, named; ids that are random are replaced by what they stand for."""
        return asyncio.run(self._everything())

    async def _everything(self) -> list[tuple[str, bytes]]:
        world, told = self._world, []
        caller = await world.caller(self._controller)
        before = {each.id for each in await world.exchange.history(caller)}
        for side in SIDES:
            for afstand in (1, 999):
                area = {"selectiegebied": {"postcode": POSTCODES[0], "afstand": afstand}}
                answer = await world.exchange.ask(caller, side, {"vraagObject": area})
                told.append((f"ask {side} {afstand}", self._bare(answer.body, caller, side)))
                told.append(("completeness", answer.completeness.encode()))
                if afstand == 999:
                    told += await self._of_each(caller, side, answer.body)
            other: Side = "vacature" if side == "werkzoekende" else "werkzoekende"
            record = Held(0, other, 0, 0, ALL_SKILLS).record("asking")
            for options in ({"top": 1}, {"top": 2}, {"question": {"vraagObject": area}, "top": 2}):
                wanted = Wanted(other, record, **cast(Any, options))
                answer = await world.exchange.rank(caller, wanted)
                told.append((f"rank {side} {options}", self._bare(answer.body, caller, side)))
                told.append(("completeness", answer.completeness.encode()))
            for each in json.loads(answer.body)["matches"]:
                told.append(
                    ("explain", await _told(world.exchange.explain(caller, wanted, each["match"]["vumID"])))
                )
        contacts = {"vraagObject": {"werkgever.nummerKvk": {"$eq": KVK}}}
        answer = await world.exchange.contacts(caller, contacts)
        told.append(("contacts", self._bare(answer.body, caller, "vacature")))
        told += [
            ("history", json.dumps([each.kind, each.side, each.criteria, each.completeness]).encode())
            for each in await world.exchange.history(caller)
            if each.id not in before
        ]
        told += [
            ("details left", str(each.details_left).encode())
            for each in await world.exchange.history(caller)
            if each.id not in before
        ]
        return told

    async def _of_each(self, caller: Caller, side: Side, body: bytes) -> list[tuple[str, bytes]]:
        return [
            ("detail", await _told(self._world.exchange.detail(caller, side, each["vumID"])))
            for each in json.loads(body)["matches"]
        ]

    def _bare(self, body: bytes, caller: Caller, side: Side) -> bytes:
        parsed = json.loads(body)
        if "vraagID" in parsed:
            body = body.replace(parsed["vraagID"].encode(), b"(vraagID)")
        for each in parsed["matches"]:
            match = each.get("match", each)
            if "vumID" in match:
                handle = self._world.handles.open(match["vumID"], side, caller)
                assert handle is not None
                name = f"({handle.source_id} {handle.record_id})".encode()
                body = body.replace(match["vumID"].encode(), name)
        return body


async def _told(answering: Awaitable[bytes]) -> bytes:
    """What is answered, or the words by which it is refused."""
    try:
        return await answering
    except ExchangeError as refused:
        return str(refused).encode()


def seen(world: RankingWorld, controller: str) -> list[tuple[str, bytes]]:
    return Seen(world, controller).everything()


def different(
    one: list[tuple[str, bytes]], other: list[tuple[str, bytes]]
) -> list[tuple[tuple[str, bytes], tuple[str, bytes]]]:
    """The answers that are not the same."""
    return [(a, b) for a, b in zip_longest(one, other, fillvalue=("", b"")) if a != b]


# Shrinking would make worlds for minutes; what is different is told anyway.
QUICK = settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])


@settings(QUICK, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), controller=st.sampled_from([GEMEENTE, PRIVAAT]))
def test_answers_are_the_same_bytes_with_and_without_what_the_caller_may_not_see(
    worlds: Worlds, data: st.DataObject, controller: str
) -> None:
    sources = data.draw(SOURCES)
    n_sources = len(sources)
    records = data.draw(st.lists(held(n_sources), min_size=2, max_size=6))
    forbidden = data.draw(
        st.lists(
            held(n_sources, hidden=True).filter(
                lambda each: each.hidden or not sources[each.source].shares(each.side, controller)
            ),
            min_size=1,
            max_size=3,
        )
    )
    world = worlds.make(sources)
    try:
        for number, each in enumerate(records):
            put(world, each, f"r{number}")
        without = seen(world, controller)
        for number, each in enumerate(forbidden):
            put(world, each, f"forbidden{number}")
        assert different(seen(world, controller), without) == []
        if data.draw(st.booleans()):
            world.hosted.rebuild()
            assert different(seen(world, controller), without) == []
    finally:
        worlds.drop(world)


@settings(QUICK, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_answers_are_the_same_bytes_before_a_record_came_and_after_it_was_deleted(
    worlds: Worlds, data: st.DataObject
) -> None:
    sources = [Source(("alle", "alle"), ended=False)]
    records = data.draw(st.lists(held(1), min_size=1, max_size=5))
    passing = data.draw(held(1))
    world = worlds.make(sources)
    try:
        for number, each in enumerate(records):
            put(world, each, f"r{number}")
        before = seen(world, PRIVAAT)
        put(world, passing, "passing")
        while_there = seen(world, PRIVAAT)
        world.hosted.delete("bron-0", passing.side, ["passing"])
        assert different(seen(world, PRIVAAT), before) == []
        assume(while_there != before)
    finally:
        worlds.drop(world)


@pytest.mark.parametrize("code", [1, 2, 3])
@pytest.mark.parametrize("rebuilt", [False, True])
def test_codes_that_only_others_records_have_order_no_gaps(worlds: Worlds, code: int, rebuilt: bool) -> None:
    world = worlds.make([Source(("alle", "alle"), ended=False), Source((None, None), ended=False)])
    try:
        for side in SIDES:
            put(world, Held(0, side, 0, 0, frozenset()), f"shared-{side}")
        without = seen(world, PRIVAAT)
        for side in SIDES:
            put(world, Held(1, side, 0, 0, frozenset({code})), f"forbidden-{side}")
        if rebuilt:
            world.hosted.rebuild()
        assert different(seen(world, PRIVAAT), without) == []
    finally:
        worlds.drop(world)


@pytest.mark.parametrize("side", SIDES)
def test_a_record_that_may_be_seen_changes_every_kind_of_answer(worlds: Worlds, side: Side) -> None:
    world = worlds.make([Source(("alle", "alle"), ended=False)])
    try:
        put(world, Held(0, side, 1, 1, ALL_SKILLS), "first")
        before = seen(world, PRIVAAT)
        put(world, Held(0, side, 0, 0, ALL_SKILLS), "second")
        changed = {name.split()[0] for (name, _), _ in different(seen(world, PRIVAAT), before)}
        assert changed >= {"ask", "rank", "detail", "explain"}
    finally:
        worlds.drop(world)


def test_contacts_that_the_caller_may_not_see_change_no_answer(worlds: Worlds) -> None:
    world = worlds.make([Source(("alle", "alle"), ended=False), Source(("alle", "alle"), ended=False)])
    try:
        world.administration.set_scope("bron-0", "alle", side="werkgeverscontactmoment", first=NOW - DAY)
        world.administration.set_scope("bron-1", "suwi", side="werkgeverscontactmoment", first=NOW - DAY)

        def hold(source_id: str, datum: str) -> None:
            body = json.dumps({"datum": datum, "werkgever": {"nummerKvk": KVK}}).encode()
            values = {"source_id": source_id, "kvk": KVK, "datum": datum, "body": body, "stored_at": NOW}
            with world.store.write() as connection:
                connection.execute(insert(tables.contact_moment).values(values))

        hold("bron-0", "2026-01-01")
        private, public = seen(world, PRIVAAT), seen(world, GEMEENTE)
        for day in range(1, 5):
            hold("bron-1", f"2026-02-0{day}")
        assert seen(world, PRIVAAT) == private
        assert seen(world, GEMEENTE) != public
    finally:
        worlds.drop(world)


def test_a_remote_source_that_the_caller_may_not_ask_changes_no_answer(worlds: Worlds) -> None:
    world = worlds.make([Source(("alle", "alle"), ended=False)])
    try:
        put(world, Held(0, "werkzoekende", 0, 0, frozenset()), "r0")
        private, public = seen(world, PRIVAAT), seen(world, GEMEENTE)
        record = Held(0, "werkzoekende", 0, 0, ALL_SKILLS).record("far")
        remote = world.remote("ver", "werkzoekende", record, scope="suwi")
        assert different(seen(world, PRIVAAT), private) == []
        assert remote.asked == []
        assert different(seen(world, GEMEENTE), public)
    finally:
        worlds.drop(world)


def test_the_comparison_sees_an_exchange_that_forgets_to_leave_records_out(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds.make([Source(("suwi", "suwi"), ended=False), Source(("alle", "alle"), ended=False)])
    try:
        put(world, Held(1, "werkzoekende", 0, 0, frozenset()), "r0")
        monkeypatch.setattr("api.exchange.decision.verdict", lambda reasons: True)
        without = seen(world, PRIVAAT)
        put(world, Held(0, "werkzoekende", 0, 0, ALL_SKILLS), "forbidden")
        assert seen(world, PRIVAAT) != without
    finally:
        worlds.drop(world)

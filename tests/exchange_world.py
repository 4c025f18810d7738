"""An exchange with a registry, a store, a log and keys, and sources that answer what a test tells them to."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select

from api.clock import DAY
from api.contracts.headers import Parties, Role
from api.contracts.identity import Identified
from api.exchange.administration import Administration
from api.exchange.admission import Admission, CallerOfSource
from api.exchange.answering import Hosted, Match, Matches
from api.exchange.audit import Audit
from api.exchange.checkpoints import Checkpoints, create_signing_key, read_signing_key
from api.exchange.exchange import Exchange
from api.exchange.handles import Handles
from api.exchange.keys import Keys, create_keys
from api.exchange.questions import Limits, Questions
from api.exchange.records import Prepared, put
from api.exchange.registry import RegistryReader, Source
from api.exchange.remote import Inquiry, RemoteSources, SourceAnswer, SourceDetail
from api.exchange.resources import Resources
from api.exchange.rules import Caller
from api.store import Store
from api.store.tables import audit_entry
from data.question import Question
from data.standard import Side, at_match_level
from engine import MatchIndex

NOW = 1_800_000_000_000_000
EXCHANGE = "0" * 19 + "1"
GEMEENTE, PRIVAAT, PROCESSOR, STRANGER = ("0" * 18 + f"{number:02}" for number in range(10, 14))
OWNER, OTHER_OWNER = ("0" * 18 + f"{number:02}" for number in range(20, 22))

Json = dict[str, Any]
IDS: dict[Side, str] = {"werkzoekende": "idWerkzoekende", "vacature": "idVacature"}
QUESTION: Json = {"vraagObject": {"selectiegebied": {"postcode": "6511AB", "afstand": 50}}}


@dataclass
class Time:
    """A clock that a test sets. It runs on by a microsecond each time that it is read."""

    at: int = NOW

    def __call__(self) -> int:
        self.at += 1
        return self.at


def profile(record_id: str, **more: Any) -> Json:
    """A profile with everything that a match doesn't show."""
    return {
        "idWerkzoekende": record_id,
        "mobiliteit": {"bemiddelingspostcode": "6511AB"},
        "bemiddelingsberoep": [],
        "emailadres": [f"{record_id}@example.org"],
        "persoonlijkePresentatie": f"presentation of {record_id}: café",
        "indicatieLdrRegistratie": 1,
        **more,
    }


def vacancy(record_id: str, **more: Any) -> Json:
    """A vacancy with something that a match doesn't show."""
    return {
        "idVacature": record_id,
        "adres": {"postcode": "6511AB", "straatnaam": "Straat"},
        "nummerVacature": f"n-{record_id}"[:11],
        **more,
    }


def supplied(record: Json) -> bytes:
    """A record as its source spells it: not as we would."""
    return json.dumps(record, indent=1).encode()


def shown(record: Json, side: Side) -> bytes:
    """What a match shows of it."""
    return json.dumps(at_match_level(record, side), separators=(",", ":")).encode()


class FakeHosted:
    """Records in memory, and in the store; every record of a source satisfies every question."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.records: dict[tuple[str, Side, str], Json] = {}
        self.searched: list[tuple[str, ...]] = []

    def put(self, source_id: str, side: Side, *records: Json) -> None:
        self.records |= {(source_id, side, record[IDS[side]]): record for record in records}
        kept = [Prepared(record[IDS[side]], supplied(record), shown(record, side)) for record in records]
        with self.store.write() as connection:
            put(connection, source_id, side, kept, NOW)

    def matches(self, question: Question, sources: Sequence[str], limit: int) -> Matches:
        self.searched.append(tuple(sources))
        found, more = [], False
        for source_id in sources:
            own = [
                Match(source_id, record_id, shown(record, side))
                for (source, side, record_id), record in sorted(self.records.items())
                if (source, side) == (source_id, question.side)
            ]
            found += own[:limit]
            more = more or len(own) > limit
        return Matches(tuple(found), more)

    def body(self, source_id: str, side: Side, record_id: str) -> bytes | None:
        record = self.records.get((source_id, side, record_id))
        return None if record is None else supplied(record)

    def shown(self, side: Side, keys: Sequence[tuple[str, str]]) -> list[bytes | None]:
        raise NotImplementedError

    def index(self) -> MatchIndex:
        raise NotImplementedError

    def today(self) -> date:
        raise NotImplementedError


@dataclass
class FakeRemote:
    """A remote source. `before` is called whenever it is asked."""

    source_id: str
    answer: SourceAnswer
    details: dict[str, bytes] = field(default_factory=dict)
    status: str = "answered"
    why: str = ""
    before: Callable[[], Awaitable[None]] | None = None
    asked: list[str] = field(default_factory=list)

    async def ask(self, inquiry: Inquiry, caller: Caller, *, seconds: float, limit: int) -> SourceAnswer:
        self.asked.append(inquiry.path)
        if self.before:
            await self.before()
        return self.answer

    async def detail(self, side: Side, record_id: str, caller: Caller, *, seconds: float) -> SourceDetail:
        self.asked.append(record_id)
        if self.before:
            await self.before()
        body = self.details.get(record_id) if self.status == "answered" else None
        status = "refused" if self.status == "answered" and body is None else self.status
        return SourceDetail(self.source_id, cast(Any, status), body, self.why)


class FakeRemotes:
    def __init__(self) -> None:
        self.sources: dict[str, FakeRemote] = {}

    def get(self, source: Source) -> FakeRemote:
        return self.sources[source.id]


class World:
    """Everything that an exchange is made of, new, or that of a folder and store as they are.

    Attributes
    ----------
    gemeente : a SUWI party. privaat : none. Both are admitted. processor acts for gemeente.
    administration, clock, hosted, remotes, audit : what a test changes.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        *,
        hosted: Callable[[Time], Hosted] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.store, self.clock = store, Time()
        folder.mkdir(exist_ok=True, parents=True)
        is_new = not (folder / "keys.json").exists()
        if is_new:
            create_signing_key(folder / "signing.pem", folder / "public.pem")
            create_keys(folder / "keys.json", self.clock)
        keys = Keys(folder / "keys.json")
        checkpoints = Checkpoints(folder / "checkpoints.jsonl", read_signing_key(folder / "signing.pem"))
        self.audit = Audit(store, self.clock, checkpoints)
        self.administration = Administration(self.audit, self.clock, "test")
        self.fake, self.remotes = FakeHosted(store), FakeRemotes()
        self.reader = RegistryReader(store)
        self.handles = Handles(keys, self.clock)
        resources = Resources(
            store=store,
            audit=self.audit,
            reader=self.reader,
            questions=Questions(self.clock, limits or Limits()),
            handles=self.handles,
            keys=keys,
            hosted=hosted(self.clock) if hosted else self.fake,
            remotes=cast(RemoteSources, self.remotes),
            clock=self.clock,
            seconds=1.0,
        )
        self.exchange = Exchange(resources)
        self._admit = Admission(self.reader, self.clock, EXCHANGE)
        if is_new:
            self._register()

    def _register(self) -> None:
        administration, first = self.administration, NOW - DAY
        administration.add_agreement("1.0", first)
        for phase in ("pilot", "gemeenten_uwv", "openbaar", "privaat"):
            administration.open_phase(cast(Any, phase), first)
        for oin, kind, suwi in (
            (GEMEENTE, "gemeente", True),
            (PRIVAAT, "privaat", False),
            (OWNER, "gemeente", True),
            (OTHER_OWNER, "gemeente", True),
        ):
            administration.admit_party(oin, f"Party {oin[-2:]}", cast(Any, kind), suwi=suwi, first=first)
            administration.accept(oin, "1.0", first)
        administration.add_mandate(PROCESSOR, GEMEENTE, first=first)

    def source(
        self, source_id: str, *, oin: str = OWNER, url: str | None = None, scope: str = "alle"
    ) -> None:
        """Register a source that shares both sides, and contacts."""
        self.administration.register_source(source_id, oin, f"Source {source_id}", url=url, first=NOW - DAY)
        for side in (None, "werkgeverscontactmoment"):
            self.administration.set_scope(source_id, cast(Any, scope), side=cast(Any, side), first=NOW - DAY)

    def remote(
        self, source_id: str, side: Side, *records: Json, status: str = "answered", scope: str = "alle"
    ) -> FakeRemote:
        """Register a remote source that answers these records."""
        self.source(source_id, oin=OTHER_OWNER, url="https://source.example/vum/v3", scope=scope)
        matches = tuple((record[IDS[side]], shown(record, side)) for record in records)
        answer = SourceAnswer(source_id, cast(Any, status), matches if status == "answered" else ())
        details = {record[IDS[side]]: supplied(record) for record in records}
        self.remotes.sources[source_id] = FakeRemote(source_id, answer, details)
        return self.remotes.sources[source_id]

    async def caller(
        self, controller: str = GEMEENTE, processor: str | None = None, to: str = EXCHANGE
    ) -> Caller:
        """Admit a bemiddelaar."""
        via = processor or controller
        identified = Identified(via, f"fingerprint-{via[-2:]}")
        return await self._admit("bemiddelaar", identified, Parties(controller, to, via))

    async def caller_of_source(
        self, controller: str = GEMEENTE, to: str = OWNER, *, suwi: bool = True, holder: str = EXCHANGE
    ) -> CallerOfSource:
        """Admit another exchange."""
        role: Role = "bron"
        parties = Parties(controller, to, to, suwi)
        return cast(CallerOfSource, await self._admit(role, Identified(holder, "exchange"), parties))

    def entries(self) -> list[tuple[str, Json]]:
        """What the log tells, but for administration."""
        with self.store.read() as connection:
            rows = connection.execute(select(audit_entry).order_by(audit_entry.c.seq)).all()
        return [(row.kind, json.loads(row.body)) for row in rows if row.kind != "administration"]


def vum_ids(body: bytes) -> list[str]:
    """The vumIDs in an answer, in their order."""
    return [match["vumID"] for match in json.loads(body)["matches"]]

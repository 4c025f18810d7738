"""Changes of the registry: each is checked, and logged in the transaction that makes it.

There is no other way to change the registry. What makes no sense is refused by a `RegistryError`, and then
nothing has changed. What is ended ends now or later: what was in force stays written. What has yet to begin
may be ended before it does, and then never begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Table, delete, insert, update

from api.clock import Clock, spelled
from api.exchange.checks import (
    SOURCE_ID,
    TEXT_LENGTH,
    VERSION,
    RegistryError,
    check_free,
    check_one_of,
    check_party,
    check_pattern,
    checked_moment,
    checked_name,
    checked_oin,
    checked_text,
    checked_url,
    given,
)
from api.exchange.registry import (
    PHASES,
    SCOPES,
    SHARED,
    Kind,
    Party,
    Period,
    PhaseName,
    Registry,
    Scope,
    Shared,
    Source,
    read_registry,
)
from api.store import tables

__all__ = ["Administration", "Log", "RegistryError"]


_AGREEMENTS: Final = "See `koppel agreement list`."


class Log(Protocol):
    """What administration needs of the log (`api.exchange.audit.Audit`)."""

    def write(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that writes."""

    def append(self, connection: Connection, kind: str, body: Mapping[str, Any]) -> object:
        """Add an entry to the log in it."""


@dataclass
class _Change:
    """A change under way: its transaction, what stands before it, and what the log will tell of it."""

    connection: Connection
    registry: Registry
    told: dict[str, Any] = field(default_factory=dict)

    def party(self, subject: str, oin: str) -> Party:
        """Find a participant."""
        party = self.registry.parties.get(checked_oin(subject, oin))
        if party is None:
            raise RegistryError(subject, "isn't that of a participant", remedy="See `koppel party list`.")
        return party

    def source(self, source_id: str) -> Source:
        """Find a source."""
        source = self.registry.sources.get(source_id)
        if source is None:
            raise RegistryError("source", "isn't registered", remedy="See `koppel source list`.")
        return source

    def add(self, table: Table, **values: Any) -> Any:
        """Add a row, and tell of it; gives its key."""
        key = self.connection.execute(insert(table).values(values)).inserted_primary_key
        self.told |= values
        return None if key is None else key[0]

    def set(self, table: Table, key: str | int, **values: Any) -> None:
        """Change the row with a key, and tell of it."""
        (column,) = table.primary_key.columns
        self.connection.execute(update(table).where(column == key).values(values))
        self.told |= {column.name: key, **values}


class Administration:
    """Changes the registry. May be used by any number of threads and processes at once.

    Periods begin at `first` (by default now) and end just before `until` (by default never), in microseconds
    since 1970, UTC. All methods raise RegistryError where the change makes no sense, and what the log raises
    where it can't be written.

    Parameters
    ----------
    log : takes an entry of kind "administration" for each change.
    clock : gives the time.
    actor : who makes the changes, for the log: the account of an administrator.
    """

    def __init__(self, log: Log, clock: Clock, actor: str) -> None:
        self._log = log
        self._clock = clock
        self._actor = actor

    # Parties

    def admit_party(
        self,
        oin: str,
        name: str,
        kind: Kind,
        *,
        suwi: bool = False,
        pilot: bool = False,
        first: int | None = None,
        until: int | None = None,
    ) -> None:
        """Register a participant that SZW admitted; one whose admission has ended may be admitted anew.

        suwi : whether it takes part in SUWI. pilot : whether it goes ahead of the others of its kind.
        """
        with self._change("admit-party") as change:
            period = self._period(first, until)
            checked_oin("OIN", oin)
            check_party(kind, suwi=suwi, pilot=pilot)
            values = {
                "name": checked_name("name", name),
                "kind": kind,
                "suwi": suwi,
                "pilot": pilot,
                "admitted_from": period.first,
                "admitted_until": period.until,
            }
            known = change.registry.parties.get(oin)
            if known is None:
                change.add(tables.party, oin=oin, **values)
            else:
                check_free("party", period, [known.admitted], "End it first, or change it.")
                change.set(tables.party, oin, **values)

    def change_party(
        self,
        oin: str,
        *,
        name: str | None = None,
        kind: Kind | None = None,
        suwi: bool | None = None,
        pilot: bool | None = None,
    ) -> None:
        """Change what a participant is, as from now. None leaves a thing as it is."""
        with self._change("change-party") as change:
            party = change.party("OIN", oin)
            values = given(name=name, kind=kind, suwi=suwi, pilot=pilot)
            after = {"kind": party.kind, "suwi": party.suwi, "pilot": party.pilot, **values}
            check_party(after["kind"], suwi=after["suwi"], pilot=after["pilot"])
            if name is not None:
                checked_name("name", name)
            change.set(tables.party, oin, **values)

    def end_party(self, oin: str, until: int | None = None) -> None:
        """End the admission of a participant: it may not ask, and its sources are not asked."""
        with self._change("end-party") as change:
            end = self._end("party", change.party("OIN", oin).admitted, until)
            change.set(tables.party, oin, admitted_until=end)

    # Mandates

    def add_mandate(
        self,
        processor_oin: str,
        controller_oin: str,
        *,
        first: int | None = None,
        until: int | None = None,
    ) -> int:
        """Let a processor act for a controller, asking or answering; gives the number of this mandate."""
        with self._change("add-mandate") as change:
            period = self._period(first, until)
            checked_oin("OIN of the processor", processor_oin)
            change.party("OIN of the controller", controller_oin)
            if processor_oin == controller_oin:
                raise RegistryError("mandate", "a party needs none to act for itself")
            pair = (processor_oin, controller_oin)
            others = (each.valid for each in change.registry.mandates.get(pair, ()))
            check_free("mandate of this controller for this processor", period, others, "End that one first.")
            change.told["id"] = change.add(
                tables.mandate,
                processor_oin=processor_oin,
                controller_oin=controller_oin,
                valid_from=period.first,
                valid_until=period.until,
            )
        return int(change.told["id"])

    def end_mandate(self, number: int, until: int | None = None) -> None:
        """End a mandate."""
        with self._change("end-mandate") as change:
            known = {each.id: each for group in change.registry.mandates.values() for each in group}
            subject = f"mandate {number}"
            if number not in known:
                raise RegistryError(subject, "isn't there", remedy="See `koppel mandate list`.")
            end = self._end(subject, known[number].valid, until)
            change.set(tables.mandate, number, valid_until=end)

    # Phases and the agreement

    def open_phase(self, name: PhaseName, at: int | None = None) -> None:
        """Open a phase of admission, now or at a moment: not before an earlier phase opens."""
        with self._change("open-phase") as change:
            check_one_of("phase", name, PHASES)
            now = self._clock()
            moment = now if at is None else checked_moment(at)
            since = change.registry.phases.get(name)
            if since is not None and since <= now < moment:
                # It would shut the phase until then.
                raise RegistryError(
                    f"phase {name}", f"is open since {spelled(since)}", remedy="Close it first."
                )
            for earlier in PHASES[: PHASES.index(name)]:
                opens = change.registry.phases.get(earlier)
                if opens is None or opens > moment:
                    raise RegistryError(
                        f"phase {name}", f"can't open before phase {earlier}", remedy="Open that one first."
                    )
            for later in PHASES[PHASES.index(name) + 1 :]:
                opens = change.registry.phases.get(later)
                if opens is not None and opens < moment:
                    raise RegistryError(f"phase {name}", f"can't open after phase {later}")
            self._set_phase(change, name, moment)

    def close_phase(self, name: PhaseName) -> None:
        """Close a phase of admission: parties of its kind may not take part as from now."""
        with self._change("close-phase") as change:
            check_one_of("phase", name, PHASES)
            if change.registry.phases.get(name) is None:
                raise RegistryError(f"phase {name}", "isn't open")
            for later in PHASES[PHASES.index(name) + 1 :]:
                if change.registry.phases.get(later) is not None:
                    raise RegistryError(f"phase {name}", f"can't close before phase {later}")
            self._set_phase(change, name, None)

    def add_agreement(self, version: str, first: int | None = None) -> None:
        """Add a version of the agreement: from its first moment, only who has accepted it takes part."""
        with self._change("add-agreement") as change:
            moment = self._clock() if first is None else checked_moment(first)
            check_pattern("version of the agreement", version, VERSION, "letters, digits, . _ -, 1 to 50")
            known = change.registry.agreements
            if any(version == each for _, each in known):
                raise RegistryError(f"agreement {version}", "is there already")
            if known and moment <= known[-1][0]:
                after = spelled(known[-1][0])
                raise RegistryError(
                    f"agreement {version}", "begins before the one before it", f"after {after}"
                )
            change.add(tables.agreement, version=version, in_force_from=moment)

    def withdraw_agreement(self, version: str) -> None:
        """Take back a version of the agreement that has yet to begin, and what was accepted of it."""
        with self._change("withdraw-agreement") as change:
            known = {each: first for first, each in change.registry.agreements}
            if version not in known:
                raise RegistryError("version of the agreement", "isn't there", remedy=_AGREEMENTS)
            if known[version] <= self._clock():
                raise RegistryError(f"agreement {version}", f"is in force from {spelled(known[version])}")
            for table in (tables.acceptance, tables.agreement):
                change.connection.execute(delete(table).where(table.c.version == version))
            change.told["version"] = version

    def accept(self, oin: str, version: str, at: int | None = None) -> None:
        """Register that a participant accepted a version of the agreement."""
        with self._change("accept-agreement") as change:
            now = self._clock()
            moment = now if at is None else checked_moment(at)
            if moment > now:
                raise RegistryError("moment of acceptance", "is still to come", f"until {spelled(now)}")
            change.party("OIN", oin)
            if not any(version == each for _, each in change.registry.agreements):
                raise RegistryError("version of the agreement", "isn't there", remedy=_AGREEMENTS)
            if (oin, version) in change.registry.acceptances:
                raise RegistryError("party", f"has accepted agreement {version} already")
            change.add(tables.acceptance, oin=oin, version=version, accepted_at=moment)

    # Sources

    def register_source(
        self,
        source_id: str,
        oin: str,
        name: str,
        *,
        processor_oin: str | None = None,
        url: str | None = None,
        first: int | None = None,
        until: int | None = None,
    ) -> None:
        """Register a source of a participant, which shares with nobody yet; one that has ended begins anew.

        processor_oin : of who answers for it, the participant itself by default; another needs a mandate.
        url : where it is asked, up to the paths of the contract; None where its records are in this store.
        """
        with self._change("register-source") as change:
            period = self._period(first, until)
            check_pattern("id of the source", source_id, SOURCE_ID, "a-z, 0-9 and -, 1 to 50")
            change.party("OIN", oin)
            values = {
                "processor_oin": checked_oin("OIN of the processor", processor_oin or oin),
                "name": checked_name("name", name),
                "hosted": url is None,
                "url": None if url is None else checked_url(url),
                "valid_from": period.first,
                "valid_until": period.until,
            }
            known = change.registry.sources.get(source_id)
            if known is None:
                change.add(tables.source, id=source_id, oin=oin, **values)
                return
            subject = f"source {source_id}"
            check_free(subject, period, [known.valid], "End it first, or change it.")
            if (known.oin, known.hosted) != (oin, url is None):
                raise RegistryError(subject, "was another party's, or elsewhere", remedy="Choose another id.")
            change.set(tables.source, source_id, **values)

    def change_source(
        self,
        source_id: str,
        *,
        name: str | None = None,
        processor_oin: str | None = None,
        url: str | None = None,
    ) -> None:
        """Change a source as from now. None leaves a thing as it is."""
        with self._change("change-source") as change:
            source = change.source(source_id)
            if url is not None and source.hosted:
                raise RegistryError(f"source {source_id}", "is in this store and has no URL")
            if name is not None:
                checked_name("name", name)
            if processor_oin is not None:
                checked_oin("OIN of the processor", processor_oin)
            if url is not None:
                checked_url(url)
            values = given(name=name, processor_oin=processor_oin, url=url)
            change.set(tables.source, source_id, **values)

    def end_source(self, source_id: str, until: int | None = None) -> None:
        """End a source: it is not asked any more."""
        with self._change("end-source") as change:
            end = self._end(f"source {source_id}", change.source(source_id).valid, until)
            change.set(tables.source, source_id, valid_until=end)

    def set_scope(
        self,
        source_id: str,
        scope: Scope,
        *,
        side: Shared | None = None,
        first: int | None = None,
        until: int | None = None,
    ) -> int:
        """Let a source share with a scope of parties; gives the number of this.

        side : what is shared; None stands for profiles and vacancies. Two at a time can't be about the same.
        """
        with self._change("set-scope") as change:
            period = self._period(first, until)
            change.source(source_id)
            check_one_of("scope", scope, SCOPES)
            if side is not None:
                check_one_of("side", side, SHARED)
            known = change.registry.scopes.get(source_id, ())
            # One without a side is about the same as one with: which of them counts would be a riddle.
            others = (each.valid for each in known if _meet(each.side, side))
            subject = f"scope of source {source_id} for {side or 'both sides'}"
            check_free(subject, period, others, "End that one first.")
            change.told["id"] = change.add(
                tables.source_scope,
                source_id=source_id,
                side=side,
                scope=scope,
                valid_from=period.first,
                valid_until=period.until,
            )
        return int(change.told["id"])

    def end_scope(self, number: int, until: int | None = None) -> None:
        """End what `set_scope` began: without another, the source shares with nobody."""
        with self._change("end-scope") as change:
            known = {each.id: each for group in change.registry.scopes.values() for each in group}
            subject = f"scope {number}"
            if number not in known:
                raise RegistryError(subject, "isn't there", remedy="See `koppel source list`.")
            end = self._end(subject, known[number].valid, until)
            change.set(tables.source_scope, number, valid_until=end)

    def declare_no_bsn(self, source_id: str, declaration: str) -> None:
        """Keep a source's written word that ids of nine digits are no BSN, so that they may be loaded."""
        with self._change("declare-no-bsn") as change:
            if change.source(source_id).bsn_declared:
                raise RegistryError(f"source {source_id}", "has declared it already")
            checked_text("declaration", declaration, TEXT_LENGTH)
            at = self._clock()
            change.set(tables.source, source_id, bsn_declaration=declaration, bsn_declared_at=at)
            # It is free text, which the log doesn't hold.
            del change.told["bsn_declaration"]

    def withdraw_no_bsn(self, source_id: str) -> None:
        """Take a source's word back that ids of nine digits are no BSN."""
        with self._change("withdraw-no-bsn") as change:
            if not change.source(source_id).bsn_declared:
                raise RegistryError(f"source {source_id}", "hasn't declared it")
            change.set(tables.source, source_id, bsn_declaration=None, bsn_declared_at=None)

    # What they share

    @contextmanager
    def _change(self, action: str) -> Iterator[_Change]:
        """Begin a change: raises the registry's version, and logs what was done before it is committed."""
        with self._log.write() as connection:
            # First, so that in PostgreSQL no other change can begin before this one is over.
            version = tables.registry_version
            connection.execute(update(version).values(n=version.c.n + 1))
            change = _Change(connection, read_registry(connection))
            yield change
            told = {"action": action, "actor": self._actor, "registry": change.registry.version}
            self._log.append(connection, "administration", {**told, "values": change.told})

    def _set_phase(self, change: _Change, name: PhaseName, at: int | None) -> None:
        if name in change.registry.phases:
            change.set(tables.phase, name, opens_at=at)
        else:
            change.add(tables.phase, name=name, opens_at=at)

    def _period(self, first: int | None, until: int | None) -> Period:
        now = self._clock()
        period = Period(now if first is None else checked_moment(first), until)
        if until is not None and checked_moment(until) <= max(period.first, now):
            after = spelled(max(period.first, now))
            raise RegistryError(
                "end of the period", f"is {spelled(until)}", f"after {after}, its first moment and now"
            )
        return period

    def _end(self, subject: str, period: Period, until: int | None) -> int:
        now = self._clock()
        end = now if until is None else checked_moment(until)
        if period.until is not None and period.until <= now:
            raise RegistryError(subject, f"ended at {spelled(period.until)}")
        if end < now:
            raise RegistryError(subject, f"can't end at {spelled(end)}", f"from {spelled(now)}, which is now")
        if period.until is not None and end > period.until:
            raise RegistryError(
                subject, f"can't end at {spelled(end)}", f"until {spelled(period.until)}, where it ends"
            )
        return max(end, period.first)


def _meet(one: Shared | None, other: Shared | None) -> bool:
    """Tell whether two scopes are about the same records."""
    sides: tuple[set[str], ...] = tuple(
        {each} if each else {"werkzoekende", "vacature"} for each in (one, other)
    )
    return not sides[0].isdisjoint(sides[1])

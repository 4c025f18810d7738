"""Taking a person or a party out of the nights at once, and handing a recipient its lists.

    withdraw -> a row in the store, and the log: from now on no vumID of theirs opens
             -> night by night the notices, and then the folders, in one step
             -> the log says who had it, and the row is finished

Whatever breaks it off, the next withdrawal, fetch or run of the night goes on with it. A recipient reads its
folder, or fetches a copy of it, of which the store then knows; copies must lose what the notices tell of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shutil import copytree, rmtree
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from api.clock import spelled
from api.exchange.handles import Handles
from api.exchange.nightly.lease import end_silent
from api.exchange.nightly.night import night_of
from api.exchange.nightly.nights import EXPECTED, number_of
from api.exchange.nightly.notices import clear, noticed, notify
from api.exchange.nightly.recipients import OTHER, folder_of
from api.exchange.nightly.taking_out import Party, Taken, revise, sources_of
from api.exchange.registry import read_registry
from api.exchange.rules import explain_caller, verdict
from api.store.tables import night, nightly_fetch, nightly_withdrawal, record, subject
from data.errors import OutputError, QuestionError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from api.clock import Clock
    from api.exchange.audit import Audit
    from api.exchange.keys import Keys
    from api.exchange.nightly.night import Night
    from api.exchange.nightly.nights import Nights
    from data.standard import Side

__all__ = ["Withdrawal", "fetch", "finish", "withdraw", "withdraw_ended"]


@dataclass(frozen=True)
class Withdrawal:
    """What is withdrawn: a record, or a party with all of its sources.

    Attributes
    ----------
    oin : of the party, or None.
    source_id, record_id : of the record, or None.
    sources : the ids of the party's sources.
    nights : that a record may stand in by its vumIDs, and what seals those.
    whole : the key of the night is there no more. Nobody can tell then whose record is whose: all has to go.
    """

    oin: str | None = None
    source_id: str | None = None
    record_id: str | None = None
    sources: frozenset[str] = frozenset()
    nights: tuple[tuple[Night, Handles], ...] = ()
    whole: bool = False

    def within(self, name: str, known: Sequence[Night], handles: Handles) -> Withdrawal:
        """Give the same for one night, whose changes tell of the night before, too."""
        told = {number_of(name), *(each.before_number for each in known if each.name == name)}
        nights = tuple((each, handles) for each in known if each.number in told)
        return replace(self, nights=nights, whole=all(each.name != name for each in known))

    def sealed(self, party: Party, side: Side, source_id: str, record_id: str) -> Collection[str] | None:
        """Give the vumIDs of the record in the list of an own record: made again, they are the same."""
        if self.source_id is None or self.record_id is None:
            return None
        other, tokens = OTHER[side], []
        for each, handles in self.nights:
            asked = each.run.question(other, party, source_id, record_id)
            record = [(asked, self.source_id, self.record_id)]
            tokens += handles.seal_nightly(each.run, other, party, record, each.expires_at)
        return tokens

    def party(self, party: Party) -> bool:
        """Tell whether a recipient gets nothing any more."""
        return self.whole or self.oin in (party.controller, party.processor)

    def own(self, party: Party, side: Side, source_id: str, record_id: str) -> bool:
        """Tell whether the list of an own record has to go."""
        return self.match(party, side, source_id, record_id)

    def match(self, party: Party, side: Side, source_id: str, record_id: str) -> bool:
        """Tell whether a record may not stand in a list any more."""
        return source_id in self.sources or (source_id, record_id) == (self.source_id, self.record_id)


def withdraw(
    audit: Audit,
    keys: Keys,
    nights: Nights,
    clock: Clock,
    asked: Withdrawal,
    actor: str,
) -> Mapping[str, Mapping[str, Taken]]:
    """Take a record or a party out of every night, also out of one that runs; tell those that had it.

    Gives what was taken, by night and recipient.

    Raises
    ------
    QuestionError : there is no such record, or no such party.
    AuditUnavailable : the log can't be written; nothing is taken out.
    OutputError : the nights can't be written. What is left to do, `finish` does.
    """
    with audit.write() as connection:
        told = _about(connection, asked)
        if told is None:
            if asked.oin is not None:
                raise QuestionError("--party", "no such party", remedy="See `koppel party list`.")
            raise QuestionError("--source and --id", "nothing is held of such a record", remedy="Check both.")
        at = clock()
        what = {"oin": asked.oin, "source_id": asked.source_id, "record_id": asked.record_id}
        connection.execute(insert(nightly_withdrawal).values(withdrawn_at=at, **what))
        audit.append(connection, "nightly-withdraw", told | {"actor": actor})
    finish(audit, keys, nights, clock, actor)
    return {
        name: {party: Taken(each["all"], each["vumIDs"], each["lists"]) for party, each in parties.items()}
        for name, parties in noticed(nights, spelled(at)).items()
    }


def withdraw_ended(audit: Audit, keys: Keys, nights: Nights, clock: Clock, actor: str) -> None:
    """Withdraw, once, each party whose admission has ended since the oldest night that is kept.

    Raises as `withdraw` does.
    """
    with audit.write() as connection:
        at = clock()
        numbers = [number_of(name) for name in nights.names()]
        oldest = connection.scalar(
            select(night.c.cut_off).where(night.c.number.in_(numbers)).order_by(night.c.number).limit(1)
        )
        gone = select(nightly_withdrawal.c.oin, nightly_withdrawal.c.withdrawn_at)
        done = connection.execute(gone.where(nightly_withdrawal.c.oin.is_not(None))).all()
        parties = read_registry(connection).parties
    for oin, each in sorted(parties.items()):
        until = each.admitted.until
        if oldest is None or until is None or not oldest < until <= at:
            continue
        if not any(row.oin == oin and row.withdrawn_at >= until for row in done):
            withdraw(audit, keys, nights, clock, Withdrawal(oin), actor)


def finish(audit: Audit, keys: Keys, nights: Nights, clock: Clock, actor: str) -> None:
    """Take out of the nights what was withdrawn and is still there. Raises as `withdraw` does."""
    if _unfinished(audit):
        with nights.changing():
            finish_within(audit, keys, nights, clock, actor)


def finish_within(audit: Audit, keys: Keys, nights: Nights, clock: Clock, actor: str) -> None:
    """Do the same within `nights.changing`."""
    for row in _unfinished(audit):
        _carry_out(audit, keys, nights, clock, row, actor)


def _unfinished(audit: Audit) -> Sequence[Row[Any]]:
    columns = nightly_withdrawal.c
    with audit.write() as connection:
        rows = select(nightly_withdrawal).where(columns.finished_at.is_(None)).order_by(columns.n)
        return connection.execute(rows).all()


def _carry_out(audit: Audit, keys: Keys, nights: Nights, clock: Clock, row: Row[Any], actor: str) -> None:
    """Do all that a row asks for; what is done already is found to be."""
    asked, at = Withdrawal(row.oin, row.source_id, row.record_id), spelled(row.withdrawn_at)
    # Where that can't be read nothing may be said to be taken out.
    shown = nights.shown()
    with audit.write() as connection:
        # A run that was broken off begins anew, without whom it may not show any more.
        if end_silent(connection, clock()):
            nights.forget_runs()
    with audit.write() as connection:
        told = _about(connection, asked) or {"source": asked.source_id, "subjects": []}
        asked = replace(asked, sources=sources_of(read_registry(connection), frozenset({row.oin})))
        # Also one that runs: it may have been broken off right after it was shown.
        rows = connection.execute(select(night)).all()
        fetched = {name: _fetched(connection, number_of(name)) for name in shown}
    known = tuple(night_of(each, keys, nights) for each in rows if keys.find(bytes.fromhex(each.key_id)))
    clear(nights)
    for name in shown:
        # As of the night: what it holds by a vumID that has expired since has to go, too.
        cut_off = next((each.cut_off for each in known if each.name == name), 0)
        handles = Handles(keys, partial(int, cut_off))

        def tell(taken: Mapping[str, Taken], name: str = name) -> None:
            for party, each in taken.items():
                notify(nights, party, at, name, each, fetched[name].get(party))

        revise(nights, name, handles, asked.within(name, known, handles), tell)
    # What was killed between the new version of a night and the old one left that behind.
    nights.clear()
    rmtree(nights.root / EXPECTED, ignore_errors=True)
    with audit.write() as connection:
        had = {
            name: {party: each["fetched"] for party, each in parties.items()}
            for name, parties in noticed(nights, at).items()
        }
        audit.append(connection, "nightly-withdrawn", told | {"actor": actor, "nights": had})
        mine = update(nightly_withdrawal).where(nightly_withdrawal.c.n == row.n)
        connection.execute(mine.values(finished_at=clock()))


def fetch(
    audit: Audit,
    keys: Keys,
    nights: Nights,
    clock: Clock,
    oin: str,
    target: Path,
    processor: str | None = None,
    named: str | None = None,
    *,
    actor: str,
) -> str:
    """Copy the folder of a recipient to a new folder, and remember that it fetched it; give the night.

    Raises FileError where there is no such night, QuestionError where it has nothing for this recipient or
    the recipient takes part no more, OutputError where the folder is there already or can't be written.
    """
    name = folder_of(oin, processor or oin)
    party = Party(name)
    if target.exists():
        raise OutputError(str(target), "is there already", "a new folder", "Choose another.")
    # As long as nothing is taken out: what is copied is what is there when the log says so.
    with nights.changing():
        finish_within(audit, keys, nights, clock, actor)
        folder = nights.folder(named)
        found = nights.names()[0] if named is None else named
        if not (folder / name).is_dir():
            raise QuestionError(f"night {found}", "has nothing for this recipient", remedy="Check its OINs.")
        with audit.write() as connection:
            at = clock()
            if not _takes_part(connection, party, at):
                raise QuestionError("this recipient", "takes part no more", remedy="See `koppel party list`.")
            row = {
                "night": number_of(found),
                "controller_oin": party.controller,
                "processor_oin": party.processor,
                "fetched_at": at,
            }
            connection.execute(insert(nightly_fetch).values(row))
            told = {"controller": party.controller, "processor": party.processor, "night": found}
            audit.append(connection, "nightly-fetched", told | {"actor": actor})
        part = target.with_name(f".{target.name}.part")
        rmtree(part, ignore_errors=True)
        copytree(folder / name, part)
        part.rename(target)
    return found


def _takes_part(connection: Connection, party: Party, at: int) -> bool:
    """Tell whether the exchange would answer a recipient now, if it called."""
    controller, processor = party.controller, party.processor
    registry = read_registry(connection)
    return verdict(explain_caller(registry, processor, controller, processor, controller, controller, at))


def _about(connection: Connection, asked: Withdrawal) -> dict[str, Any] | None:
    """Give what the log says of a withdrawal, which is never an id; None where there is nothing like it."""
    if asked.oin is not None:
        registry = read_registry(connection)
        sources = sources_of(registry, frozenset({asked.oin}))
        acts = any(asked.oin in pair for pair in registry.mandates)
        return {"party": asked.oin} if asked.oin in registry.parties or sources or acts else None
    mine = select(subject.c.pseudonym).where(
        subject.c.source_id == asked.source_id, subject.c.record_id == asked.record_id
    )
    pseudonyms = sorted(connection.scalars(mine))
    held = select(record.c.id).where(record.c.source_id == asked.source_id, record.c.id == asked.record_id)
    if not pseudonyms and connection.execute(held).first() is None:
        return None
    return {"source": asked.source_id, "subjects": pseudonyms}


def _fetched(connection: Connection, number: int) -> dict[str, str]:
    """Tell when each recipient fetched a night last, as far as the store knows."""
    columns = nightly_fetch.c
    last = (
        select(columns.controller_oin, columns.processor_oin, func.max(columns.fetched_at))
        .where(columns.night == number)
        .group_by(columns.controller_oin, columns.processor_oin)
    )
    return {
        folder_of(controller, processor): spelled(at)
        for controller, processor, at in connection.execute(last)
    }

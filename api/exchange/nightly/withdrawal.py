"""Taking a person or a party out of the nights at once, and handing a recipient its lists.

A recipient reads its folder, or fetches a copy of it, of which the store then knows. What is taken out of the
folders is told, in a file of notices, to every recipient that had it: copies must lose it, too.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copytree, rmtree
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from api.clock import spelled
from api.exchange.nightly.night import night_of
from api.exchange.nightly.nights import number_of, sync
from api.exchange.nightly.recipients import OTHER
from api.exchange.nightly.taking_out import Party, Taken, revise, sources_of
from api.exchange.registry import read_registry
from api.store.tables import night, nightly_fetch, nightly_withdrawal, record, subject
from data.errors import OutputError, QuestionError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.clock import Clock
    from api.exchange.audit import Audit
    from api.exchange.handles import Handles
    from api.exchange.keys import Keys
    from api.exchange.nightly.night import Night
    from api.exchange.nightly.nights import Nights
    from data.standard import Side

__all__ = ["NOTICES", "Withdrawal", "fetch", "withdraw"]

NOTICES = "notices"
"""The folder with a file of notices for each recipient."""


@dataclass(frozen=True)
class Withdrawal:
    """What is withdrawn: a record, or a party with all of its sources.

    Attributes
    ----------
    oin : of the party, or None.
    source_id, record_id : of the record, or None.
    sources : the ids of the party's sources.
    nights : that a record may stand in by its vumIDs, and what seals those.
    """

    oin: str | None = None
    source_id: str | None = None
    record_id: str | None = None
    sources: frozenset[str] = frozenset()
    nights: tuple[tuple[Night, Handles], ...] = ()

    def within(self, name: str, known: Sequence[Night], handles: Handles) -> Withdrawal:
        """Give the same for one night, whose changes tell of the night before, too."""
        told = {number_of(name), *(each.before_number for each in known if each.name == name)}
        nights = tuple((each, handles) for each in known if each.number in told)
        return replace(self, nights=nights)

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
        return self.oin in (party.controller, party.processor)

    def own(self, party: Party, side: Side, source_id: str, record_id: str) -> bool:
        """Tell whether the list of an own record has to go."""
        return self.match(party, side, source_id, record_id)

    def match(self, party: Party, side: Side, source_id: str, record_id: str) -> bool:
        """Tell whether a record may not stand in a list any more."""
        return source_id in self.sources or (source_id, record_id) == (self.source_id, self.record_id)


def withdraw(
    audit: Audit,
    keys: Keys,
    handles: Handles,
    nights: Nights,
    clock: Clock,
    asked: Withdrawal,
    actor: str,
) -> Mapping[str, Mapping[str, Taken]]:
    """Take a record or a party out of every night, also out of one that runs; tell those that had it.

    Whatever breaks it off, it can be done again. Gives what was taken, by night and recipient.

    Raises
    ------
    QuestionError : there is no such record, or no such party.
    AuditUnavailable : the log can't be written; nothing is taken out.
    OutputError : the nights can't be written.
    """
    with audit.write() as connection:
        told, asked = _checked(connection, asked)
        told["actor"] = actor
        at = clock()
        what = {"oin": asked.oin, "source_id": asked.source_id, "record_id": asked.record_id}
        connection.execute(insert(nightly_withdrawal).values(withdrawn_at=at, **what))
        audit.append(connection, "nightly-withdraw", told)
    with nights.changing():
        with audit.write() as connection:
            rows = connection.execute(select(night).where(night.c.state == "published")).all()
        known = tuple(night_of(row, keys, nights) for row in rows if keys.find(bytes.fromhex(row.key_id)))
        taken = {
            name: revise(nights, name, handles, asked.within(name, known, handles)) for name in nights.names()
        }
        found = {name: each for name, each in taken.items() if each}
        with audit.write() as connection:
            had = {
                name: {party: _fetched(connection, name, party) for party in each}
                for name, each in found.items()
            }
            audit.append(connection, "nightly-withdrawn", told | {"nights": had})
        for name, parties in found.items():
            for party, what_of in parties.items():
                _notify(nights, party, name, what_of, had[name][party], at)
    return found


def fetch(
    audit: Audit,
    nights: Nights,
    clock: Clock,
    oin: str,
    target: Path,
    processor: str | None = None,
    named: str | None = None,
) -> str:
    """Copy the folder of a recipient to a new folder, and remember that it fetched it; give the night.

    Raises FileError where there is no such night, QuestionError where it has nothing for this recipient,
    OutputError where the folder is there already or can't be written.
    """  # fmt: skip
    name = oin if processor in (None, oin) else f"{oin}-{processor}"
    party = Party(name)
    if target.exists():
        raise OutputError(str(target), "is there already", "a new folder", "Choose another.")
    # As long as nothing is taken out: what is copied is what is there when the log says so.
    with nights.changing():
        folder = nights.folder(named)
        found = nights.names()[0] if named is None else named
        if not (folder / name).is_dir():
            raise QuestionError(f"night {found}", "has nothing for this recipient", remedy="Check its OINs.")
        with audit.write() as connection:
            row = {
                "night": number_of(found),
                "controller_oin": party.controller,
                "processor_oin": party.processor,
                "fetched_at": clock(),
            }
            connection.execute(insert(nightly_fetch).values(row))
            told = {"controller": party.controller, "processor": party.processor, "night": found}
            audit.append(connection, "nightly-fetched", told)
        part = target.with_name(f".{target.name}.part")
        rmtree(part, ignore_errors=True)
        copytree(folder / name, part)
        part.rename(target)
    return found


def _checked(connection: Connection, asked: Withdrawal) -> tuple[dict[str, Any], Withdrawal]:
    """Give what the log says, which is never an id, and what is withdrawn with the sources of a party."""
    registry = read_registry(connection)
    if asked.oin is not None:
        sources = sources_of(registry, frozenset({asked.oin}))
        acts = any(asked.oin in pair for pair in registry.mandates)
        if asked.oin not in registry.parties and not sources and not acts:
            raise QuestionError("--party", "no such party", remedy="See `koppel party list`.")
        return {"party": asked.oin}, Withdrawal(asked.oin, sources=sources)
    mine = select(subject.c.pseudonym).where(
        subject.c.source_id == asked.source_id, subject.c.record_id == asked.record_id
    )
    pseudonyms = sorted(connection.scalars(mine))
    held = select(record.c.id).where(record.c.source_id == asked.source_id, record.c.id == asked.record_id)
    if not pseudonyms and connection.execute(held).first() is None:
        raise QuestionError("--source and --id", "nothing is held of such a record", remedy="Check both.")
    return {"source": asked.source_id, "subjects": pseudonyms}, asked


def _fetched(connection: Connection, of_night: str, name: str) -> str | None:
    """Tell when a recipient fetched a night last, None where the store doesn't know that it did."""
    party, columns = Party(name), nightly_fetch.c
    found = (
        select(columns.fetched_at)
        .where(
            columns.night == number_of(of_night),
            columns.controller_oin == party.controller,
            columns.processor_oin == party.processor,
        )
        .order_by(columns.fetched_at.desc())
        .limit(1)
    )
    at = connection.scalar(found)
    return None if at is None else spelled(at)


def _notify(nights: Nights, party: str, name: str, taken: Taken, fetched: str | None, at: int) -> None:
    folder = nights.root / NOTICES
    folder.mkdir(exist_ok=True)
    path = folder / f"{party}.ndjson"
    told = {
        "at": spelled(at),
        "night": name,
        "fetched": fetched,
        "all": taken.whole,
        "vumIDs": sorted(set(taken.vum_ids)),
        "lists": taken.lists,
    }
    with path.open("ab") as file:
        file.write(json.dumps(told).encode() + b"\n")
    sync(path)

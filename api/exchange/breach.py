"""Whose data a party has seen in a period: what has to be told when its systems were broken into."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from api.store.tables import audit_entry, subject

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.exchange.audit import Level

__all__ = ["Breach", "Seen", "breach"]

_PIECE = 1000


@dataclass
class Seen:
    """That a record was shown.

    Attributes
    ----------
    source_id, side, record_id : the record.
    level : the most that was shown of it.
    times : how often it was shown.
    first_at, last_at : when, in microseconds since 1970.
    """

    source_id: str
    side: str
    record_id: str
    level: Level
    times: int
    first_at: int
    last_at: int


@dataclass
class Breach:
    """What a party has seen.

    Attributes
    ----------
    seen : the records whose pseudonyms still have a name, sorted by source, side and id.
    nameless : how many more people (or vacancies) there are, erased since or forgotten.
    contact_moments : how many contacts with employers were shown, each time counted.
    entries : how many entries of the log tell so.
    """

    seen: list[Seen] = field(default_factory=list)
    nameless: int = 0
    contact_moments: int = 0
    entries: int = 0


def breach(connection: Connection, oin: str, first: int, until: int) -> Breach:
    """Tell what a party was shown, as controller or as processor, from `first` until just before `until`."""
    found = Breach()
    by_pseudonym: dict[str, Seen] = {}
    for at, body in _shown(connection, oin, first, until):
        found.entries += 1
        level = body["level"]
        if body["side"] == "werkgeverscontactmoment":
            found.contact_moments += body.get("count", 0)
            found.contact_moments += sum(each.get("count", 0) for each in body["sources"].values())
        for pseudonym in body.get("subjects", ()):
            seen = by_pseudonym.setdefault(pseudonym, Seen("", "", "", level, 0, at, at))
            seen.times += 1
            seen.level = "detail" if level == "detail" else seen.level
            seen.first_at, seen.last_at = min(seen.first_at, at), max(seen.last_at, at)
    for row in connection.execute(select(subject)):
        if row.pseudonym in by_pseudonym:
            seen = by_pseudonym.pop(row.pseudonym)
            seen.source_id, seen.side, seen.record_id = row.source_id, row.side, row.record_id
            found.seen.append(seen)
    found.seen.sort(key=lambda each: (each.source_id, each.side, each.record_id))
    found.nameless = len(by_pseudonym)
    return found


def _shown(connection: Connection, oin: str, first: int, until: int) -> Any:
    """Yield when, and the body, of each entry that tells what the party was shown."""
    entry = audit_entry.c
    mentions = or_(*(entry.body.contains(f'"{role}":"{oin}"') for role in ("controller", "processor")))
    found = select(entry.at, entry.body).where(entry.at >= first, entry.at < until, mentions)
    rows = connection.execution_options(yield_per=_PIECE).execute(found.order_by(entry.seq))
    for at, text in rows:
        body = json.loads(text)
        if "level" in body and oin in (body["controller"], body["processor"]):
            yield at, body

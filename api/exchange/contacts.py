"""Contacts with employers (3.1.0): the question about them, and those that our sources hold.

They have no ids, so that a source supplies all of them each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select

from api.contracts.strict_json import Limits, parse
from api.exchange.errors import Incomplete, Invalid
from api.store.tables import contact_moment
from data.dataset.formats import format_of
from data.dataset.records import of_json, of_ndjson
from data.errors import FileError, RecordError
from data.files import read_pieces
from data.standard import MPWerkgeverscontactmoment, Werkgeverscontactmoment
from data.standard.faults import faults

__all__ = [
    "Contact",
    "ContactQuestion",
    "contact_question",
    "held_contacts",
    "read_contacts",
    "replace_contacts",
]

_KVK: Final = "werkgever.nummerKvk"
_DEPTH: Final = 24
_WIDTH: Final = 5_000


@dataclass(frozen=True)
class ContactQuestion:
    """Whose contacts are asked for.

    Attributes
    ----------
    kvk : number of the employer at the Kamer van Koophandel, eight digits.
    since : first day of the contacts, None for all.
    ignored : dotted paths of what has no effect, sorted.
    """

    kvk: str
    since: date | None
    ignored: tuple[str, ...]

    def criteria(self) -> dict[str, Any]:
        """Give what is logged of it."""
        return {"kvk": self.kvk, "since": None if self.since is None else self.since.isoformat()}


def contact_question(document: Mapping[str, Any]) -> ContactQuestion:
    """Read the body of a question: `{"vraagObject": {...}}`.

    Raises
    ------
    Incomplete : the employer's number is absent, or stands under another operator than $eq: without it, every
        employer's contacts would be the answer.
    Invalid : an operand is none of the contract.
    """
    try:
        asked = MPWerkgeverscontactmoment.model_validate(document.get("vraagObject"))
    except ValidationError as error:
        fault = faults(error)[0]
        place = f"$.vraagObject{fault.path.removeprefix('$')}: {fault.allowed}"
        raise (Incomplete if fault.missing else Invalid)(place) from None
    kvk, datum = asked.nummerKvk, asked.datum
    if kvk.eq is None:
        raise Incomplete(f"$.vraagObject.{_KVK}.$eq: a value, which is required")
    ignored = [*(asked.model_extra or ()), *(f"{_KVK}.{name}" for name in kvk.model_extra or ())]
    if datum is not None:
        without_effect = [f"datum.{name}" for name in datum.model_extra or ()]
        ignored += without_effect or ([] if datum.gte else ["datum"])
    since = date.fromisoformat(datum.gte) if datum and datum.gte else None
    return ContactQuestion(kvk.eq, since, tuple(sorted(ignored)))


def held_contacts(
    connection: Connection, question: ContactQuestion, source_id: str, *, at: int, limit: int
) -> Sequence[bytes]:
    """Give the latest contacts that a source of ours holds, each as it was supplied, at most `limit`."""
    contact = contact_moment.c
    found = (
        select(contact.body)
        .where(
            contact.source_id == source_id,
            contact.kvk == question.kvk,
            contact.expires_at.is_(None) | (contact.expires_at > at),
        )
        .order_by(contact.datum.desc(), contact.id)
        .limit(limit)
    )
    if question.since is not None:
        found = found.where(contact.datum >= question.since.isoformat())
    return connection.execute(found).scalars().all()


@dataclass(frozen=True)
class Contact:
    """A contact as it is stored: `body` as it was supplied, and what one can ask for in it."""

    kvk: str
    datum: str
    body: bytes


def read_contacts(path: Path) -> list[Contact]:
    """Read the contacts of a file: .json (a list) or .ndjson, also with .gz or .zst after it.

    Raises
    ------
    FileError : the file can't be read as what it should be.
    RecordError : a contact breaks the standard, or names no employer, by whom alone it can be asked for.
    """
    form = format_of(path, FileError)
    if form == "parquet":
        raise FileError(str(path), "contacts in Parquet", ".json or .ndjson", "Give them as one of these.")
    texts = (of_json if form == "json" else of_ndjson)(read_pieces(path), path)
    return [_contact(text, f"{path}, contact {number}") for number, (text, _) in enumerate(texts, start=1)]


def replace_contacts(connection: Connection, source_id: str, contacts: Sequence[Contact], at: int) -> None:
    """Store contacts in the place of all that a source of ours holds."""
    connection.execute(delete(contact_moment).where(contact_moment.c.source_id == source_id))
    rows = [{"source_id": source_id, "stored_at": at, **vars(contact)} for contact in contacts]
    if rows:
        connection.execute(insert(contact_moment), rows)


def _contact(text: bytes, subject: str) -> Contact:
    try:
        contact = Werkgeverscontactmoment.model_validate(parse(text, Limits(len(text), _DEPTH, _WIDTH)))
    except Invalid as problem:
        raise RecordError(subject, "can't be read", problem.details, "Mend it.") from None
    except ValidationError as error:
        fault = faults(error)[0]
        raise RecordError(f"{subject}, {fault.path}", fault.found, fault.allowed, "Mend it.") from None
    if contact.werkgever is None:
        raise RecordError(
            f"{subject}, $.werkgever", "absent", "the employer", "Add it, or leave the contact out."
        )
    return Contact(contact.werkgever.nummerKvk, contact.datum, text)

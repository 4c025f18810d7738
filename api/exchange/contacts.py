"""Contacts with employers (3.1.0): the question about them, and those that our sources hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Connection, select

from api.exchange.errors import Incomplete, Invalid
from api.store.tables import contact_moment
from data.standard import MPWerkgeverscontactmoment
from data.standard.faults import faults

__all__ = ["ContactQuestion", "contact_question", "held_contacts"]

_KVK: Final = "werkgever.nummerKvk"


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
    ignored = [
        *(asked.model_extra or ()),
        *(f"{_KVK}.{name}" for name in kvk.model_extra or ()),
        *(f"datum.{name}" for name in (datum.model_extra if datum else None) or ()),
    ]
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

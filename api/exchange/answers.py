"""What a remote source answers, checked before anything of it goes on.

A source is believed in nothing that can be checked: the form of its answer, each record against the standard
at the level of a match, ids that can be asked for again, and the criteria of the question, but for the area
and the closing date, of which a source may lawfully think otherwise. What is wrong with the answer as a whole
refuses it; what is wrong with a record leaves out the record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from api.contracts.strict_json import Limits, parse
from api.exchange.errors import ExchangeError
from data.dataset import ID_FIELDS, schema
from data.dataset.lines import to_frame
from data.question import Question
from data.standard import (
    BronMPVacatureMatch,
    BronMPWerkzoekendeMatch,
    Side,
    Werkgeverscontactmoment,
    model_of,
)
from engine.columns import read_columns, sort_by_key
from engine.select import satisfying

__all__ = ["BadAnswer", "Checked", "Contacts", "Matches", "checked_record"]

DEPTH: Final = 24
WIDTH: Final = 200_000
"""Levels, and elements and properties in all, of an answer: 100 records of 2,000 each."""

MOST: Final = 100
"""Records that the contract lets a source answer."""

_MATCHES: Final[dict[Side, type[BaseModel]]] = {
    "werkzoekende": BronMPWerkzoekendeMatch,
    "vacature": BronMPVacatureMatch,
}

Record = dict[str, Any]


class BadAnswer(Exception):  # noqa: N818  It is an answer, though a bad one.
    """A source answers what it should not. The text tells the kind of fault, and nothing of the answer."""


@dataclass(frozen=True)
class Checked:
    """What is left of an answer.

    Attributes
    ----------
    matches : the source's own id of each record ("" for contacts, which have none), and what may be shown of
        it as compact JSON without that id.
    more : the source has more than is kept: it told more, or says so, whose maximum may be a lower one.
    left_out : how many records were left out because something was wrong with them.
    faults : of how many records what was wrong, one of a few fixed words.
    """

    matches: tuple[tuple[str, bytes], ...]
    more: bool
    left_out: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Matches:
    """The answer to a question for profiles or vacancies."""

    question: Question

    def check(self, body: bytes, limit: int) -> Checked:
        """Check an answer, and keep at most `limit` records of it. Raises BadAnswer."""
        side = self.question.side
        id_field = ID_FIELDS[side]
        records, flag = _opened(body)
        counts = Counter(_id(record, id_field) for record in records)
        faults = Counter({"too many": max(0, len(records) - MOST)})
        valid = []
        for record in records:
            if fault := self._fault(record, counts):
                faults[fault] += 1
            else:
                valid.append(record)
        fit = self._satisfying(valid)
        faults["criteria"] = len(valid) - len(fit)
        matches = tuple(
            (record[id_field], to_json({name: each for name, each in record.items() if name != id_field}))
            for record in fit[:limit]
        )
        return Checked(matches, flag or len(records) > limit, len(records) - len(fit), +faults)

    def _fault(self, record: Any, counts: Mapping[str, int]) -> str:
        """Tell what is wrong with a record by itself, or with its id; "" for nothing."""
        side = self.question.side
        known_by = _id(record, ID_FIELDS[side])
        if not can_be_asked_for(known_by):
            return "id"
        if counts[known_by] > 1:
            return "duplicate id"
        return "" if _is_valid(_MATCHES[side], record) else "schema"

    def _satisfying(self, records: list[Record]) -> list[Record]:
        """The records that satisfy the criteria of the question, but for its area."""
        question = self.question
        bare = Question(question.side, question.postcode, question.afstand, ignored=question.ignored)
        if question == bare or not records:
            return records
        frame = to_frame([to_json(record) for record in records], schema(question.side))
        columns = read_columns(sort_by_key(frame, question.side), question.side)
        chosen = {
            name
            for name, satisfied in zip(columns.ids, satisfying(question, columns).tolist(), strict=True)
            if satisfied
        }
        return [record for record in records if record[ID_FIELDS[question.side]] in chosen]


@dataclass(frozen=True)
class Contacts:
    """The answer to a question for the contacts with an employer.

    Attributes
    ----------
    kvk : number of the employer at the Kamer van Koophandel.
    since : first day of the contacts that are asked for, None for all.
    """

    kvk: str
    since: date | None

    def check(self, body: bytes, limit: int) -> Checked:
        """Check an answer, and keep at most `limit` contacts of it. Raises BadAnswer."""
        records, flag = _opened(body)
        valid = [record for record in records if _is_valid(Werkgeverscontactmoment, record)]
        fit = [record for record in valid if self._satisfies(record)]
        faults = Counter(
            {
                "too many": max(0, len(records) - MOST),
                "schema": len(records) - len(valid),
                "criteria": len(valid) - len(fit),
            }
        )
        matches = tuple(("", to_json(record)) for record in fit[:limit])
        return Checked(matches, flag or len(records) > limit, len(records) - len(fit), +faults)

    def _satisfies(self, record: Record) -> bool:
        since = "" if self.since is None else self.since.isoformat()
        of_employer = record.get("werkgever", {}).get("nummerKvk") == self.kvk
        return of_employer and str(record["datum"]) >= since


def checked_record(body: bytes, side: Side, record_id: str) -> bytes:
    """Check the detail of a record that a source was asked for by its id, and give it as it was supplied.

    Raises BadAnswer where it is none of the standard, or another record.
    """
    record = _parsed(body)
    if not isinstance(record, dict) or not _is_valid(model_of(side), record):
        raise BadAnswer("schema")
    if record.get(ID_FIELDS[side], record_id) != record_id:
        raise BadAnswer("another record")
    return body.strip(b" \t\r\n")


def can_be_asked_for(record_id: str) -> bool:
    """Tell whether an id that the standard allows can stand in a path: some are no name there."""
    return record_id not in ("", ".", "..")


def _parsed(body: bytes) -> Any:
    try:
        return parse(body, Limits(len(body), DEPTH, WIDTH))
    except (ExchangeError, RecursionError):
        raise BadAnswer("JSON") from None


def _opened(body: bytes) -> tuple[list[Any], bool]:
    """Give the records of an answer, whatever they are, and its flag."""
    match _parsed(body):
        case {"maximumAantalResultatenBereikt": bool(flag), "matches": list(records)}:
            return records, flag
    raise BadAnswer("envelope")


def _id(record: Any, id_field: str) -> str:
    found = record.get(id_field) if isinstance(record, dict) else None
    return found if isinstance(found, str) else ""


def _is_valid(model: type[BaseModel], record: Any) -> bool:
    try:
        model.model_validate(record)
    except ValidationError:
        return False
    return isinstance(record, dict)

"""What the use cases of the exchange work with, whoever asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from api.exchange.errors import Incomplete, Invalid, Unavailable
from api.store import StoreError
from api.threads import in_turn
from data.errors import FileError, QuestionError
from data.question import Question, parse_question
from data.standard.faults import PROPERTIES_ONLY, object_of

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from api.exchange.audit import Audit
    from api.exchange.remote import SourceAnswer
    from data.standard import Side
    from engine import MatchIndex

__all__ = [
    "Answer",
    "Hosted",
    "Match",
    "Matches",
    "available",
    "found_in",
    "log_subjects",
    "question_of",
]

T = TypeVar("T")


class Match(NamedTuple):
    """One record that may be shown: `shown` is its match level as compact JSON, without any id."""

    source_id: str
    record_id: str
    shown: bytes


@dataclass(frozen=True)
class Matches:
    """What hosted sources have.

    Attributes
    ----------
    found : the nearest first, at most the limit of each source.
    more : whether one of them has more.
    """

    found: tuple[Match, ...] = ()
    more: bool = False


class Hosted(Protocol):
    """The sources whose records are in our store."""

    def matches(self, question: Question, sources: Sequence[str], limit: int) -> Matches:
        """Give the records of these sources that satisfy a question, at most `limit` of each."""

    def body(self, source_id: str, side: Side, record_id: str) -> bytes | None:
        """Give a record exactly as it was supplied, None where there is none that may be shown."""

    def shown(self, side: Side, keys: Sequence[tuple[str, str]]) -> Sequence[bytes | None]:
        """Give what a match shows of records, by (source, id); None where there is none that may be shown."""

    def index(self) -> MatchIndex:
        """Give the index of the records as they stand now."""

    def today(self) -> date:
        """Give the day in the Netherlands."""


@dataclass(frozen=True)
class Answer:
    """What goes back.

    Attributes
    ----------
    body : JSON.
    ignored : dotted paths of the criteria that had no effect.
    completeness : for the header Koppel-Completeness.
    """

    body: bytes
    ignored: Sequence[str]
    completeness: str


def question_of(document: Mapping[str, Any], side: Side) -> Question:
    """Read the body of a question. Raises Incomplete or Invalid, with the place and what may stand there."""
    try:
        return parse_question(document, side)
    except QuestionError as error:
        place = error.subject.removeprefix("question, ")
        if error.allowed == PROPERTIES_ONLY:
            place = object_of(place)
        raise (Incomplete if error.missing else Invalid)(f"{place}: {error.allowed}") from None


async def available(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function that waits for the store, in the thread of questions. What fails is Unavailable."""
    try:
        return await in_turn(function, *arguments)
    except (SQLAlchemyError, StoreError, FileError) as problem:
        raise Unavailable from problem


def log_subjects(
    audit: Audit, connection: Connection, side: Side, found: Sequence[Match], *, held: bool = True
) -> tuple[dict[str, int], list[str]]:
    """Give how many records of each source are shown, and the pseudonyms of whose they are.

    held : whether those of hosted sources were found in the store, and not in the files of a night.
    """
    shown: defaultdict[str, list[str]] = defaultdict(list)
    for each in found:
        shown[each.source_id].append(each.record_id)
    subjects = [
        pseudonym
        for source_id, record_ids in shown.items()
        for pseudonym in audit.subjects(connection, source_id, side, record_ids, held=held)
    ]
    return {source_id: len(record_ids) for source_id, record_ids in shown.items()}, subjects


def found_in(answers: Sequence[SourceAnswer]) -> list[Match]:
    """Give what remote sources answered, source by source."""
    return [Match(each.source_id, record, shown) for each in answers for record, shown in each.matches]

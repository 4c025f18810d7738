"""Our sources as one bron of another exchange, which asks by their own ids and keeps the quotas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.exchange.answering import Answer, Match, available, log_subjects, question_of
from api.exchange.bodies import identified, matches_body, without
from api.exchange.contacts import ContactQuestion, contact_question, held_contacts
from api.exchange.decision import Decision, decide
from api.exchange.errors import unknown
from api.exchange.questions import criteria
from api.exchange.rules import detail_removals
from data.dataset import ID_FIELDS

if TYPE_CHECKING:
    from api.exchange.admission import CallerOfSource
    from api.exchange.audit import Level
    from api.exchange.registry import Shared
    from api.exchange.resources import Resources
    from data.question import Question
    from data.standard import Side

__all__ = ["AsSource"]


class AsSource:
    """The use cases of the bron. Each raises an `ExchangeError`, or gives what may be shown.

    Where a call addresses several sources, their records make one answer. Of an id that two of them use a
    match shows the record of the first, by the ids of the sources; the whole of it is given to nobody, since
    the exchange can't tell them apart: it could be somebody else.
    """

    def __init__(self, resources: Resources) -> None:
        self._store, self._audit, self._reader = resources.store, resources.audit, resources.reader
        self._hosted, self._clock, self._limit = resources.hosted, resources.clock, resources.limit

    async def ask(self, caller: CallerOfSource, side: Side, document: Mapping[str, Any]) -> Answer:
        """Answer a question: matches by their own ids."""
        return await available(self._ask, caller, question_of(document, side))

    async def detail(self, caller: CallerOfSource, side: Side, record_id: str) -> bytes:
        """Give a record. Raises Invalid, `unknown`, where there is none that the caller may see."""
        return await available(self._detail, caller, side, record_id)

    async def contacts(self, caller: CallerOfSource, document: Mapping[str, Any]) -> Answer:
        """Answer a question about contacts with an employer."""
        return await available(self._contacts, caller, contact_question(document))

    def _decide(self, caller: CallerOfSource, side: Shared) -> Decision:
        return decide(self._reader.current(), caller, side, caller.sources, self._clock())

    def _ask(self, caller: CallerOfSource, question: Question) -> Answer:
        decision, side = self._decide(caller, question.side), question.side
        matches = self._hosted.matches(question, decision.hosted_ids, self._limit)
        found = _one_of_each_id(matches.found)
        more = matches.more or len(found) > self._limit
        found = found[: self._limit]
        self._log("match", decision, side, found, criteria(question))
        body = matches_body(
            (identified(ID_FIELDS[side], each.record_id, each.shown) for each in found), more=more
        )
        return Answer(body, question.ignored, "")

    def _detail(self, caller: CallerOfSource, side: Side, record_id: str) -> bytes:
        decision = self._decide(caller, side)
        found = [
            Match(source_id, record_id, record)
            for source_id in decision.hosted_ids
            if (record := self._hosted.body(source_id, side, record_id)) is not None
        ]
        if len(found) != 1:
            raise unknown()
        self._log("detail", decision, side, found, {})
        return without(found[0].shown, detail_removals(caller))

    def _contacts(self, caller: CallerOfSource, question: ContactQuestion) -> Answer:
        decision = self._decide(caller, "werkgeverscontactmoment")
        with self._store.read() as connection:
            held = [
                body
                for source_id in decision.hosted_ids
                for body in held_contacts(
                    connection, question, source_id, at=decision.at, limit=self._limit + 1
                )
            ]
        shown = held[: self._limit]
        with self._audit.write() as connection:
            told = decision.asked("", question.criteria()) | {"level": "detail", "count": len(shown)}
            self._audit.append(connection, "bron-contacts", told)
        return Answer(matches_body(shown, more=len(held) > self._limit), question.ignored, "")

    def _log(
        self,
        level: Level,
        decision: Decision,
        side: Side,
        found: Sequence[Match],
        asked: Mapping[str, Any],
    ) -> None:
        statuses = dict.fromkeys(decision.hosted_ids, "answered")
        with self._audit.write() as connection:
            counts, subjects = log_subjects(self._audit, connection, side, found)
            told = decision.shown("", asked, level, statuses, counts, subjects)
            self._audit.append(connection, "bron-detail" if level == "detail" else "bron-matches", told)


def _one_of_each_id(found: Sequence[Match]) -> list[Match]:
    first: dict[str, str] = {}
    for each in found:
        first[each.record_id] = min(first.get(each.record_id, each.source_id), each.source_id)
    return [each for each in found if first[each.record_id] == each.source_id]

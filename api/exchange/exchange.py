"""What the exchange does, each time in the same order: decide, ask, log, answer.

decide   by the registry as it stands, which sources the caller may see; the others are never searched
ask      the hosted sources and, once the log says that they will be, the remote ones
log      who is shown which records, on the disk before anything leaves
answer   the bytes of the sources, joined
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anyio import CancelScope

from api.exchange.answering import Answer, Match, available, found_in, log_subjects, question_of
from api.exchange.as_source import AsSource
from api.exchange.bodies import detail_body, matched, matches_body, without
from api.exchange.contacts import ContactQuestion, contact_question, held_contacts
from api.exchange.decision import Decision, decide
from api.exchange.errors import LimitExceeded, Unavailable, unknown
from api.exchange.fanout import Completeness, ask_all
from api.exchange.nightly.withdrawn import is_withdrawn
from api.exchange.questions import criteria
from api.exchange.ranking import Rankings
from api.exchange.remote import Inquiry
from api.exchange.rules import detail_removals

if TYPE_CHECKING:
    from api.exchange.admission import CallerOfSource
    from api.exchange.handles import Handle
    from api.exchange.questions import Asked, Claim, Opened
    from api.exchange.registry import Shared
    from api.exchange.remote import SourceAnswer
    from api.exchange.resources import Resources
    from api.exchange.rules import Caller
    from api.exchange.wanted import Wanted
    from data.question import Question
    from data.standard import Side

__all__ = ["Exchange"]


class Exchange:
    """The use cases. Each raises an `ExchangeError`, or gives what may be shown."""

    def __init__(self, resources: Resources) -> None:
        self._store, self._audit, self._reader = resources.store, resources.audit, resources.reader
        self._questions, self._handles = resources.questions, resources.handles
        self._hosted, self._remotes = resources.hosted, resources.remotes
        self._clock, self._seconds, self._limit = resources.clock, resources.seconds, resources.limit
        self._rankings, self._as_source = Rankings(resources), AsSource(resources)

    async def ask(self, caller: Caller, side: Side, document: Mapping[str, Any]) -> Answer:
        """Answer a question: matches, each with a vumID.

        document : `{"vraagObject": …}`, parsed JSON.
        """
        question = question_of(document, side)
        decision, opened, answer = await available(self._begin, caller, question)
        if answer is None:
            answers = await self._ask_remotes(decision, Inquiry.matches(question))
            answer = await available(self._answer, decision, opened, question, answers)
        return answer

    async def detail(self, caller: Caller, side: Side, vum_id: str) -> bytes:
        """Give the record that a vumID stands for, and whose it is.

        Raises
        ------
        Invalid : `unknown`, whatever the reason: the vumID is none of this party, has expired, its source
            shares no more with it, or the record is gone, or withdrawn from the night that listed it.
        LimitExceeded : the question has taken all its details, or a remote source gives no more.
        Unavailable : the source doesn't answer; nothing was taken.
        """
        decision, handle, claim = await available(self._claim, caller, side, vum_id)
        try:
            record = await self._record(decision, handle, side)
            return await available(self._deliver, decision, handle, claim, side, record)
        except BaseException:
            # Also where the client goes away. Where this fails too, the claim is given up after a while.
            with CancelScope(shield=True), suppress(Unavailable):
                await available(self._give_back, claim)
            raise

    async def contacts(self, caller: Caller, document: Mapping[str, Any]) -> Answer:
        """Answer a question about contacts with an employer: whole records, no vumIDs."""
        question = contact_question(document)
        vraag_id = str(uuid.uuid4())
        decision = await available(self._open_contacts, caller, question, vraag_id)
        answers = await self._ask_remotes(decision, Inquiry.contacts(question.kvk, question.since))
        return await available(self._answer_contacts, decision, question, vraag_id, answers)

    async def rank(self, caller: Caller, wanted: Wanted) -> Answer:
        """Rank candidates for a record; see `Rankings.rank`."""
        return await self._rankings.rank(caller, wanted)

    async def explain(self, caller: Caller, wanted: Wanted, candidate: str | Mapping[str, Any]) -> bytes:
        """Explain the place of a candidate; see `Rankings.explain`."""
        return await self._rankings.explain(caller, wanted, candidate)

    async def history(self, caller: Caller, *, before: int | None = None, limit: int = 100) -> list[Asked]:
        """Give the latest questions of a caller, the newest first; see `Questions.history`."""

        def read() -> list[Asked]:
            with self._store.read() as connection:
                return self._questions.history(connection, caller, before=before, limit=limit)

        return await available(read)

    async def bron_ask(self, caller: CallerOfSource, side: Side, document: Mapping[str, Any]) -> Answer:
        """Answer a question of another exchange; see `AsSource.ask`."""
        return await self._as_source.ask(caller, side, document)

    async def bron_detail(self, caller: CallerOfSource, side: Side, record_id: str) -> bytes:
        """Give a record to another exchange; see `AsSource.detail`."""
        return await self._as_source.detail(caller, side, record_id)

    async def bron_contacts(self, caller: CallerOfSource, document: Mapping[str, Any]) -> Answer:
        """Answer a question of another exchange about contacts; see `AsSource.contacts`."""
        return await self._as_source.contacts(caller, document)

    def _decide(self, caller: Caller, side: Shared) -> Decision:
        registry = self._reader.current()
        return decide(registry, caller, side, registry.sources, self._clock())

    async def _ask_remotes(self, decision: Decision, inquiry: Inquiry) -> list[SourceAnswer]:
        remotes = [self._remotes.get(source) for source in decision.remote]
        if not remotes:
            return []
        return await ask_all(remotes, inquiry, decision.caller, seconds=self._seconds, limit=self._limit)

    # A question

    def _begin(self, caller: Caller, question: Question) -> tuple[Decision, Opened, Answer | None]:
        """Decide, and answer at once, unless remote sources will be asked: then log that."""
        decision, opened = self._decide(caller, question.side), self._questions.open()
        if not decision.remote:
            return decision, opened, self._answer(decision, opened, question, ())
        asked = criteria(question)
        with self._audit.write() as connection:
            self._questions.begin(connection, opened, caller, question.side, "vraag", asked)
            self._audit.append(connection, "asked", decision.asked(opened.id, asked))
        return decision, opened, None

    def _answer(
        self,
        decision: Decision,
        opened: Opened,
        question: Question,
        answers: Sequence[SourceAnswer],
    ) -> Answer:
        """Search the hosted sources; seal, log and join what was found.

        The remote ones have taken their time, so that whoever was taken out meanwhile is in no answer.
        """
        caller, side, asked = decision.caller, question.side, criteria(question)
        was_asked, decision = bool(decision.remote), decision.still(self._reader, self._clock)
        answers = decision.of_permitted(answers)
        matches = self._hosted.matches(question, decision.hosted_ids, self._limit)
        completeness = Completeness.of(answers, decision.hosted_ids)
        found = [*matches.found, *found_in(answers)]
        with self._audit.write() as connection:
            if was_asked:
                self._questions.complete(connection, opened.id, completeness.as_json())
            else:
                told = completeness.as_json()
                self._questions.begin(connection, opened, caller, side, "vraag", asked, told)
            shown = log_subjects(self._audit, connection, side, found)
            self._audit.append(
                connection,
                "matches",
                decision.shown(opened.id, asked, "match", completeness.statuses, *shown),
            )
        if completeness.none_answered:
            raise Unavailable
        keys = [(each.source_id, each.record_id) for each in found]
        vum_ids = self._handles.seal(opened.id, side, caller, keys, opened.expires_at)
        body = matches_body(
            [matched(vum_id, each.shown) for vum_id, each in zip(vum_ids, found, strict=True)],
            more=matches.more or any(answer.more for answer in answers),
            vraag_id=opened.id,
        )
        return Answer(body, question.ignored, completeness.header())

    # A detail

    def _claim(self, caller: Caller, side: Side, vum_id: str) -> tuple[Decision, Handle, Claim]:
        """Decide, claim the detail, and where a remote source will be asked, log that."""
        handle = self._handles.open(vum_id, side, caller)
        decision = self._decide(caller, side).only(handle.source_id) if handle else None
        if handle is None or decision is None:
            raise unknown()
        with self._audit.write() as connection:
            if is_withdrawn(connection, handle, side, decision):
                raise unknown()
            claim = self._questions.claim(connection, handle.question_id, handle.source_id, handle.reference)
            if decision.remote:
                self._audit.append(connection, "asked", decision.asked(handle.question_id, {}))
        return decision, handle, claim

    async def _record(self, decision: Decision, handle: Handle, side: Side) -> bytes:
        if decision.hosted:
            record = await available(self._hosted.body, handle.source_id, side, handle.record_id)
        else:
            remote = self._remotes.get(decision.remote[0])
            told = await remote.detail(side, handle.record_id, decision.caller, seconds=self._seconds)
            if told.why == "limit":
                raise LimitExceeded
            if told.status in ("failed", "timed_out") or told.why == "not authorised":
                raise Unavailable
            record = told.body
        if record is None:
            raise unknown()
        return record

    def _deliver(self, decision: Decision, handle: Handle, claim: Claim, side: Side, record: bytes) -> bytes:
        """Make the claim final, log and join, if the source still shares the record."""
        still = decision.still(self._reader, self._clock).only(handle.source_id)
        if still is None:
            raise unknown()
        decision = still
        (source,) = decision.hosted or decision.remote
        body = detail_body(side, source.oin, without(record, detail_removals(decision.caller)))
        found = [Match(handle.source_id, handle.record_id, record)]
        with self._audit.write() as connection:
            # A remote source has taken its time to answer.
            if is_withdrawn(connection, handle, side, decision):
                raise unknown()
            self._questions.deliver(connection, claim)
            shown = log_subjects(self._audit, connection, side, found)
            told = decision.shown(handle.question_id, {}, "detail", {handle.source_id: "answered"}, *shown)
            self._audit.append(connection, "detail", told)
        return body

    def _give_back(self, claim: Claim) -> None:
        with self._store.write() as connection:
            self._questions.give_back(connection, claim)

    # Contacts with employers

    def _open_contacts(self, caller: Caller, question: ContactQuestion, vraag_id: str) -> Decision:
        decision = self._decide(caller, "werkgeverscontactmoment")
        if decision.remote:
            with self._audit.write() as connection:
                self._audit.append(connection, "asked", decision.asked(vraag_id, question.criteria()))
        return decision

    def _answer_contacts(
        self,
        decision: Decision,
        question: ContactQuestion,
        vraag_id: str,
        answers: Sequence[SourceAnswer],
    ) -> Answer:
        decision = decision.still(self._reader, self._clock)
        answers = decision.of_permitted(answers)
        completeness = Completeness.of(answers, decision.hosted_ids)
        with self._store.read() as connection:
            held = {
                each: held_contacts(connection, question, each, at=decision.at, limit=self._limit + 1)
                for each in decision.hosted_ids
            }
        shown = {source_id: contacts[: self._limit] for source_id, contacts in held.items()}
        shown |= {answer.source_id: [body for _, body in answer.matches] for answer in answers}
        counts = {source_id: len(contacts) for source_id, contacts in shown.items()}
        with self._audit.write() as connection:
            told = decision.shown(vraag_id, question.criteria(), "detail", completeness.statuses, counts)
            self._audit.append(connection, "contacts", told)
        if completeness.none_answered:
            raise Unavailable
        more = any(len(contacts) > self._limit for contacts in held.values()) or any(
            answer.more for answer in answers
        )
        contacts = (body for source_id in sorted(shown) for body in shown[source_id])
        body = matches_body(contacts, more=more, vraag_id=vraag_id)
        return Answer(body, question.ignored, completeness.header())

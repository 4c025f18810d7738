"""Ranked and explained answers. A ranking is a question: the same sources, vraagID, limits and log.

Hosted sources are ranked whole, by the index. Remote sources don't rank: they are asked a question, and what
they answer is ranked. Nothing but what a match shows counts, so that a score, a part of it or a gap tells no
more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from api.exchange.answering import Answer, Match, available, found_in, log_subjects, question_of
from api.exchange.bodies import matched
from api.exchange.decision import Decision, decide
from api.exchange.errors import Invalid, Unavailable, unknown
from api.exchange.fanout import Completeness, ask_all
from api.exchange.nightly.withdrawn import is_withdrawn
from api.exchange.ranking_body import explanation_body, ranking_body
from api.exchange.remote import Inquiry
from api.exchange.rules import own_source
from api.exchange.wanted import (
    OwnRecord,
    Wanted,
    checked_record,
    derived_question,
    ranked_by,
    settings_of,
    told_of,
)
from data.dataset import ID_FIELDS

if TYPE_CHECKING:
    from api.exchange.questions import Opened
    from api.exchange.remote import SourceAnswer
    from api.exchange.resources import Resources
    from api.exchange.rules import Caller
    from data.question import Question
    from data.standard import Side
    from engine import Encoded, MatchIndex, Settings
    from engine.placement import Placement

__all__ = ["Rankings"]

_ATTEMPTS: Final = 4
"""How often candidates are sought, where some of them were deleted before the index was told."""


@dataclass(frozen=True)
class _Begun:
    """A ranking that was decided upon.

    Attributes
    ----------
    asking : the asking record, with an id.
    question : what candidates must satisfy, None for nothing.
    inquiry : what the remote sources are asked; None where there are none, or nothing can be asked.
    """

    decision: Decision
    opened: Opened
    asking: Mapping[str, Any]
    question: Question | None
    inquiry: Question | None

    @property
    def told(self) -> Question | None:
        return self.question or self.inquiry


class Rankings:
    """The use cases of ranking. Each raises an `ExchangeError`, or gives what may be shown."""

    def __init__(self, resources: Resources) -> None:
        self._audit, self._reader, self._keys = resources.audit, resources.reader, resources.keys
        self._questions, self._handles = resources.questions, resources.handles
        self._hosted, self._remotes = resources.hosted, resources.remotes
        self._clock, self._seconds, self._limit = resources.clock, resources.seconds, resources.limit

    async def rank(self, caller: Caller, wanted: Wanted) -> Answer:
        """Rank candidates for a record: matches with a vumID, score, parts and gaps each.

        Raises Invalid, or Incomplete, for what is wrong with `wanted`; Unavailable where no source answers.
        """
        begun, then = await available(self._begin, caller, wanted)
        if isinstance(then, Answer):
            return then
        remotes = [self._remotes.get(source) for source in begun.decision.remote]
        answers = await ask_all(remotes, then, caller, seconds=self._seconds, limit=self._limit)
        return await available(self._answer, wanted, begun, answers)

    async def explain(self, caller: Caller, wanted: Wanted, candidate: str | Mapping[str, Any]) -> bytes:
        """Explain the place of one candidate: parts that add up, gaps, conditions.

        candidate : a vumID of a record of a hosted source, or a record as a match shows it.

        Raises
        ------
        Invalid : `unknown` for a vumID that `Exchange.detail` would refuse too, or whose source is a remote
            one: then the match itself tells all that counts.
        """
        return await available(self._explain, caller, wanted, candidate)

    def _begin(self, caller: Caller, wanted: Wanted) -> tuple[_Begun, Answer | Inquiry]:
        """Decide, and answer at once, unless remote sources will be asked: then log that, and give what.

        Raises as `rank`.
        """
        if not 1 <= wanted.top <= self._limit:
            raise Invalid(f"top: 1 to {self._limit}")
        registry = self._reader.current()
        decision = decide(registry, caller, wanted.sought, registry.sources, self._clock())
        # Whatever is wrong with the settings is told before anybody is asked.
        settings_of(wanted, self._hosted.today())
        question = None if wanted.question is None else question_of(wanted.question, wanted.sought)
        asking, opened = self._asking(decision, wanted), self._questions.open()
        inquiry = (question or derived_question(asking, wanted)) if decision.remote else None
        begun = _Begun(decision, opened, asking, question, inquiry)
        if inquiry is None:
            return begun, self._answer(wanted, begun, ())
        told = told_of(wanted, begun.told)
        with self._audit.write() as connection:
            self._questions.begin(connection, opened, caller, wanted.sought, "rangorde", told)
            self._audit.append(connection, "asked", decision.asked(opened.id, told))
        return begun, Inquiry.matches(inquiry)

    def _asking(self, decision: Decision, wanted: Wanted) -> Mapping[str, Any]:
        """Give the asking record, with an id."""
        if isinstance(wanted.record, OwnRecord):
            own = own_source(decision.registry, decision.caller, wanted.record.source_id, decision.at)
            body = self._hosted.body(own.id, wanted.side, wanted.record.record_id) if own else None
            if body is None:
                raise Invalid("record: one of the caller's own, in a hosted source")
            return _parsed(body)
        return checked_record(wanted.record, wanted.side, "record")

    def _answer(self, wanted: Wanted, begun: _Begun, answers: Sequence[SourceAnswer]) -> Answer:
        begun = replace(begun, decision=begun.decision.still(self._reader, self._clock))
        decision, opened, side = begun.decision, begun.opened, wanted.sought
        answers = decision.of_permitted(answers)
        completeness = Completeness.of(answers, decision.hosted_ids)
        settings, placement, best = self._best(wanted, begun, answers)
        more = len(best) > wanted.top or any(answer.more for answer in answers)
        rows, found = list(best)[: wanted.top], list(best.values())[: wanted.top]
        told, taxonomy = told_of(wanted, begun.told), placement.space.taxonomy.version
        with self._audit.write() as connection:
            if begun.inquiry is not None:
                self._questions.complete(connection, opened.id, completeness.as_json())
            else:
                kept = completeness.as_json()
                self._questions.begin(connection, opened, decision.caller, side, "rangorde", told, kept)
            subjects = log_subjects(self._audit, connection, side, found)
            entry = decision.shown(opened.id, told, "match", completeness.statuses, *subjects)
            self._audit.append(connection, "ranking", entry | ranked_by(wanted, settings, taxonomy))
        if completeness.none_answered:
            raise Unavailable
        keys = [(each.source_id, each.record_id) for each in found]
        vum_ids = self._handles.seal(opened.id, side, decision.caller, keys, opened.expires_at)
        matches = [matched(vum_id, each.shown) for vum_id, each in zip(vum_ids, found, strict=True)]
        head = {
            "vraagID": opened.id,
            "maximumAantalResultatenBereikt": more,
            "asOf": settings.as_of.isoformat(),
            "direction": settings.direction,
            "taxonomy": taxonomy,
            "completeness": {
                "rankedWhole": len(decision.hosted),
                "rankedAmongMatches": sum(answer.status == "answered" for answer in answers),
                "failed": sum(answer.status != "answered" for answer in answers),
                "notAsked": len(decision.remote) - len(answers),
            },
        }
        body = ranking_body(head, placement, rows, matches)
        ignored = () if begun.question is None else begun.question.ignored
        return Answer(body, ignored, completeness.header())

    def _best(
        self, wanted: Wanted, begun: _Begun, answers: Sequence[SourceAnswer]
    ) -> tuple[Settings, Placement, dict[int, Match]]:
        """Give the best candidates, one more than is wanted, and what a match shows of them, by row."""
        elsewhere = {(each.source_id, each.record_id): each.shown for each in found_in(answers)}
        for _ in range(_ATTEMPTS):
            settings, placement = self._place(wanted, begun, answers)
            keys = list(zip(placement.sources, placement.ids, strict=True))
            held = [key for key in keys if key not in elsewhere]
            shown = elsewhere | dict(zip(held, self._hosted.shown(wanted.sought, held), strict=True))
            if None not in shown.values():
                break
        # Whoever still is not there, although the index was told each time, is left out.
        return (
            settings,
            placement,
            {row: Match(*key, body) for row, key in enumerate(keys) if (body := shown[key]) is not None},
        )

    def _place(
        self, wanted: Wanted, begun: _Begun, answers: Sequence[SourceAnswer]
    ) -> tuple[Settings, Placement]:
        from engine.placement import place

        index = self._hosted.index()
        settings = settings_of(wanted, index.as_of)
        placement = place(
            index,
            self._encode(index, begun.asking, wanted.side, begun.decision.caller),
            settings,
            begun.decision.hosted_ids,
            wanted.top + 1,
            today=self._hosted.today(),
            question=begun.question,
            beside=[_encoded(index, answer, wanted.sought) for answer in answers if answer.matches],
        )
        return settings, placement

    def _encode(self, index: MatchIndex, record: Mapping[str, Any], side: Side, caller: Caller) -> Encoded:
        """Encode the asking record, under a source that nobody knows: it breaks the ties."""
        known_as = self._keys.newest().known_as(caller.controller, caller.processor)
        return index.encode([record], side, known_as)

    def _explain(self, caller: Caller, wanted: Wanted, candidate: str | Mapping[str, Any]) -> bytes:
        from engine import explain
        from engine.placement import pair_of

        registry, side = self._reader.current(), wanted.sought
        decision = decide(registry, caller, side, registry.sources, self._clock())
        asking, handle = self._asking(decision, wanted), None
        if isinstance(candidate, str):
            handle = self._handles.open(candidate, side, caller)
            one = decision.only(handle.source_id) if handle else None
            body = (
                self._hosted.body(handle.source_id, side, handle.record_id)
                if handle and one and one.hosted
                else None
            )
            if handle is None or one is None or body is None:
                raise unknown()
            decision, found = one, [Match(handle.source_id, handle.record_id, body)]
            record = _parsed(body)
            question_id, source_id = handle.question_id, handle.source_id
        else:
            record, found, question_id, source_id = checked_record(candidate, side, "candidate"), [], "", ""
        index = self._hosted.index()
        settings = settings_of(wanted, index.as_of)
        asks = self._encode(index, asking, wanted.side, caller)
        other = index.encode([record], side, source_id)
        vacancy, profile = (asks, other) if wanted.side == "vacature" else (other, asks)
        explanation = explain(pair_of(index, vacancy, profile, settings), 0, 0)
        with self._audit.write() as connection:
            if handle is not None and is_withdrawn(connection, handle, side, decision):
                raise unknown()
            counts, subjects = log_subjects(self._audit, connection, side, found)
            statuses = dict.fromkeys(counts, "answered")
            told = decision.shown(question_id, told_of(wanted, None), "match", statuses, counts, subjects)
            told |= ranked_by(wanted, settings, explanation.taxonomy)
            self._audit.append(connection, "explanation", told)
        return explanation_body(explanation, settings)


def _encoded(index: MatchIndex, answer: SourceAnswer, side: Side) -> Encoded:
    """Encode what a remote source answered."""
    matches = [{**_parsed(shown), ID_FIELDS[side]: record_id} for record_id, shown in answer.matches]
    return index.encode(matches, side, answer.source_id)


def _parsed(record: bytes) -> dict[str, Any]:
    """Read a record that was checked when it came."""
    said: dict[str, Any] = from_json(record)
    return said

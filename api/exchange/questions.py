"""Questions that were answered, and the details that each of them has taken.

A detail takes one of the question's slots before its source is asked:

    claim -> claimed -> deliver -> delivered
                     -> give_back (the source failed): the slot is free again
                     -> older than `Limits.claim_seconds` (the worker died): free for the next claim

What is delivered is delivered for ever, and only what has a slot can be: there are never more than the limit,
whatever happens meanwhile to the claim of a worker that was given up too early.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from api.clock import DAY, SECOND, Clock
from api.exchange.errors import LimitExceeded, unknown
from api.store.tables import detail_claim, question

if TYPE_CHECKING:
    from api.exchange.handles import Party
    from data.question import Question
    from data.standard import Side

__all__ = ["Asked", "Claim", "Kind", "Limits", "Opened", "Questions", "criteria"]

Kind = Literal["vraag", "rangorde", "nacht"]
"""What a question asks for: matches, a ranking, or what a nightly run left."""

_CODE: Final = re.compile(r"[A-Za-z0-9:/?#&=.,_~%+-]{1,200}")

# Made once: it is run for every question.
_NEW: Final = insert(question)

PAGE: Final = 100
"""How many questions of a history are given at a time, at most."""


@dataclass(frozen=True)
class Limits:
    """What the agreement allows.

    Attributes
    ----------
    matches : records that one source may give to one question, 1..100.
    details : different records of one question that may be seen in detail.
    question_days : how long the vumIDs of a question can be used.
    claim_seconds : after how long a detail that was claimed and not delivered is given up: more than a source
        gets to answer.
    """

    matches: int = 100
    details: int = 10
    question_days: int = 7
    claim_seconds: float = 15.0


@dataclass(frozen=True)
class Opened:
    """A new question: its vraagID, a random UUID, and when it was asked and expires."""

    id: str
    asked_at: int
    expires_at: int


@dataclass(frozen=True)
class Asked:
    """A question of a history.

    Attributes
    ----------
    id : the vraagID.
    kind, side : what was asked for.
    asked_at, expires_at : microseconds since 1970 UTC.
    criteria : as `criteria` gives them.
    completeness : what became of each source; None where the answer was never finished.
    details_left : how many more records can be seen in detail; 0 once it has expired.
    """

    id: str
    kind: Kind
    side: Side
    asked_at: int
    expires_at: int
    criteria: Mapping[str, Any]
    completeness: Any
    details_left: int


@dataclass(frozen=True)
class Claim:
    """A slot for the detail of one record.

    Attributes
    ----------
    question_id, source_id, reference : the record; see `Handle`.
    slot : its number, 0 up to the limit.
    claimed_at : when, or when the latest call for the same record claimed it.
    delivered : whether the record was shown before, so that showing it again takes nothing.
    """

    question_id: str
    source_id: str
    reference: str
    slot: int
    claimed_at: int
    delivered: bool


class Questions:
    """The questions in the store. Every method works within the transaction of its caller.

    Parameters
    ----------
    clock : microseconds since 1970 UTC.
    limits : of new questions and of claims.
    """

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock, self.limits = clock, limits

    def open(self) -> Opened:
        """Make a new question, which isn't in the store yet."""
        now = self._clock()
        return Opened(str(uuid.uuid4()), now, now + self.limits.question_days * DAY)

    def begin(
        self,
        connection: Connection,
        opened: Opened,
        party: Party,
        side: Side,
        kind: Kind,
        criteria: Mapping[str, Any],
        completeness: Any = None,
    ) -> None:
        """Put a new question into the store, with the completeness of its answer where that is known."""
        new = {
            "id": opened.id,
            "kind": kind,
            "side": side,
            "controller_oin": party.controller,
            "processor_oin": party.processor,
            "asked_at": opened.asked_at,
            "expires_at": opened.expires_at,
            "criteria": dict(criteria),
            "completeness": completeness,
        }
        connection.execute(_NEW, new)

    def complete(self, connection: Connection, question_id: str, completeness: Any) -> None:
        """Say what became of each source that was asked."""
        connection.execute(
            update(question).where(question.c.id == question_id).values(completeness=completeness)
        )

    def history(
        self, connection: Connection, party: Party, *, before: int | None = None, limit: int = PAGE
    ) -> list[Asked]:
        """Give the latest questions that a party asked itself, the newest first.

        before : only those asked before this moment. limit : at most this many, up to `PAGE`.
        """
        taken = (
            select(detail_claim.c.question_id, func.count().label("n"))
            .where(detail_claim.c.state == "delivered")
            .group_by(detail_claim.c.question_id)
            .subquery()
        )
        found = (
            select(question, func.coalesce(taken.c.n, 0).label("taken"))
            .outerjoin(taken, taken.c.question_id == question.c.id)
            .where(
                question.c.controller_oin == party.controller,
                question.c.processor_oin == party.processor,
                question.c.kind != "nacht",
            )
            .order_by(question.c.asked_at.desc(), question.c.id)
            .limit(min(limit, PAGE))
        )
        if before is not None:
            found = found.where(question.c.asked_at < before)
        now = self._clock()
        return [
            Asked(
                row.id,
                row.kind,
                row.side,
                row.asked_at,
                row.expires_at,
                row.criteria,
                row.completeness,
                max(self.limits.details - row.taken, 0) if now < row.expires_at else 0,
            )
            for row in connection.execute(found)
        ]

    def claim(self, connection: Connection, question_id: str, source_id: str, reference: str) -> Claim:
        """Take a slot for the detail of a record, before its source is asked.

        A record that was delivered keeps its slot: reading it again takes nothing. Two calls at once for one
        record share a slot, which the later of them may give back.

        Raises
        ------
        Invalid : there is no such question, or it has expired: the same as for an unknown vumID.
        LimitExceeded : all slots are taken.
        """
        now = self._clock()
        # Locked in PostgreSQL, where another claim of the same question could else run at the same time.
        lives = connection.execute(
            select(question.c.expires_at).where(question.c.id == question_id).with_for_update(key_share=True)
        ).scalar()
        if lives is None or lives <= now:
            raise unknown()
        record = (detail_claim.c.source_id == source_id) & (detail_claim.c.record_ref == reference)
        given_up = now - round(self.limits.claim_seconds * SECOND)
        connection.execute(
            delete(detail_claim).where(
                detail_claim.c.question_id == question_id,
                detail_claim.c.state == "claimed",
                detail_claim.c.claimed_at <= given_up,
            )
        )
        taken = connection.execute(
            select(
                detail_claim.c.slot, detail_claim.c.state, detail_claim.c.claimed_at, record.label("own")
            ).where(detail_claim.c.question_id == question_id)
        ).all()
        for row in taken:
            if row.own:
                delivered = row.state == "delivered"
                # Later than the claim of the other call, so that this one can be told from it.
                claimed_at = row.claimed_at if delivered else max(now, row.claimed_at + 1)
                if not delivered:
                    connection.execute(
                        update(detail_claim)
                        .where(detail_claim.c.question_id == question_id, detail_claim.c.slot == row.slot)
                        .values(claimed_at=claimed_at)
                    )
                return Claim(question_id, source_id, reference, row.slot, claimed_at, delivered)
        slots = {row.slot for row in taken}
        if len(slots) >= self.limits.details:
            raise LimitExceeded
        slot = next(number for number in range(self.limits.details) if number not in slots)
        connection.execute(
            insert(detail_claim).values(
                question_id=question_id,
                slot=slot,
                source_id=source_id,
                record_ref=reference,
                state="claimed",
                claimed_at=now,
            )
        )
        return Claim(question_id, source_id, reference, slot, now, delivered=False)

    def deliver(self, connection: Connection, claim: Claim) -> None:
        """Make a claim final: committed before anything of the record leaves.

        Raises LimitExceeded where the claim had been given up and others have taken all slots meanwhile.
        """
        done = update(detail_claim).where(*_of(claim)).values(state="delivered")
        if not connection.execute(done).rowcount:
            self.claim(connection, claim.question_id, claim.source_id, claim.reference)
            connection.execute(done)

    def give_back(self, connection: Connection, claim: Claim) -> None:
        """Free the slot of a detail that failed, unless it was delivered or claimed again meanwhile."""
        connection.execute(
            delete(detail_claim).where(
                *_of(claim),
                detail_claim.c.state == "claimed",
                detail_claim.c.claimed_at == claim.claimed_at,
            )
        )


def criteria(asked: Question) -> dict[str, Any]:
    """Give what the store and the log keep of a question: its criteria, the postcode cut down to four digits.

    Of what has no effect, and of occupations that are no codes, only the number is told: they are the asking
    party's own words.
    """
    told = {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in asdict(asked).items()
        if value is not None and name not in ("side", "postcode", "start", "ignored")
    }
    if asked.occupations is not None:
        codes = sorted(filter(_CODE.fullmatch, asked.occupations))
        told["occupations"] = codes
        if len(codes) < len(asked.occupations):
            told["other_occupations"] = len(asked.occupations) - len(codes)
    if asked.start is not None:
        told["start"] = asked.start.isoformat()
    return told | {"pc4": asked.postcode[:4], "ignored": len(asked.ignored)}


def _of(claim: Claim) -> tuple[Any, ...]:
    return (
        detail_claim.c.question_id == claim.question_id,
        detail_claim.c.source_id == claim.source_id,
        detail_claim.c.record_ref == claim.reference,
    )

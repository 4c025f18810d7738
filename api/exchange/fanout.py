"""All sources asked at the same time, and which of them answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

from api.exchange.remote import Inquiry, RemoteSource, SourceAnswer, Status

if TYPE_CHECKING:
    from api.exchange.rules import Caller

__all__ = ["LEFT_OUT", "Completeness", "ask_all"]

LEFT_OUT: Final = "left_out"
"""What the number of records that were left out is called in what the store keeps; no source is called so."""

_STATUSES: Final[tuple[Status, ...]] = get_args(Status)


async def ask_all(
    sources: Sequence[RemoteSource], inquiry: Inquiry, caller: Caller, *, seconds: float, limit: int = 100
) -> list[SourceAnswer]:
    """Ask all sources a question at the same time.

    Parameters
    ----------
    sources : those that may be asked it.
    inquiry, caller : what is asked, and who asks.
    seconds : how long it may take in all. A source that has not answered by then is left out.
    limit : most records that are kept of each source.

    Returns
    -------
    An answer for each source, in their order. What one of them does changes nothing of the others' answers.
    """
    asking = (source.ask(inquiry, caller, seconds=seconds, limit=limit) for source in sources)
    return list(await asyncio.gather(*asking))


@dataclass(frozen=True)
class Completeness:
    """Which of the sources that were asked contributed to an answer.

    Attributes
    ----------
    statuses : source -> how asking it ended.
    left_out : how many records of those that answered aren't in it, because something was wrong with them.
    """

    statuses: Mapping[str, Status]
    left_out: int = 0

    @classmethod
    def of(cls, answers: Sequence[SourceAnswer], hosted: Iterable[str] = ()) -> Completeness:
        """Sum up answers of remote sources, and the hosted ones that were searched."""
        statuses: dict[str, Status] = dict.fromkeys(hosted, "answered")
        statuses |= {answer.source_id: answer.status for answer in answers}
        return cls(statuses, sum(answer.left_out for answer in answers))

    @property
    def none_answered(self) -> bool:
        """Whether sources were asked and none of them answered, so that an empty answer would be wrong."""
        return bool(self.statuses) and "answered" not in self.statuses.values()

    def header(self) -> str:
        """Spell it for the header: answered=3; timed-out=0; failed=1; refused=0; left-out=2.

        Which sources these are isn't told.
        """
        statuses = Counter(self.statuses.values())
        counts = {status: statuses[status] for status in _STATUSES} | {LEFT_OUT: self.left_out}
        return "; ".join(f"{name.replace('_', '-')}={count}" for name, count in counts.items())

    def as_json(self) -> dict[str, Any]:
        """Give it as the store keeps it: source -> status, and LEFT_OUT -> records, where there are any."""
        return dict(sorted(self.statuses.items())) | ({LEFT_OUT: self.left_out} if self.left_out else {})

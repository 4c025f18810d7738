"""All sources asked at the same time, and which of them answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, get_args

from api.exchange.remote import Inquiry, RemoteSource, SourceAnswer, Status

if TYPE_CHECKING:
    from api.exchange.rules import Caller

__all__ = ["Completeness", "ask_all"]

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
    """

    statuses: Mapping[str, Status]

    @classmethod
    def of(cls, answers: Iterable[SourceAnswer], hosted: Iterable[str] = ()) -> Completeness:
        """Sum up answers of remote sources, and the hosted ones that were searched."""
        statuses: dict[str, Status] = dict.fromkeys(hosted, "answered")
        return cls(statuses | {answer.source_id: answer.status for answer in answers})

    @property
    def none_answered(self) -> bool:
        """Whether sources were asked and none of them answered, so that an empty answer would be wrong."""
        return bool(self.statuses) and "answered" not in self.statuses.values()

    def header(self) -> str:
        """Spell it for the header Koppel-Completeness: answered=3; timed-out=0; failed=1; refused=0.

        Which sources these are isn't told.
        """
        counts = Counter(self.statuses.values())
        return "; ".join(f"{status.replace('_', '-')}={counts[status]}" for status in _STATUSES)

    def as_json(self) -> dict[str, str]:
        """Give it as the store keeps it: source -> status."""
        return dict(sorted(self.statuses.items()))

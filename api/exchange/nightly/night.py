"""A night as the store knows it: what was decided when it was begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from api.clock import NETHERLANDS, SECOND
from api.exchange.handles import Run
from api.exchange.nightly.nights import number_of
from engine.nightly import NightlyError

if TYPE_CHECKING:
    from api.exchange.keys import Keys
    from api.exchange.nightly.nights import Nights

__all__ = ["Night", "night_of"]


@dataclass(frozen=True)
class Night:
    """A night as the store knows it.

    Attributes
    ----------
    number, name : of the night.
    run : names its vumIDs, and holds their key.
    cut_off : microseconds since 1970 UTC.
    before_number, before : the night that its changes are told against; no name where it isn't kept any more.
    expires_at : until when its vumIDs can be used.
    top, block : see `Wishes`.
    """

    number: int
    name: str
    run: Run
    cut_off: int
    before_number: int | None
    before: str | None
    expires_at: int
    top: int
    block: int

    @property
    def as_of(self) -> date:
        """The day of the cut-off in the Netherlands."""
        return datetime.fromtimestamp(self.cut_off / SECOND, UTC).astimezone(NETHERLANDS).date()


def night_of(row: Any, keys: Keys, nights: Nights) -> Night:
    """Read a row of the table `night`. Raises NightlyError where its key is there no more."""
    key = keys.find(bytes.fromhex(row.key_id))
    if key is None:
        raise NightlyError(f"night {row.name}", "its key is there no more")
    kept = {number_of(name): name for name in nights.names()}
    told = row.settings
    return Night(
        row.number,
        row.name,
        Run(bytes.fromhex(row.run), key),
        row.cut_off,
        row.before,
        kept.get(row.before),
        told["expires_at"],
        told["top"],
        told["block"],
    )

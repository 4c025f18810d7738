"""The time as the exchange keeps it: whole microseconds since 1970, UTC."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

Clock = Callable[[], int]
"""Gives the time in microseconds since 1970, UTC. Given to whoever needs one, so that a test can set it."""

SECOND: Final = 1_000_000
"""Microseconds in a second."""

DAY: Final = 86_400 * SECOND
"""Microseconds in a day."""

NETHERLANDS: Final = ZoneInfo("Europe/Amsterdam")
"""Where a day begins that is given without a time."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """Give the time in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


def microseconds(moment: datetime) -> int:
    """Give a moment in microseconds since 1970; one without a time zone is in the Netherlands."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=NETHERLANDS)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def spelled(at: int) -> str:
    """Spell a time by ISO 8601 in UTC, to the microsecond where it has any: 2026-09-01T10:00:00Z."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")

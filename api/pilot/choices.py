"""What a run of the pilot benchmark is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from engine.conditions import Settings

if TYPE_CHECKING:
    from datetime import date

    from engine.conditions import Direction

_SUGGESTED: Final[Mapping[str, float]] = MappingProxyType({})


@dataclass(frozen=True)
class Choices:
    """What counts, and how much is told.

    Attributes
    ----------
    suitable : from which score, above 0 and up to 1, a candidate that meets all conditions is suitable.
    radius : how far apart in km, 0..999, the two may be; whose travel limit isn't known would else be
        suitable throughout the country.
    top : how many places of a list are looked at.
    minimum : about fewer jobseekers than this, 2 or more, nothing is told.
    threads : by how many the ranking is done; the numbers are the same for any.
    """

    suitable: float = 0.6
    radius: int = 50
    top: int = 10
    minimum: int = 10
    threads: int = 1

    def settings(
        self, as_of: date, direction: Direction = "vacancy", preferred: Mapping[str, float] = _SUGGESTED
    ) -> Settings:
        """Give the settings to rank by, with group weights of one's own where they are given."""
        return Settings(as_of, direction, preferred, radius_km=self.radius)

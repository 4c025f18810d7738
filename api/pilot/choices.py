"""What a run of the pilot benchmark is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.conditions import Settings

if TYPE_CHECKING:
    from datetime import date

    from engine.conditions import Direction


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
    weights : of the groups, where a vacancy asks; of those that aren't there the suggested ones.
    weights_file : name of the file that they come from, "" where they are of none.
    """

    suitable: float = 0.6
    radius: int = 50
    top: int = 10
    minimum: int = 10
    threads: int = 1
    weights: Mapping[str, float] = field(default_factory=dict)
    weights_file: str = ""

    def settings(self, as_of: date, direction: Direction = "vacancy", without: str | None = None) -> Settings:
        """Give the settings to rank by; `without` is a group that doesn't count."""
        # What was fitted to judgements of candidates for a vacancy says nothing of what a profile asks.
        chosen = {} if direction == "profile" else self.weights
        left_out = {} if without is None else {without: 0.0}
        return Settings(as_of, direction, {**chosen, **left_out}, radius_km=self.radius)

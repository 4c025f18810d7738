"""The conditions of a match: what each says, which exclude by default, and the settings of a ranking.

A condition is met, broken, or unknown because a record doesn't say enough. In a ranking unknown passes and is
reported; `strict` makes it exclude. A condition that the user marks as a wish weighs instead of excluding.
What decides stands in `engine.kernels.check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from data.errors import QuestionError
from engine.columns import names_language
from engine.features import GROUPS
from engine.kernels import MISSING_DATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.standard import Side
    from engine.columns import Records

Direction = Literal["vacancy", "profile", "mutual"]

CONDITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "area": "the work lies within the profile's own travel limit",
        "hours": "the hours a week of both overlap",
        "contract": "they have a type of contract in common",
        "irregular": "irregular hours or shifts are asked of nobody who won't work them",
        "office_hours": "who wants office hours gets them",
        "dates": "the profile is available when the work begins, and neither has ended by then",
        "open": "the vacancy's closing date has not passed",
        "licence": "the profile has every driving licence that is asked",
        "language": "the profile has every language that is asked, at the level that is asked",
        "education_level": "the profile has the level of education that is asked, or a higher one",
    }
)
"""Name of each condition -> what it says. Condition number i is bit i in the kernels."""

REQUIRED: Final = frozenset(CONDITIONS) - {"education_level"}
"""Conditions that exclude unless the user says otherwise. Education weighs already, as a group of
features."""

SUGGESTED: Final[Mapping[str, float]] = MappingProxyType(
    {"occupation": 4.0, "skill": 1.0, "education": 1.0, "sector": 0.5} | dict.fromkeys(CONDITIONS, 1.0)
)
"""Suggested weight of each group of features, and of each condition that is made a wish."""

_ASKED_BY_THE_OTHER: Final[Mapping[Side, tuple[str, ...]]] = {
    "vacature": ("area",),
    "werkzoekende": ("open", "licence", "language", "education_level"),
}

LARGEST_WEIGHT: Final = 1000.0
"""Group weights are 0 to this, in steps of 1/1000."""


@dataclass(frozen=True)
class Settings:
    """How to rank. Raises QuestionError where a name is unknown or a value is out of range.

    Attributes
    ----------
    as_of : the day of the ranking, for closing dates, availability and recency.
    direction : who asks: "vacancy", "profile", or "mutual" (vacancies ask, ordered by the harmonic mean).
    preferred : group weights that the user sets, 0..1000; the rest stay as suggested.
    required : conditions that exclude.
    wished : conditions that weigh instead; none of `required`.
    strict : a required condition that can't be checked excludes too.
    radius_km : largest distance that the asker allows, 0..999, or None. Without a location there is no
        distance.
    """

    as_of: date
    direction: Direction = "vacancy"
    preferred: Mapping[str, float] = field(default_factory=dict)
    required: frozenset[str] = REQUIRED
    wished: frozenset[str] = frozenset()
    strict: bool = False
    radius_km: int | None = None

    def __post_init__(self) -> None:
        _known("condition", self.required | self.wished, CONDITIONS)
        _known("group", self.preferred, SUGGESTED)
        for name, weight in self.preferred.items():
            if not 0 <= weight <= LARGEST_WEIGHT:
                raise QuestionError(f"weight of {name}", f"{weight}", f"0 to {LARGEST_WEIGHT:.0f}")
        both = self.required & self.wished
        if both:
            raise QuestionError(
                f"condition {min(both)}", "both required and wished", "one of the two", "Leave one out."
            )
        if self.radius_km is not None and not 0 <= self.radius_km <= 999:
            raise QuestionError("radius", f"{self.radius_km} km", "0 to 999 km")

    @property
    def applied(self) -> dict[str, float]:
        """The weights that count: preferred before suggested, of the feature groups and the wishes, by
        name."""
        names = [*GROUPS, *(name for name in CONDITIONS if name in self.wished)]
        return {name: float(self.preferred.get(name, SUGGESTED[name])) for name in names}

    def with_wishes(self, *names: str) -> Settings:
        """The same settings, where these conditions weigh instead of excluding."""
        wished = frozenset(names)
        return Settings(
            self.as_of,
            self.direction,
            self.preferred,
            self.required - wished,
            self.wished | wished,
            self.strict,
            self.radius_km,
        )


def bits(names: Iterable[str]) -> int:
    """The conditions as a bit set."""
    return sum(1 << number for number, name in enumerate(CONDITIONS) if name in names)


def names(bits: int) -> list[str]:
    """The conditions in a bit set, in the order of CONDITIONS."""
    return [name for number, name in enumerate(CONDITIONS) if bits >> number & 1]


def can_wish(records: Records, condition: str) -> NDArray[np.bool_]:
    """Which records can wish for a condition, bool (n,): those for which it can tell candidates apart.

    For some conditions that is every record, since the other side says what is asked. So it is for what a
    profile has: else naming one licence more would give the wish a weight, and a richer profile less score.
    """
    columns = records.columns
    if condition in _ASKED_BY_THE_OTHER[records.side]:
        return np.ones(len(records), np.bool_)
    said: dict[str, NDArray[np.bool_]] = {
        "area": columns.travel_limit >= 0,
        "hours": (columns.hours_min >= 0) | (columns.hours_max >= 0),
        "contract": columns.contracts != 0,
        "irregular": columns.irregular != 0,
        "office_hours": columns.office_hours != 0,
        "dates": (columns.start != MISSING_DATE) | (columns.end != MISSING_DATE),
        "open": columns.closing != MISSING_DATE,
        "licence": columns.licences != 0,
        "language": names_language(columns),
        "education_level": columns.level > 0,
    }
    return said[condition]


def _known(what: str, found: Iterable[str], allowed: Iterable[str]) -> None:
    unknown = sorted(set(found) - set(allowed))
    if unknown:
        raise QuestionError(what, f"{unknown[0]!r} is unknown", ", ".join(allowed), "Check the spelling.")

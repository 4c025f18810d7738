"""What a caller wants to be ranked: checked, and turned into what the engine and remote sources take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from api.exchange.errors import Incomplete, Invalid
from api.exchange.questions import criteria
from data.dataset import ID_FIELDS
from data.errors import QuestionError
from data.question import Question
from data.standard import model_of
from data.standard.faults import PROPERTIES_ONLY, faults, object_of

if TYPE_CHECKING:
    from datetime import date

    from data.standard import Side
    from engine import Settings
    from engine.conditions import Direction

__all__ = [
    "DIRECTIONS",
    "OwnRecord",
    "Wanted",
    "checked_record",
    "derived_question",
    "ranked_by",
    "settings_of",
    "told_of",
]

DIRECTIONS: Final[dict[Side, tuple[Direction, ...]]] = {
    "vacature": ("vacancy", "mutual"),
    "werkzoekende": ("profile",),
}
"""By which scores the candidates of a record of a side can be ordered, the usual one first."""

AREA_KM: Final = 50
"""How far around the asking record remote sources are asked, where neither it nor the caller says."""


@dataclass(frozen=True)
class OwnRecord:
    """A record that the caller itself holds in a hosted source."""

    source_id: str
    record_id: str


@dataclass(frozen=True)
class Wanted:
    """A record for which candidates are ranked, and how.

    Attributes
    ----------
    side : of the asking record; the candidates are of the other side.
    record : the asking record: a profile or vacancy of the standard as parsed JSON, whole or as a match shows
        it, a vumID included or not; or one of the caller's own.
    question : `{"vraagObject": …}`, which candidates must satisfy; None for all.
    direction : by which score; None for the usual one of the side, see `DIRECTIONS`.
    top : how many candidates are told, 1 up to the limit of matches.
    preferred, required, wished, strict, radius_km : as in `engine.Settings`; required None for the usual ones
        that are not wished.
    """

    side: Side
    record: Mapping[str, Any] | OwnRecord
    question: Mapping[str, Any] | None = None
    direction: Direction | None = None
    top: int = 25
    preferred: Mapping[str, float] = field(default_factory=dict)
    required: frozenset[str] | None = None
    wished: frozenset[str] = frozenset()
    strict: bool = False
    radius_km: int | None = None

    @property
    def sought(self) -> Side:
        """The side of the candidates."""
        return "vacature" if self.side == "werkzoekende" else "werkzoekende"


def settings_of(wanted: Wanted, as_of: date) -> Settings:
    """Give the settings of the ranking. Raises Invalid, which tells the place and what may stand there."""
    from engine import REQUIRED, Settings

    allowed = DIRECTIONS[wanted.side]
    direction = wanted.direction or allowed[0]
    if direction not in allowed:
        raise Invalid(f"direction: {' or '.join(allowed)} where a {wanted.side} asks")
    try:
        return Settings(
            as_of,
            direction,
            dict(wanted.preferred),
            REQUIRED - wanted.wished if wanted.required is None else wanted.required,
            wanted.wished,
            wanted.strict,
            wanted.radius_km,
        )
    except QuestionError as error:
        raise Invalid(f"{error.subject}: {error.allowed}") from None


def checked_record(record: Mapping[str, Any], side: Side, subject: str) -> dict[str, Any]:
    """Give a record from outside, checked, with an id: its own, else one made of what it says.

    Raises Invalid or Incomplete, which tell the place and what may stand there.
    """
    id_field = ID_FIELDS[side]
    plain = {name: value for name, value in record.items() if name != "vumID"}
    if not plain.get(id_field):
        said = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
        plain[id_field] = hashlib.sha256(said).hexdigest()
    try:
        model_of(side).model_validate(plain)
    except ValidationError as error:
        fault = faults(error)[0]
        path = object_of(fault.path) if fault.allowed == PROPERTIES_ONLY else fault.path
        place = f"{subject}{path.removeprefix('$')}: {fault.allowed}"
        raise (Incomplete if fault.missing else Invalid)(place) from None
    return plain


def derived_question(record: Mapping[str, Any], wanted: Wanted) -> Question | None:
    """Give what remote sources are asked where the caller asks nothing; None where the record has no place.

    Those who are in the area: within the radius of the caller, and where a profile asks within its own travel
    limit. And with the record's occupation, where it has one and no more.
    """
    if wanted.side == "vacature":
        postcode, limit = record.get("adres", {}).get("postcode"), None
        occupations = [record.get("beroep", {}).get("codeBeroepsnaam")]
    else:
        mobility = record.get("mobiliteit", {})
        postcode, limit = mobility.get("bemiddelingspostcode"), mobility.get("maximaleReisafstand")
        occupations = [each.get("codeBeroepsnaam") for each in record.get("bemiddelingsberoep", [])]
    if postcode is None:
        return None
    codes = frozenset(filter(None, occupations))
    radius = [each for each in (wanted.radius_km, limit) if each is not None]
    return Question(
        wanted.sought,
        postcode,
        min(radius, default=AREA_KM),
        occupations=codes if len(codes) == 1 else None,
    )


def ranked_by(wanted: Wanted, settings: Settings, taxonomy: str) -> dict[str, Any]:
    """Give what the log keeps of how was ranked or explained: with the same records it can be done again.

    Of the asking record that is its side, and whether it was given with the request or is held here.
    """
    return {
        "ranked": {
            "asking": wanted.side,
            "held": isinstance(wanted.record, OwnRecord),
            "as_of": settings.as_of.isoformat(),
            "taxonomy": taxonomy,
            "direction": settings.direction,
            "weights": settings.applied,
            "required": sorted(settings.required),
            "wished": sorted(settings.wished),
            "strict": settings.strict,
            "radius_km": settings.radius_km,
        }
    }


def told_of(wanted: Wanted, question: Question | None) -> dict[str, Any]:
    """Give what the store and the log keep of what was asked.

    Of the asking record no more than what remote sources were asked because of it.
    """
    told: dict[str, Any] = {"asking": wanted.side, "top": wanted.top}
    if wanted.direction is not None:
        told["direction"] = wanted.direction
    return told if question is None else told | criteria(question)

"""The records that a pilot is measured on: whose they are, and in which region they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from data.reference import regions
from engine.columns import sort_by_key
from engine.encode import encode
from engine.features import FeatureSpace
from engine.fields import field
from engine.merge import join

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from data.standard import Side
    from data.taxonomy import Taxonomy
    from engine.encode import Encoded

NOWHERE: Final = -1
"""Region of a record whose postcode is not known."""

RINGS: Final = ("own", "region", "neighbours", "all")
"""How far away a candidate is: of one's own organisation, else in one's region, a neighbouring one, or
anywhere else. What is seen up to a ring includes the rings before it."""

_POSTCODE: Final[Mapping[Side, str]] = {
    "werkzoekende": "mobiliteit.bemiddelingspostcode",
    "vacature": "adres.postcode",
}


@dataclass(frozen=True, eq=False)
class Part:
    """One side of a world; row i of everything is the same record.

    Attributes
    ----------
    encoded : the records, by source, then by id.
    frame : the same, as the standard has them.
    region : int16 (n,), number in `World.regions`, or `NOWHERE`.
    """

    encoded: Encoded
    frame: pl.DataFrame
    region: NDArray[np.int16]

    @property
    def organisation(self) -> NDArray[np.uint16]:
        """Number of the organisation of each record in `encoded.records.sources`, uint16 (n,)."""
        return self.encoded.records.columns.source

    def __len__(self) -> int:
        return len(self.encoded)


@dataclass(frozen=True, eq=False)
class World:
    """All records of an exchange, looked at from one region on one day.

    Attributes
    ----------
    region : the region that is measured.
    neighbours : the regions beside it.
    regions : all labour-market regions, by number.
    profiles, vacancies : the records; the names of organisations of both sides are the same tuple.
    is_made_up : whether none of it is about real people and vacancies.
    seed : by which it was made up here, if it was.
    """

    region: str
    neighbours: tuple[str, ...]
    regions: tuple[str, ...]
    profiles: Part
    vacancies: Part
    space: FeatureSpace
    as_of: date
    is_made_up: bool
    seed: int | None = None

    @property
    def organisations(self) -> tuple[str, ...]:
        """The organisations that any record is of, by number."""
        return tuple(
            sorted({*self.profiles.encoded.records.sources, *self.vacancies.encoded.records.sources})
        )

    def inside(self, part: Part) -> NDArray[np.int32]:
        """Give the rows of the records that stand in the region, ascending."""
        return np.flatnonzero(part.region == self.regions.index(self.region)).astype(np.int32)

    def organisation_of(self, part: Part) -> NDArray[np.int32]:
        """Give the number in `organisations` of each record of a side, int32 (n,)."""
        numbers = [self.organisations.index(name) for name in part.encoded.records.sources]
        return np.array(numbers, np.int32)[part.organisation]


def make_world(
    region: str,
    frames: Mapping[Side, Mapping[str, pl.DataFrame]],
    taxonomy: Taxonomy,
    as_of: date,
    *,
    is_made_up: bool = False,
    seed: int | None = None,
) -> World:
    """Encode the records of either side, by the name of their organisation, and find the region of each.

    Raises QuestionError for a region that there isn't, with the nearest name.
    """
    table = regions()
    name = table.find(region)
    space, names = FeatureSpace(taxonomy), table.names
    seekers = _part(frames["werkzoekende"], "werkzoekende", space, as_of)
    offered = _part(frames["vacature"], "vacature", space, as_of)
    return World(
        name, tuple(table.neighbours(name)), tuple(names), seekers, offered, space, as_of, is_made_up, seed
    )


def _part(frames: Mapping[str, pl.DataFrame], side: Side, space: FeatureSpace, as_of: date) -> Part:
    ordered = {source: sort_by_key(frames[source], side) for source in sorted(frames)}
    frame = pl.concat(ordered.values())
    table = regions()
    number = {name: place for place, name in enumerate(table.names)}
    found = table.region_of(pl.Series(field(frame, _POSTCODE[side])))
    region = found.replace_strict(number, default=NOWHERE, return_dtype=pl.Int16).fill_null(NOWHERE)
    encoded = [encode(each, side, space, as_of=as_of, source=source) for source, each in ordered.items()]
    return Part(join(encoded), frame, region.to_numpy())

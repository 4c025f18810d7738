"""Municipalities and labour-market regions: in which a postcode lies, which border, what they are called.

The municipalities are those of 2026, with the regions that Statistics Netherlands puts them in (CBS, StatLine
table 86247NED). `municipalities.csv` tells of each its code and name, region, inhabitants and the numbers of
its postcodes (PC4); `ATTRIBUTION.md` tells how it was made. A PC4 that crosses a border counts for the
municipality that has most of its postcodes.
"""

import json
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Final

import polars as pl

from data.errors import FileError, QuestionError
from data.reference.locations import postcodes

MUNICIPALITIES: Final = Path(__file__).with_name("municipalities.csv")

OUTLINES: Final = Path(__file__).with_name("outlines.geojson")

_SUGGESTIONS: Final = 3

_POSTCODE: Final = "^[0-9]{4}[a-zA-Z]{2}$"


@dataclass(frozen=True, eq=False)
class Regions:
    """The 35 labour-market regions of the Netherlands and their 342 municipalities.

    Attributes
    ----------
    table : one row a PC4 of `postcodes()`, ascending. Columns: pc4 (UInt16), municipality_code (String, four
        digits), municipality and region (String). No nulls.
    municipalities : one row a municipality, by code. Columns: code, name, region (String) and inhabitants
        (Int64, rounded to thousands: an estimate of ours, good for weights and nothing else).
    """

    table: pl.DataFrame
    municipalities: pl.DataFrame

    @cached_property
    def names(self) -> list[str]:
        """The names of the regions, in alphabetical order."""
        return sorted(self.municipalities["region"].unique())

    def region_of(self, postcodes: pl.Series) -> pl.Series:
        """Give the region of each postcode (n,), spelt "6511AB" or "6511ab".

        Returns a String series (n,), null where the postcode is null, is spelt otherwise, or is not known.
        """
        return self._column_of("region", postcodes)

    def municipality_of(self, postcodes: pl.Series) -> pl.Series:
        """Give the name of the municipality of each postcode, as `region_of` does the region."""
        return self._column_of("municipality", postcodes)

    def neighbours(self, region: str) -> list[str]:
        """Give the regions that border a region by `outlines`, so over land or a narrow water, in order.

        Raises as `find` does.
        """
        return self._bordering[self.find(region)]

    def find(self, name: str) -> str:
        """Give the region that is called so, whatever the case, spaces, hyphens and slashes.

        Raises QuestionError, with the names that come nearest, where there is none.
        """
        from rapidfuzz import fuzz, process

        spelt = {_bare(known): known for known in self.names}
        found = spelt.get(_bare(name))
        if found is not None:
            return found
        nearest = process.extract(_bare(name), list(spelt), scorer=fuzz.WRatio, limit=_SUGGESTIONS)
        raise QuestionError(
            "region",
            f"there is none called {name!r}",
            f"one of {len(self.names)}; nearest are {', '.join(spelt[each[0]] for each in nearest)}",
            "Check the spelling.",
        )

    def _column_of(self, column: str, postcodes: pl.Series) -> pl.Series:
        well_formed = pl.when(postcodes.str.contains(_POSTCODE)).then(postcodes.str.slice(0, 4))
        number = pl.select(pc4=well_formed.cast(pl.UInt16))
        known = self.table.select("pc4", column)
        return number.join(known, on="pc4", how="left", maintain_order="left")[column].rename(postcodes.name)

    @cached_property
    def _bordering(self) -> dict[str, list[str]]:
        corners = {
            shape["id"]: {
                tuple(point) for polygon in shape["geometry"]["coordinates"] for point in chain(*polygon)
            }
            for shape in outlines()["features"]
        }
        # Three regions may meet in one point; who borders shares more.
        return {
            name: [other for other in self.names if other != name and len(corners[other] & own) > 1]
            for name, own in corners.items()
        }


@cache
def regions() -> Regions:
    """Give the regions that ship with Koppel, read once a process.

    Raises
    ------
    FileError : a shipped table is missing or damaged, so the installation is.
    """
    try:
        listed = pl.read_csv(MUNICIPALITIES, schema_overrides={"code": pl.String})
        numbers = (
            listed.select("code", "name", "region", pl.col("postcodes").str.split(" ").alias("range"))
            .explode("range")
            .with_columns(pl.col("range").str.split("-"))
            .with_columns(
                pc4=pl.int_ranges(
                    pl.col("range").list.first().cast(pl.UInt16),
                    pl.col("range").list.last().cast(pl.UInt16) + 1,
                )
            )
            .explode("pc4")
            .with_columns(pl.col("pc4").cast(pl.UInt16))
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(MUNICIPALITIES, "read as CSV") from error
    table = (
        postcodes()
        .table.select("pc4")
        .join(numbers, on="pc4", maintain_order="left")
        .select("pc4", municipality_code="code", municipality="name", region="region")
    )
    return Regions(table, listed.drop("postcodes"))


def outlines() -> dict[str, Any]:
    """Give the outlines of the regions for a map: a GeoJSON FeatureCollection, new at each call.

    Longitude and latitude (degrees WGS 84, four decimals); a MultiPolygon a region, with its name as `id` and
    as property `region`. Outer rings run clockwise, as D3 and Vega need them to fill the inside; neighbours
    share the very same points. Sketches, made of the points of the postcodes by `build_outlines.py`: good
    for telling regions apart, not for telling on which side of a border a place lies.

    Raises
    ------
    FileError : the shipped file is missing or damaged, so the installation is.
    """
    try:
        shapes: dict[str, Any] = json.loads(OUTLINES.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(OUTLINES, "read as JSON") from error
    return shapes


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _damaged(path: Path, what: str) -> FileError:
    return FileError(str(path), f"can't be {what}", remedy="Install Koppel anew.")

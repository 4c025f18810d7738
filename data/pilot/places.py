"""Postcodes and employers of a region."""

from dataclasses import dataclass
from typing import Any

import polars as pl
from numpy.typing import NDArray

from data.pilot.columns import either, keep_where
from data.pilot.draws import Draws, Integers
from data.pilot.market import Market
from data.pilot.region import Region
from data.pilot.words import ADDITIONS, EMPLOYERS, OTHER_EMPLOYER, STREETS
from data.reference import postcodes

LETTERS = pl.Series(
    [
        first + second
        for first in "ABCDEGHJKLMNPRSTVWXZ"
        for second in "ABCDEGHJKLMNPRSTVWXZ"
        if first + second not in ("SA", "SD", "SS")
    ]
)
"""The letters that a Dutch postcode may end in."""

PER_SECTOR = 25
"""How many employers a sector has."""


def draw_postcodes(draws: Draws, n: int, region: Region, weights: NDArray[Any]) -> tuple[Integers, pl.Series]:
    """Draw n postcodes ("6511AB"; one in a hundred in lower case) by weight of the area (p,).

    Returns the positions of their areas in the region, int64 (n,), and the postcodes.
    """
    area = draws.choice(weights, n)
    spelt = pl.Series(region.pc4).cast(pl.String).gather(area) + draws.text(LETTERS, n)
    lower = draws.chance(0.01, n)
    return area, either(lower, spelt.str.to_lowercase(), spelt)


@dataclass(frozen=True, eq=False)
class Employers:
    """The employers of a region: `PER_SECTOR` in each sector of a market, sector by sector.

    name, postcode, place, street : String series (e,).
    house : int64 (e,), 1..240.
    addition : String series (e,), what follows the house number; null where nothing does.
    """

    name: pl.Series
    postcode: pl.Series
    place: pl.Series
    street: pl.Series
    house: Integers
    addition: pl.Series

    def draw(self, draws: Draws, sectors: Integers) -> Integers:
        """Draw an employer in each of `sectors` (n,); a few of them employ most."""
        return sectors * PER_SECTOR + draws.low(PER_SECTOR, len(sectors))


def draw_employers(draws: Draws, region: Region, market: Market) -> Employers:
    """Draw the employers of a region."""
    kinds = [EMPLOYERS.get(code[:2], OTHER_EMPLOYER) for code in market.sector_codes]
    n = len(kinds) * PER_SECTOR
    area, postcode = draw_postcodes(draws, n, region, region.jobs)
    known = postcodes().table.select("pc4", "place")
    place = pl.DataFrame({"pc4": region.pc4}).join(known, on="pc4", how="left", maintain_order="left")[
        "place"
    ]
    return Employers(
        name=pl.Series([f"{kinds[number // PER_SECTOR]} Voorbeeld {number + 1}" for number in range(n)]),
        postcode=postcode,
        place=place.gather(area).fill_null(region.name),
        street=draws.text(STREETS, n),
        house=1 + draws.low(240, n),
        addition=keep_where(draws.text(ADDITIONS, n), draws.chance(0.1, n)),
    )

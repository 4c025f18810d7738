"""Streaming: records come in blocks, each from a child of the seed of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from data.pilot.draws import Draws
from data.pilot.market import Market, read_market
from data.pilot.places import Employers, draw_employers
from data.pilot.region import Region, read_region
from data.taxonomy import Taxonomy, bundled_taxonomy

AS_OF: Final = date(2026, 9, 1)
"""The day that a pilot is by default about."""

BLOCK: Final = 10_000
"""Records a block. A block is always made whole, so that a short run is the beginning of a longer one."""

PEOPLE, VACANCIES, PLACES, TRUTH = range(4)
"""Children of a seed: of the profiles, of the vacancies, of what both stand among, of what neither tells."""


def blocks(n: int, make: Callable[[int], pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Give n records, block by block; `make` gives the whole block of a number (0, 1, ...).

    There is always a first frame, of no rows where n is 0, so that the columns are known.

    Raises ValueError where n is below 0.
    """
    if n < 0:
        raise ValueError(f"n is {n}; it must be 0 or more")
    return (make(number).head(n - number * BLOCK) for number in range(max(1, -(-n // BLOCK))))


@dataclass(frozen=True, eq=False)
class Scene:
    """What all blocks of a run share; `today` is in days since 1970."""

    market: Market
    region: Region
    employers: Employers
    today: int


def scene_of(seed: int, region: Region | None, taxonomy: Taxonomy | None, as_of: date) -> Scene:
    """Set the scene of a run; see `data.pilot.generate_profiles` for the defaults and errors."""
    market = read_market(taxonomy or bundled_taxonomy())
    region = region or read_region()
    employers = draw_employers(Draws(seed, PLACES), region, market)
    return Scene(market, region, employers, (as_of - date(1970, 1, 1)).days)

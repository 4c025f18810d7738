"""A made-up exchange around a region, with the synthetic truth of some of its vacancies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from api.pilot.quality import Judged, rows_of
from api.pilot.world import make_world
from data.pilot import (
    by_organisation,
    generate_profiles,
    generate_truth,
    generate_vacancies,
    organisations,
    read_region,
)
from data.reference import postcodes, regions
from data.taxonomy import bundled_taxonomy
from engine.evaluation import Judgements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from api.pilot.world import World
    from data.standard import Side

JUDGED: Final = 1000
"""The most vacancies that are graded, anywhere in the exchange: it takes all their pairs."""


@dataclass(frozen=True)
class Size:
    """How much is made up: jobseekers and vacancies in the region and around it together, and the seed."""

    jobseekers: int = 50_000
    vacancies: int = 10_000
    seed: int = 1


def around(region: str, radius: int) -> list[str]:
    """Give the regions of which a postcode lies within so many km of one of the region, itself among them."""
    from scipy.spatial import KDTree

    located = regions().table.join(postcodes().table, on="pc4", maintain_order="left")
    home = KDTree(located.filter(pl.col("region") == region).select("x", "y").to_numpy())
    distance, _ = home.query(located.select("x", "y").to_numpy(), distance_upper_bound=1000 * radius)
    return sorted(located.filter(pl.Series(np.isfinite(distance)))["region"].unique())


def make_up(region: str, size: Size, radius: int, as_of: date) -> tuple[World, Judged | None]:
    """Make up the records of all regions within reach, and grade the pairs of some vacancies.

    The same arguments give the same; no judgements where no pair is suitable. Raises QuestionError for a
    region that there isn't.
    """
    home = regions().find(region)
    place, taxonomy = read_region(*around(home, radius)), bundled_taxonomy()
    about: dict[str, Any] = {"seed": size.seed, "region": place, "taxonomy": taxonomy, "as_of": as_of}
    names = {each.source: each.name for each in organisations(place)}
    records: dict[Side, Iterable[pl.DataFrame]] = {
        "werkzoekende": generate_profiles(size.jobseekers, **about),
        "vacature": generate_vacancies(size.vacancies, **about),
    }
    world = make_world(
        home,
        {
            side: {names[source]: frame for source, frame in by_organisation(made, side).items()}
            for side, made in records.items()
        },
        taxonomy,
        as_of,
        is_made_up=True,
        seed=size.seed,
    )
    graded = min(JUDGED, size.vacancies)
    truth = generate_truth(size.jobseekers, graded, **about, unsuitable=0)
    if truth.is_empty():
        return world, None
    judgements = Judgements(
        rows_of(world.vacancies, truth["vacancy"]),
        rows_of(world.profiles, truth["profile"]),
        truth["grade"].to_numpy(),
    )
    return world, Judged(judgements, "synthetic", is_complete=True)

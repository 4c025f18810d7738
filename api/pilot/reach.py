"""What the exchange adds: suitable candidates near and far, of vacancies and of jobseekers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from api.pilot.cells import blanked, too_small, wilson
from api.pilot.world import NOWHERE, RINGS
from engine import UNIT, Ranker
from engine.merge import take

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from api.pilot.choices import Choices
    from api.pilot.world import Part, World
    from engine.conditions import Direction
    from engine.rank import Ranking

FEW: Final = 5
"""Fewer suitable candidates than this is few."""

ELSEWHERE: Final = "elders"
"""Stands for all organisations that have no jobseeker in the region."""

_PAIRS_AT_ONCE: Final = 1 << 21
"""About how many pairs are ranked together where none may be left out."""


@dataclass(frozen=True, eq=False)
class Reach:
    """How many suitable candidates the records of the region have, and where these are.

    Attributes
    ----------
    asking : int32 (n,), rows of the records of the region that ask.
    rings : int32 (n, 4), suitable candidates by ring; see `RINGS`.
    between : the organisations of who asks and of a candidate, and how many candidates it is about.
        Columns asking, candidate (Int32) and candidates (Int64, each counted once).
    regions : int64 (n_regions,), suitable candidates in each region, each counted once.
    suits : int64 (n_candidates,), how many of those who ask each candidate suits.
    """

    asking: NDArray[np.int32]
    rings: NDArray[np.int32]
    between: pl.DataFrame
    regions: NDArray[np.int64]
    suits: NDArray[np.int64]

    @property
    def up_to(self) -> NDArray[np.int64]:
        """Suitable candidates up to each ring, int64 (n, 4)."""
        return np.cumsum(self.rings, axis=1)


def measure_reach(
    world: World,
    direction: Direction,
    choices: Choices,
    seen: Callable[[Ranking, Ranker], None] | None = None,
) -> Reach:
    """Count the suitable candidates of the records of the region.

    Parameters
    ----------
    direction : "vacancy" where vacancies ask, "profile" where jobseekers do.
    choices : from which score on the side of who asks a candidate that meets all conditions is suitable.
    seen : is shown every ranking, and who made it; the rows of who asks count within `Reach.asking`.
    """
    asks, others = (world.vacancies, world.profiles)
    if direction == "profile":
        asks, others = others, asks
    rows = world.inside(asks)
    count = _Count(world, asks, others, rows)
    for ranking, ranker in rank_all(world, direction, rows, choices):
        if seen:
            seen(ranking, ranker)
        score, asking, candidate = sides(ranking)
        enough = score >= round(choices.suitable * UNIT)
        count.add(asking[enough], candidate[enough])
    return count.told()


def rank_all(
    world: World, direction: Direction, rows: NDArray[np.int32], choices: Choices
) -> Iterator[tuple[Ranking, Ranker]]:
    """Rank all candidates, however many, of these records, a few records at a time."""
    asks, others = (world.vacancies, world.profiles)
    if direction == "profile":
        asks, others = others, asks
    asking = take(asks.encoded, rows)
    vacancies, profiles = (asking, others.encoded)
    if direction == "profile":
        vacancies, profiles = profiles, vacancies
    ranker = Ranker(vacancies, profiles, world.space, choices.settings(world.as_of, direction))
    at_once = max(1, _PAIRS_AT_ONCE // max(1, len(others)))
    for first in range(0, len(rows), at_once):
        yield (
            ranker.rank(len(others), first, min(first + at_once, len(rows)), threads=choices.threads),
            ranker,
        )


def sides(ranking: Ranking) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Score on the side of who asks, row of who asks and row of the candidate, of each pair."""
    if ranking.direction == "profile":
        return ranking.score_profile, ranking.profile, ranking.vacancy
    return ranking.score_vacancy, ranking.vacancy, ranking.profile


@dataclass
class _Count:
    world: World
    asks: Part
    others: Part
    rows: NDArray[np.int32]
    _pairs: list[NDArray[np.int64]] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.world
        self._rings = np.zeros(len(RINGS) * len(self.rows), np.int64)
        self._suits = np.zeros(len(self.others), np.int64)
        home = world.regions.index(world.region)
        beside = [world.regions.index(name) for name in world.neighbours]
        ring = np.full(len(world.regions) + 1, 3, np.int64)  # the last stands for nowhere
        ring[home], ring[beside] = 1, 2
        self._ring_of_region = ring
        self._own, self._their = world.organisation_of(self.asks), world.organisation_of(self.others)

    def add(self, asking: NDArray[np.int32], candidate: NDArray[np.int32]) -> None:
        """Count suitable pairs: places in `rows`, and rows of candidates."""
        own, their = self._own[self.rows[asking]], self._their[candidate]
        ring = np.where(own == their, 0, self._ring_of_region[self.others.region[candidate]])
        self._rings += np.bincount(asking * len(RINGS) + ring, minlength=len(self._rings))
        self._suits += np.bincount(candidate, minlength=len(self._suits))
        packed = own.astype(np.int64) << 32 | candidate
        self._pairs.append(np.unique(packed))

    def told(self) -> Reach:
        """All that was counted."""
        rings = self._rings.reshape(-1, len(RINGS)).astype(np.int32)
        pairs = np.unique(np.concatenate([*self._pairs, np.zeros(0, np.int64)]))
        own, candidate = (pairs >> 32).astype(np.int32), (pairs & 0xFFFFFFFF).astype(np.int32)
        between = (
            pl.DataFrame({"asking": own, "candidate": self._their[candidate]})
            .group_by("asking", "candidate")
            .agg(pl.len().cast(pl.Int64).alias("candidates"))
            .sort("asking", "candidate")
        )
        where = self.others.region[np.unique(candidate)]
        regions = np.bincount(where[where != NOWHERE], minlength=len(self.world.regions))
        return Reach(self.rows, rings, between, regions, self._suits)


def reach_table(reach: Reach) -> list[dict[str, Any]]:
    """Tell for each ring what is seen up to it: mean and median number, and the shares with few and none."""
    n, told = len(reach.asking), []
    for ring, counts in zip(RINGS, reach.up_to.T, strict=True):
        told.append(
            {
                "scope": ring,
                "mean": float(counts.mean()),
                "median": float(np.median(counts)),
                **wilson(int((counts < FEW).sum()), n).plain("few"),
                **wilson(int((counts == 0).sum()), n).plain("none"),
            }
        )
    return told


def organisation_table(world: World, part: Part, reach: Reach, minimum: int) -> list[dict[str, Any]]:
    """Tell for each organisation with records in the region what its own and what all would give it."""
    owner, told = world.organisation_of(part)[reach.asking], []
    counts = np.bincount(owner, minlength=len(world.organisations))
    hidden = too_small(counts.tolist(), minimum)
    for number in np.flatnonzero(counts).tolist():
        up_to = reach.up_to[owner == number]
        row = {
            "organisation": world.organisations[number],
            "records": int(counts[number]),
            "median_own": float(np.median(up_to[:, 0])),
            "median_all": float(np.median(up_to[:, 3])),
            "few_own": float((up_to[:, 0] < FEW).mean()),
            "few_all": float((up_to[:, 3] < FEW).mean()),
        }
        told.append(blanked(row, "organisation") if hidden[number] else row)
    return told


def between_table(world: World, reach: Reach, minimum: int) -> list[dict[str, Any]]:
    """Tell how many jobseekers of each organisation suit vacancies of each, small numbers left out.

    Jobseekers of an organisation that has none in the region are told together, under `ELSEWHERE`.
    """
    here = {
        world.organisations[each]
        for each in world.organisation_of(world.profiles)[world.inside(world.profiles)]
    }
    counts: Counter[tuple[str, str]] = Counter()
    for asking, candidate, count in reach.between.iter_rows():
        name = world.organisations[candidate]
        counts[world.organisations[asking], name if name in here else ELSEWHERE] += count
    return [
        {
            "vacancies_of": vacancies_of,
            "jobseekers_of": jobseekers_of,
            "jobseekers": None if count < minimum else count,
        }
        for (vacancies_of, jobseekers_of), count in sorted(counts.items())
    ]


def region_table(world: World, coming: Reach, going: Reach, minimum: int) -> list[dict[str, Any]]:
    """Tell how many jobseekers of each region suit vacancies here, and how many vacancies jobseekers here."""
    return [
        {
            "region": name,
            "jobseekers": None if 0 < jobseekers < minimum else jobseekers,
            "vacancies": vacancies,
        }
        for name, jobseekers, vacancies in zip(
            world.regions, coming.regions.tolist(), going.regions.tolist(), strict=True
        )
    ]

"""Synthetic truth: how well the invented jobseekers suit the invented vacancies, by what no record tells.

A profile is written from a person (`people.py`) and tells part of it, not always rightly: skills are left out
or not really mastered, jobs and fields are missing, and the occupations that are listed need not be what is
sought. The truth is graded from the person behind the profile and the work behind the vacancy:

background : the occupation trained for and all jobs really held, by years and by how long ago, times the
    kinship of each with the work: by how many digits of ISCO-08 they share, give or take what a draw for each
    pair of three-digit groups adds, since people move between fields in ways that no taxonomy has.
skills : which skills the work really takes is drawn anew from those of its occupation, apart from what the
    vacancy asks; and so are those that the person really masters. The share of the first in the second.
level : of the person against that of the work, whatever was filed.
wish : the kinship of the work with what the person now seeks, for some something else than what is listed.
hindrances : further away than the person would really travel, which differs from what is listed; without a
    licence that the work can't do without; hours that don't meet. Each lowers the whole.
motivation, and the eye of who judges : a draw for each person, a draw for each pair.

So a grade depends on much that a ranking can't see, none is perfect, and how far it comes is worth something
only beside another ranking of the same records. It was made by us and not by people who place jobseekers: it
can tell that a ranking finds again what was hidden, not that it suits real people. What is called synthetic
has to be called so wherever it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.pilot.blocks import AS_OF, BLOCK, PEOPLE, TRUTH, VACANCIES, Scene, scene_of
from data.pilot.columns import distinct
from data.pilot.draws import Draws, Flags, Integers, expand
from data.pilot.market import Market
from data.pilot.people import YEAR, People
from data.pilot.profiles import generate_profiles, jobseekers
from data.pilot.region import Region
from data.pilot.vacancies import generate_vacancies, openings
from data.reference import postcodes
from data.taxonomy import Taxonomy

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]

GRADES: Final = (0.4, 0.57, 0.75)
"""From which suitability on a pair has grade 1 (worth a look), 2 (suitable) and 3 (very suitable)."""

WEIGHTS: Final = {"background": 0.4, "skills": 0.3, "level": 0.15, "wish": 0.15}
"""What suitability is made of, before hindrances."""

_KINSHIP: Final = np.array([0.0, 0.1, 0.3, 0.55, 0.8])
"""By the number of ISCO-08 digits that two occupations share; an occupation and itself have 1."""

_UNKNOWN_KINSHIP: Final = 0.15
"""The most that the draw for a pair of groups adds or takes."""

_LEVELS: Final = np.array([0.1, 0.1, 0.1, 0.6, 1.0, 0.9, 0.6, 0.6, 0.6])
"""By level of the person less that of the work, from -4 to 4."""

_REACHES: Final = np.array([5, 10, 15, 20, 30, 50])
"""Kilometres, of who lists none."""

PAIRS: Final = 2
"""Child of the truth's seed, beside `PEOPLE` and `VACANCIES`: of each pair."""

_COLUMNS: Final = {
    "number": pl.Int64,
    "profile_number": pl.Int64,
    "vacancy": pl.String,
    "profile": pl.String,
    "grade": pl.UInt8,
    "order": pl.Float64,
}

_HINDERED: Final = {"far": 0.6, "too far": 0.2, "licence": 0.4, "hours": 0.5}
"""What each leaves of suitability: "far" is further than a person would travel, and "too far", which comes on
top of it, more than a third further."""

_AT_ONCE: Final = 50
"""Vacancies that are looked at together with a block of profiles."""


def generate_truth(
    profiles: int,
    vacancies: int,
    *,
    seed: int,
    region: Region | None = None,
    taxonomy: Taxonomy | None = None,
    as_of: date = AS_OF,
    unsuitable: int | None = 100,
) -> pl.DataFrame:
    """Grade the pairs of what `generate_profiles` and `generate_vacancies` give for the same arguments.

    All pairs are looked at: 2,000 profiles by 300 vacancies take about a second, 200,000 by 1,000 minutes.

    Parameters
    ----------
    profiles, vacancies : how many of them, each 0 or more. The grade of a pair depends on neither.
    seed, region, taxonomy, as_of : of the records.
    unsuitable : of each vacancy, how many of the pairs with grade 0 to give, drawn; None gives all. The pairs
        that are not given all have grade 0.

    Returns
    -------
    Columns vacancy, profile (String, the ids) and grade (UInt8, 0..3), by vacancy and then by profile in the
    order of the records; each pair once. The same arguments give the same frame.

    Raises
    ------
    ValueError : a number or seed is below 0, or the taxonomy is empty.
    """
    if profiles < 0 or vacancies < 0 or (unsuitable is not None and unsuitable < 0):
        raise ValueError("profiles, vacancies and unsuitable must be 0 or more")
    scene = scene_of(seed, region, taxonomy, as_of)
    kinship = _kinship(Draws(seed, TRUTH), scene.market)
    offered = generate_vacancies(vacancies, seed=seed, region=region, taxonomy=taxonomy, as_of=as_of)
    wanted = generate_profiles(profiles, seed=seed, region=region, taxonomy=taxonomy, as_of=as_of)
    works = [part for block, frame in enumerate(offered) for part in _works(frame, seed, block, scene)]
    found = []
    for block, frame in enumerate(wanted):
        seekers = _seekers(frame, seed, block, scene)
        for work in works:
            # For each pair the eye of who judges, and whether it is given where it is not suitable.
            draws = [Draws(seed, TRUTH, PAIRS, block, number) for number in work.numbers.tolist()]
            drawn = np.stack([each.uniform(2, BLOCK)[:, : frame.height] for each in draws], axis=1)
            grade = _grade(work, seekers, kinship, scene.market, eye=drawn[0])
            found.append(_given(work, seekers, grade, drawn[1], unsuitable))
    pairs = pl.concat([*found, pl.DataFrame(schema=_COLUMNS)])
    if unsuitable is not None:
        pairs = pairs.filter(
            (pl.col("grade") > 0) | (pl.col("order").rank("ordinal").over("number", "grade") <= unsuitable)
        )
    return pairs.sort("number", "profile_number").select("vacancy", "profile", "grade")


@dataclass(frozen=True, eq=False)
class _Works:
    """What w vacancies are really about.

    ids : String series (w,); numbers, occupation, level : int64 (w,).
    needs : bool sparse (w, s), the skills that the work takes.
    x, y : int32 (w,), metres; hours : int64 (w, 2), least and most, as wide as can be where not told.
    """

    ids: pl.Series
    numbers: Integers
    occupation: Integers
    level: Integers
    needs: csr_array
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    hours: Integers


@dataclass(frozen=True, eq=False)
class _Seekers:
    """What n jobseekers really are like.

    ids : String series (n,); numbers, level : int64 (n,).
    occupations : int64 (n, 6), trained for, then the jobs held; practice : float64 (n, 6), 0..1, of each.
    aim : int64 (n,), the occupation now sought.
    masters : bool sparse (n, s), skills.
    licences : bool (n, 9), by `LICENCES`.
    reach : float64 (n,), metres; motivation : float64 (n,), a factor.
    x, y, hours : as of `_Works`.
    """

    ids: pl.Series
    numbers: Integers
    level: Integers
    occupations: Integers
    practice: Floats
    aim: Integers
    masters: csr_array
    licences: Flags
    reach: Floats
    motivation: Floats
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    hours: Integers


def _works(frame: pl.DataFrame, seed: int, block: int, scene: Scene) -> list[_Works]:
    """Draw what the vacancies of a block are about, some at a time."""
    _, occupation, level = openings(Draws(seed, VACANCIES, block), scene)
    draws = Draws(seed, TRUTH, VACANCIES, block)
    taxonomy = scene.market.taxonomy
    vacancy, element = expand(taxonomy.occupation_skill_indptr, occupation)
    kept = draws.chance(np.where(taxonomy.occupation_skill_essential[element], 0.7, 0.15), len(element))
    needs = _flags(vacancy[kept], taxonomy.occupation_skill_indices[element[kept]], len(taxonomy.skills))
    x, y = postcodes().locate(frame["adres"].struct.field("postcode"))
    hours = _hours(frame)
    parts = [slice(at, min(at + _AT_ONCE, frame.height)) for at in range(0, frame.height, _AT_ONCE)]
    return [
        _Works(
            frame["idVacature"][part],
            np.arange(part.start, part.stop) + block * BLOCK,
            occupation[part],
            level[part],
            needs[part],
            x[part],
            y[part],
            hours[part],
        )
        for part in parts
    ]


def _seekers(frame: pl.DataFrame, seed: int, block: int, scene: Scene) -> _Seekers:
    """Draw what the jobseekers of a block are like."""
    market, n = scene.market, frame.height
    _, people = jobseekers(Draws(seed, PEOPLE, block), scene)
    draws = Draws(seed, TRUTH, PEOPLE, block)
    kind = draws.choice((80, 15, 5), BLOCK)
    elsewhere = market.neighbour(draws, people.occupation), draws.choice(market.supply, BLOCK)
    told = frame["mobiliteit"].struct.field("maximaleReisafstand")
    unlisted = _REACHES[draws.below(len(_REACHES), BLOCK)][:n]
    reach = np.where(told.is_null(), unlisted, told.fill_null(0))
    x, y = postcodes().locate(frame["mobiliteit"].struct.field("bemiddelingspostcode"))
    return _Seekers(
        ids=frame["idWerkzoekende"],
        numbers=np.arange(n) + block * BLOCK,
        level=people.level[:n],
        occupations=_occupations(people)[:n],
        practice=_practice(people, scene.today)[:n],
        aim=np.choose(kind, (people.occupation, *elsewhere))[:n],
        masters=_mastered(draws, people, market)[:n],
        licences=people.licences[:n],
        reach=1000 * reach * (0.8 + 0.7 * draws.uniform(BLOCK)[:n]),
        motivation=0.85 + 0.25 * draws.uniform(BLOCK)[:n],
        x=x,
        y=y,
        hours=_hours(frame),
    )


def _occupations(people: People) -> Integers:
    return np.concatenate([people.occupation[:, None], people.job_occupation], axis=1)


def _practice(people: People, today: int) -> Floats:
    """How much the occupation trained for and each job count: more by the year, less when long ago."""
    years = (people.job_end - people.job_start) / YEAR
    ago = (today - people.job_end) / YEAR
    jobs = np.minimum(0.4 + 0.1 * years, 1.0) * np.maximum(1.0 - 0.04 * ago, 0.5) * people.job_kept
    return np.concatenate([np.full((len(people), 1), 0.6), jobs], axis=1)


def _mastered(draws: Draws, people: People, market: Market) -> csr_array:
    """Draw which of the skills of the occupations of each are really mastered, essential ones more often."""
    taxonomy = market.taxonomy
    held = np.concatenate([np.ones((len(people), 1), dtype=np.bool_), people.job_kept], axis=1)
    owner, occupation = distinct(np.nonzero(held)[0], _occupations(people)[held], len(taxonomy.occupations))
    pair, element = expand(taxonomy.occupation_skill_indptr, occupation)
    able = 0.5 + 0.45 * draws.uniform(len(people))
    share = np.where(taxonomy.occupation_skill_essential[element], 1.0, 0.4) * able[owner[pair]]
    kept = draws.chance(share, len(element))
    return _flags(owner[pair][kept], taxonomy.occupation_skill_indices[element[kept]], len(taxonomy.skills))


def _kinship(draws: Draws, market: Market) -> Floats:
    """Draw how much each occupation prepares for each other, float64 (o, o), 0..1, alike both ways."""
    isco = market.taxonomy.isco
    digits = [
        np.array([code[:size] if len(code) >= size else f"-{at}" for at, code in enumerate(isco)])
        for size in (1, 2, 3, 4)
    ]
    shared = sum(
        ((each[:, None] == each).astype(np.int64) for each in digits),
        start=np.zeros((len(isco),) * 2, dtype=np.int64),
    )
    groups, group = np.unique(digits[2], return_inverse=True)
    drawn = np.triu(draws.uniform(len(groups), len(groups)))
    unknown = (2 * (drawn + np.triu(drawn, 1).T) - 1) * _UNKNOWN_KINSHIP
    kinship = np.clip(_KINSHIP[shared] + unknown[group[:, None], group], 0.0, 1.0)
    np.fill_diagonal(kinship, 1.0)
    return kinship


def _grade(
    works: _Works, seekers: _Seekers, kinship: Floats, market: Market, eye: Floats
) -> NDArray[np.uint8]:
    """Grade all pairs, uint8 (w, n); `eye` (w, n), 0..1, is how kindly each is looked at."""
    kin = kinship[works.occupation]
    background = np.zeros(eye.shape)
    for occupation, practice in zip(seekers.occupations.T, seekers.practice.T, strict=True):
        np.maximum(background, kin[:, occupation] * practice, out=background)
    asked = np.maximum(works.needs.sum(axis=1), 1)[:, None]
    parts = {
        "background": background,
        "skills": (works.needs @ seekers.masters.T).toarray() / asked,
        "level": _LEVELS[np.clip(seekers.level - works.level[:, None], -4, 4) + 4],
        "wish": kin[:, seekers.aim],
    }
    suitable = sum((weight * parts[name] for name, weight in WEIGHTS.items()), start=np.zeros(eye.shape))

    east = seekers.x - works.x[:, None].astype(np.float64)
    north = seekers.y - works.y[:, None].astype(np.float64)
    away = np.sqrt(east * east + north * north)
    suitable *= np.where(away > seekers.reach, _HINDERED["far"], 1.0)
    suitable *= np.where(3 * away > 4 * seekers.reach, _HINDERED["too far"], 1.0)
    needed = market.required[market.row[works.occupation]]
    lacks = (needed[:, None, :] & ~seekers.licences).any(axis=2)
    suitable *= np.where(lacks, _HINDERED["licence"], 1.0)
    meet = (seekers.hours[:, 0] <= works.hours[:, 1, None]) & (seekers.hours[:, 1] >= works.hours[:, 0, None])
    suitable *= np.where(meet, 1.0, _HINDERED["hours"])
    suitable = suitable * seekers.motivation + 0.1 * (eye - 0.5)
    return np.searchsorted(GRADES, suitable, side="right").astype(np.uint8)


def _given(
    works: _Works, seekers: _Seekers, grade: NDArray[np.uint8], order: Floats, unsuitable: int | None
) -> pl.DataFrame:
    """Give the suitable pairs, and of each vacancy the first of the others by `order` (w, n)."""
    given = grade > 0
    if unsuitable is None or unsuitable >= order.shape[1]:
        given[:] = True
    elif unsuitable:
        rest = np.where(given, np.inf, order)
        given |= rest <= np.partition(rest, unsuitable - 1, axis=1)[:, unsuitable - 1, None]
    vacancy, profile = np.nonzero(given)
    return pl.DataFrame(
        {
            "number": works.numbers[vacancy],
            "profile_number": seekers.numbers[profile],
            "vacancy": works.ids.gather(vacancy),
            "profile": seekers.ids.gather(profile),
            "grade": grade[vacancy, profile],
            "order": order[vacancy, profile],
        },
        schema=_COLUMNS,
    )


def _flags(rows: NDArray[Any], columns: NDArray[Any], n_columns: int) -> csr_array:
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(BLOCK, n_columns))


def _hours(frame: pl.DataFrame) -> Integers:
    hours = frame["werktijden"].struct
    least = hours.field("aantalWerkurenPerWeekMinimaal").fill_null(0)
    most = hours.field("aantalWerkurenPerWeekMaximaal").fill_null(99)
    return np.stack([least.to_numpy(), most.to_numpy()], axis=1).astype(np.int64)

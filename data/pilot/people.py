"""Who the jobseekers are behind their profiles: work, age, schooling, history. A profile tells part of it."""

from dataclasses import dataclass

import numpy as np

from data.pilot.draws import Draws, Flags, Integers
from data.pilot.market import LICENCES, LOWEST_LEVEL, Market

JOBS = 5
"""The most jobs in a history."""

YEAR = 365.25

_AGES = (9, 13, 13, 12, 11, 10, 10, 10, 8, 4)
"""Weights of the ages from 17 on, five years each."""

_FIRST_JOB = np.array([16, 16, 19, 22, 24])
"""The age at which work begins, by level from `LOWEST_LEVEL` on."""

_JOB_COUNTS = (8, 18, 26, 22, 15, 11)

_FROM_ELSEWHERE = np.array([0.05, 0.12, 0.12, 0.12, 0.12, 0.25, 0.3, 0.3, 0.38, 0.5])
"""Share of people who came from another country, by ISCO-08 major group."""

_NEEDS = (("BE", "B"), ("C", "B"), ("CE", "C"), ("D", "B"), ("DE", "D"))
"""Licences that are only given to who has the other one."""


@dataclass(frozen=True, eq=False)
class People:
    """n jobseekers.

    occupation : int64 (n,), the main occupation.
    level : int64 (n,), 2..6, as code werk- en denkniveau.
    birthday : int64 (n,), days since 1970.
    elsewhere : bool (n,), came from another country.
    licences : bool (n, 9), by `LICENCES`.
    job_occupation, job_start, job_end : int64 (n, 5), latest job first; start and end in days since 1970.
    job_kept : bool (n, 5), whether there is such a job.
    """

    occupation: Integers
    level: Integers
    birthday: Integers
    elsewhere: Flags
    licences: Flags
    job_occupation: Integers
    job_start: Integers
    job_end: Integers
    job_kept: Flags

    def __len__(self) -> int:
        return len(self.occupation)


def draw_people(draws: Draws, n: int, market: Market, today: int) -> People:
    """Draw n people as they are on a day (`today`, days since 1970)."""
    occupation = draws.choice(market.supply, n)
    level = market.level(draws, occupation)
    first_job = _FIRST_JOB[level - LOWEST_LEVEL]
    age = 17 + 5 * (draws.choice(_AGES, n) + draws.uniform(n))
    age = np.maximum(age, first_job + 3 * draws.uniform(n))
    birthday = today - (age * YEAR).astype(np.int64)
    major = np.array([int(isco[:1] or 9) for isco in market.taxonomy.isco])
    elsewhere = draws.chance(_FROM_ELSEWHERE[major[occupation]], n)

    licences = draws.chance(market.licences[market.row[occupation]], n, len(LICENCES))
    for kind, needed in _NEEDS:
        licences[:, LICENCES.index(kind)] &= licences[:, LICENCES.index(needed)]

    return People(
        occupation,
        level,
        birthday,
        elsewhere,
        licences,
        _job_occupations(draws, market, occupation),
        *_job_dates(draws, birthday + (first_job * YEAR).astype(np.int64), today),
    )


def _job_occupations(draws: Draws, market: Market, occupation: Integers) -> Integers:
    """Most worked last in their main occupation, or in one like it; early jobs may be anything."""
    n = len(occupation)
    jobs = np.empty((n, JOBS), dtype=np.int64)
    for job in range(JOBS):
        kind = draws.choice((74, 20, 6) if job == 0 else (45, 35, 20), n)
        alike = market.neighbour(draws, occupation)
        jobs[:, job] = np.choose(kind, (occupation, alike, draws.choice(market.supply, n)))
    return jobs


def _job_dates(draws: Draws, begin: Integers, today: int) -> tuple[Integers, Integers, Flags]:
    """Go back from `today`: time out of work, a job, time out of work, and so on until `begin`."""
    n = len(begin)
    wanted = draws.choice(_JOB_COUNTS, n)
    out = draws.low(500, n, JOBS)
    out[:, 0] = 1 + draws.low(1500, n)
    worked = 60 + draws.low(3000, n, JOBS)
    passed = np.cumsum(np.stack([out, worked], axis=2).reshape(n, 2 * JOBS), axis=1)
    end, start = today - passed[:, 0::2], today - passed[:, 1::2]
    start = np.maximum(start, begin[:, None])
    kept = (np.arange(JOBS) < wanted[:, None]) & (end - start >= 60)
    return start, end, kept

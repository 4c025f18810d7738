"""Made-up profiles and vacancies of any number, in two shapes with the same numbers inside.

Two distributions of 16,384 features, numbered by how common they are:

- "ind": every feature is drawn from one Zipf distribution (s = 1), whatever the others are;
- "clus": a record has one of 800 occupations, and two draws of three (0.65) come from the 80 features of that
  occupation, the others from the same Zipf distribution.

A profile has 25 distinct features, each to a degree of 43 to 128; a vacancy asks for 15, weighed by inverse
document frequency. Where records are expanded every feature also reaches five others, the same five for all.
Places are postcodes from all over the country.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Any, Final, Literal, NamedTuple, TypeVar

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from benchmarks.market import Market
from data.reference import postcodes
from data.standard import Side
from data.taxonomy import Concepts, Taxonomy
from engine.columns import CONTRACT_TYPES, LICENCES, Columns, Records, day_number, pack_language
from engine.encode import Encoded
from engine.features import EDUCATION_LEVELS, FeatureSpace, education_level, stable_hash
from engine.kernels import FULL, MISSING_DATE, Sparse, mix

AS_OF: Final = date(2026, 9, 1)
"""The day of the ranking, around which dates are drawn."""

FEATURES: Final = 16_384
PROFILE_FEATURES: Final = 25
VACANCY_FEATURES: Final = 15

DRAWS: Final = 90
OCCUPATIONS: Final = 800
POOL: Final = 80
"""Features of one occupation."""
FROM_POOL: Final = 0.65

LOWEST_DEGREE: Final = 43
"""A third of 128: degrees differ by a factor of three at most."""

REACHES: Final = 5
"""Other features that a feature reaches where records are expanded."""

LIMITS: Final = (5, 10, 15, 20, 25, 30, 40, 50, 75, 100, -1)
LIMIT_SHARES: Final = (0.08, 0.16, 0.15, 0.14, 0.10, 0.10, 0.07, 0.05, 0.03, 0.02, 0.10)
"""How many profiles have which travel limit in km; -1 is none."""

Distribution = Literal["ind", "clus"]
Number = TypeVar("Number", bound=np.generic)

_CHUNK = 1 << 16
_DRAWING_THREADS = 2


def synthetic(
    distribution: Distribution,
    profiles: int,
    vacancies: int,
    *,
    expanded: bool = False,
    conditions: bool = False,
    seed: int = 1,
) -> Market:
    """Draw profiles and vacancies; the same arguments give the same records.

    Parameters
    ----------
    distribution : "ind" or "clus".
    profiles, vacancies : how many of each.
    expanded : whether what is covered goes beyond what is had, to about 150 features a profile.
    conditions : whether hours, licences, languages and everything else that conditions read is filled.
    """
    draws = _draws(distribution, seed)
    reach = _reach(seed, REACHES if expanded else 0)
    had = draws.rows(profiles, PROFILE_FEATURES, stream=0)
    offered = draws.rows(vacancies, VACANCY_FEATURES, stream=1)
    return Market(
        profiles=Encoded(
            _records("werkzoekende", profiles, seed, conditions),
            AS_OF,
            asks=_every_third(had),
            has=had._replace(values=_degrees(had, seed)),
            reach=reach,
        ),
        vacancies=Encoded(
            _records("vacature", vacancies, seed, conditions),
            AS_OF,
            asks=offered,
            has=offered,
            reach=reach,
        ),
        space=feature_space(np.bincount(had.features, minlength=FEATURES), profiles),
    )


def feature_space(counts: NDArray[np.int64], total: int) -> FeatureSpace:
    """Give a space of 16,384 features in which feature i occurs in counts[i] of `total` reference records.

    All are skills but the last five, the levels of education that every space has; both groups weigh 1.
    """
    skills = [f"urn:koppel:vaardigheid:{number:05}" for number in range(FEATURES - len(EDUCATION_LEVELS))]
    levels = [education_level(level) for level in EDUCATION_LEVELS]
    frequencies = pl.DataFrame(
        {
            "group": ["skill"] * len(skills) + ["education"] * len(levels),
            "code": skills + levels,
            "count": counts,
            "total": np.full(FEATURES, total),
        }
    )
    nothing = np.empty(0, np.int32)
    return FeatureSpace(
        Taxonomy(
            name="synthetic",
            version=f"synthetic-{total}",
            occupations=_concepts([]),
            skills=_concepts(skills),
            isco=[],
            skill_broader_indptr=np.zeros(len(skills) + 1, np.int32),
            skill_broader_indices=nothing,
            occupation_skill_indptr=np.zeros(1, np.int32),
            occupation_skill_indices=nothing,
            occupation_skill_essential=np.empty(0, np.bool_),
            neighbours=np.empty((0, 20), np.int32),
            neighbour_degrees=np.empty((0, 20), np.uint8),
            frequencies=frequencies.sort("group", "code"),
        )
    )


# -- features


class _Draws(NamedTuple):
    """What features are drawn from, each distribution as its cumulative shares, float64."""

    seed: int
    background: NDArray[np.float64]
    from_pool: float
    occupations: NDArray[np.float64]
    pools: NDArray[np.int32]
    pool: NDArray[np.float64]

    def rows(self, n: int, most: int, *, stream: int) -> Sparse:
        """Give n rows of up to `most` features, all at 128."""
        found = np.empty((n, most), np.int32)
        sizes = np.empty(n, np.int64)
        salt = np.uint64(stable_hash("synthetic", str(self.seed), str(stream)))

        def fill(first: int) -> None:
            _draw(salt, first, min(first + _CHUNK, n), *self[1:], found, sizes)

        with ThreadPoolExecutor(_DRAWING_THREADS) as pool:
            list(pool.map(fill, range(0, n, _CHUNK)))
        indptr = np.zeros(n + 1, np.int64)
        np.cumsum(sizes, out=indptr[1:])
        features = found[np.arange(most) < sizes[:, None]]
        return Sparse(indptr, features, np.full(len(features), FULL, np.uint8))


def _draws(distribution: Distribution, seed: int) -> _Draws:
    rng = np.random.default_rng((seed, 0))
    pools = np.stack([rng.choice(FEATURES, POOL, replace=False) for _ in range(OCCUPATIONS)])
    return _Draws(
        seed,
        background=_zipf(FEATURES, 1.0),
        from_pool=FROM_POOL if distribution == "clus" else 0.0,
        occupations=_zipf(OCCUPATIONS, 0.7),
        pools=pools.astype(np.int32),
        pool=_zipf(POOL, 0.6),
    )


def _zipf(n: int, s: float) -> NDArray[np.float64]:
    """Cumulative shares of n things, the i-th of which is worth 1 / i**s."""
    shares = 1.0 / np.arange(1, n + 1) ** s
    cumulative: NDArray[np.float64] = np.cumsum(shares / shares.sum())
    cumulative[-1] = 1.0
    return cumulative


@njit(cache=True, nogil=True, inline="always")
def _unit(salt: Any, counter: Any) -> Any:
    """Draw number `counter` of a stream, float64 in [0, 1)."""
    return np.float64(mix(salt, np.uint64(counter)) >> np.uint64(11)) / 2.0**53


@njit(cache=True, nogil=True)
def _draw(
    salt: Any,
    first: Any,
    last: Any,
    background: Any,
    from_pool: Any,
    occupations: Any,
    pools: Any,
    pool: Any,
    found: Any,
    sizes: Any,
) -> None:
    """Fill rows first..last - 1 of `found` with distinct features, ascending, and `sizes` with how many.

    A row is drawn until it is full, 90 times at most, and depends on the salt and its own number alone.
    """
    most = found.shape[1]
    for row in range(first, last):
        counter = row * (2 * DRAWS + 1)
        occupation = np.searchsorted(occupations, _unit(salt, counter))
        size = 0
        for draw in range(DRAWS):
            at = _unit(salt, counter + 2 * draw + 1)
            if from_pool > 0 and _unit(salt, counter + 2 * draw + 2) < from_pool:
                feature = pools[occupation, np.searchsorted(pool, at)]
            else:
                feature = np.int32(np.searchsorted(background, at))
            known = False
            for other in range(size):
                known |= found[row, other] == feature
            if not known:
                found[row, size] = feature
                size += 1
                if size == most:
                    break
        found[row, :size].sort()
        sizes[row] = size


def _degrees(rows: Sparse, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng((seed, 1))
    return rng.integers(LOWEST_DEGREE, FULL, len(rows.features), np.uint8, endpoint=True)


def _every_third(rows: Sparse) -> Sparse:
    """What a profile wants: a third of what it has, at 128."""
    place = np.arange(len(rows.features)) - np.repeat(rows.indptr[:-1], np.diff(rows.indptr))
    wanted = place % 3 == 0
    indptr = np.concatenate([[0], np.cumsum(wanted)])[rows.indptr]
    return Sparse(indptr, rows.features[wanted], rows.values[wanted])


def _reach(seed: int, others: int) -> Sparse:
    """So many random other features for every feature, at 32 to 127."""
    rng = np.random.default_rng((seed, 2))
    step = rng.integers(1, FEATURES, (FEATURES, others))
    features = (np.arange(FEATURES)[:, None] + step) % FEATURES
    degrees = rng.integers(32, FULL, features.size, np.uint8)
    return Sparse(others * np.arange(FEATURES + 1), features.ravel().astype(np.int32), degrees)


def _concepts(codes: list[str]) -> Concepts:
    n = len(codes)
    nothing = np.empty(0, np.int32)
    return Concepts(codes, codes, [], nothing, codes, np.arange(n, dtype=np.int32), np.zeros(n, np.uint8))


# -- what conditions read


def _records(side: Side, n: int, seed: int, conditions: bool) -> Records:
    rng = np.random.default_rng((seed, 3 + (side == "vacature")))
    # As hard to press as real ones.
    numbers = np.random.default_rng((seed, 6 + (side == "vacature"))).integers(1 << 63, size=n)
    ids = [f"{number:016x}" for number in np.sort(numbers).tolist()]
    table = postcodes().table
    at = rng.integers(0, len(table), n)
    limits = rng.choice(np.array(LIMITS, np.int16), n, p=LIMIT_SHARES)
    columns = Columns(
        hash=np.fromiter((stable_hash("", record) for record in ids), np.uint64, n),
        source=np.zeros(n, np.uint16),
        x=table["x"].to_numpy()[at],
        y=table["y"].to_numpy()[at],
        travel_limit=limits if side == "werkzoekende" else np.full(n, -1, np.int16),
        hours_min=np.full(n, -1, np.int16),
        hours_max=np.full(n, -1, np.int16),
        irregular=np.zeros(n, np.int8),
        office_hours=np.zeros(n, np.int8),
        contracts=np.zeros(n, np.uint8),
        licences=np.zeros(n, np.uint16),
        level=np.zeros(n, np.int8),
        level_code=np.full(n, -1, np.int8),
        start=np.full(n, MISSING_DATE, np.int32),
        end=np.full(n, MISSING_DATE, np.int32),
        closing=np.full(n, MISSING_DATE, np.int32),
        language_indptr=np.zeros(n + 1, np.int64),
        language=np.empty(0, np.int16),
        language_levels=np.empty((0, 4), np.int8),
        occupation_indptr=np.zeros(n + 1, np.int64),
        occupation=np.empty(0, np.int32),
    )
    if conditions:
        fill = _fill_profiles if side == "werkzoekende" else _fill_vacancies
        columns = columns._replace(**fill(rng, n))
    return Records(side, ("",), ids, columns, [])


def _fill_profiles(rng: np.random.Generator, n: int) -> dict[str, NDArray[Any]]:
    pick = partial(_pick, rng, n)
    day = partial(_dates, rng, n)
    hours_min = pick(np.int16, {-1: 0.3, 8: 0.1, 16: 0.2, 24: 0.25, 32: 0.15})
    more = pick(np.int16, {4: 0.2, 8: 0.4, 16: 0.4})
    level = pick(np.int8, {0: 0.25, 1: 0.05, 2: 0.1, 3: 0.2, 4: 0.25, 5: 0.1, 6: 0.05})
    car, truck, trailer = _licence_bits("B", "C", "BE")
    return {
        "hours_min": hours_min,
        "hours_max": np.where(hours_min < 0, hours_min, np.minimum(hours_min + more, 40)).astype(np.int16),
        "irregular": pick(np.int8, {0: 0.5, 1: 0.3, 2: 0.2}),
        "office_hours": pick(np.int8, {0: 0.6, 1: 0.15, 2: 0.25}),
        "contracts": pick(np.uint8, {0: 0.4, 1: 0.2, 2: 0.1, (1 << len(CONTRACT_TYPES)) - 1: 0.3}),
        "licences": pick(np.uint16, {0: 0.35, car: 0.55, car | trailer: 0.06, car | truck: 0.04}),
        "level": level,
        "level_code": np.where(level == 0, -1, level).astype(np.int8),
        "start": day({MISSING_DATE: 0.4, -365: 0.2, -60: 0.15, -7: 0.1, 14: 0.1, 45: 0.05}),
        "end": day({MISSING_DATE: 0.95, -30: 0.01, 30: 0.02, 200: 0.02}),
        **_languages(rng, n, {"nld": 0.85, "eng": 0.45, "ara": 0.08}, (1, 2, 3, 4)),
    }


def _fill_vacancies(rng: np.random.Generator, n: int) -> dict[str, NDArray[Any]]:
    pick = partial(_pick, rng, n)
    day = partial(_dates, rng, n)
    hours_min = pick(np.int16, {-1: 0.2, 8: 0.1, 16: 0.15, 24: 0.2, 32: 0.35})
    more = pick(np.int16, {0: 0.3, 8: 0.7})
    level = pick(np.int8, {0: 0.3, 1: 0.05, 2: 0.15, 3: 0.2, 4: 0.2, 5: 0.08, 6: 0.02})
    car, truck = _licence_bits("B", "C")
    return {
        "hours_min": hours_min,
        "hours_max": np.where(hours_min < 0, hours_min, hours_min + more).astype(np.int16),
        "irregular": pick(np.int8, {0: 0.5, 1: 0.25, 2: 0.25}),
        "office_hours": pick(np.int8, {0: 0.6, 1: 0.25, 2: 0.15}),
        "contracts": pick(np.uint8, {0: 0.4, 1: 0.35, 2: 0.2, (1 << len(CONTRACT_TYPES)) - 1: 0.05}),
        "licences": pick(np.uint16, {0: 0.75, car: 0.22, car | truck: 0.03}),
        "level": level,
        "level_code": np.where(level == 0, -1, level).astype(np.int8),
        "start": day({MISSING_DATE: 0.4, -10: 0.1, 7: 0.2, 30: 0.2, 60: 0.1}),
        "end": day({MISSING_DATE: 0.9, 200: 0.1}),
        "closing": day({MISSING_DATE: 0.4, -1: 0.05, 0: 0.05, 14: 0.3, 60: 0.2}),
        **_languages(rng, n, {"nld": 0.35, "eng": 0.1}, (-1, 2, 3)),
    }


def _pick(
    rng: np.random.Generator, n: int, dtype: type[Number], shares: Mapping[int, float]
) -> NDArray[Number]:
    """Draw one of some values for each of n records, each value with its share."""
    return rng.choice(np.array(list(shares), dtype), n, p=list(shares.values()))


def _dates(rng: np.random.Generator, n: int, shares: Mapping[int, float]) -> NDArray[np.int32]:
    """Draw days, given from the day of the ranking on, or missing."""
    drawn = _pick(rng, n, np.int32, shares)
    return np.where(drawn == MISSING_DATE, drawn, drawn + day_number(AS_OF)).astype(np.int32)


def _languages(
    rng: np.random.Generator, n: int, shares: Mapping[str, float], levels: Sequence[int]
) -> dict[str, NDArray[Any]]:
    """Give every record each language with its share, each skill at one of the levels."""
    named = rng.random((n, len(shares))) < list(shares.values())
    indptr = np.concatenate([[0], np.cumsum(named.sum(axis=1))])
    codes = np.array([pack_language(code) for code in shares], np.int16)
    return {
        "language_indptr": indptr,
        "language": codes[np.nonzero(named)[1]],
        "language_levels": rng.choice(np.array(levels, np.int8), (indptr[-1], 4)),
    }


def _licence_bits(*codes: str) -> list[int]:
    return [1 << LICENCES.index(code) for code in codes]

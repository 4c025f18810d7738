"""Profiles and vacancies in two shapes: as Koppel takes them, and as matrices for its peers.

Matrices are float32 of the same integers divided by powers of two, so that every sum of products is exact in
both and scores can be compared for equality.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from data.reference import postcodes
from engine import Encoded, FeatureSpace, Settings
from engine.features import GROUPS, IDF_UNIT
from engine.kernels import FULL, WEIGHT_TOTAL, Sparse
from engine.rank import weigh


@dataclass(frozen=True, eq=False)
class Market:
    """Profiles and vacancies in one feature space.

    Attributes
    ----------
    profiles, vacancies : encoded on the same day.
    space : the feature space of both.
    """

    profiles: Encoded
    vacancies: Encoded
    space: FeatureSpace

    @cached_property
    def profile_matrix(self) -> csr_matrix:
        """CSR float32 (n_profiles, n_features): degree / 128."""
        covers = self.profiles.covers
        return self._matrix(covers, covers.values / np.float32(FULL))

    @cached_property
    def vacancy_matrix(self) -> csr_matrix:
        """CSR float32 (n_vacancies, n_features): weight / 2**15, as Koppel weighs."""
        weights, _ = weigh(self.vacancies, self.space, Settings(self.vacancies.as_of))
        return self._matrix(weights, weights.values / np.float32(WEIGHT_TOTAL))

    def weighed(self, matrix: csr_matrix) -> csr_matrix:
        """The same profiles with degree x weight of the feature, for who can't weigh what a vacancy asks."""
        suggested = Settings(self.profiles.as_of).applied
        of_group = np.array([suggested[group] for group in GROUPS], np.float32)
        weight = self.space.idf / np.float32(IDF_UNIT) * of_group[self.space.group]
        return _csr(matrix.data * weight[matrix.indices], matrix.indices, matrix.indptr, matrix.shape[1])

    def _matrix(self, rows: Sparse, values: NDArray[Any]) -> csr_matrix:
        # Half of the peers take 32-bit pointers only.
        return _csr(values, rows.features, rows.indptr.astype(np.int32), len(self.space))


def eligible(
    market: Market, vacancy: int, *, radius_km: int | None = None, limits: bool = False
) -> NDArray[np.intp]:
    """Give the rows, intp (m,) ascending, of the profiles in reach of a vacancy.

    Within `radius_km` of it where that is given, and within their own travel limit where `limits` is set.
    All of them have a location.
    """
    asking, columns = market.vacancies.records.columns, market.profiles.records.columns
    dx = columns.x.astype(np.int64) - asking.x[vacancy]
    dy = columns.y.astype(np.int64) - asking.y[vacancy]
    squared = dx * dx + dy * dy
    reachable = np.ones(len(squared), np.bool_)
    if radius_km is not None:
        reachable &= squared <= (1000 * radius_km) ** 2
    if limits:
        limit = columns.travel_limit.astype(np.int64)
        reachable &= (limit < 0) | (squared <= limit * limit * 1_000_000)
    return np.flatnonzero(reachable)


def radius_for(market: Market, places: int, share: float) -> int:
    """The radius, in whole km, that comes nearest to leaving a share of the profiles to the first vacancies.

    The first `places` vacancies stand where all of them stand.
    """
    asking, columns = market.vacancies.records.columns, market.profiles.records.columns
    counts = np.zeros(1000, np.int64)
    for place in range(places):
        distance = np.hypot(columns.x - np.float64(asking.x[place]), columns.y - np.float64(asking.y[place]))
        counts += np.bincount(np.ceil(distance / 1000).astype(np.intp), minlength=1000)
    return int(np.abs(np.cumsum(counts) / counts.sum() - share).argmin())


def moved(vacancies: Encoded, seed: int, places: int | None = None) -> Encoded:
    """Give the same vacancies elsewhere in the country: in so many postcodes, in turn, or each in its own."""
    rng, table, n = np.random.default_rng((seed, 5)), postcodes().table, len(vacancies)
    at = np.resize(rng.integers(0, len(table), places or n), n)
    columns = vacancies.records.columns
    columns = columns._replace(x=table["x"].to_numpy()[at], y=table["y"].to_numpy()[at])
    return replace(vacancies, records=replace(vacancies.records, columns=columns))


def _csr(data: NDArray[Any], indices: NDArray[Any], indptr: NDArray[Any], features: int) -> csr_matrix:
    matrix = csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, features), copy=False)
    matrix.has_sorted_indices = matrix.has_canonical_format = True
    return matrix

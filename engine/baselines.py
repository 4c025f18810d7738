"""Simple rankings that a ranking has to beat: how each scores pairs of a vacancy and a profile.

All order the same candidates, those that break no required condition, so what is compared is the order alone.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from engine.conditions import bits
from engine.kernels import mix, pair_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from engine.encode import Encoded
    from engine.features import FeatureSpace
    from engine.kernels import Sparse
    from engine.rank import Ranker

__all__ = ["METHODS", "Baselines", "Method", "best", "coverage", "eligible"]

Method = Literal["random", "distance", "occupation", "tfidf", "bm25"]

METHODS: Final[tuple[Method, ...]] = ("random", "distance", "occupation", "tfidf", "bm25")
"""What `Baselines` can score by."""

BM25_K1, BM25_B = 1.2, 0.75
"""The usual parameters, from Robertson and Zaragoza (2009)."""

_DECIMALS: Final = 9
"""To which sums of floats are rounded, so that their order of adding can't decide between candidates."""

_EACH: Final = 1 << 22
"""About how many pairs are looked at together."""


class Baselines:
    """Scores pairs of vacancies, which ask, and profiles.

    random : a fixed hash of the pair; what an exchange gives that selects and doesn't rank.
    distance : the nearest first; without a location last.
    occupation : 1 where the profile names the occupation of the vacancy as one that it seeks, else 0.
    tfidf : cosine of the TF-IDF vectors (scikit-learn's) of what the vacancy asks and what the profile has.
    bm25 : BM25 (Robertson and Zaragoza, 2009; the idf of Lucene) of the same.

    The last two count the features of records as they stand, not expanded over the taxonomy, and take their
    document frequencies from the profiles.

    Parameters
    ----------
    vacancies, profiles : encoded in the same feature space.
    space : that space.
    """

    def __init__(self, vacancies: Encoded, profiles: Encoded, space: FeatureSpace) -> None:
        self._vacancies, self._profiles, self._n = vacancies, profiles, len(space)

    def score(
        self, method: Method, vacancy: NDArray[np.int32], profile: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        """Score pairs of rows, int32 (m,), the vacancies ascending: float64 (m,), the higher the better."""
        if method == "random":
            a, b = self._vacancies.records.columns.hash, self._profiles.records.columns.hash
            # The other way round than the hash that decides between equal scores.
            drawn: NDArray[np.float64] = mix.py_func(b[profile], a[vacancy]).astype(np.float64)
            return drawn
        if method == "distance":
            squared = squared_distance(self._vacancies, self._profiles, vacancy, profile)
            return -squared.astype(np.float64)
        if method == "occupation":
            return np.minimum(_products(*self._occupations, vacancy, profile), 1.0)
        return _products(*(self._tfidf if method == "tfidf" else self._bm25), vacancy, profile)

    @cached_property
    def _occupations(self) -> tuple[csr_matrix, csr_matrix]:
        records = self._vacancies.records, self._profiles.records
        codes = sorted({code for each in records for code in each.occupation_codes})
        number = {code: place for place, code in enumerate(codes)}
        asked, sought = (
            _matrix(
                each.columns.occupation_indptr,
                np.array([number[code] for code in each.occupation_codes], np.int32)[each.columns.occupation],
                len(codes),
            )
            for each in records
        )
        return asked, sought

    @cached_property
    def _features(self) -> tuple[csr_matrix, csr_matrix]:
        return _counts(self._vacancies.asks, self._n), _counts(self._profiles.has, self._n)

    @cached_property
    def _tfidf(self) -> tuple[csr_matrix, csr_matrix]:
        from sklearn.feature_extraction.text import TfidfTransformer

        asked, had = self._features
        transformer = TfidfTransformer().fit(had)
        return transformer.transform(asked), transformer.transform(had)

    @cached_property
    def _bm25(self) -> tuple[csr_matrix, csr_matrix]:
        asked, had = self._features
        found = np.bincount(had.indices, minlength=self._n)
        idf = np.log1p((had.shape[0] - found + 0.5) / (found + 0.5))
        lengths = np.diff(had.indptr)
        relative = lengths / max(1.0, float(lengths.mean()))
        saturated = (BM25_K1 + 1) / (1 + BM25_K1 * (1 - BM25_B + BM25_B * relative))
        weighed = had.copy()
        weighed.data = idf[had.indices] * np.repeat(saturated, lengths)
        return asked, weighed


def eligible(ranker: Ranker, vacancy: int) -> NDArray[np.int32]:
    """Give the profiles, rows ascending, that a ranking of vacancies may give to one, whatever they score."""
    settings = ranker.settings
    profile = np.arange(len(ranker.profiles), dtype=np.int32)
    asking = np.full(len(profile), vacancy, np.int32)
    if settings.radius_km is not None:
        squared = squared_distance(ranker.vacancies, ranker.profiles, asking, profile)
        profile = profile[squared <= (1000 * settings.radius_km) ** 2]
    broken, unknown = ranker.conditions(asking[: len(profile)], profile)
    refused = (broken | unknown if settings.strict else broken) & np.uint16(bits(settings.required))
    kept: NDArray[np.int32] = profile[refused == 0]
    return kept


def coverage(
    weights: Sparse,
    profiles: Encoded,
    space: FeatureSpace,
    vacancy: NDArray[np.int32],
    profile: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Score pairs of rows as the ranking does on the side of the vacancy: int32 (m,), 0..2**22.

    weights : of what the vacancies ask, as `engine.rank.weigh` gives them.
    """
    scores = np.zeros(len(vacancy), np.int32)
    # Together by profile, the kernel spreads out the degrees of each only once.
    order = np.argsort(profile, kind="stable")
    found, degree = scores[order], np.zeros(len(space), np.uint8)
    pair_scores(weights, profiles.covers, vacancy[order], profile[order], degree, found)
    scores[order] = found
    return scores


def best(
    vacancies: Encoded,
    profiles: Encoded,
    vacancy: NDArray[np.int32],
    profile: NDArray[np.int32],
    score: NDArray[Any],
    depth: int,
    *,
    nearest: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Find the best pairs of each vacancy.

    Parameters
    ----------
    vacancy, profile : int32 (m,), rows of pairs, the vacancies ascending.
    score : (m,), the higher the better.
    depth : how many of each vacancy, 1 or more.
    nearest : whether the distance decides between equal scores, as it does in a ranking. What is then still
        equal is decided by the same fixed hash of the pair.

    Returns
    -------
    Which pairs, int64 (b,), by vacancy, then by rank; and their ranks, int32 (b,), from 1 on.
    """
    chosen = np.flatnonzero(_among_best(vacancy, score, depth))
    vacancy, profile, score = vacancy[chosen], profile[chosen], score[chosen]
    a, b = vacancies.records.columns.hash, profiles.records.columns.hash
    distance = squared_distance(vacancies, profiles, vacancy, profile) * nearest
    order = np.lexsort((mix.py_func(a[vacancy], b[profile]), distance, -score.astype(np.float64), vacancy))
    rank = np.arange(len(order)) - np.searchsorted(vacancy, vacancy) + 1
    return chosen[order][rank <= depth], rank[rank <= depth].astype(np.int32)


def _among_best(vacancy: NDArray[np.int32], score: NDArray[Any], depth: int) -> NDArray[np.bool_]:
    """Which pairs score no lower than the one at that depth of their vacancy, bool (m,)."""
    starts = np.flatnonzero(np.diff(vacancy, prepend=-1))
    kept = np.ones(len(vacancy), np.bool_)
    for start, end in pairwise([*starts, len(vacancy)]):
        if end - start > depth:
            own = score[start:end]
            kept[start:end] = own >= np.partition(own, -depth)[-depth]
    return kept


def squared_distance(
    vacancies: Encoded, profiles: Encoded, vacancy: NDArray[np.int32], profile: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Give the square of the distance of pairs of rows, int64 (m,), m²; 2**62 where one has no location."""
    from data.reference import NO_LOCATION

    a, b = vacancies.records.columns, profiles.records.columns
    dx, dy = (
        getattr(a, axis)[vacancy].astype(np.int64) - getattr(b, axis)[profile].astype(np.int64)
        for axis in ("x", "y")
    )
    nowhere = (a.x[vacancy] == NO_LOCATION) | (b.x[profile] == NO_LOCATION)
    return np.where(nowhere, np.int64(1) << 62, dx * dx + dy * dy)


def _counts(vectors: Sparse, n_features: int) -> csr_matrix:
    return _matrix(vectors.indptr, vectors.features, n_features)


def _matrix(indptr: NDArray[Any], columns: NDArray[Any], n_columns: int) -> csr_matrix:
    """One where a row has a column, zero elsewhere."""
    from scipy.sparse import csr_matrix

    return csr_matrix((np.ones(len(columns)), columns, indptr), shape=(len(indptr) - 1, n_columns))


def _products(
    asked: csr_matrix, had: csr_matrix, vacancy: NDArray[np.int32], profile: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Dot products of rows of the first with rows of the second, float64 (m,)."""
    products = np.empty(len(vacancy))
    turned, at_once = had.T.tocsr(), max(1, _EACH // max(1, had.shape[0]))
    for first in range(0, asked.shape[0], at_once):
        within = slice(*np.searchsorted(vacancy, (first, first + at_once)))
        if within.start < within.stop:
            dense = (asked[first : first + at_once] @ turned).toarray()
            products[within] = dense[vacancy[within] - first, profile[within]]
    return np.round(products, _DECIMALS)

"""The numba kernels: arrays in, arrays filled or returned, nothing else.

A kernel knows no ids, dates or settings and allocates nothing inside its loop over records. Each names the
slow, obvious expression that it equals; that expression is its oracle in the tests. Kernels are compiled
once, kept on disk, and release the GIL: whoever wants threads runs one kernel on several ranges of rows.
Numba's own parallel loops are not used, because its portable threading layer may not be entered by two
threads at once, as a server would.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data.reference import NO_LOCATION
from engine.columns import MISSING_DATE
from engine.features import FULL

# Bits of the conditions; what each says stands in engine.conditions, in the same order.
AREA, HOURS, CONTRACT, IRREGULAR, OFFICE_HOURS, DATES, OPEN, LICENCE, LANGUAGE, EDUCATION_LEVEL = (
    1 << bit for bit in range(10)
)

FAR: Final = 2**62
"""Stands for a squared distance that is not known: it sorts behind every real one."""

WEIGHT_TOTAL: Final = 2**15
"""What the weights of one asking record add up to."""


class Sparse(NamedTuple):
    """Rows of (feature, value) as CSR, features ascending within a row, each once.

    Turned round, with a row a feature, it holds postings: `features` are then the numbers of the records.
    """

    indptr: NDArray[np.int64]
    """(n + 1,)"""
    features: NDArray[np.int32]
    """(nnz,)"""
    values: NDArray[Any]
    """(nnz,) uint8 degrees 1..128, or uint16 weights 0..2**15"""


@njit(cache=True, nogil=True)
def expand(
    indptr: Any, features: Any, degrees: Any, reach_indptr: Any, reach_features: Any, reach_degrees: Any
) -> Any:
    """Give what rows cover: their own features and what those reach, at the highest degree of any way to it.

    Equals, for every row, the maximum over its features f of degree(f) for f itself and of
    (degree(f) * reach(f, g) + 64) // 128 for every g that f reaches; what comes to 0 is left out.

    Parameters
    ----------
    indptr, features, degrees : CSR of n rows, int64, int32, uint8 in 1..128; a feature may stand in a row
        twice.
    reach_indptr, reach_features, reach_degrees : CSR over all features, int64, int32, uint8 in 1..128.

    Returns
    -------
    (int64 (n + 1,), int32 (nnz,), uint8 (nnz,)) as `Sparse` describes.
    """
    size = 0
    for j in range(len(features)):
        size += 1 + reach_indptr[features[j] + 1] - reach_indptr[features[j]]
    best = np.zeros(len(reach_indptr) - 1, np.uint8)
    out_indptr = np.zeros(len(indptr), np.int64)
    out_features = np.empty(size, np.int32)
    out_degrees = np.empty(size, np.uint8)
    end = 0
    for row in range(len(indptr) - 1):
        start = end
        for j in range(indptr[row], indptr[row + 1]):
            feature = features[j]
            degree = np.int32(degrees[j])
            end = _raise(best, feature, degrees[j], out_features, end)
            for r in range(reach_indptr[feature], reach_indptr[feature + 1]):
                reached = np.uint8((degree * np.int32(reach_degrees[r]) + 64) >> 7)
                end = _raise(best, reach_features[r], reached, out_features, end)
        out_features[start:end].sort()
        for j in range(start, end):
            out_degrees[j] = best[out_features[j]]
            best[out_features[j]] = 0
        out_indptr[row + 1] = end
    return out_indptr, out_features[:end].copy(), out_degrees[:end].copy()


@njit(cache=True, nogil=True, inline="always")
def _raise(best: Any, feature: Any, degree: Any, touched: Any, end: Any) -> Any:
    if degree > best[feature]:
        if best[feature] == 0:
            touched[end] = feature
            end += 1
        best[feature] = degree
    return end


@njit(cache=True, nogil=True)
def apportion(indptr: Any, features: Any, claims: Any, order: Any) -> Any:
    """Weights of every row: whole numbers that add up to exactly 2**15 and stand to each other as claims do.

    Largest remainder: each feature gets the whole part of its share; what is left goes one by one to the
    largest remainders, ties to the lower `order`. A row whose claims are all 0 gets weights 0.

    Parameters
    ----------
    indptr, features : CSR of n rows, int64 (n + 1,) and int32 (nnz,), each feature once in a row.
    claims : int64 (n_features,), 0..2**31 - 1: what a feature weighs before it is shared out.
    order : uint64 (n_features,), distinct.

    Returns
    -------
    uint16 (nnz,), aligned with `features`.
    """
    weights = np.zeros(len(features), np.uint16)
    longest = 0
    for row in range(len(indptr) - 1):
        longest = max(longest, indptr[row + 1] - indptr[row])
    remainders = np.empty(longest, np.int64)
    for row in range(len(indptr) - 1):
        start, end = indptr[row], indptr[row + 1]
        total = np.int64(0)
        for j in range(start, end):
            total += claims[features[j]]
        if total == 0:
            continue
        left = np.int64(WEIGHT_TOTAL)
        for j in range(start, end):
            share = claims[features[j]] * WEIGHT_TOTAL
            weights[j] = share // total
            remainders[j - start] = share % total
            left -= share // total
        for _ in range(left):
            best = 0
            for j in range(1, end - start):
                if remainders[j] > remainders[best] or (
                    remainders[j] == remainders[best]
                    and order[features[start + j]] < order[features[start + best]]
                ):
                    best = j
            weights[start + best] += 1
            remainders[best] = -1
    return weights


@njit(cache=True, nogil=True)
def distance_squared(a: Any, i: Any, b: Any, j: Any) -> Any:
    """Square metres between row i of a and row j of b (Columns), FAR where one of them has no location."""
    if a.x[i] == NO_LOCATION or b.x[j] == NO_LOCATION:
        return np.int64(FAR)
    dx = np.int64(a.x[i]) - np.int64(b.x[j])
    dy = np.int64(a.y[i]) - np.int64(b.y[j])
    return dx * dx + dy * dy


@njit(cache=True, nogil=True)
def check(vacancies: Any, v: Any, profiles: Any, p: Any, squared: Any, today: Any) -> Any:
    """Tell which conditions the pair (vacancy v, profile p) breaks, and which can't be checked.

    `squared` is their `distance_squared`, `today` the day number of the ranking. Returns (broken, unknown),
    two bit sets over the conditions, never both for one; what each says stands in engine.conditions.
    """
    broken = 0
    unknown = 0

    limit = np.int64(profiles.travel_limit[p])
    if limit >= 0 and squared > limit * limit * 1_000_000:
        broken |= AREA

    longest, least = profiles.hours_max[p], vacancies.hours_min[v]
    shortest, most = profiles.hours_min[p], vacancies.hours_max[v]
    if (longest >= 0 and least >= 0 and longest < least) or (shortest >= 0 and most >= 0 and shortest > most):
        broken |= HOURS
    elif ((longest < 0) != (least < 0)) or ((shortest < 0) != (most < 0)):
        unknown |= HOURS

    wanted, offered = profiles.contracts[p], vacancies.contracts[v]
    if wanted != 0 and offered != 0:
        if wanted & offered == 0:
            broken |= CONTRACT
    elif wanted != offered:
        unknown |= CONTRACT

    if vacancies.irregular[v] == 1 and profiles.irregular[p] == 2:
        broken |= IRREGULAR
    elif (vacancies.irregular[v] == 1 and profiles.irregular[p] == 0) or (
        vacancies.irregular[v] == 0 and profiles.irregular[p] == 2
    ):
        unknown |= IRREGULAR

    if profiles.office_hours[p] == 1 and vacancies.office_hours[v] == 2:
        broken |= OFFICE_HOURS
    elif (profiles.office_hours[p] == 1 and vacancies.office_hours[v] == 0) or (
        profiles.office_hours[p] == 0 and vacancies.office_hours[v] == 2
    ):
        unknown |= OFFICE_HOURS

    start = max(today, vacancies.start[v])
    if (profiles.end[p] != MISSING_DATE and profiles.end[p] < start) or (
        vacancies.end[v] != MISSING_DATE and vacancies.end[v] < start
    ):
        broken |= DATES
    elif vacancies.start[v] == MISSING_DATE:
        if profiles.start[p] > today:
            unknown |= DATES
    elif profiles.start[p] == MISSING_DATE:
        unknown |= DATES
    elif profiles.start[p] > start:
        broken |= DATES

    if vacancies.closing[v] != MISSING_DATE and vacancies.closing[v] < today:
        broken |= OPEN

    if vacancies.licences[v] != 0:
        if profiles.licences[p] == 0:
            unknown |= LICENCE
        elif vacancies.licences[v] & ~profiles.licences[p] != 0:
            broken |= LICENCE

    lacking, doubtful = _check_languages(vacancies, v, profiles, p)
    if lacking:
        broken |= LANGUAGE
    elif doubtful:
        unknown |= LANGUAGE

    if vacancies.level[v] > 0:
        if profiles.level[p] == 0:
            unknown |= EDUCATION_LEVEL
        elif profiles.level[p] < vacancies.level[v]:
            broken |= EDUCATION_LEVEL
    return broken, unknown


@njit(cache=True, nogil=True)
def _check_languages(vacancies: Any, v: Any, profiles: Any, p: Any) -> Any:
    """Count the asked languages that the profile lacks, and those of which it says too little to tell."""
    first, last = profiles.language_indptr[p], profiles.language_indptr[p + 1]
    lacking = 0
    doubtful = 0
    for asked in range(vacancies.language_indptr[v], vacancies.language_indptr[v + 1]):
        met = False
        perhaps = first == last
        for spoken in range(first, last):
            if profiles.language[spoken] != vacancies.language[asked]:
                continue
            enough = True
            stated = True
            for skill in range(4):
                at_least = vacancies.language_levels[asked, skill]
                if at_least < 2 or at_least > 4:
                    continue
                level = profiles.language_levels[spoken, skill]
                if level <= 0:
                    stated = False
                elif level < at_least:
                    enough = False
            met |= enough and stated
            perhaps |= enough
        if not met:
            doubtful += perhaps
            lacking += not perhaps
    return lacking, doubtful


@njit(cache=True, nogil=True)
def check_pairs(
    vacancies: Any, profiles: Any, vacancy_rows: Any, profile_rows: Any, today: Any, broken: Any, unknown: Any
) -> None:
    """`broken[i], unknown[i] = check(vacancy_rows[i], profile_rows[i])`; both uint16 (m,), rows int32
    (m,)."""
    for i in range(len(vacancy_rows)):
        squared = distance_squared(vacancies, vacancy_rows[i], profiles, profile_rows[i])
        broken[i], unknown[i] = check(vacancies, vacancy_rows[i], profiles, profile_rows[i], squared, today)


@njit(cache=True, nogil=True)
def pair_scores(weights: Any, degrees: Any, asking_rows: Any, covering_rows: Any, out: Any) -> None:
    """Fill `out[i]` with the sum of weight × degree over the features that both rows of pair i have.

    Equals `sum(w * dict(covering row).get(f, 0) for f, w in asking row)`.

    weights : Sparse of uint16 weights; degrees : Sparse of uint8 degrees; rows int32 (m,); out int32 (m,).
    """
    for i in range(len(asking_rows)):
        a, b = asking_rows[i], covering_rows[i]
        total = np.int32(0)
        d, last = degrees.indptr[b], degrees.indptr[b + 1]
        for w in range(weights.indptr[a], weights.indptr[a + 1]):
            while d < last and degrees.features[d] < weights.features[w]:
                d += 1
            if d < last and degrees.features[d] == weights.features[w]:
                total += np.int32(weights.values[w]) * np.int32(degrees.values[d])
        out[i] = total


@njit(cache=True, nogil=True)
def mix(a: Any, b: Any) -> Any:
    """Give a fixed 64-bit hash of two uint64, not symmetric (the finaliser of SplitMix64)."""
    z = a * np.uint64(0x9E3779B97F4A7C15) + b
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True)
def harmonic_mean(a: Any, b: Any) -> Any:
    """2ab / (a + b) rounded down, 0 when both are 0; a and b whole scores 0..2**22. Returns int64."""
    a, b = np.int64(a), np.int64(b)
    return 2 * a * b // max(a + b, np.int64(1))


@njit(cache=True, nogil=True)
def _scatter(rows: Any, row: Any, by_feature: Any, scores: Any) -> None:
    """Add value × posting to the score of every record that shares a feature with the row."""
    for j in range(rows.indptr[row], rows.indptr[row + 1]):
        value = np.int32(rows.values[j])
        feature = rows.features[j]
        for at in range(by_feature.indptr[feature], by_feature.indptr[feature + 1]):
            scores[by_feature.features[at]] += value * np.int32(by_feature.values[at])


@njit(cache=True, nogil=True)
def _behind(a: Any, b: Any, score: Any, squared: Any, salt: Any, hashes: Any) -> Any:
    """Tell whether candidate a stands behind candidate b in the total order."""
    if score[a] != score[b]:
        return score[a] < score[b]
    if squared[a] != squared[b]:
        return squared[a] > squared[b]
    tie_a, tie_b = mix(salt, hashes[a]), mix(salt, hashes[b])
    if tie_a != tie_b:
        return tie_a > tie_b
    return a > b


@njit(cache=True, nogil=True)
def _sift_down(heap: Any, size: Any, score: Any, squared: Any, salt: Any, hashes: Any) -> None:
    """Restore the heap, whose last in the order is on top, after its top was replaced."""
    parent = 0
    while 2 * parent + 1 < size:
        child = 2 * parent + 1
        if child + 1 < size and _behind(heap[child + 1], heap[child], score, squared, salt, hashes):
            child += 1
        if not _behind(heap[child], heap[parent], score, squared, salt, hashes):
            return
        heap[parent], heap[child] = heap[child], heap[parent]
        parent = child


@njit(cache=True, nogil=True)
def _sift_up(heap: Any, child: Any, score: Any, squared: Any, salt: Any, hashes: Any) -> None:
    """Restore the heap after `heap[child]` was added behind the others."""
    while child > 0:
        parent = (child - 1) // 2
        if not _behind(heap[child], heap[parent], score, squared, salt, hashes):
            return
        heap[parent], heap[child] = heap[child], heap[parent]
        child = parent


@njit(cache=True, nogil=True)
def rank(
    first: Any,
    last: Any,
    asking: Any,
    candidates: Any,
    vacancies_ask: Any,
    weights: Any,
    covered: Any,
    mutual: Any,
    covers: Any,
    wanted: Any,
    wishes: Any,
    allowed: Any,
    radius: Any,
    required: Any,
    strict: Any,
    today: Any,
    best: Any,
    size: Any,
) -> None:
    """Find the best k candidates of asking records first..last - 1, in the total order, conditions first.

    Equals, for every asking record: take the candidates that are allowed and break no required condition,
    leave out those whose score is 0, sort by (score descending, distance, mix(hash of the asking record, hash
    of the candidate), row), keep k.

    Parameters
    ----------
    asking, candidates : Columns of both sides; `vacancies_ask` tells which is which.
    weights, covered : Sparse weights of the asking side; postings of the degrees that candidates cover.
    mutual : order by the harmonic mean of both scores instead of by the asking side's own.
    covers, wanted : Sparse degrees of the asking side; postings of the candidates' weights. Read if `mutual`.
    wishes : uint16 (n_asking, n_conditions), weight of each condition that is a wish; or (0, 0) without any.
    allowed : bool (n_candidates,).
    radius : int64, largest squared distance allowed by the asker in square metres, or -1.
    required : bit set of the conditions that exclude, where `strict` also when they can't be checked.
    today : int64 day number.
    best, size : int32 (last - first, k) and (last - first,), filled here: rows of the best candidates, best
        first, and how many there are. What stands behind them means nothing.
    """
    n, k = len(candidates.x), best.shape[1]
    score = np.zeros(n, np.int32)
    other = np.zeros(n if mutual else 0, np.int32)
    squared = np.zeros(n, np.int64)
    hashes = candidates.hash
    vacancies, profiles = (asking, candidates) if vacancies_ask else (candidates, asking)
    for a in range(first, last):
        score[:] = 0
        _scatter(weights, a, covered, score)
        if mutual:
            other[:] = 0
            _scatter(covers, a, wanted, other)
        salt = asking.hash[a]
        heap = best[a - first]
        held = 0
        for c in range(n):
            if not allowed[c] or (score[c] == 0 and len(wishes) == 0):
                continue
            far = distance_squared(asking, a, candidates, c)
            if radius >= 0 and far > radius:
                continue
            vacancy, profile = (a, c) if vacancies_ask else (c, a)
            broken, unknown = check(vacancies, vacancy, profiles, profile, far, today)
            if broken & required or (strict and unknown & required):
                continue
            if len(wishes) > 0:
                for condition in range(wishes.shape[1]):
                    if (broken | unknown) >> condition & 1 == 0:
                        score[c] += np.int32(wishes[a, condition]) * FULL
            if mutual:
                score[c] = harmonic_mean(score[c], other[c])
            if score[c] == 0:
                continue
            squared[c] = far
            if held < k:
                heap[held] = c
                _sift_up(heap, held, score, squared, salt, hashes)
                held += 1
            elif k > 0 and _behind(heap[0], c, score, squared, salt, hashes):
                heap[0] = c
                _sift_down(heap, held, score, squared, salt, hashes)
        size[a - first] = held
        for end in range(held - 1, 0, -1):
            heap[0], heap[end] = heap[end], heap[0]
            _sift_down(heap, end, score, squared, salt, hashes)

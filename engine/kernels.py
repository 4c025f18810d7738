"""The numba kernels: arrays in, arrays filled or returned, nothing else.

A kernel knows no ids, dates or settings and allocates nothing inside its loop over records. Each names the
slow, obvious expression that it equals; that expression is its oracle in the tests. Kernels are compiled
once, kept on disk, and release the GIL: whoever wants threads runs one kernel on several ranges of rows.
Numba's own parallel loops are not used, because its portable threading layer may not be entered by two
threads at once, as a server would. The constants that kernels use are defined here: a compiled kernel on disk
is renewed when this file changes, not when another does.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data.reference import NO_LOCATION

# Bits of the conditions; what each says stands in engine.conditions, in the same order.
AREA, HOURS, CONTRACT, IRREGULAR, OFFICE_HOURS, DATES, OPEN, LICENCE, LANGUAGE, EDUCATION_LEVEL = (
    1 << bit for bit in range(10)
)

FULL: Final = 128
"""The degree of a feature that is wholly there; degrees are integers 0..128."""

MISSING_DATE: Final = -(2**31)
"""Stands for an absent date in int32 columns of days since 1970-01-01."""

FAR: Final = 2**62
"""Stands for a squared distance that is not known: it sorts behind every real one."""

WEIGHT_TOTAL: Final = 2**15
"""What the weights of one asking record add up to."""

UNIT: Final = WEIGHT_TOTAL * FULL
"""The score of a record that covers everything, 2**22: scores leave the engine divided by it."""

CELL: Final = 512
"""Rows that are skipped together where none of them is near enough."""

GROUP: Final = 64
"""Scores that are compared with the bar at once: a loop of fixed width becomes a few vector instructions."""

_NEAR: Final = 40
_NEAREST: Final = (1 << _NEAR) - 1
# A squared distance inside the plane of data.reference is below 2**40, FAR counts as the largest.


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


class Facts(NamedTuple):
    """What the conditions read of n records; row i belongs to record i."""

    table: NDArray[Any]
    """(n,) of `engine.columns.FACTS`"""
    language_indptr: NDArray[np.int64]
    """(n + 1,), as in `engine.columns.Columns`"""
    language: NDArray[np.int16]
    """(n_languages,)"""
    language_levels: NDArray[np.int8]
    """(n_languages, 4)"""


class Blocks(NamedTuple):
    """Postings of n records in blocks of `size` that lie near each other; the last block may be shorter.

    Feature f of block b has its postings at `start[b] + pointers[b, f]` up to `start[b] + pointers[b, f +
    1]`, or, where `slot[f] >= 0`, the degrees of the whole block in `dense[b, slot[f]]`.
    """

    size: int
    """rows in a block, a multiple of `CELL`, at most 2**16"""
    box: NDArray[np.int32]
    """(n_cells, 4) least and most x, least and most y of the rows in each cell of `CELL` rows"""
    limit: NDArray[np.int64]
    """(n_cells,) largest squared distance, in square metres, that a row of the cell allows; FAR without
    limit"""
    start: NDArray[np.int64]
    """(n_blocks + 1,)"""
    pointers: NDArray[np.uint32]
    """(n_blocks, n_features + 1)"""
    postings: NDArray[np.uint32]
    """row in the block << 8 | degree"""
    slot: NDArray[np.int32]
    """(n_features,) row of `dense`, or -1"""
    dense: NDArray[np.uint8]
    """(n_blocks, n_slots, size) degrees 0..128"""


class Asking(NamedTuple):
    """The records that ask. Row a of `facts`, `weights` and `wishes` is record a."""

    facts: Facts
    weights: Sparse
    """weights of what they ask"""
    wishes: NDArray[np.uint16]
    """(n, n_conditions) weight of each condition that is a wish; or (0, 0) without any"""
    covers: Sparse
    """degrees of what they cover, from the first record of the call on; read where the order is mutual"""


class Sought(NamedTuple):
    """The n records among which the best are sought."""

    facts: Facts
    blocks: Blocks
    """postings of what they cover"""
    wanted: Sparse
    """weights of what they ask themselves; read where the order is mutual"""
    allowed: NDArray[np.bool_]
    """(n,) which may be ranked"""
    sources: NDArray[np.bool_]
    """(n_sources,) whose records may be ranked"""


class Rules(NamedTuple):
    """How to rank."""

    vacancies_ask: bool
    mutual: bool
    """order by the harmonic mean of both scores instead of by the asking side's own"""
    radius: int
    """largest squared distance that the asker allows, square metres, or -1"""
    required: int
    """bit set of the conditions that exclude"""
    strict: bool
    """they exclude where they can't be checked, too"""
    today: int
    """day number"""
    k: int


class Work(NamedTuple):
    """Room to work in, for one call at a time; `n` is at least 3 more than the most that one record asks."""

    scores: NDArray[np.int32]
    """(size of a block,)"""
    runs: NDArray[np.int64]
    """(cells in a block, 2)"""
    dense_row: NDArray[np.int32]
    dense_weight: NDArray[np.int32]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    weight: NDArray[np.int32]
    """(n,), as the four before it"""


class Best(NamedTuple):
    """The candidates held for each of n asking records, in no order until `settle`; `room` is above k."""

    size: NDArray[np.int32]
    """(n,) how many are held"""
    key: NDArray[np.int64]
    """(n, room) score << 40 | 2**40 - 1 - squared distance: whoever has more is ahead"""
    tie: NDArray[np.uint64]
    """(n, room) hash of the pair: among equal keys, whoever has less is ahead"""
    row: NDArray[np.int32]
    """(n, room) row of the candidate"""
    own: NDArray[np.int32]
    """(n, room) the asking side's score, which is not what the key begins with where the order is mutual"""
    last_key: NDArray[np.int64]
    last_tie: NDArray[np.uint64]
    last_row: NDArray[np.int32]
    """(n,) the last of the best k, as the two before it; 0 as long as k were not held"""


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
        twice. A part of `indptr` expands those rows only.
    reach_indptr, reach_features, reach_degrees : CSR over all features, int64, int32, uint8 in 1..128.

    Returns
    -------
    (int64 (n + 1,), int32 (nnz,), uint8 (nnz,)) as `Sparse` describes.
    """
    size = 0
    for j in range(indptr[0], indptr[-1]):
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
def distance_squared(a: Any, b: Any) -> Any:
    """Square metres between two facts, FAR where one of them has no location."""
    if a.x == NO_LOCATION or b.x == NO_LOCATION:
        return np.int64(FAR)
    dx = np.int64(a.x) - np.int64(b.x)
    dy = np.int64(a.y) - np.int64(b.y)
    return dx * dx + dy * dy


@njit(cache=True, nogil=True)
def check(vacancies: Any, v: Any, profiles: Any, p: Any, squared: Any, today: Any) -> Any:
    """Tell which conditions the pair (vacancy v, profile p) breaks, and which can't be checked.

    `vacancies` and `profiles` are Facts, `squared` is the pair's `distance_squared`, `today` the day number
    of the ranking. Returns (broken, unknown), two bit sets over the conditions, never both for one; what each
    says stands in engine.conditions.
    """
    vacancy, profile = vacancies.table[v], profiles.table[p]
    broken = 0
    unknown = 0

    limit = np.int64(profile.travel_limit)
    if limit >= 0 and squared > limit * limit * 1_000_000:
        broken |= AREA

    longest, least = profile.hours_max, vacancy.hours_min
    shortest, most = profile.hours_min, vacancy.hours_max
    if (longest >= 0 and least >= 0 and longest < least) or (shortest >= 0 and most >= 0 and shortest > most):
        broken |= HOURS
    elif ((longest < 0) != (least < 0)) or ((shortest < 0) != (most < 0)):
        unknown |= HOURS

    wanted, offered = profile.contracts, vacancy.contracts
    if wanted != 0 and offered != 0:
        if wanted & offered == 0:
            broken |= CONTRACT
    elif wanted != offered:
        unknown |= CONTRACT

    if vacancy.irregular == 1 and profile.irregular == 2:
        broken |= IRREGULAR
    elif (vacancy.irregular == 1 and profile.irregular == 0) or (
        vacancy.irregular == 0 and profile.irregular == 2
    ):
        unknown |= IRREGULAR

    if profile.office_hours == 1 and vacancy.office_hours == 2:
        broken |= OFFICE_HOURS
    elif (profile.office_hours == 1 and vacancy.office_hours == 0) or (
        profile.office_hours == 0 and vacancy.office_hours == 2
    ):
        unknown |= OFFICE_HOURS

    start = max(today, np.int64(vacancy.start))
    if (profile.end != MISSING_DATE and profile.end < start) or (
        vacancy.end != MISSING_DATE and vacancy.end < start
    ):
        broken |= DATES
    elif vacancy.start == MISSING_DATE:
        if profile.start > today:
            unknown |= DATES
    elif profile.start == MISSING_DATE:
        unknown |= DATES
    elif profile.start > start:
        broken |= DATES

    if vacancy.closing != MISSING_DATE and vacancy.closing < today:
        broken |= OPEN

    if vacancy.licences != 0:
        if profile.licences == 0:
            unknown |= LICENCE
        elif vacancy.licences & ~profile.licences != 0:
            broken |= LICENCE

    lacking, doubtful = _check_languages(vacancies, v, profiles, p)
    if lacking:
        broken |= LANGUAGE
    elif doubtful:
        unknown |= LANGUAGE

    if vacancy.level > 0:
        if profile.level == 0:
            unknown |= EDUCATION_LEVEL
        elif profile.level < vacancy.level:
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
        v, p = vacancy_rows[i], profile_rows[i]
        squared = distance_squared(vacancies.table[v], profiles.table[p])
        broken[i], unknown[i] = check(vacancies, v, profiles, p, squared, today)


@njit(cache=True, nogil=True)
def pair_score(weights: Any, a: Any, degrees: Any, b: Any) -> Any:
    """Give the sum of weight × degree over the features that row a of weights and row b of degrees have,
    int32.

    Equals `sum(w * dict(row b).get(f, 0) for f, w in row a)`.

    weights : Sparse of uint16 weights; degrees : Sparse of uint8 degrees.
    """
    total = np.int32(0)
    d, last = degrees.indptr[b], degrees.indptr[b + 1]
    for w in range(weights.indptr[a], weights.indptr[a + 1]):
        while d < last and degrees.features[d] < weights.features[w]:
            d += 1
        if d < last and degrees.features[d] == weights.features[w]:
            total += np.int32(weights.values[w]) * np.int32(degrees.values[d])
    return total


@njit(cache=True, nogil=True)
def pair_scores(weights: Any, degrees: Any, asking_rows: Any, covering_rows: Any, out: Any) -> None:
    """`out[i] = pair_score(weights, asking_rows[i], degrees, covering_rows[i])`; rows and out int32 (m,)."""
    for i in range(len(asking_rows)):
        out[i] = pair_score(weights, asking_rows[i], degrees, covering_rows[i])


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
def fill_block(indptr: Any, features: Any, degrees: Any, slot: Any, pointers: Any, dense: Any) -> Any:
    """Turn the rows of one block round, into postings by feature.

    Parameters
    ----------
    indptr, features, degrees : CSR of the rows of the block, int64, int32, uint8.
    slot : int32 (n_features,), as in `Blocks`.
    pointers : uint32 (n_features + 1,), filled here.
    dense : uint8 (n_slots, size), zero, filled here.

    Returns
    -------
    uint32 (nnz - what is dense,): the postings of the block, rows ascending within a feature.
    """
    pointers[:] = 0
    for j in range(len(features)):
        if slot[features[j]] < 0:
            pointers[features[j] + 1] += 1
    for f in range(len(slot)):
        pointers[f + 1] += pointers[f]
    place = pointers[:-1].copy()
    postings = np.empty(pointers[-1], np.uint32)
    for row in range(len(indptr) - 1):
        for j in range(indptr[row], indptr[row + 1]):
            f = features[j]
            if slot[f] >= 0:
                dense[slot[f], row] = degrees[j]
            else:
                postings[place[f]] = np.uint32(row << 8 | degrees[j])
                place[f] += 1
    return postings


@njit(cache=True, nogil=True)
def _box_squared(box: Any, x: Any, y: Any) -> Any:
    """Square metres from a point to the nearest point of a box, 0 inside it."""
    dx = max(np.int64(box[0]) - x, x - np.int64(box[1]), np.int64(0))
    dy = max(np.int64(box[2]) - y, y - np.int64(box[3]), np.int64(0))
    return dx * dx + dy * dy


@njit(cache=True, nogil=True)
def _runs_in_reach(asker: Any, rules: Any, blocks: Any, b: Any, runs: Any) -> Any:
    """Find the runs of cells of block b in which some row may be near enough.

    Fills `runs` with first and last row (exclusive) inside the block of each run; returns how many.
    """
    limit = np.int64(rules.radius) if rules.radius >= 0 else np.int64(FAR)
    by_candidate = rules.required & AREA != 0 and rules.vacancies_ask
    if rules.required & AREA != 0 and not rules.vacancies_ask and asker.travel_limit >= 0:
        limit = min(limit, np.int64(asker.travel_limit) * np.int64(asker.travel_limit) * 1_000_000)
    per_block = blocks.size // CELL
    x, y = np.int64(asker.x), np.int64(asker.y)
    found = 0
    for cell in range(min(per_block, len(blocks.limit) - b * per_block)):
        at = b * per_block + cell
        allowed = min(limit, blocks.limit[at]) if by_candidate else limit
        if allowed < FAR and (asker.x == NO_LOCATION or _box_squared(blocks.box[at], x, y) > allowed):
            continue
        if found and runs[found - 1, 1] == cell * CELL:
            runs[found - 1, 1] += CELL
        else:
            runs[found, 0], runs[found, 1] = cell * CELL, (cell + 1) * CELL
            found += 1
    return found


@njit(cache=True, nogil=True)
def _add_dense(scores: Any, dense: Any, left: Any, rows: Any, weights: Any, n: Any) -> None:
    """`scores[:] = sum(weights[i] * dense[rows[i], left : left + len(scores)] for i in range(n))`.

    Four rows at a time: each is then read once, and the scores a quarter as often. scores int32 (m,), dense
    uint8 (n_slots, size), rows and weights int32 with room for n + 3.
    """
    m = len(scores)
    for extra in range(n, (n + 3) // 4 * 4):
        rows[extra], weights[extra] = rows[0], 0
    if n == 0:
        scores[:] = 0
    for i in range(0, n, 4):
        a, b = dense[rows[i], left : left + m], dense[rows[i + 1], left : left + m]
        c, d = dense[rows[i + 2], left : left + m], dense[rows[i + 3], left : left + m]
        v, w, x, y = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
        if i == 0:
            for j in range(m):
                scores[j] = v * np.int32(a[j]) + w * np.int32(b[j]) + x * np.int32(c[j]) + y * np.int32(d[j])
        else:
            for j in range(m):
                scores[j] += v * np.int32(a[j]) + w * np.int32(b[j]) + x * np.int32(c[j]) + y * np.int32(d[j])


@njit(cache=True, nogil=True)
def _ahead(key_a: Any, tie_a: Any, row_a: Any, key_b: Any, tie_b: Any, row_b: Any) -> Any:
    """Tell whether candidate a stands ahead of candidate b in the total order."""
    if key_a != key_b:
        return key_a > key_b
    return tie_a < tie_b or (tie_a == tie_b and row_a < row_b)


@njit(cache=True, nogil=True)
def _swap(key: Any, tie: Any, row: Any, own: Any, i: Any, j: Any) -> None:
    key[i], key[j] = key[j], key[i]
    own[i], own[j] = own[j], own[i]
    tie[i], tie[j] = tie[j], tie[i]
    row[i], row[j] = row[j], row[i]


@njit(cache=True, nogil=True)
def _keep_best(k: Any, size: Any, key: Any, tie: Any, row: Any, own: Any) -> None:
    """Bring the best k of `size` candidates to the front, the last of them in place k - 1 (Hoare's
    quickselect)."""
    low, high = 0, size - 1
    while low < high:
        middle = (low + high) // 2
        pivot_key, pivot_tie, pivot_row = key[middle], tie[middle], row[middle]
        i, j = low, high
        while i <= j:
            while _ahead(key[i], tie[i], row[i], pivot_key, pivot_tie, pivot_row):
                i += 1
            while _ahead(pivot_key, pivot_tie, pivot_row, key[j], tie[j], row[j]):
                j -= 1
            if i <= j:
                _swap(key, tie, row, own, i, j)
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            return


@njit(cache=True, nogil=True)
def _keep(k: Any, best: Any, t: Any) -> None:
    """Keep the best k of at least k that are held for asking record t, and note the last of them."""
    _keep_best(k, best.size[t], best.key[t], best.tie[t], best.row[t], best.own[t])
    best.size[t] = k
    best.last_key[t], best.last_tie[t], best.last_row[t] = (
        best.key[t, k - 1],
        best.tie[t, k - 1],
        best.row[t, k - 1],
    )


@njit(cache=True, nogil=True)
def settle(k: Any, best: Any) -> None:
    """Put the best k of what is held in the total order, and let go of the rest."""
    for t in range(len(best.size)):
        if best.size[t] > k:
            _keep(k, best, t)
        key, tie, row, own, size = best.key[t], best.tie[t], best.row[t], best.own[t], best.size[t]
        # Comb sort (Dobosiewicz 1980): in place, short, and near k log k.
        gap, sorted_so_far = size, False
        while gap > 1 or not sorted_so_far:
            gap = max(gap * 10 // 13, 1)
            sorted_so_far = True
            for i in range(size - gap):
                j = i + gap
                if _ahead(key[j], tie[j], row[j], key[i], tie[i], row[i]):
                    _swap(key, tie, row, own, i, j)
                    sorted_so_far = False


@njit(cache=True, nogil=True)
def _bar(key: Any, bonus: Any, mutual: Any) -> Any:
    """Give the least sum of weight × degree, int32, with which a candidate can still come to `key`.

    `bonus` is what met wishes can add. With the other side's score at its highest, the harmonic mean of s and
    2**22 is 2 s 2**22 / (s + 2**22), so it takes s >= m 2**22 / (2**23 - m) to reach m.
    """
    score = key >> _NEAR
    if mutual:
        score = score * UNIT // (2 * UNIT - score)
    return np.int32(max(score - bonus, 0 if bonus else 1))


@njit(cache=True, nogil=True)
def _met(wishes: Any, a: Any, failed: Any) -> Any:
    """Give what the wishes of record a add to its score, but for the conditions in the bit set `failed`."""
    met = np.int32(0)
    for condition in range(wishes.shape[1]):
        if failed >> condition & 1 == 0:
            met += np.int32(wishes[a, condition]) * FULL
    return met


@njit(cache=True, nogil=True)
def _any_from(scores: Any, bar: Any) -> Any:
    """Tell whether any of `GROUP` scores reaches the bar; into bytes, which is what vectorises best."""
    hit = np.uint8(0)
    for i in range(GROUP):
        hit |= np.uint8(scores[i] >= bar)
    return hit != 0


@njit(cache=True, nogil=True)
def _score_block(asking: Any, a: Any, blocks: Any, b: Any, runs: Any, work: Any, scores: Any) -> None:
    """Fill `scores` inside the runs with the sum of weight × degree of asking record a and each row of block
    b.

    Lists are looked up before the first is read, so that the look-ups overlap. Outside the runs `scores`
    holds what nobody reads.
    """
    weights = asking.weights
    n_dense, n_lists = 0, 0
    for j in range(weights.indptr[a], weights.indptr[a + 1]):
        feature, weight = weights.features[j], weights.values[j]
        if feature >= len(blocks.slot) or weight == 0:
            continue
        if blocks.slot[feature] >= 0:
            work.dense_row[n_dense], work.dense_weight[n_dense] = blocks.slot[feature], weight
            n_dense += 1
        else:
            work.begin[n_lists] = blocks.start[b] + np.int64(blocks.pointers[b, feature])
            work.end[n_lists] = blocks.start[b] + np.int64(blocks.pointers[b, feature + 1])
            work.weight[n_lists] = weight
            n_lists += 1
    for run in range(len(runs)):
        left, right = runs[run, 0], runs[run, 1]
        _add_dense(scores[left:right], blocks.dense[b], left, work.dense_row, work.dense_weight, n_dense)
    for i in range(n_lists):
        weight = work.weight[i]
        for at in range(work.begin[i], work.end[i]):
            posting = blocks.postings[at]
            scores[posting >> np.uint32(8)] += weight * np.int32(posting & np.uint32(255))


@njit(cache=True, nogil=True)
def _consider(asking: Any, a: Any, t: Any, sought: Any, c: Any, own: Any, rules: Any, best: Any) -> Any:
    """Hold candidate c, whose sum of weight × degree is `own`, if it may be ranked and can be among the best
    k.

    t is the place of asking record a in `best`. Returns whether room ran out, and the best k were kept.
    """
    if not sought.allowed[c] or not sought.sources[sought.facts.table[c].source]:
        return False
    asker = asking.facts.table[a]
    squared = distance_squared(asker, sought.facts.table[c])
    if rules.radius >= 0 and squared > rules.radius:
        return False
    nearness = _NEAREST - min(squared, _NEAREST)
    wishing = len(asking.wishes) > 0
    if not (wishing or rules.mutual) and (np.int64(own) << _NEAR | nearness) < best.last_key[t]:
        return False
    if rules.vacancies_ask:
        broken, unknown = check(asking.facts, a, sought.facts, c, squared, rules.today)
    else:
        broken, unknown = check(sought.facts, c, asking.facts, a, squared, rules.today)
    if broken & rules.required or (rules.strict and unknown & rules.required):
        return False
    if wishing:
        own += _met(asking.wishes, a, broken | unknown)
    score = np.int64(own)
    if rules.mutual:
        score = harmonic_mean(own, pair_score(sought.wanted, c, asking.covers, t))
    if score == 0:
        return False
    key, tie = score << _NEAR | nearness, mix(asker.hash, sought.facts.table[c].hash)
    if not _ahead(key, tie, c, best.last_key[t], best.last_tie[t], best.last_row[t]):
        return False
    held = best.size[t]
    best.key[t, held], best.tie[t, held], best.row[t, held], best.own[t, held] = key, tie, c, own
    best.size[t] = held + 1
    if held + 1 < best.key.shape[1]:
        return False
    _keep(rules.k, best, t)
    return True


@njit(cache=True, nogil=True)
def rank(first: Any, last: Any, asking: Any, sought: Any, rules: Any, work: Any, best: Any) -> None:
    """Find the best k candidates of asking records first..last - 1, in the total order, conditions first.

    Equals, for every asking record: take the candidates that are allowed and break no required condition,
    leave out those whose score is 0, sort by (score descending, distance, mix(hash of the asking record, hash
    of the candidate), row), keep k.

    Parameters: Asking, Sought, Rules, Work, and a new Best of last - first rows, filled here. `settle` it.
    """
    blocks = sought.blocks
    for b in range(len(blocks.start) - 1):
        offset = b * blocks.size
        rows = min(blocks.size, len(sought.facts.table) - offset)
        for a in range(first, last):
            runs = work.runs[: _runs_in_reach(asking.facts.table[a], rules, blocks, b, work.runs)]
            if len(runs) == 0:
                continue
            scores, t = work.scores, a - first
            _score_block(asking, a, blocks, b, runs, work, scores)
            bonus = _met(asking.wishes, a, 0) if len(asking.wishes) else np.int32(0)
            # Until k are held the bar comes down in steps, so that the best of the block are seen first.
            bar, ceiling = _bar(best.last_key[t], bonus, rules.mutual), np.int32(2**31 - 1)
            if best.size[t] < rules.k:
                for run in range(len(runs)):
                    for i in range(runs[run, 0], runs[run, 1]):
                        bar = max(bar, scores[i] // 2)
            while True:
                for run in range(len(runs)):
                    for group in range(runs[run, 0], min(runs[run, 1], rows), GROUP):
                        if not _any_from(scores[group : group + GROUP], bar):
                            continue
                        for i in range(group, min(group + GROUP, rows)):
                            if bar <= scores[i] < ceiling and _consider(
                                asking, a, t, sought, offset + i, scores[i], rules, best
                            ):
                                bar = max(bar, _bar(best.last_key[t], bonus, rules.mutual))
                if best.size[t] >= rules.k and best.last_key[t] == 0:
                    _keep(rules.k, best, t)
                lowest = _bar(best.last_key[t], bonus, rules.mutual)
                if bar <= lowest:
                    break
                ceiling, bar = bar, max(bar // 2, lowest)

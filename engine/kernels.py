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

EVERYONE: Final = np.uint64(1 << 31)
"""The mark that every record has."""

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
    spoken: NDArray[np.uint32]
    """(n_languages,) those of a record from `first_language` on: code << 16 | levels + 1, four bits each"""


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
    """(n_cells, 2) least and largest squared distance that a row of the cell allows, square metres, or FAR"""
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    travel_limit: NDArray[np.int16]
    """(n,) as in the facts, each by itself, which vectorises"""
    signature: NDArray[np.uint64]
    """(n,) marks of `engine.signature`"""
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
    refused: NDArray[np.uint64]
    """(n,) marks of `engine.signature` that no candidate may have"""
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
    """Room to work in, for one call at a time; `n` is at least 1 more than the most that one record asks."""

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
def check(vacancy: Any, profile: Any, asked: Any, known: Any, squared: Any, today: Any) -> Any:
    """Tell which conditions a vacancy and a profile break, and which can't be checked.

    vacancy, profile : one of `FACTS` each; `asked` and `known` are what `Facts.spoken` holds of both sides.
    squared : their `distance_squared`. today : day number of the ranking.

    Returns (broken, unknown), two bit sets over the conditions, never both for one; what each says stands in
    engine.conditions.
    """
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

    lacking, doubtful = _check_languages(vacancy, profile, asked, known)
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
def _check_languages(vacancy: Any, profile: Any, asked: Any, known: Any) -> Any:
    """Count the asked languages that the profile lacks, and those of which it says too little to tell."""
    lacking = doubtful = 0
    first, last = profile.first_language, profile.first_language + profile.n_languages
    for a in range(vacancy.first_language, vacancy.first_language + vacancy.n_languages):
        met, perhaps = False, first == last
        for k in range(first, last):
            if known[k] >> np.uint32(16) != asked[a] >> np.uint32(16):
                continue
            enough: Any = True
            stated: Any = True
            for skill in range(4):
                at_least = np.int32(asked[a] >> np.uint32(4 * skill) & np.uint32(15)) - 1
                level = np.int32(known[k] >> np.uint32(4 * skill) & np.uint32(15)) - 1
                if 2 <= at_least <= 4:
                    stated = stated and level > 0
                    enough = enough and (level <= 0 or level >= at_least)
            met = met or (enough and stated)
            perhaps = perhaps or enough
        doubtful += perhaps and not met
        lacking += not perhaps and not met
    return lacking, doubtful


@njit(cache=True, nogil=True)
def check_pairs(
    vacancies: Any, profiles: Any, vacancy_rows: Any, profile_rows: Any, today: Any, broken: Any, unknown: Any
) -> None:
    """`check` of each pair of rows: broken and unknown uint16 (m,), rows int32 (m,); both sides are Facts."""
    of_vacancies, asked = vacancies.table, vacancies.spoken
    of_profiles, known = profiles.table, profiles.spoken
    for i in range(len(vacancy_rows)):
        vacancy, profile = of_vacancies[vacancy_rows[i]], of_profiles[profile_rows[i]]
        squared = distance_squared(vacancy, profile)
        broken[i], unknown[i] = check(vacancy, profile, asked, known, squared, today)


@njit(cache=True, nogil=True)
def pair_score(
    features: Any, weights: Any, w: Any, w_last: Any, covered: Any, degrees: Any, d: Any, d_last: Any
) -> Any:
    """Give the sum of weight × degree over the features in both of two sparse vectors, int32.

    features, weights : int32 and uint16, of which w..w_last - 1 is one row.
    covered, degrees : int32 and uint8, of which d..d_last - 1 is the other.

    Equals `sum(w * dict(the other).get(f, 0) for f, w in the one)`.
    """
    total = np.int32(0)
    while w < w_last and d < d_last:
        if features[w] == covered[d]:
            total += np.int32(weights[w]) * np.int32(degrees[d])
        ahead = features[w] <= covered[d]
        d += features[w] >= covered[d]
        w += ahead
    return total


@njit(cache=True, nogil=True)
def pair_scores(
    weights: Any, degrees: Any, asking_rows: Any, covering_rows: Any, degree: Any, out: Any
) -> None:
    """Fill `out[i]` with the `pair_score` of rows asking_rows[i] of weights and covering_rows[i] of degrees.

    Quick where pairs of the same covering row stand together: its degrees are then spread out once.

    weights, degrees : Sparse; rows and out int32 (m,). degree : uint8 (n_features,), zero, and left so.
    """
    w_at, features, values = weights
    d_at, covered, shares = degrees
    spread = -1
    for i in range(len(asking_rows)):
        a, b = asking_rows[i], covering_rows[i]
        if b != spread:
            if spread >= 0:
                for d in range(d_at[spread], d_at[spread + 1]):
                    degree[covered[d]] = 0
            for d in range(d_at[b], d_at[b + 1]):
                degree[covered[d]] = shares[d]
            spread = b
        total = np.int32(0)
        for w in range(w_at[a], w_at[a + 1]):
            total += np.int32(values[w]) * np.int32(degree[features[w]])
        out[i] = total
    if spread >= 0:
        for d in range(d_at[spread], d_at[spread + 1]):
            degree[covered[d]] = 0


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
def _limits(asker: Any, radius: Any, required: Any, vacancies_ask: Any) -> Any:
    """Give the largest squared distance that the asker allows, or FAR; and whether candidates have a say."""
    limit = np.int64(radius) if radius >= 0 else np.int64(FAR)
    near = required & AREA != 0
    if near and not vacancies_ask and asker.travel_limit >= 0:
        limit = min(limit, np.int64(asker.travel_limit) * np.int64(asker.travel_limit) * 1_000_000)
    return limit, near and vacancies_ask


@njit(cache=True, nogil=True)
def _runs_in_reach(
    asker: Any, limit: Any, by_candidate: Any, box: Any, limits: Any, first: Any, last: Any, runs: Any
) -> Any:
    """Find the runs of cells among first..last - 1 in which some row may be near enough.

    limit, by_candidate : see `_limits`; box, limits : see `Blocks`.
    runs : int64 (m, 2), filled with the first row of each run and the one behind it, from the first cell on.

    Returns how many runs there are.
    """
    x, y = np.int64(asker.x), np.int64(asker.y)
    lost = asker.x == NO_LOCATION
    found = 0
    for cell in range(first, last):
        allowed = min(limit, limits[cell, 1]) if by_candidate else limit
        if allowed < FAR:
            # The nearest point of the box.
            dx = max(np.int64(box[cell, 0]) - x, x - np.int64(box[cell, 1]), np.int64(0))
            dy = max(np.int64(box[cell, 2]) - y, y - np.int64(box[cell, 3]), np.int64(0))
            if lost or dx * dx + dy * dy > allowed:
                continue
        row = (cell - first) * CELL
        if found and runs[found - 1, 1] == row:
            runs[found - 1, 1] += CELL
        else:
            runs[found, 0], runs[found, 1] = row, row + CELL
            found += 1
    return found


@njit(cache=True, nogil=True)
def _hide_far(
    asker: Any,
    limit: Any,
    by_candidate: Any,
    box: Any,
    limits: Any,
    xs: Any,
    ys: Any,
    own_limits: Any,
    offset: Any,
    left: Any,
    right: Any,
    scores: Any,
) -> None:
    """Set the scores of rows out of reach to -1, among rows left..right - 1 of the block at `offset`.

    In float64, which is exact for squares in the plane of data.reference and vectorises better than int64.
    Parameters are those of `_runs_in_reach` and of `Blocks`.
    """
    lost = asker.x == NO_LOCATION
    # Whoever has no location is farther from everything than any limit, also from others without one.
    x = np.float64(1e12) if lost else np.float64(asker.x)
    y = np.float64(asker.y)
    most = np.inf if limit == FAR else np.float64(limit)
    for start in range(left, right, CELL):
        cell = (offset + start) // CELL
        surely = min(limit, limits[cell, 0]) if by_candidate else limit
        # The farthest point of the box.
        dx = max(np.int64(box[cell, 1]) - np.int64(asker.x), np.int64(asker.x) - np.int64(box[cell, 0]))
        dy = max(np.int64(box[cell, 3]) - np.int64(asker.y), np.int64(asker.y) - np.int64(box[cell, 2]))
        if not lost and dx * dx + dy * dy <= surely:
            continue
        stop = min(start + CELL, right)
        # Slices count from 0: an index that may be negative, for all the compiler knows, doesn't vectorise.
        part, allowed = scores[start:stop], own_limits[offset + start : offset + stop]
        east, north = xs[offset + start : offset + stop], ys[offset + start : offset + stop]
        for i in range(len(part)):
            ex, ey = np.float64(east[i]) - x, np.float64(north[i]) - y
            own = np.float64(allowed[i]) * 1000.0
            reach = min(most, own * own) if by_candidate and own >= 0 else most
            part[i] = -1 if ex * ex + ey * ey > reach else part[i]


@njit(cache=True, nogil=True)
def _hide_refused(signature: Any, refused: Any, offset: Any, left: Any, right: Any, scores: Any) -> None:
    """Set the scores of rows that have a refused mark to -1, among rows left..right - 1 of the block."""
    part, signs = scores[left:right], signature[offset + left : offset + right]
    for i in range(len(part)):
        part[i] = -1 if signs[i] & refused else part[i]


@njit(cache=True, nogil=True)
def _add_dense(
    scores: Any, left: Any, right: Any, dense: Any, b: Any, rows: Any, weights: Any, n: Any
) -> None:
    """`scores[left:right] = sum(weights[i] * dense[b, rows[i], left:right] for i in range(n))`.

    Two or four rows at a time, so that the scores are read less often. scores int32 (size,), dense uint8
    (n_blocks, n_slots, size), rows and weights int32 with room for n + 1.
    """
    part = scores[left:right]
    part[:] = 0
    if n % 2:
        rows[n], weights[n] = rows[0], 0
    i = 0
    while i < n:
        p, q = dense[b, rows[i]][left:right], dense[b, rows[i + 1]][left:right]
        v, w = weights[i], weights[i + 1]
        if n - i <= 2:
            for j in range(len(part)):
                part[j] += v * np.int32(p[j]) + w * np.int32(q[j])
            return
        r, s = dense[b, rows[i + 2]][left:right], dense[b, rows[i + 3]][left:right]
        x, y = weights[i + 2], weights[i + 3]
        for j in range(len(part)):
            part[j] += v * np.int32(p[j]) + w * np.int32(q[j]) + x * np.int32(r[j]) + y * np.int32(s[j])
        i += 4


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
def settle(k: Any, best: Any) -> None:
    """Put the best k of what is held in the total order, and let go of the rest."""
    for t in range(len(best.size)):
        key, tie, row, own, size = best.key[t], best.tie[t], best.row[t], best.own[t], best.size[t]
        if size > k:
            _keep_best(k, size, key, tie, row, own)
            best.size[t] = size = k
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
def rank(first: Any, last: Any, asking: Any, sought: Any, rules: Any, work: Any, best: Any) -> None:
    """Find the best k candidates of asking records first..last - 1, in the total order, conditions first.

    Equals, for every asking record: take the candidates that are allowed and break no required condition,
    leave out those whose score is 0, sort by (score descending, distance, mix(hash of the asking record, hash
    of the candidate), row), keep k.

    Parameters: Asking, Sought, Rules, Work, and a new Best of last - first rows, filled here. `settle` it.
    """
    # Arrays are taken out of their tuples once: in a loop, each time would count a reference.
    asking_table, asking_spoken = asking.facts
    table, spoken = sought.facts
    w_at, w_features, w_values = asking.weights
    c_at, c_features, c_values = asking.covers
    n_at, n_features, n_values = sought.wanted
    blocks, wishes, allowed, sources = sought.blocks, asking.wishes, sought.allowed, sought.sources
    signature, refused = blocks.signature, asking.refused
    box, limits, xs, ys, own_limits = blocks.box, blocks.limit, blocks.x, blocks.y, blocks.travel_limit
    block_start, pointers, postings, slot, dense = (
        blocks.start,
        blocks.pointers,
        blocks.postings,
        blocks.slot,
        blocks.dense,
    )
    scores, runs, dense_row, dense_weight, begin, end, weight = work
    vacancies_ask, mutual, radius, required, strict, today, k = rules
    held, best_key, best_tie, best_row, best_own, last_key, last_tie, last_row = best
    n, size, n_slots, n_cells, room = len(table), blocks.size, len(slot), len(limits), best_key.shape[1]
    wishing, by_check = len(wishes) > 0, required & ~AREA != 0 or len(wishes) > 0

    for b in range(len(block_start) - 1):
        offset, first_cell = b * size, b * size // CELL
        rows = min(size, n - offset)
        for a in range(first, last):
            if refused[a] & EVERYONE:
                continue
            t, asker = a - first, asking_table[a]
            limit, by_candidate = _limits(asker, radius, required, vacancies_ask)
            n_runs = _runs_in_reach(
                asker,
                limit,
                by_candidate,
                box,
                limits,
                first_cell,
                min(first_cell + size // CELL, n_cells),
                runs,
            )
            if n_runs == 0:
                continue

            # All lists are looked up before the first is read, so that the look-ups overlap.
            n_dense, n_lists = 0, 0
            for j in range(w_at[a], w_at[a + 1]):
                f = w_features[j]
                if f >= n_slots or w_values[j] == 0:
                    continue
                if slot[f] >= 0:
                    dense_row[n_dense], dense_weight[n_dense] = slot[f], w_values[j]
                    n_dense += 1
                else:
                    begin[n_lists] = block_start[b] + np.int64(pointers[b, f])
                    end[n_lists] = block_start[b] + np.int64(pointers[b, f + 1])
                    weight[n_lists] = w_values[j]
                    n_lists += 1
            for run in range(n_runs):
                _add_dense(scores, runs[run, 0], runs[run, 1], dense, b, dense_row, dense_weight, n_dense)
            # What this adds outside the runs is never read.
            for i in range(n_lists):
                share = weight[i]
                for at in range(begin[i], end[i]):
                    posting = postings[at]
                    scores[posting >> np.uint32(8)] += share * np.int32(posting & np.uint32(255))
            if limit < FAR or by_candidate:
                for run in range(n_runs):
                    _hide_far(
                        asker, limit, by_candidate, box, limits, xs, ys, own_limits,
                        offset, runs[run, 0], min(runs[run, 1], rows), scores,
                    )  # fmt: skip

            if refused[a]:
                for run in range(n_runs):
                    _hide_refused(
                        signature, refused[a], offset, runs[run, 0], min(runs[run, 1], rows), scores
                    )

            # Until k are held the bar comes down in steps, so that the best of the block are seen first.
            bonus = _met(wishes, a, 0) if wishing else np.int32(0)
            bar, ceiling = _bar(last_key[t], bonus, mutual), np.int32(2**31 - 1)
            if held[t] < k:
                highest = np.int32(0)
                for run in range(n_runs):
                    part = scores[runs[run, 0] : runs[run, 1]]
                    for i in range(len(part)):
                        highest = max(highest, part[i])
                # A whole number of 64 bits here would make every comparison below take twice as long.
                bar = max(bar, np.int32(highest - highest // 8))
            while True:
                for run in range(n_runs):
                    part = scores[runs[run, 0] : runs[run, 1]]
                    for group in range(0, len(part), GROUP):
                        # Into bytes, which vectorises best.
                        hit = np.uint8(0)
                        for i in range(GROUP):
                            hit |= np.uint8(part[group + i] >= bar)
                        if hit == 0:
                            continue
                        for i in range(group, group + GROUP):
                            c = offset + runs[run, 0] + i
                            if part[i] < bar or part[i] >= ceiling or c >= n or not allowed[c]:
                                continue
                            candidate, own = table[c], part[i]
                            if not sources[candidate.source]:
                                continue
                            squared = distance_squared(asker, candidate)
                            nearness = _NEAREST - min(squared, _NEAREST)
                            if not (wishing or mutual) and (np.int64(own) << _NEAR | nearness) < last_key[t]:
                                continue
                            if by_check:
                                if vacancies_ask:
                                    failed, unknown = check(
                                        asker, candidate, asking_spoken, spoken, squared, today
                                    )
                                else:
                                    failed, unknown = check(
                                        candidate, asker, spoken, asking_spoken, squared, today
                                    )
                                if failed & required or (strict and unknown & required):
                                    continue
                                if wishing:
                                    own += _met(wishes, a, failed | unknown)
                            score = np.int64(own)
                            if mutual:
                                other = pair_score(
                                    n_features, n_values, n_at[c], n_at[c + 1],
                                    c_features, c_values, c_at[t], c_at[t + 1],
                                )  # fmt: skip
                                score = harmonic_mean(own, other)
                            key, tie = score << _NEAR | nearness, mix(asker.hash, candidate.hash)
                            if score == 0 or not _ahead(key, tie, c, last_key[t], last_tie[t], last_row[t]):
                                continue
                            at = held[t]
                            best_key[t, at], best_tie[t, at], best_row[t, at], best_own[t, at] = (
                                key,
                                tie,
                                c,
                                own,
                            )
                            held[t] = at + 1
                            if held[t] == room:
                                _keep_best(k, room, best_key[t], best_tie[t], best_row[t], best_own[t])
                                held[t] = k
                                last_key[t], last_tie[t] = best_key[t, k - 1], best_tie[t, k - 1]
                                last_row[t] = best_row[t, k - 1]
                                bar = max(bar, _bar(last_key[t], bonus, mutual))
                if held[t] >= k and last_key[t] == 0:
                    _keep_best(k, held[t], best_key[t], best_tie[t], best_row[t], best_own[t])
                    held[t] = k
                    last_key[t], last_tie[t], last_row[t] = (
                        best_key[t, k - 1], best_tie[t, k - 1], best_row[t, k - 1]
                    )  # fmt: skip
                lowest = _bar(last_key[t], bonus, mutual)
                if bar <= lowest:
                    break
                ceiling, bar = bar, max(np.int32(bar - bar // 8 - 1), lowest)

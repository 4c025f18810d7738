"""The numba kernels: arrays in, arrays filled or returned, nothing else.

A kernel knows no ids, dates or settings and allocates nothing inside its loop over records. Each names the
slow, obvious expression that it equals; that expression is its oracle in the tests. Kernels are compiled
once, kept on disk, and release the GIL: whoever wants threads runs one kernel on several ranges of rows.
Numba's own parallel loops are not used, because its portable threading layer may not be entered by two
threads at once, as a server would. The constants that kernels use are defined here: a compiled kernel on disk
is renewed when this file changes, not when another does.
"""

from typing import Any, Final, NamedTuple, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import from_dtype, njit, types
from numba.core import cgutils
from numba.cpython.unsafe.numbers import trailing_zeros
from numba.extending import intrinsic
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
"""Scores that are compared with the bar at once: as many as a whole number has bits."""

MOST_LEVEL: Final = 7
"""Levels of a language are compared by three bits; a fourth takes what is carried."""

_LEVELS: Final = np.uint32(0xFFFF)
_TOP: Final = np.uint32(0x8888)
_ONE: Final = np.uint32(0x1111)
# All levels of a language; the highest and the lowest bit of each.

_LINE: Final = 64
"""Bytes of a line of the cache."""

_AHEAD: Final = 8
"""How many records before its turn one is fetched into the cache."""

_uncounted: Final = cast(Any, njit)(cache=True, nogil=True, _nrt=False)
"""Compiles what allocates nothing. Counting references to the arrays it is given would take most of its
time."""

_inlined: Final = cast(Any, njit)(cache=True, nogil=True, _nrt=False, forceinline=True)
"""The same for what has one caller, who would pass it dozens of arrays each time."""

_NEAR: Final = 40
_NEAREST: Final = (1 << _NEAR) - 1
# A squared distance inside the plane of data.reference is below 2**40, FAR counts as the largest.


NO_LANGUAGE: Final = 26**3
"""Stands in the place of a language that isn't named, beyond the codes of all that can be."""


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
    """(n_languages,) those of a record from `first_language` on: code << 16 | levels + 1, none above
    `MOST_LEVEL`, four bits each"""


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
    signature: NDArray[np.uint64]
    """(n,) marks of `engine.signature`"""
    start: NDArray[np.int64]
    """(n_blocks + 1,)"""
    pointers: NDArray[np.uint32]
    """(n_blocks, n_features + 1)"""
    posting_row: NDArray[np.uint16]
    posting_degree: NDArray[np.uint8]
    """(n_postings,) which row in the block covers the feature, and to which degree"""
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
    has: Sparse
    reach: Sparse
    """degrees of what they have, and of what each feature covers beyond itself; see `expand`"""
    expected: NDArray[np.int32]
    """(n,) a score that the last of its best k will likely reach, or 0; see `rank`"""


class Sought(NamedTuple):
    """The n records among which the best are sought."""

    facts: Facts
    blocks: Blocks
    """postings of what they cover"""
    rows: NDArray[np.int32]
    """(n,) the numbers by which they are told of"""
    wanted: Sparse
    """weights of what they ask themselves; pointers may be uint32, features uint16"""
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
    """Room to work in, for n asking records of which none asks more than m features."""

    scores: NDArray[np.int32]
    """(size of a block,)"""
    groups: NDArray[np.int32]
    """(groups in a block + 1,)"""
    hits: NDArray[np.int32]
    """(size of a block + 1,)"""
    places: NDArray[np.int32]
    """(cells in a block + 1,)"""
    cells: NDArray[np.bool_]
    """(n, n_cells) which cells are in reach"""
    in_block: NDArray[np.int32]
    """(n, n_blocks) how many of each block are"""
    reach: NDArray[np.int64]
    seen: NDArray[np.int64]
    """(n,) how many of all, and how many of them have been gone through"""
    n_lists: NDArray[np.int32]
    n_dense: NDArray[np.int32]
    """(n,) how many features that are asked have postings, and how many a dense row"""
    feature: NDArray[np.int32]
    weight: NDArray[np.int32]
    """(n, m) those that have postings, and what they weigh"""
    dense_row: NDArray[np.int32]
    dense_weight: NDArray[np.int32]
    """(n, m + 1) the dense rows of the others, and what they weigh"""
    begin: NDArray[np.uint64]
    end: NDArray[np.uint64]
    """(m,) where the list of each begins and ends in one block"""


HELD: Final = np.dtype(
    [
        # Score << 40 | 2**40 - 1 - squared distance: whoever has more is ahead.
        ("key", np.int64),
        # Hash of the pair: among equal keys, whoever has less is ahead.
        ("tie", np.uint64),
        # Of the candidate.
        ("row", np.int32),
        # The asking side's score, which is not what the key begins with where the order is mutual.
        ("own", np.int32),
        # Bit set of the conditions that can't be checked, where any counts.
        ("unknown", np.uint16),
    ],
    align=True,
)
"""A candidate that is held, in half a line of the cache."""


_HELD: Final[Any] = from_dtype(HELD)


class Best(NamedTuple):
    """The candidates held for each of n asking records, in no order until `settle`; `room` is above k."""

    size: NDArray[np.int32]
    """(n,) how many are held"""
    held: NDArray[Any]
    """(n, room) of `HELD`"""
    last: NDArray[Any]
    """(n,) of `HELD`: whoever is behind it is passed over. Its key is 0 as long as nobody is; it may rise too
    soon, see `rank`"""


def _type_fetch(_: Any, array: Any, index: Any) -> Any:
    """Have an element fetched into the cache, and don't wait for it.

    array : C-contiguous. index : counts through all of it, and may lie beyond the end.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        number = ir.IntType(32)
        address = builder.bitcast(builder.gep(data, [args[1]]), cgutils.voidptr_t)
        prefetch = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        function: Any = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, prefetch, "llvm.prefetch.p0"
        )
        # To read it, often, as data.
        builder.call(function, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


_fetch: Final[Any] = intrinsic(_type_fetch)


def _type_reaching(_: Any, scores: Any, start: Any, bar: Any) -> Any:
    """Give a bit for each of `GROUP` scores from `start` on, uint64: whether it reaches the bar.

    scores : int32, C-contiguous, 1 dimension. start : integer. bar : int32.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        number = ir.IntType(32)
        group = ir.VectorType(number, GROUP)
        found = builder.load(builder.bitcast(builder.gep(data, [args[1]]), group.as_pointer()), align=4)
        one = builder.insert_element(ir.Constant(group, ir.Undefined), args[2], number(0))
        bars = builder.shuffle_vector(one, one, ir.Constant(group, None))
        return builder.bitcast(builder.icmp_signed(">=", found, bars), ir.IntType(GROUP))

    return types.uint64(scores, start, types.int32), generate


_reaching: Final[Any] = intrinsic(_type_reaching)


def _type_add(_: Any, scores: Any, start: Any, degrees: Any, at: Any, weight: Any) -> Any:
    """Add weight x degree to `GROUP` scores from `start` on, for the degrees from `at` on.

    scores : int32, C-contiguous, 1 dimension. degrees : uint8, C-contiguous, `at` counts through all of it.
    start, at : integers. weight : int32, below 2**15: so the processor may multiply by halves of a word.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number, half, small = ir.IntType(32), ir.IntType(16), ir.IntType(8)
        group, degree_group = ir.VectorType(number, GROUP), ir.VectorType(small, GROUP)
        score_data = context.make_array(signature.args[0])(context, builder, args[0]).data
        degree_data = context.make_array(signature.args[2])(context, builder, args[2]).data
        place = builder.bitcast(builder.gep(score_data, [args[1]]), group.as_pointer())
        given = builder.bitcast(builder.gep(degree_data, [args[3]]), degree_group.as_pointer())
        halves = ir.Constant(ir.VectorType(half, GROUP), ir.Undefined)
        one = builder.insert_element(halves, builder.trunc(args[4], half), number(0))
        weights = builder.sext(builder.shuffle_vector(one, one, ir.Constant(group, None)), group)
        added = builder.mul(builder.zext(builder.load(given, align=1), group), weights)
        builder.store(builder.add(builder.load(place, align=4), added), place, align=4)
        return context.get_dummy_value()

    return types.void(scores, start, degrees, at, types.int32), generate


_add: Final[Any] = intrinsic(_type_add)


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
    n_features = len(reach_indptr) - 1
    best = np.zeros(n_features, np.uint8)
    # A bit for each feature that the row covers, and one for each 64 of those: so they come out in order. And
    # without a branch, for nothing can foresee which feature comes next, and at which degree.
    bits, words = np.zeros(n_features // 64 + 1, np.uint64), np.zeros(n_features // 4096 + 1, np.uint64)
    out_indptr = np.zeros(len(indptr), np.int64)
    out_features = np.empty(size, np.int32)
    out_degrees = np.empty(size, np.uint8)
    end = np.uintp(0)
    for row in range(len(indptr) - 1):
        for j in range(indptr[row], indptr[row + 1]):
            feature = np.uintp(features[j])
            degree = np.int32(degrees[j])
            _raise(best, bits, words, feature, degrees[j])
            for r in range(reach_indptr[feature], reach_indptr[feature + np.uintp(1)]):
                reached = np.uint8((degree * np.int32(reach_degrees[r]) + 64) >> 7)
                _raise(best, bits, words, np.uintp(reach_features[r]), reached)
        for part in range(len(words)):
            while words[part]:
                word = np.uintp(part * 64) + np.uintp(trailing_zeros(words[part]))  # type: ignore[call-arg]
                words[part] &= words[part] - np.uint64(1)
                covered, bits[word] = bits[word], 0
                while covered:
                    feature = word * np.uintp(64) + np.uintp(trailing_zeros(covered))
                    covered &= covered - np.uint64(1)
                    out_features[end], out_degrees[end] = feature, best[feature]
                    end += np.uintp(best[feature] > 0)
                    best[feature] = 0
        out_indptr[row + 1] = end
    return out_indptr, out_features[:end].copy(), out_degrees[:end].copy()


@njit(cache=True, nogil=True, inline="always")
def _raise(best: Any, bits: Any, words: Any, feature: Any, degree: Any) -> None:
    best[feature] = max(best[feature], degree)
    bits[feature >> np.uintp(6)] |= np.uint64(1) << (feature & np.uintp(63))
    words[feature >> np.uintp(12)] |= np.uint64(1) << (feature >> np.uintp(6) & np.uintp(63))


@njit(cache=True, nogil=True)
def find_degrees(rows: Any, has: Any, reach: Any, column: Any, at: Any, degrees: Any) -> None:
    """Write to which degree records cover a few features: what `expand` would tell of those.

    Parameters
    ----------
    rows : (m,), of `has`.
    has, reach : as of `Asking`, pointers and features of any type.
    column : int32 (n_features,), where each feature stands in `degrees`, or -1.
    at, degrees : (m,), row of each record in `degrees`; uint8 (n, f), 0 so far.
    """
    h_at, h_features, h_values = has
    r_at, r_features, r_values = reach
    for i in range(len(rows)):
        found = degrees[at[i]]
        for j in range(h_at[rows[i]], h_at[rows[i] + 1]):
            feature, degree = h_features[j], np.int32(h_values[j])
            if column[feature] >= 0:
                found[column[feature]] = max(found[column[feature]], h_values[j])
            for r in range(r_at[feature], r_at[feature + 1]):
                place = column[r_features[r]]
                if place >= 0:
                    reached = np.uint8((degree * np.int32(r_values[r]) + 64) >> 7)
                    found[place] = max(found[place], reached)


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


@_uncounted
def distance_squared(a: Any, b: Any) -> Any:
    """Square metres between two facts, FAR where one of them has no location."""
    if a.x == NO_LOCATION or b.x == NO_LOCATION:
        return np.int64(FAR)
    dx = np.int64(a.x) - np.int64(b.x)
    dy = np.int64(a.y) - np.int64(b.y)
    return dx * dx + dy * dy


@_uncounted
def check(vacancy: Any, profile: Any, asked: Any, known: Any, squared: Any, today: Any) -> Any:
    """Tell which conditions a vacancy and a profile break, and which can't be checked.

    vacancy, profile : one of `FACTS` each; `asked` and `known` are what `Facts.spoken` holds of both sides.
    squared : their `distance_squared`. today : day number of the ranking.

    Returns (broken, unknown), two bit sets over the conditions, never both for one; what each says stands in
    engine.conditions.
    """
    # Without a branch: nothing can foresee who meets what.
    limit = np.int64(profile.travel_limit)
    broken = AREA * ((limit >= 0) & (squared > limit * limit * 1_000_000))
    unknown = 0

    longest, least = profile.hours_max, vacancy.hours_min
    shortest, most = profile.hours_min, vacancy.hours_max
    broken |= HOURS * ((longest >= 0) & (longest < least) | (most >= 0) & (shortest > most))
    unknown |= HOURS * (((longest < 0) != (least < 0)) | ((shortest < 0) != (most < 0)))

    wanted, offered = profile.contracts, vacancy.contracts
    broken |= CONTRACT * ((wanted != 0) & (offered != 0) & (wanted & offered == 0))
    unknown |= CONTRACT * ((wanted == 0) != (offered == 0))

    asked_for, willing = vacancy.irregular, profile.irregular
    broken |= IRREGULAR * ((asked_for == 1) & (willing == 2))
    unknown |= IRREGULAR * ((asked_for == 1) & (willing == 0) | (asked_for == 0) & (willing == 2))

    asked_for, offer = profile.office_hours, vacancy.office_hours
    broken |= OFFICE_HOURS * ((asked_for == 1) & (offer == 2))
    unknown |= OFFICE_HOURS * ((asked_for == 1) & (offer == 0) | (asked_for == 0) & (offer == 2))

    start, dated = max(today, np.int64(vacancy.start)), vacancy.start != MISSING_DATE
    over = (profile.end != MISSING_DATE) & (profile.end < start)
    over |= (vacancy.end != MISSING_DATE) & (vacancy.end < start)
    broken |= DATES * (over | dated & (profile.start > start))
    unknown |= DATES * (dated & (profile.start == MISSING_DATE) | ~dated & (profile.start > today))

    broken |= OPEN * ((vacancy.closing != MISSING_DATE) & (vacancy.closing < today))

    needed, held = vacancy.licences, profile.licences
    broken |= LICENCE * ((held != 0) & (needed & ~held != 0))
    unknown |= LICENCE * ((held == 0) & (needed != 0))

    lacking, doubtful = _check_languages(vacancy, profile, asked, known)
    broken |= LANGUAGE * (lacking > 0)
    unknown |= LANGUAGE * (doubtful > 0)

    broken |= EDUCATION_LEVEL * ((profile.level > 0) & (profile.level < vacancy.level))
    unknown |= EDUCATION_LEVEL * ((profile.level == 0) & (vacancy.level > 0))
    return broken, unknown & ~broken


@_uncounted
def _check_languages(vacancy: Any, profile: Any, asked: Any, known: Any) -> Any:
    """Count the asked languages that the profile lacks, and those of which it says too little to tell.

    Languages that aren't named, asked or known, are none.

    The four levels of a language are compared at once, each a digit of four bits; the highest bit of a digit
    is then what a comparison comes to. Levels 2 to 4 can be asked; level 0, and none, tell nothing.
    """
    lacking = doubtful = 0
    first, last = profile.first_language, profile.first_language + profile.n_languages
    for a in range(vacancy.first_language, vacancy.first_language + vacancy.n_languages):
        levels = asked[a] & _LEVELS
        counting = (levels + _TOP - np.uint32(3) * _ONE) & ~(levels + _TOP - np.uint32(6) * _ONE) & _TOP
        least = levels & ((counting >> np.uint32(3)) * np.uint32(15))
        is_asked = asked[a] >> np.uint32(16) != NO_LANGUAGE
        met, perhaps, is_silent = False, False, True
        for k in range(first, last):
            is_silent &= known[k] >> np.uint32(16) == NO_LANGUAGE
            had = known[k] & _LEVELS
            silent = counting & ~(had + _TOP - np.uint32(2) * _ONE)
            short = counting & ~((had | _TOP) - least)
            enough = (known[k] >> np.uint32(16) == asked[a] >> np.uint32(16)) & (short & ~silent == 0)
            met |= enough & (silent == 0)
            perhaps |= enough
        perhaps |= is_silent
        doubtful += is_asked & perhaps & (not met)
        lacking += is_asked & (not perhaps)
    return lacking, doubtful


@_uncounted
def check_pairs(
    vacancies: Any, profiles: Any, vacancy_rows: Any, profile_rows: Any, today: Any, broken: Any, unknown: Any
) -> None:
    """`check` of each pair of rows: broken and unknown uint16 (m,), rows int32 (m,); both sides are Facts."""
    of_vacancies, asked = vacancies.table, vacancies.spoken
    of_profiles, known = profiles.table, profiles.spoken
    n = len(vacancy_rows)
    for i in range(n):
        soon = min(i + _AHEAD, n - 1)
        _fetch(of_vacancies, np.int64(vacancy_rows[soon]))
        _fetch(of_profiles, np.int64(profile_rows[soon]))
        vacancy, profile = of_vacancies[vacancy_rows[i]], of_profiles[profile_rows[i]]
        squared = distance_squared(vacancy, profile)
        broken[i], unknown[i] = check(vacancy, profile, asked, known, squared, today)


@_uncounted
def _kilometres(squared: Any) -> Any:
    """Give a distance in km, to the metre, by its square in square metres; NaN where that isn't known."""
    return np.nan if squared >= _NEAREST else np.rint(np.sqrt(np.float64(squared))) / 1000.0


@_uncounted
def measure_pairs(a: Any, b: Any, rows_a: Any, rows_b: Any, distance: Any) -> None:
    """Fill the distance of each pair of rows, float64 (m,), in km, to the metre; NaN where it isn't known.

    a, b : Facts of both sides; rows int32 (m,).
    """
    of_a, of_b = a.table, b.table
    for i in range(len(rows_a)):
        distance[i] = _kilometres(distance_squared(of_a[rows_a[i]], of_b[rows_b[i]]))


@_uncounted
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


@_uncounted
def pair_scores(
    weights: Any, degrees: Any, asking_rows: Any, covering_rows: Any, degree: Any, out: Any
) -> None:
    """Fill `out[i]` with the `pair_score` of rows asking_rows[i] of weights and covering_rows[i] of degrees.

    Quick where pairs of the same covering row stand together: its degrees are then spread out once.

    weights, degrees : Sparse; rows and out int32 (m,). degree : uint8 (n_features,), zero, and left so.
    """
    w_at, features, values = weights
    d_at, covered, shares = degrees
    spread, n = -1, len(asking_rows)
    for i in range(n):
        _fetch(w_at, np.int64(asking_rows[min(i + 2 * _AHEAD, n - 1)]))
        soon = np.int64(w_at[asking_rows[min(i + _AHEAD, n - 1)]])
        _fetch(features, soon)
        _fetch(values, soon)
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


@_uncounted
def mix(a: Any, b: Any) -> Any:
    """Give a fixed 64-bit hash of two uint64, not symmetric (the finaliser of SplitMix64)."""
    z = a * np.uint64(0x9E3779B97F4A7C15) + b
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@_uncounted
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
    (uint16, uint8), both (nnz - what is dense,): row and degree of the postings, rows ascending within a
    feature.
    """
    pointers[:] = 0
    for j in range(len(features)):
        if slot[features[j]] < 0:
            pointers[features[j] + 1] += 1
    for f in range(len(slot)):
        pointers[f + 1] += pointers[f]
    place = pointers[:-1].copy()
    rows, row_degrees = np.empty(pointers[-1], np.uint16), np.empty(pointers[-1], np.uint8)
    for row in range(len(indptr) - 1):
        for j in range(indptr[row], indptr[row + 1]):
            f = features[j]
            if slot[f] >= 0:
                dense[slot[f], row] = degrees[j]
            else:
                rows[place[f]], row_degrees[place[f]] = row, degrees[j]
                place[f] += 1
    return rows, row_degrees


@_uncounted
def _limits(asker: Any, radius: Any, required: Any, vacancies_ask: Any) -> Any:
    """Give the largest squared distance that the asker allows, or FAR; and whether candidates have a say."""
    limit = np.int64(radius) if radius >= 0 else np.int64(FAR)
    near = required & AREA != 0
    if near and not vacancies_ask and asker.travel_limit >= 0:
        limit = min(limit, np.int64(asker.travel_limit) * np.int64(asker.travel_limit) * 1_000_000)
    return limit, near and vacancies_ask


@_uncounted
def _find_cells(
    asker: Any, limit: Any, by_candidate: Any, box: Any, limits: Any, size: Any, cells: Any, in_block: Any
) -> None:
    """Mark the cells in which some row may be near enough, and count them for each block.

    limit, by_candidate : see `_limits`; box, limits : see `Blocks`. cells : bool (n_cells,) and in_block :
    int32 (n_blocks,), filled. size : cells in a block.

    In float64, which is exact for squares in the plane of data.reference and vectorises better than int64.
    """
    # Whoever has no location is farther from everything than any limit, also from others without one.
    x = np.float64(1e12) if asker.x == NO_LOCATION else np.float64(asker.x)
    y = np.float64(asker.y)
    for b in range(len(in_block)):
        found: Any = 0
        first = b * size
        for cell in range(first, min(first + size, len(cells))):
            allowed = np.float64(min(limit, limits[cell, 1]) if by_candidate else limit)
            # The nearest point of the box.
            dx = max(box[cell, 0] - x, x - box[cell, 1], 0.0)
            dy = max(box[cell, 2] - y, y - box[cell, 3], 0.0)
            near = allowed >= FAR or dx * dx + dy * dy <= allowed
            cells[cell] = near
            found += near
        in_block[b] = found


@_uncounted
def _find_places(cells: Any, places: Any) -> Any:
    """Collect where in a block the marked cells begin, int32, and tell how many there are."""
    found = np.uintp(0)
    for cell in range(len(cells)):
        places[found] = cell * CELL
        found += np.uintp(cells[cell])
    return found


@_uncounted
def _scatter(scores: Any, rows: Any, degrees: Any, begin: Any, end: Any, weights: Any, n: Any) -> None:
    """Add weight x degree of n lists of postings, of which list i is begin[i]..end[i] - 1."""
    for i in range(n):
        weight = weights[i]
        for at in range(begin[i], end[i]):
            scores[rows[at]] += weight * np.int32(degrees[at])


@_uncounted
def _add_dense(scores: Any, left: Any, right: Any, dense: Any, rows: Any, weights: Any, n: Any) -> None:
    """`scores[left:right] += sum(weights[i] * dense[rows[i], left:right] for i in range(n))`.

    left, right : multiples of `GROUP`. scores int32 (size,), dense uint8 (n_slots, size), rows and weights
    int32.
    """
    size = dense.shape[1]
    for start in range(left, right, GROUP):
        for i in range(n):
            at = rows[i] * size + start
            _fetch(dense, at + CELL)
            _add(scores, start, dense, at, weights[i])


@_uncounted
def _ahead(key_a: Any, tie_a: Any, row_a: Any, key_b: Any, tie_b: Any, row_b: Any) -> Any:
    """Tell whether candidate a stands ahead of candidate b in the total order."""
    if key_a != key_b:
        return key_a > key_b
    return tie_a < tie_b or (tie_a == tie_b and row_a < row_b)


@_uncounted
def _swap(a: Any, b: Any) -> None:
    a.key, b.key = b.key, a.key
    a.tie, b.tie = b.tie, a.tie
    a.row, b.row = b.row, a.row
    a.own, b.own = b.own, a.own
    a.unknown, b.unknown = b.unknown, a.unknown


@_uncounted
def _keep_best(k: Any, size: Any, held: Any) -> None:
    """Bring the best k of `size` candidates to the front, the last of them in place k - 1 (Hoare's
    quickselect)."""
    low, high = 0, size - 1
    while low < high:
        pivot = held[(low + high) // 2]
        key, tie, row = pivot.key, pivot.tie, pivot.row
        i, j = low, high
        while i <= j:
            while _ahead(held[i].key, held[i].tie, held[i].row, key, tie, row):
                i += 1
            while _ahead(key, tie, row, held[j].key, held[j].tie, held[j].row):
                j -= 1
            if i <= j:
                _swap(held[i], held[j])
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            return


@_uncounted
def settle(k: Any, best: Any) -> None:
    """Put the best k of what is held in the total order, and let go of the rest."""
    for t in range(len(best.size)):
        held, size = best.held[t], best.size[t]
        if size > k:
            _keep_best(k, size, held)
            best.size[t] = size = k
        # Comb sort (Dobosiewicz 1980): in place, short, and near k log k.
        gap, sorted_so_far = size, False
        while gap > 1 or not sorted_so_far:
            gap = max(gap * 10 // 13, 1)
            sorted_so_far = True
            for i in range(size - gap):
                a, b = held[i], held[i + gap]
                if _ahead(b.key, b.tie, b.row, a.key, a.tie, a.row):
                    _swap(a, b)
                    sorted_so_far = False


@_uncounted
def _bar(key: Any, bonus: Any, mutual: Any) -> Any:
    """Give the least sum of weight × degree, int32, with which a candidate can still come to `key`.

    `bonus` is what met wishes can add. With the other side's score at its highest, the harmonic mean of s and
    2**22 is 2 s 2**22 / (s + 2**22), so it takes s >= m 2**22 / (2**23 - m) to reach m.
    """
    score = key >> _NEAR
    if mutual:
        score = score * UNIT // (2 * UNIT - score)
    return np.int32(max(score - bonus, 0 if bonus else 1))


@_uncounted
def _met(wishes: Any, a: Any, failed: Any) -> Any:
    """Give what the wishes of record a add to its score, but for the conditions in the bit set `failed`."""
    met = np.int32(0)
    for condition in range(wishes.shape[1]):
        if failed >> condition & 1 == 0:
            met += np.int32(wishes[a, condition]) * FULL
    return met


@_uncounted
def _enough(k: Any, seen: Any, reach: Any) -> Any:
    """Give how many of the best so far surely hold the best k of all, or nearly so.

    Of `reach` rows that lie in no order of score, `seen` hold about their share of the best k. Four standard
    deviations and then some: not one record in a thousand has more.
    """
    expected = k * (seen / reach)
    return min(k, np.int64(expected + 4.0 * np.sqrt(expected) + 4.0))


@_uncounted
def _cut(k: Any, t: Any, best: Any) -> None:
    """Let go of all but the best k that are held for t, and remember the last of them."""
    held, last = best.held[t], best.last[t]
    _keep_best(k, best.size[t], held)
    best.size[t] = k
    last.key, last.tie, last.row = held[k - 1].key, held[k - 1].tie, held[k - 1].row


@_uncounted
def _find_hits(
    scores: Any, bar: Any, ceiling: Any, dense: Any, dense_row: Any, dense_weight: Any, n_dense: Any,
    groups: Any, hits: Any,
) -> Any:  # fmt: skip
    """Collect the rows of some groups whose score is in bar..ceiling - 1, and tell how many there are.

    Dense rows are added to the groups first.
    """
    found = np.uintp(0)
    for start in groups:
        _add_dense(scores, start, start + GROUP, dense, dense_row, dense_weight, n_dense)
        reaching = _reaching(scores, start, bar) & ~_reaching(scores, start, ceiling)
        while reaching:
            hits[found] = start + np.int64(trailing_zeros(reaching))  # type: ignore[call-arg]
            found += np.uintp(1)
            reaching &= reaching - np.uint64(1)
    return found


@_uncounted
def _find_groups(scores: Any, places: Any, least: Any, groups: Any) -> Any:
    """Collect where the groups of some cells begin in which a score reaches `least`, and tell how many.

    Without a branch, for nothing can foresee which.
    """
    found = np.uintp(0)
    for place in places:
        for start in range(place, place + CELL, GROUP):
            groups[found] = start
            found += np.uintp(_reaching(scores, start, least) != 0)
    return found


@_uncounted
def _find_near(
    asker: Any, limit: Any, by_candidate: Any, table: Any, offset: Any, hits: Any, found: Any
) -> Any:
    """Bring those of the rows hits[:found] that are near enough to the front, and tell how many there are.

    limit, by_candidate : see `_limits`. Without a branch, so that one row is fetched while another is.
    """
    near = np.uintp(0)
    for i in range(found):
        candidate = table[offset + hits[i]]
        own = np.int64(candidate.travel_limit)
        reach = min(limit, own * own * 1_000_000) if by_candidate and own >= 0 else limit
        hits[near] = hits[i]
        near += np.uintp(distance_squared(asker, candidate) <= reach)
    return near


@_inlined
def _judge(
    a: Any, t: Any, offset: Any, hits: Any, found: Any, scores: Any, enough: Any,
    asking: Any, sought: Any, rules: Any, covers: Any, best: Any,
) -> None:  # fmt: skip
    """Hold those of the rows hits[:found] of the block at `offset` that meet the conditions and get ahead."""
    asker, spoken_a = asking.facts.table[a], asking.facts.spoken
    table, spoken = sought.facts
    allowed, sources, wishes = sought.allowed, sought.sources, asking.wishes
    n_at, n_features, n_values = sought.wanted
    c_at, c_features, c_values = covers
    vacancies_ask, mutual, radius, required, strict, today, _ = rules
    size, held, last = best.size, best.held[t], best.last[t]
    limit, by_candidate = _limits(asker, radius, required, vacancies_ask)
    wishing = len(wishes) > 0
    by_check, by_key = required & ~AREA != 0 or wishing, not (wishing or mutual)
    # The last block may be longer than what stands in it.
    while found and offset + hits[found - np.uintp(1)] >= len(table):
        found -= np.uintp(1)
    refused = asking.refused[a]
    if refused:
        signature, bare = sought.blocks.signature, np.uintp(0)
        for i in range(found):
            hits[bare] = hits[i]
            bare += np.uintp(signature[offset + hits[i]] & refused == 0)
        found = bare
    if limit < FAR or by_candidate:
        found = _find_near(asker, limit, by_candidate, table, offset, hits, found)
    for hit in hits[:found]:
        _fetch(allowed, offset + hit)
        if by_check:
            _fetch(spoken, np.int64(table[offset + hit].first_language))
    for hit in hits[:found]:
        c, own = offset + hit, scores[hit]
        candidate = table[c]
        squared = distance_squared(asker, candidate)
        nearness = _NEAREST - min(squared, _NEAREST)
        if by_key and (np.int64(own) << _NEAR | nearness) < last.key:
            continue
        if not allowed[c] or not sources[candidate.source]:
            continue
        unknown = 0
        if by_check:
            if vacancies_ask:
                failed, unknown = check(asker, candidate, spoken_a, spoken, squared, today)
            else:
                failed, unknown = check(candidate, asker, spoken, spoken_a, squared, today)
            if failed & required or (strict and unknown & required):
                continue
            if wishing:
                own += _met(wishes, a, failed | unknown)
        score = np.int64(own)
        if mutual:
            w, w_last = np.int64(n_at[c]), np.int64(n_at[c + 1])
            other = pair_score(n_features, n_values, w, w_last, c_features, c_values, c_at[t], c_at[t + 1])
            score = harmonic_mean(own, other)
        key, tie = score << _NEAR | nearness, mix(asker.hash, candidate.hash)
        if score == 0 or not _ahead(key, tie, c, last.key, last.tie, last.row):
            continue
        one = held[size[t]]
        one.key, one.tie, one.row, one.own, one.unknown = key, tie, c, own, unknown
        size[t] += 1
        if size[t] == len(held):
            _cut(enough, t, best)


@_uncounted
def _prepare(first: Any, last: Any, asking: Any, sought: Any, rules: Any, work: Any) -> None:
    """Find which cells each asking record reaches, and which lists and dense rows it needs."""
    table, refused, (w_at, w_features, w_values) = asking.facts.table, asking.refused, asking.weights
    blocks = sought.blocks
    slot, in_cells = blocks.slot, blocks.size // CELL
    for a in range(first, last):
        t = a - first
        if rules.k and not refused[a] & EVERYONE:
            limit, by_candidate = _limits(table[a], rules.radius, rules.required, rules.vacancies_ask)
            _find_cells(
                table[a], limit, by_candidate, blocks.box, blocks.limit,
                in_cells, work.cells[t], work.in_block[t],
            )  # fmt: skip
        work.reach[t] = work.in_block[t].sum()
        lists, rows = 0, 0
        for j in range(w_at[a], w_at[a + 1]):
            f = w_features[j]
            if f >= len(slot) or w_values[j] == 0:
                continue
            if slot[f] >= 0:
                work.dense_row[t, rows], work.dense_weight[t, rows] = slot[f], w_values[j]
                rows += 1
                if w_values[j] == WEIGHT_TOTAL:
                    # The weight of a feature that is asked alone is too large to be added at once.
                    work.dense_row[t, rows] = slot[f]
                    work.dense_weight[t, 0] = work.dense_weight[t, 1] = WEIGHT_TOTAL // 2
                    rows += 1
            else:
                work.feature[t, lists], work.weight[t, lists] = f, w_values[j]
                lists += 1
        work.n_lists[t], work.n_dense[t] = lists, rows


@_inlined
def _search(
    b: Any, a: Any, t: Any, asking: Any, sought: Any, rules: Any, covers: Any, work: Any, best: Any
) -> None:
    """Hold the best of block b for asking record a, the t-th of this call."""
    blocks, scores, groups, hits = sought.blocks, work.scores, work.groups, work.hits
    pointers, start, dense, in_cells = (
        blocks.pointers[b],
        blocks.start[b],
        blocks.dense[b],
        blocks.size // CELL,
    )
    last = best.last[t]
    places = work.places[: _find_places(work.cells[t][b * in_cells : (b + 1) * in_cells], work.places)]
    work.seen[t] += work.in_block[t, b]
    enough = _enough(rules.k, min(work.seen[t], work.reach[t]), work.reach[t])

    # All lists are looked up before the first is read, so that the look-ups overlap.
    feature, begin, end = work.feature[t], work.begin, work.end
    for i in range(work.n_lists[t]):
        begin[i] = start + np.int64(pointers[feature[i]])
        end[i] = start + np.int64(pointers[feature[i] + 1])
        for at in range(begin[i], end[i], _LINE):
            _fetch(blocks.posting_row, at)
            _fetch(blocks.posting_row, at + _LINE // 2)
            _fetch(blocks.posting_degree, at)
    for place in places:
        scores[place : place + CELL] = 0
    # What this adds outside the cells in reach is never read.
    _scatter(scores, blocks.posting_row, blocks.posting_degree, begin, end, work.weight[t], work.n_lists[t])

    bonus = _met(asking.wishes, a, 0) if len(asking.wishes) else np.int32(0)
    bar, ceiling = _bar(last.key, bonus, rules.mutual), np.int32(2**31 - 1)
    row, weight, n_late, most = work.dense_row[t], work.dense_weight[t], work.n_dense[t], np.int32(0)
    for i in range(n_late):
        most += weight[i] * FULL
    if bar <= 2 * most:
        # Nearly every group would need them.
        for place in places:
            _add_dense(scores, place, place + CELL, dense, row, weight, n_late)
        n_late, most = 0, np.int32(0)
    # Until enough are held the bar comes down in steps, so that the best of the block are seen first.
    if last.key == 0:
        highest = np.int32(0)
        for place in places:
            part = scores[place : place + CELL]
            for i in range(CELL):
                highest = max(highest, part[i])
        # A whole number of 64 bits here would make every comparison take twice as long.
        bar = max(bar, np.int32(highest - highest // 8))
    share = 8
    while True:
        near = groups[: _find_groups(scores, places, np.int32(bar - most), groups)]
        found = _find_hits(scores, bar, ceiling, dense, row, weight, n_late, near, hits)
        _judge(a, t, b * blocks.size, hits, found, scores, enough, asking, sought, rules, covers, best)
        # A bar that is there is raised now and then, not after every hit.
        if best.size[t] >= enough + (enough // 4 if last.key else 0):
            _cut(enough, t, best)
        lowest = _bar(last.key, bonus, rules.mutual)
        if bar <= lowest:
            return
        # The less is found, the longer the steps.
        share = max(share - 1, 1)
        ceiling, bar = bar, max(np.int32(bar - bar // share - 1), lowest)


@_uncounted
def rank(
    first: Any, last: Any, asking: Any, sought: Any, rules: Any, covers: Any, work: Any, best: Any
) -> None:
    """Find the best k candidates of asking records first..last - 1, in the total order, conditions first.

    Equals, for every asking record: take the candidates that are allowed and break no required condition,
    leave out those whose score is 0, sort by (score descending, distance, mix(hash of the asking record, hash
    of the candidate), row), keep k.

    Parameters: Asking, Sought, Rules, what the asking records cover (Sparse, from the first of them on), Work
    and a new Best of last - first rows, filled here. `settle` it.

    The bar of a record begins at what is expected of it. Where that is too much the record is ranked again,
    as where the bar rose too soon, by one that begins at nothing: the answer is the same for any.
    """
    _prepare(first, last, asking, sought, rules, work)
    for a in range(first, last):
        # Whoever has the score is ahead of this, at any distance.
        best.last[a - first].key = max((np.int64(asking.expected[a]) << _NEAR) - 1, 0)
    in_block, n_blocks = work.in_block, len(sought.blocks.start) - 1
    for _attempt in range(2):
        for b in range(n_blocks):
            for t in range(last - first):
                if in_block[t, b]:
                    _search(b, first + t, t, asking, sought, rules, covers, work, best)
        # Who holds fewer than k below a bar that rose too soon is ranked again, by a bar that doesn't.
        for t in range(last - first):
            if best.size[t] < rules.k and best.last[t].key > 0:
                work.seen[t], best.size[t], best.last[t].key = work.reach[t], 0, 0
            else:
                in_block[t] = 0


@njit(cache=True, nogil=True)
def _room_to_work(n: Any, most: Any, size: Any, n_cells: Any) -> Any:
    return Work(
        np.empty(size, np.int32),
        np.empty(size // GROUP + 1, np.int32),
        np.empty(size + 1, np.int32),
        np.empty(size // CELL + 1, np.int32),
        np.zeros((n, n_cells), np.bool_),
        np.zeros((n, -(-n_cells // (size // CELL))), np.int32),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.empty((n, most), np.int32),
        np.empty((n, most), np.int32),
        np.empty((n, most + 1), np.int32),
        np.empty((n, most + 1), np.int32),
        np.empty(most, np.uint64),
        np.empty(most, np.uint64),
    )


@njit(cache=True, nogil=True)
def _room_for(n: Any, k: Any) -> Any:
    return Best(np.zeros(n, np.int32), np.empty((n, k + 64), _HELD), np.zeros(n, _HELD))


@njit(cache=True, nogil=True)
def answer(first: Any, last: Any, asking: Any, sought: Any, rules: Any) -> Any:
    """Rank asking records first..last - 1, and tell what there is to tell about each pair that was found.

    Returns, for m pairs by asking record, then by rank: rows of asking records and of candidates int32,
    ranks int32 from 1 on, scores of the asking and of the other side int32, distances float64 in km or NaN,
    and what can't be checked uint16.
    """
    h_at, h_features, h_values = asking.has
    r_at, r_features, r_values = asking.reach
    c_at, c_features, c_values = expand(
        h_at[first : last + 1], h_features, h_values, r_at, r_features, r_values
    )
    covers = Sparse(c_at, c_features, c_values)
    w_at, blocks, most = asking.weights.indptr, sought.blocks, 1
    for a in range(first, last):
        most = max(most, w_at[a + 1] - w_at[a])
    best = _room_for(last - first, rules.k)
    work = _room_to_work(last - first, most, blocks.size, len(blocks.limit))
    rank(first, last, asking, sought, rules, covers, work, best)
    settle(rules.k, best)
    m = best.size.sum()
    asking_row, place, row = np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m, np.int32)
    own, other, covering = np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m, np.int32)
    distance, unknown = np.empty(m, np.float64), np.empty(m, np.uint16)
    degree = np.zeros(max(len(r_at), len(blocks.slot)), np.uint8)
    end = 0
    # One asking record after another, so that what was fetched of its candidates is still near.
    for t in range(last - first):
        start, end = end, end + best.size[t]
        for i in range(start, end):
            asking_row[i], covering[i], place[i] = first + t, t, i - start + 1
            one = best.held[t, i - start]
            row[i], own[i], unknown[i] = one.row, one.own, one.unknown
            distance[i] = _kilometres(_NEAREST - (one.key & _NEAREST))
        pair_scores(sought.wanted, covers, row[start:end], covering[start:end], degree, other[start:end])
    return asking_row, sought.rows[row], place, own, other, distance, unknown

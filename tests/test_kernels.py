"""The kernels: each equals the slow, obvious expression that it names."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from plain_engine import frame_of, mixed, share_out

from data.reference import NO_LOCATION
from engine.blocks import take_facts
from engine.columns import Columns, read_columns
from engine.kernels import (
    FAR,
    WEIGHT_TOTAL,
    Sparse,
    apportion,
    distance_squared,
    expand,
    harmonic_mean,
    mix,
    pair_scores,
)

N_FEATURES = 9

feature = st.integers(0, N_FEATURES - 1)
degree = st.integers(1, 128)
row = st.dictionaries(feature, degree, max_size=5)


def csr(rows: Sequence[Sequence[tuple[int, int]]], dtype: type[np.generic]) -> Sparse:
    """Rows of (feature, value), in the order given."""
    pairs = [pair for row in rows for pair in row]
    indptr = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    features = np.array([feature for feature, _ in pairs], np.int32)
    return Sparse(indptr, features, np.array([value for _, value in pairs], dtype))


def ascending(rows: Sequence[Mapping[int, int]], dtype: type[np.generic] = np.uint8) -> Sparse:
    return csr([sorted(row.items()) for row in rows], dtype)


def rows_of(sparse: Any) -> list[list[tuple[int, int]]]:
    indptr, features, values = (each.tolist() for each in sparse)
    return [list(zip(features[a:b], values[a:b], strict=True)) for a, b in pairwise(indptr)]


# -- expand


@given(
    st.lists(st.lists(st.tuples(feature, degree), max_size=6), max_size=5),
    st.lists(row, min_size=N_FEATURES, max_size=N_FEATURES),
)
def test_expand_equals_the_highest_degree_of_any_way_to_a_feature(
    rows: list[list[tuple[int, int]]], reach: list[dict[int, int]]
) -> None:
    expected = []
    for own in rows:
        best: dict[int, int] = {}
        for one, had in own:
            for other, degree in [(one, had)] + [
                (o, (had * far + 64) // 128) for o, far in reach[one].items()
            ]:
                best[other] = max(best.get(other, 0), degree)
        expected.append(sorted((feature, degree) for feature, degree in best.items() if degree))
    covered = expand(*csr(rows, np.uint8), *ascending(reach))
    assert rows_of(covered) == expected
    assert [each.dtype for each in covered] == [np.int64, np.int32, np.uint8]


def test_expand_leaves_out_what_comes_to_nothing() -> None:
    reach = ascending([{1: 63}, {}, {1: 64}])
    assert rows_of(expand(*ascending([{0: 1}, {2: 1}]), *reach)) == [[(0, 1)], [(1, 1), (2, 1)]]


def test_expand_takes_no_rows_and_rows_without_features() -> None:
    reach = ascending([{}] * N_FEATURES)
    assert rows_of(expand(*ascending([]), *reach)) == []
    assert rows_of(expand(*ascending([{}, {3: 5}, {}]), *reach)) == [[], [(3, 5)], []]


# -- apportion


def apportioned(
    rows: Sequence[Sequence[int]], claims: Sequence[int], order: Sequence[int]
) -> list[list[tuple[int, int]]]:
    asks = csr([[(feature, 0) for feature in row] for row in rows], np.uint8)
    arrays: tuple[NDArray[Any], ...] = np.array(claims, np.int64), np.array(order, np.uint64)
    weights = apportion(asks.indptr, asks.features, *arrays)
    assert weights.dtype == np.uint16
    return rows_of((asks.indptr, asks.features, weights))


claim = st.one_of(st.integers(0, 3), st.integers(0, 2**31 - 1), st.just(2**31 - 1))


@given(
    st.lists(st.lists(feature, unique=True), min_size=1, max_size=4),
    st.lists(claim, min_size=N_FEATURES, max_size=N_FEATURES),
    st.permutations([0, 1, 2, 3, 4, 5, 2**63, 2**64 - 2, 2**64 - 1]),
)
def test_weights_equal_exact_fractions_by_largest_remainder(
    rows: list[list[int]], claims: list[int], order: list[int]
) -> None:
    for own, weights in zip(rows, apportioned(rows, claims, order), strict=True):
        asked = {feature: claims[feature] for feature in own}
        assert dict(weights) == share_out(asked, lambda feature: order[feature])
        total = sum(claims[feature] for feature in own)
        assert sum(weight for _, weight in weights) == (WEIGHT_TOTAL if total else 0)
        for feature, weight in weights:
            assert total == 0 or abs(weight - Fraction(claims[feature] * WEIGHT_TOTAL, total)) < 1
            assert claims[feature] > 0 or weight == 0


def test_a_single_claim_gets_the_whole_weight() -> None:
    assert apportioned([[4]], [1] * N_FEATURES, range(N_FEATURES)) == [[(4, WEIGHT_TOTAL)]]


def test_equal_remainders_go_to_the_lower_order() -> None:
    order = [5, 1, 3, 0, 0, 0, 0, 0, 0]
    assert apportioned([[0, 1, 2]], [7] * N_FEATURES, order) == [[(0, 10922), (1, 10923), (2, 10923)]]


# -- scores, hashes, distances


weights_row = st.dictionaries(feature, st.integers(0, 2**12), max_size=6)


@given(st.lists(weights_row, min_size=1, max_size=4), st.lists(row, min_size=1, max_size=4))
def test_pair_scores_equal_the_plain_sum(
    asking: list[dict[int, int]], covering: list[dict[int, int]]
) -> None:
    pairs = [(a, c) for a in range(len(asking)) for c in range(len(covering))]
    rows = np.array(pairs, np.int32)
    scores = np.full(len(pairs), -1, np.int32)
    degree = np.zeros(N_FEATURES, np.uint8)
    asked, covered = rows.T.copy()
    pair_scores(ascending(asking, np.uint16), ascending(covering), asked, covered, degree, scores)
    assert not degree.any()
    assert scores.tolist() == [
        sum(weight * covering[c].get(feature, 0) for feature, weight in asking[a].items()) for a, c in pairs
    ]


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=20))
def test_the_hash_of_a_pair_equals_the_same_in_plain_integers(pairs: list[tuple[int, int]]) -> None:
    assert [int(mix(np.uint64(a), np.uint64(b))) for a, b in pairs] == [mixed(a, b) for a, b in pairs]


def test_the_hash_of_a_pair_is_that_of_splitmix64_and_never_changes() -> None:
    """The first outputs of the published generator, seeded with 0."""
    outputs = [int(mix(np.uint64(step), np.uint64(0))) for step in (1, 2, 3)]
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(st.lists(st.tuples(st.integers(0, 2**22), st.integers(0, 2**22)), max_size=30))
def test_the_harmonic_mean_is_exact_and_rounded_down(pairs: list[tuple[int, int]]) -> None:
    for a, b in pairs:
        exact = Fraction(2 * a * b, a + b) if a + b else Fraction(0)
        assert harmonic_mean(np.int32(a), np.int32(b)) == exact.numerator // exact.denominator
        assert harmonic_mean(np.int32(a), np.int32(a)) == a


def test_distances_are_exact_up_to_the_width_of_the_country_and_far_without_a_location() -> None:
    places = take_facts(
        located([(0, 0), (160_000, -160_000), (-160_000, 160_000), (NO_LOCATION, NO_LOCATION)])
    ).table
    squared = [[int(distance_squared(places[i], places[j])) for j in range(4)] for i in range(3)]
    assert squared == [
        [0, 51_200_000_000, 51_200_000_000, FAR],
        [51_200_000_000, 0, 204_800_000_000, FAR],
        [51_200_000_000, 204_800_000_000, 0, FAR],
    ]
    assert distance_squared(places[3], places[3]) == FAR


def located(places: Sequence[tuple[int, int]]) -> Columns:
    frame = frame_of([{"idVacature": str(number)} for number in range(len(places))], "vacature")
    x, y = np.array(places, np.int32).T.copy()
    return read_columns(frame, "vacature").columns._replace(x=x, y=y)

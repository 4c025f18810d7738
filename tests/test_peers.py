"""The peers of the benchmarks answer the question: their best are those of a plain product."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.limits import Rates, bound
from benchmarks.market import Market, eligible, moved, radius_for
from benchmarks.peers import PEERS, Peer, Top
from benchmarks.synthetic import FEATURES, synthetic

PROFILES, VACANCIES, PLACES = 400, 70, 3


@cache
def data() -> Market:
    market = synthetic("clus", PROFILES, VACANCIES, expanded=True, conditions=True)
    return Market(market.profiles, moved(market.vacancies, 1, PLACES), market.space)


def plain_scores(peer: Peer) -> NDArray[np.float32]:
    """Give the scores of all pairs, as the peer should see them, float32 (n_vacancies, n_profiles)."""
    asking: NDArray[np.float32] = data().vacancy_matrix.toarray()
    held: NDArray[np.float32] = candidates(peer).toarray()
    return (asking if peer.weighs else (asking > 0).astype(np.float32)) @ held.T


def candidates(peer: Peer) -> csr_matrix:
    profiles = data().profile_matrix
    return profiles if peer.weighs else data().weighed(profiles)


def answer(peer: Peer, k: int, threads: int = 2) -> Top:
    if not peer.available:
        pytest.skip(f"{peer.name} is not installed: it is in the dependency group bench")
    return peer.ask(peer.index(candidates(peer)), data().vacancy_matrix, k, threads)


@pytest.mark.parametrize("k", [1, 10, PROFILES + 5], ids=["best", "ten", "more than there are"])
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer_finds_the_scores_of_the_plain_product(peer: Peer, k: int) -> None:
    scores = plain_scores(peer)
    best = np.zeros((VACANCIES, k), np.float32)
    best[:, : min(k, PROFILES)] = -np.sort(-scores, axis=1)[:, :k]
    top = answer(peer, k)
    assert top.scores.shape == top.candidates.shape == (VACANCIES, k)
    np.testing.assert_allclose(top.scores, best, rtol=1e-5, atol=1e-6)
    found = top.scores > 1e-6
    rows = np.nonzero(found)[0]
    np.testing.assert_allclose(top.scores[found], scores[rows, top.candidates[found]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.exact], ids=lambda peer: peer.name)
def test_scores_of_powers_of_two_are_exact_whatever_the_threads(peer: Peer) -> None:
    one, two = answer(peer, 10, threads=1), answer(peer, 10, threads=2)
    np.testing.assert_array_equal(one.scores, two.scores)
    if peer.weighs:
        np.testing.assert_array_equal(one.scores, -np.sort(-plain_scores(peer), axis=1)[:, :10])


def test_a_vacancy_that_is_wholly_covered_scores_one() -> None:
    np.testing.assert_array_equal(data().vacancy_matrix.sum(axis=1), 1)


def test_who_cant_weigh_gets_degrees_times_what_a_feature_weighs() -> None:
    matrix, weight = data().profile_matrix, data().space.idf / 1024
    weighed = data().weighed(matrix)
    np.testing.assert_allclose(weighed.data, matrix.data * weight[matrix.indices], rtol=1e-6)


def test_the_same_seed_draws_the_same_records_and_another_seed_draws_others() -> None:
    drawn = [synthetic("ind", 50, 5, conditions=True, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (each.profiles for each in drawn)
    for name in ("asks", "has", "covers"):
        assert equal(getattr(first, name), getattr(again, name))
    assert equal(first.records.columns, again.records.columns)
    assert not np.array_equal(first.covers.features, other.covers.features)


def equal(these: tuple[Any, ...], those: tuple[Any, ...]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(these, those, strict=True))


def test_rows_are_as_encoding_makes_them() -> None:
    for encoded, n in ((data().profiles, 25), (data().vacancies, 15)):
        assert np.diff(encoded.has.indptr).tolist() == [n] * len(encoded)
        for rows in (encoded.asks, encoded.has, encoded.covers):
            matrix = csr_matrix((rows.values, rows.features, rows.indptr), shape=(len(encoded), FEATURES))
            assert matrix.has_canonical_format
            assert (rows.values.min(), rows.values.dtype) >= (1, np.uint8)
            assert rows.values.max() <= 128
        assert encoded.records.ids == sorted(encoded.records.ids)


def test_who_is_eligible_is_near_enough_and_willing_to_travel() -> None:
    x, y = (
        np.stack([side.records.columns.x, side.records.columns.y])
        for side in (data().vacancies, data().profiles)
    )
    limit = data().profiles.records.columns.travel_limit
    for vacancy in range(PLACES):
        km = np.hypot(*(y - x[:, [vacancy]]).astype(float)) / 1000
        near, willing = km <= 60, (limit < 0) | (km <= limit)
        assert eligible(data(), vacancy, radius_km=60).tolist() == np.flatnonzero(near).tolist()
        assert eligible(data(), vacancy, limits=True).tolist() == np.flatnonzero(willing).tolist()
        both = eligible(data(), vacancy, radius_km=60, limits=True)
        assert both.tolist() == np.flatnonzero(near & willing).tolist()


def test_vacancies_stand_in_a_few_places_in_turn_or_each_in_its_own() -> None:
    columns = data().vacancies.records.columns
    assert columns.x[PLACES:].tolist() == columns.x[:-PLACES].tolist()
    apart = moved(data().vacancies, 1).records.columns
    assert len(set(zip(apart.x.tolist(), apart.y.tolist(), strict=True))) > VACANCIES / 2


def test_the_radius_leaves_about_the_share_that_is_asked() -> None:
    km = radius_for(data(), PLACES, 0.3)
    in_reach = [len(eligible(data(), place, radius_km=km)) for place in range(PLACES)]
    assert 0.2 < sum(in_reach) / PLACES / PROFILES < 0.4


def test_the_bound_counts_each_feature_at_the_cheaper_rate() -> None:
    # Feature 0 is in all four candidates, feature 1 in one.
    candidates = csr_matrix(np.array([[1, 1], [1, 0], [1, 0], [1, 0]], np.float32))
    asking = csr_matrix(np.array([[1, 1]], np.float32))
    rates = Rates(threads=1, triad=1.0, scatter=2.0, axpy=8.0)
    assert bound(candidates, asking, rates) == 1 / (4 / 8 + 1 / 2)

"""The baselines equal their textbook definitions, and order the very candidates that a ranking orders."""

import math
from collections import Counter
from datetime import date

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from data.pilot import generate_profiles, generate_vacancies
from data.taxonomy import bundled_taxonomy
from engine import FeatureSpace, Ranker, Settings, encode
from engine.baselines import BM25_B, BM25_K1, METHODS, Baselines, best, coverage, eligible
from engine.encode import Encoded
from engine.rank import weigh

DAY = date(2026, 9, 1)
N_PROFILES, N_VACANCIES, RADIUS = 300, 20, 12

Pairs = tuple[NDArray[np.int32], NDArray[np.int32]]


class Market:
    """A small made-up market, encoded."""

    def __init__(self) -> None:
        self.space = FeatureSpace(bundled_taxonomy())
        self.vacancies = self._encoded(pl.concat(generate_vacancies(N_VACANCIES, seed=1)), "vacature")
        self.profiles = self._encoded(pl.concat(generate_profiles(N_PROFILES, seed=1)), "werkzoekende")
        self.ranker = Ranker(self.vacancies, self.profiles, self.space, Settings(DAY, radius_km=RADIUS))
        self.baselines = Baselines(self.vacancies, self.profiles, self.space)
        rows = [eligible(self.ranker, vacancy) for vacancy in range(N_VACANCIES)]
        self.pairs: Pairs = (
            np.repeat(np.arange(N_VACANCIES, dtype=np.int32), [len(each) for each in rows]),
            np.concatenate(rows),
        )

    def _encoded(self, frame: pl.DataFrame, side: str) -> Encoded:
        return encode(frame, "vacature" if side == "vacature" else "werkzoekende", self.space, as_of=DAY)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market()


def features(encoded: Encoded, part: str, row: int) -> set[int]:
    vectors = getattr(encoded, part)
    found: list[int] = vectors.features[vectors.indptr[row] : vectors.indptr[row + 1]].tolist()
    return set(found)


def test_the_order_by_coverage_is_that_of_the_ranking_itself(market: Market) -> None:
    vacancy, profile = market.pairs
    weights, _ = weigh(market.vacancies, market.space, market.ranker.settings)
    score = coverage(weights, market.profiles, market.space, vacancy, profile)
    which, rank = best(market.vacancies, market.profiles, vacancy, profile, score, 10, nearest=True)
    ranking = market.ranker.rank(10)

    told = list(
        zip(vacancy[which].tolist(), profile[which].tolist(), rank.tolist(), score[which], strict=True)
    )
    scored = [each for each in told if each[3] > 0]
    assert [each[:3] for each in scored] == list(
        zip(ranking.vacancy.tolist(), ranking.profile.tolist(), ranking.rank.tolist(), strict=True)
    )
    assert [each[3] for each in scored] == ranking.score_vacancy.tolist()


def test_everyone_who_can_be_ranked_is_eligible(market: Market) -> None:
    ranking = market.ranker.rank(N_PROFILES)
    allowed = set(zip(*(each.tolist() for each in market.pairs), strict=True))
    assert set(zip(ranking.vacancy.tolist(), ranking.profile.tolist(), strict=True)) <= allowed
    assert len(allowed) < N_PROFILES * N_VACANCIES


def test_strict_leaves_unknown_conditions_out(market: Market) -> None:
    strict = Ranker(market.vacancies, market.profiles, market.space, Settings(DAY, strict=True))
    lax = Ranker(market.vacancies, market.profiles, market.space, Settings(DAY))
    kept = [set(eligible(ranker, 0).tolist()) for ranker in (strict, lax)]
    assert kept[0] < kept[1]


def test_bm25_is_the_textbook_formula(market: Market) -> None:
    vacancy, profile = market.pairs
    documents = [features(market.profiles, "has", row) for row in range(N_PROFILES)]
    found = Counter(feature for document in documents for feature in document)
    average = sum(map(len, documents)) / N_PROFILES

    def plainly(asked: set[int], document: set[int]) -> float:
        norm = 1 + BM25_K1 * (1 - BM25_B + BM25_B * len(document) / average)
        return sum(
            math.log(1 + (N_PROFILES - found[f] + 0.5) / (found[f] + 0.5)) * (BM25_K1 + 1) / norm
            for f in asked & document
        )

    expected = [
        plainly(features(market.vacancies, "asks", v), documents[p])
        for v, p in zip(vacancy.tolist(), profile.tolist(), strict=True)
    ]
    assert market.baselines.score("bm25", vacancy, profile) == pytest.approx(expected, abs=1e-8)


def test_tfidf_is_the_cosine_of_weighed_features(market: Market) -> None:
    vacancy, profile = market.pairs
    documents = [features(market.profiles, "has", row) for row in range(N_PROFILES)]
    found = Counter(feature for document in documents for feature in document)

    def weighed(those: set[int]) -> dict[int, float]:
        raw = {f: math.log((1 + N_PROFILES) / (1 + found[f])) + 1 for f in those}
        norm = math.sqrt(sum(weight * weight for weight in raw.values()))
        return {f: weight / norm for f, weight in raw.items()}

    asked = [weighed(features(market.vacancies, "asks", row)) for row in range(N_VACANCIES)]
    had = [weighed(document) for document in documents]
    expected = [
        sum(weight * had[p].get(f, 0.0) for f, weight in asked[v].items())
        for v, p in zip(vacancy.tolist(), profile.tolist(), strict=True)
    ]
    assert market.baselines.score("tfidf", vacancy, profile) == pytest.approx(expected, abs=1e-8)


def test_the_same_occupation_is_the_exact_code(market: Market) -> None:
    vacancy, profile = market.pairs

    def codes(encoded: Encoded, row: int) -> set[str]:
        columns = encoded.records.columns
        own = columns.occupation[columns.occupation_indptr[row] : columns.occupation_indptr[row + 1]]
        return {encoded.records.occupation_codes[number] for number in own.tolist()}

    expected = [
        float(bool(codes(market.vacancies, v) & codes(market.profiles, p)))
        for v, p in zip(vacancy.tolist(), profile.tolist(), strict=True)
    ]
    assert market.baselines.score("occupation", vacancy, profile).tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_the_nearest_comes_first_and_who_is_nowhere_last(market: Market) -> None:
    vacancy, profile = np.zeros(N_PROFILES, np.int32), np.arange(N_PROFILES, dtype=np.int32)
    score = market.baselines.score("distance", vacancy, profile)
    which, rank = best(market.vacancies, market.profiles, vacancy, profile, score, N_PROFILES)
    there, here = market.profiles.records.columns, market.vacancies.records.columns
    away = np.hypot(
        there.x[profile[which]] - np.float64(here.x[0]), there.y[profile[which]] - np.float64(here.y[0])
    )
    assert rank.tolist() == list(range(1, N_PROFILES + 1))
    assert bool(np.all(np.diff(away) >= 0))


def test_a_random_order_is_the_same_every_time_and_follows_nothing(market: Market) -> None:
    vacancy, profile = market.pairs
    scores = market.baselines.score("random", vacancy, profile)
    assert (
        scores.tolist()
        == Baselines(market.vacancies, market.profiles, market.space)
        .score("random", vacancy, profile)
        .tolist()
    )
    bm25 = market.baselines.score("bm25", vacancy, profile)
    assert abs(float(np.corrcoef(scores, bm25)[0, 1])) < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_scores_do_not_depend_on_what_is_asked_together(market: Market, method: str) -> None:
    vacancy, profile = market.pairs
    known = next(each for each in METHODS if each == method)
    whole = market.baselines.score(known, vacancy, profile)
    one = vacancy == 3
    assert market.baselines.score(known, vacancy[one], profile[one]).tolist() == whole[one].tolist()


def test_of_each_vacancy_the_best_are_kept_by_rank(market: Market) -> None:
    vacancy, profile = market.pairs
    score = market.baselines.score("bm25", vacancy, profile)
    all_pairs, all_ranks = best(market.vacancies, market.profiles, vacancy, profile, score, N_PROFILES)
    which, rank = best(market.vacancies, market.profiles, vacancy, profile, score, 5)
    assert which.tolist() == all_pairs[all_ranks <= 5].tolist()
    assert rank.tolist() == all_ranks[all_ranks <= 5].tolist()


def test_nobody_is_best_of_nothing(market: Market) -> None:
    nothing = np.zeros(0, np.int32)
    which, rank = best(market.vacancies, market.profiles, nothing, nothing, np.zeros(0), 10)
    assert (len(which), len(rank)) == (0, 0)

"""The small things, one at a time, by pytest-benchmark; `make bench` runs them and takes over the medians.

What is compiled is called once before.
"""

from datetime import date
from functools import cache

import numpy as np
import polars as pl
from pytest_benchmark.fixture import BenchmarkFixture

from data.pilot import generate_profiles, generate_vacancies
from data.question import parse_question
from data.taxonomy import bundled_taxonomy
from engine import Encoded, FeatureSpace, Ranker, Settings, encode, explain
from engine.kernels import apportion, expand

AS_OF = date(2026, 9, 1)
PROFILES, VACANCIES = 2_000, 100
SETTINGS = Settings(AS_OF, radius_km=30)
QUESTION = {
    "selectiegebied": {"postcode": "6511AB", "afstand": 25},
    "contractvorm": {"$elemMatch": {"$or": [{"codeTypeArbeidscontract": {"$eq": "O"}}]}},
    "arbeidsmarktkwalificatie.taalbeheersing": {"$all": [{"$elemMatch": {"codeTaal": {"$eq": "nld"}}}]},
    "werktijden.aantalWerkurenPerWeekMaximaal": {"$gte": 24},
}


@cache
def space() -> FeatureSpace:
    return FeatureSpace(bundled_taxonomy())


@cache
def profile_frame() -> pl.DataFrame:
    return next(iter(generate_profiles(PROFILES, seed=1, as_of=AS_OF)))


@cache
def profiles() -> Encoded:
    return encode(profile_frame(), "werkzoekende", space(), as_of=AS_OF)


@cache
def vacancies() -> Encoded:
    frame = next(iter(generate_vacancies(VACANCIES, seed=1, as_of=AS_OF)))
    return encode(frame, "vacature", space(), as_of=AS_OF)


@cache
def ranker() -> Ranker:
    return Ranker(vacancies(), profiles(), space(), SETTINGS)


def test_expand_2000_profiles(benchmark: BenchmarkFixture) -> None:
    given = *profiles().has, *profiles().reach
    assert len(expand(*given)) == len(benchmark(expand, *given))


def test_apportion_the_weights_of_100_vacancies(benchmark: BenchmarkFixture) -> None:
    asks, claims = vacancies().asks, space().idf.astype(np.int64)
    given = asks.indptr, asks.features, claims, space().order
    assert np.array_equal(apportion(*given), benchmark(apportion, *given))


def test_encode_one_profile(benchmark: BenchmarkFixture) -> None:
    assert len(benchmark(encode, profile_frame().head(1), "werkzoekende", space(), as_of=AS_OF)) == 1


def test_rank_2000_profiles_for_one_vacancy(benchmark: BenchmarkFixture) -> None:
    assert len(benchmark(ranker().rank, 100, 0, 1))


def test_explain_one_pair(benchmark: BenchmarkFixture) -> None:
    best = ranker().rank(1)
    assert benchmark(explain, ranker(), int(best.vacancy[0]), int(best.profile[0]))


def test_parse_one_question(benchmark: BenchmarkFixture) -> None:
    assert benchmark(parse_question, QUESTION, "werkzoekende").ignored == ()

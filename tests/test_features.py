"""The feature space: numbers, weights and reach of features, and that no record changes them."""

import dataclasses
import math
import random
from collections.abc import Callable

import numpy as np
import plain_engine
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from plain_engine import AS_OF, Feature, PlainTaxonomy, frame_of, random_record, small_taxonomy

from data.taxonomy import Source, SourceConcept, Taxonomy, build, bundled_taxonomy
from engine.encode import encode
from engine.features import (
    BROADER_DEGREES,
    EDUCATION,
    EDUCATION_LEVELS,
    GROUPS,
    IDF_UNIT,
    NEIGHBOURS,
    OCCUPATION,
    SECTOR,
    SKILL,
    FeatureSpace,
    education_level,
    stable_hash,
)
from engine.kernels import FULL


def space() -> FeatureSpace:
    return FeatureSpace(small_taxonomy())


def number(of: FeatureSpace, group: int, code: str) -> int:
    return int(of.ids(group, pl.Series([code]))[0])


def named(of: FeatureSpace, feature: int) -> Feature:
    return GROUPS[of.group[feature]], of.codes[feature]


# -- numbers


def test_occupations_and_skills_of_the_taxonomy_come_first_then_the_levels() -> None:
    of = space()
    taxonomy = small_taxonomy()
    levels = [education_level(level) for level in EDUCATION_LEVELS]
    assert of.codes == [*taxonomy.occupations.codes, *taxonomy.skills.codes, *levels]
    assert of.group.tolist() == [OCCUPATION] * 4 + [SKILL] * 7 + [EDUCATION] * 5


def test_a_code_gets_one_number_and_the_same_code_of_another_group_another() -> None:
    of = space()
    assert number(of, OCCUPATION, "o:kok") == number(of, OCCUPATION, "o:kok-alias") == of.codes.index("o:kok")
    assert number(of, SKILL, "o:kok") == len(of.codes) - 1
    assert number(of, SKILL, "o:kok") != number(of, OCCUPATION, "o:kok")
    assert number(of, SECTOR, "47") == number(of, SECTOR, "47")


def test_numbers_follow_the_codes_given_and_new_codes_are_learnt_in_their_own_order() -> None:
    of = space()
    codes = pl.Series(["s:z", "s:koken", "s:a", "s:z", "s:lassen-alias"])
    found = of.ids(SKILL, codes)
    assert found.dtype == np.int32
    assert [named(of, feature)[1] for feature in found.tolist()] == [
        "s:z",
        "s:koken",
        "s:a",
        "s:z",
        "s:lassen",
    ]
    assert of.codes[-2:] == ["s:a", "s:z"]
    assert of.ids(SKILL, pl.Series([], dtype=pl.String)).tolist() == []


def test_an_equal_label_gives_its_feature_occupations_before_skills() -> None:
    both = build(
        Source(
            name="both",
            occupations=(SourceConcept("o:1", "Tolk"),),
            skills=(SourceConcept("s:1", "Tolk"), SourceConcept("s:2", "Tolken", ("Vertalen",))),
        )
    )
    of = FeatureSpace(both)
    features, found = of.find_labels(pl.Series(["tolk (m/v)", "VERTALEN", "tolk in opleiding", "", "Tolken"]))
    assert found.tolist() == [True, True, False, False, True]
    codes = [of.codes[feature] for feature in features[found].tolist()]
    assert codes == ["o:1", "s:2", "s:2"]
    assert [each.tolist() for each in of.find_labels(pl.Series([], dtype=pl.String))] == [[], []]


def test_features_are_called_by_their_label_or_by_their_kind_and_code() -> None:
    of = space()
    assert of.label(number(of, OCCUPATION, "o:kok-alias")) == "Kok"
    assert of.label(number(of, SKILL, "s:lassen")) == "Lassen"
    assert of.label(number(of, EDUCATION, education_level(5))) == "hbo-niveau"
    assert of.label(number(of, EDUCATION, "12345")) == "opleiding 12345"
    assert of.label(number(of, SECTOR, "47")) == "SBI 47"
    assert of.label(number(of, SKILL, "s:onbekend")) == "s:onbekend"


# -- weights


@pytest.mark.parametrize(
    ("group", "code", "idf"),
    [
        (SKILL, "s:techniek", 1024),  # no record has it
        (SKILL, "s:koken", round(1024 * math.log(1 + 90 / 31) / math.log(91))),
        (SECTOR, "47", round(1024 * math.log(1 + 40 / 13) / math.log(41))),
        (SECTOR, "56", 1024),  # its group is in the table, it is not
        (EDUCATION, "12345", round(1024 * math.log(1 + 40 / 4) / math.log(41))),
    ],
)
def test_rarity_is_that_of_the_reference_table(group: int, code: str, idf: int) -> None:
    of = space()
    feature = number(of, group, code)
    assert of.idf[feature] == idf == PlainTaxonomy(small_taxonomy()).idf((GROUPS[group], code))
    assert of.idf.dtype == np.uint16


@pytest.mark.parametrize(("count", "total"), [(0, 1), (1, 1), (7, 7), (9, 3), (10**9, 10**9), (0, 10**12)])
def test_rarity_stays_within_its_range_whatever_the_table_says(count: int, total: int) -> None:
    table = pl.DataFrame(
        [("sector", "47", count, total)], schema=small_taxonomy().frequencies.schema, orient="row"
    )
    of = FeatureSpace(dataclasses.replace(small_taxonomy(), frequencies=table))
    sector = number(of, SECTOR, "47")
    assert 1 <= of.idf[sector] <= IDF_UNIT
    assert of.idf[number(of, SKILL, "s:koken")] == IDF_UNIT  # no table for its group: no feature is rarer


def test_the_commoner_a_feature_the_less_it_weighs() -> None:
    counts = [0, 1, 5, 50, 500, 1000]
    table = pl.DataFrame(
        [("sector", str(count), count, 1000) for count in counts],
        schema=small_taxonomy().frequencies.schema,
        orient="row",
    )
    of = FeatureSpace(dataclasses.replace(small_taxonomy(), frequencies=table))
    features = of.ids(SECTOR, pl.Series([str(count) for count in counts]))
    weights = of.idf[features].tolist()
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == len(weights)


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_no_record_changes_what_a_feature_weighs_reaches_or_is_numbered(seed: int) -> None:
    chance = random.Random(seed)
    of = space()
    numbers: dict[str, int] = {
        "o:kok": number(of, OCCUPATION, "o:kok"),
        "s:lassen": number(of, SKILL, "s:lassen"),
    }
    n = len(of)
    before: list[NDArray[np.generic]] = [of.idf.copy(), of.order.copy(), of.group.copy()]
    reach = of.reach()
    for _ in range(2):
        records = [random_record(chance, "werkzoekende", str(row)) for row in range(chance.randint(1, 30))]
        encode(frame_of(records, "werkzoekende"), "werkzoekende", of, as_of=AS_OF)
    assert numbers == {"o:kok": number(of, OCCUPATION, "o:kok"), "s:lassen": number(of, SKILL, "s:lassen")}
    after: list[NDArray[np.generic]] = [of.idf, of.order, of.group]
    for now, then in zip(after, before, strict=True):
        assert np.array_equal(now[:n], then)
    indptr, features, degrees = of.reach()
    assert len(indptr) == len(of) + 1
    assert np.array_equal(indptr[: n + 1], reach[0])
    assert set(indptr[n:].tolist()) == {indptr[n]}
    assert np.array_equal(features, reach[1])
    assert np.array_equal(degrees, reach[2])
    plain = PlainTaxonomy(small_taxonomy())
    assert of.idf.tolist() == [plain.idf(named(of, feature)) for feature in range(len(of))]


def test_the_hash_of_texts_is_that_of_blake2b_and_never_changes() -> None:
    assert stable_hash("occupation", "x") == 0x8B37DBC1727148AA == plain_engine.stable_hash("occupation", "x")
    assert stable_hash("a", "b") != stable_hash("ab", "") != stable_hash("", "ab")


def test_ties_between_features_are_broken_by_group_and_code_not_by_number() -> None:
    of = space()
    of.ids(SECTOR, pl.Series(["9", "8"]))
    assert of.order.tolist() == [stable_hash(*named(of, feature)) for feature in range(len(of))]
    assert of.order.dtype == np.uint64


# -- reach


@pytest.mark.parametrize("taxonomy", [small_taxonomy, bundled_taxonomy], ids=["small", "bundled"])
def test_reach_and_degree_are_those_of_the_plain_reading(taxonomy: Callable[[], Taxonomy]) -> None:
    of, plain = FeatureSpace(taxonomy()), PlainTaxonomy(taxonomy())
    of.ids(SKILL, pl.Series(["s:elders"]))
    indptr, features, degrees = of.reach()
    assert [str(each.dtype) for each in (indptr, features, degrees)] == ["int64", "int32", "uint8"]
    for feature in range(len(of)):
        part = slice(indptr[feature], indptr[feature + 1])
        reached = dict(zip(features[part].tolist(), degrees[part].tolist(), strict=True))
        assert {named(of, other): degree for other, degree in reached.items()} == plain.reaches.get(
            named(of, feature), {}
        )
        for other, degree in reached.items():
            assert of.degree(feature, other, FULL) == degree
            assert of.degree(feature, other, 37) == (37 * degree + 64) // 128
        assert of.degree(feature, feature, 37) == 37


def test_an_occupation_reaches_its_nearest_neighbours_and_never_wholly() -> None:
    of = FeatureSpace(bundled_taxonomy())
    indptr, features, degrees = of.reach()
    for occupation in range(len(bundled_taxonomy().occupations)):
        part = slice(indptr[occupation], indptr[occupation + 1])
        assert len(features[part]) <= NEIGHBOURS
        assert occupation not in features[part]
        assert degrees[part].max(initial=0) < FULL


def test_a_broader_skill_is_reached_at_the_degree_of_its_nearest_ring() -> None:
    of = space()
    cook, taste = number(of, SKILL, "s:koken"), number(of, SKILL, "s:proeven")
    assert of.degree(cook, taste, FULL) == of.degree(taste, cook, FULL) == BROADER_DEGREES[0]
    bake = number(of, SKILL, "s:bakken")
    assert [of.degree(bake, other, FULL) for other in (cook, taste)] == list(BROADER_DEGREES)
    assert of.degree(cook, bake, FULL) == 0


def test_a_code_from_outside_the_taxonomy_reaches_nothing() -> None:
    of = space()
    novel = number(of, SKILL, "s:onbekend")
    assert [of.degree(novel, other, FULL) for other in range(novel)] == [0] * novel

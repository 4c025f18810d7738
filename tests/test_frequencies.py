"""Document frequencies: counted from reference records on purpose, and from no others."""

import dataclasses
import random
from collections import Counter

import plain_engine
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_engine import AS_OF, Feature, Json, PlainTaxonomy, frame_of, random_record, small_taxonomy

from data.standard import Side
from engine.encode import Encoded, encode
from engine.features import FeatureSpace
from engine.frequencies import count_frequencies

SIDES: tuple[Side, ...] = ("vacature", "werkzoekende")


def encoded(records: list[Json], side: Side, space: FeatureSpace) -> Encoded:
    return encode(frame_of(records, side), side, space, as_of=AS_OF)


def counts(table: pl.DataFrame) -> dict[Feature, int]:
    return {(group, code): count for group, code, count, _ in table.iter_rows() if count}


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_each_feature_is_counted_once_a_record_that_asks_or_has_it(seed: int) -> None:
    chance = random.Random(seed)
    space, plain = FeatureSpace(small_taxonomy()), PlainTaxonomy(small_taxonomy())
    collections, expected, total = [], Counter[Feature](), 0
    for side in chance.choice((SIDES, SIDES[:1], SIDES[1:], SIDES * 2)):
        records: list[Json] = [random_record(chance, side, str(row)) for row in range(chance.randint(0, 12))]
        collections.append(encoded(records, side, space))
        total += len(records)
        for record in records:
            if side == "vacature":
                expected.update(plain_engine.asks(record, side, plain))
            else:
                expected.update(plain_engine.has(record, side, plain, AS_OF).keys())
    table = count_frequencies(collections, space)
    assert counts(table) == dict(expected)
    assert set(table["total"]) == {total}
    assert table.schema == small_taxonomy().frequencies.schema
    assert table.select("group", "code").rows() == sorted(table.select("group", "code").rows())
    assert table.height == len(space)


def test_what_a_record_covers_without_having_it_is_not_counted() -> None:
    space = FeatureSpace(small_taxonomy())
    skills = {
        "competentiebeheersing": [{"codeCompetentie": "s:lassen"}, {"codeCompetentie": "s:lassen-alias"}]
    }
    profile = {"idWerkzoekende": "1", "arbeidsmarktkwalificatie": skills}
    table = count_frequencies([encoded([profile], "werkzoekende", space)], space)
    assert counts(table) == {("skill", "s:lassen"): 1}


def test_every_occupation_and_skill_of_the_taxonomy_is_in_the_table_counted_or_not() -> None:
    space = FeatureSpace(small_taxonomy())
    table = count_frequencies([], space)
    for group, concepts in (("occupation", small_taxonomy().occupations), ("skill", small_taxonomy().skills)):
        assert table.filter(pl.col("group") == group)["code"].to_list() == concepts.codes
    assert table["count"].sum() == table["total"].sum() == 0


def test_a_new_table_weighs_in_a_new_space_and_leaves_the_old_one_as_it_was() -> None:
    chance = random.Random(1)
    space = FeatureSpace(small_taxonomy())
    before = space.idf.copy()
    records: list[Json] = [random_record(chance, "vacature", str(row)) for row in range(40)]
    table = count_frequencies([encoded(records, "vacature", space)], space)
    assert (space.idf[: len(before)] == before).all()
    renewed = dataclasses.replace(small_taxonomy(), frequencies=table)
    again, plain = FeatureSpace(renewed), PlainTaxonomy(renewed)
    encoded(records, "vacature", again)
    group_names = [("occupation", "skill", "education", "sector")[group] for group in again.group]
    expected = [plain.idf(feature) for feature in zip(group_names, again.codes, strict=True)]
    assert again.idf.tolist() == expected
    assert (again.idf[: len(before)] != before).any()

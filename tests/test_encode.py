"""Encoding: what a record asks, has and covers, and to what degree."""

import random
from datetime import date, timedelta
from typing import Any

import numpy as np
import plain_engine
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_engine import (
    AS_OF,
    ID,
    Feature,
    Json,
    PlainTaxonomy,
    frame_of,
    random_record,
    small_taxonomy,
)

from data.pilot import generate_profiles, generate_vacancies
from data.standard import Side
from data.taxonomy import Taxonomy, bundled_taxonomy
from engine.encode import Encoded, encode
from engine.features import GROUPS, FeatureSpace
from engine.kernels import Sparse

SIDES: tuple[Side, ...] = ("werkzoekende", "vacature")


def encoded(*records: Json, side: Side = "werkzoekende", space: FeatureSpace | None = None) -> Encoded:
    frame = frame_of(records, side)
    return encode(frame, side, space or FeatureSpace(small_taxonomy()), as_of=AS_OF)


def features_of(rows: Sparse, space: FeatureSpace) -> list[dict[Feature, int]]:
    """Every row as (group, code) -> value."""
    names = [(GROUPS[group], code) for group, code in zip(space.group.tolist(), space.codes, strict=True)]
    found = []
    for row in range(len(rows.indptr) - 1):
        part = slice(rows.indptr[row], rows.indptr[row + 1])
        features, values = rows.features[part].tolist(), rows.values[part].tolist()
        assert features == sorted(set(features))
        found.append({names[feature]: value for feature, value in zip(features, values, strict=True)})
    return found


def had(record: Json, side: Side = "werkzoekende") -> dict[Feature, int]:
    space = FeatureSpace(small_taxonomy())
    (row,) = features_of(encoded({ID[side]: "1", **record}, side=side, space=space).has, space)
    return row


def asked(record: Json, side: Side = "werkzoekende") -> set[Feature]:
    space = FeatureSpace(small_taxonomy())
    (row,) = features_of(encoded({ID[side]: "1", **record}, side=side, space=space).asks, space)
    assert set(row.values()) <= {128}
    return set(row)


def qualified(**lists: Any) -> Json:
    return {"arbeidsmarktkwalificatie": lists}


def equals_the_plain_one(
    frame: pl.DataFrame, side: Side, taxonomy: Taxonomy, plain: PlainTaxonomy, as_of: date
) -> None:
    space = FeatureSpace(taxonomy)
    result = encode(frame, side, space, as_of=as_of)
    records = sorted(frame.to_dicts(), key=lambda record: str(record[ID[side]]))
    assert result.records.ids == [record[ID[side]] for record in records]
    own = [plain_engine.has(record, side, plain, as_of) for record in records]
    assert features_of(result.has, space) == own
    assert features_of(result.covers, space) == [plain.covers(row) for row in own]
    wanted = [plain_engine.asks(record, side, plain) for record in records]
    assert features_of(result.asks, space) == [dict.fromkeys(row, 128) for row in wanted]


# -- equal to the plain one


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_random_records_ask_have_and_cover_what_the_plain_reading_says(seed: int) -> None:
    chance = random.Random(seed)
    plain = PlainTaxonomy(small_taxonomy())
    for side in SIDES:
        records = [random_record(chance, side, f"r{number}") for number in range(chance.randint(0, 25))]
        chance.shuffle(records)
        equals_the_plain_one(frame_of(records, side), side, small_taxonomy(), plain, AS_OF)


def test_pilot_records_ask_have_and_cover_what_the_plain_reading_says() -> None:
    taxonomy = bundled_taxonomy()
    plain = PlainTaxonomy(taxonomy)
    for side in SIDES:
        equals_the_plain_one(pilot(side, 400), side, taxonomy, plain, AS_OF)


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_degrees_are_1_to_128_and_what_is_had_is_covered(seed: int) -> None:
    chance = random.Random(seed)
    for side in SIDES:
        result = encoded(*(random_record(chance, side, str(number)) for number in range(20)), side=side)
        for rows in (result.asks, result.has, result.covers):
            assert rows.values.dtype == np.uint8
            assert rows.values.min(initial=128) >= 1
            assert rows.values.max(initial=1) <= 128
        dense = np.zeros((2, len(result), len(result.reach.indptr) - 1), np.int64)
        for table, rows in zip(dense, (result.has, result.covers), strict=True):
            table[np.repeat(np.arange(len(result)), np.diff(rows.indptr)), rows.features] = rows.values
        assert (dense[1] >= dense[0]).all()


# -- what counts as what


def test_a_jobseeker_wants_occupations_interests_and_sectors_and_nothing_that_it_has() -> None:
    wants = {
        "bemiddelingsberoep": [{"codeBeroepsnaam": "o:kok"}],
        "sector": [{"codeSbi": 56}],
        **qualified(interesse=[{"naamInteresse": "Smid"}, {"naamInteresse": "tuinieren"}]),
    }
    more = qualified(
        interesse=[{"naamInteresse": "Smid"}],
        werkervaring=[{"beroep": {"codeBeroepsnaam": "o:bakker"}}],
        opleiding=[{"codeOpleidingsnaam": "12345", "codeNiveauOpleiding": 4}],
        cursus=[{"naamCursus": "Lassen"}],
        competentiebeheersing=[{"codeCompetentie": "s:koken"}],
        taalbeheersing=[{"codeTaal": "nld"}],
        rijbewijs=[{"codeSoortRijbewijs": "B"}],
        codeWerkEnDenkniveauWerkzoekende=5,
    )
    expected = {("occupation", "o:kok"), ("occupation", "o:smid"), ("sector", "56")}
    assert asked(wants) == asked({**wants, **more}) == expected
    assert had(wants) == {("occupation", "o:kok"): 128, ("occupation", "o:smid"): 64, ("sector", "56"): 128}
    assert set(had({**wants, **more})) - expected == {
        ("occupation", "o:bakker"),
        ("education", "12345"),
        ("education", "niveau:4"),
        ("education", "niveau:5"),
        ("skill", "s:lassen"),
        ("skill", "s:koken"),
    }


def test_a_vacancy_offers_what_it_asks_but_for_the_education() -> None:
    vacancy = {
        "beroep": {"codeBeroepsnaam": "o:kok"},
        "competentiebeheersing": [{"codeCompetentie": "s:koken"}],
        "cursus": [{"naamCursus": "Lassen"}],
        "sector": {"codeSbi": 56},
        "werkgever": {"sector": [{"codeSbi": 47}, {"codeSbi": 56}]},
        "opleiding": [{"codeOpleidingsnaam": "12345", "codeNiveauOpleiding": 5}],
        "codeWerkEnDenkniveauMinimaal": "4",
    }
    offers = {("occupation", "o:kok"), ("skill", "s:koken"), ("skill", "s:lassen"), ("sector", "47")}
    offers |= {("sector", "56")}
    assert had(vacancy, "vacature") == dict.fromkeys(offers, 128)
    educations = {("education", "12345"), ("education", "niveau:4")}
    assert asked(vacancy, "vacature") == offers | educations


@pytest.mark.parametrize(
    ("vacancy", "levels"),
    [
        ({"codeWerkEnDenkniveauMinimaal": "6"}, {"niveau:6"}),
        ({"codeWerkEnDenkniveauMinimaal": "2"}, {"niveau:2"}),
        ({"codeWerkEnDenkniveauMinimaal": "1"}, set()),
        ({"codeWerkEnDenkniveauMinimaal": "0"}, set()),
        ({"codeWerkEnDenkniveauMinimaal": "7"}, set()),
        ({"opleiding": [{"codeNiveauOpleiding": 6}, {"codeNiveauOpleiding": 4}]}, {"niveau:4"}),
        ({"opleiding": [{"codeNiveauOpleiding": 9}]}, set()),
        (
            {"codeWerkEnDenkniveauMinimaal": "7", "opleiding": [{"codeNiveauOpleiding": 2}]},
            {"niveau:3"},
        ),
    ],
)
def test_a_vacancy_asks_for_one_level_the_stated_before_the_lowest(vacancy: Json, levels: set[str]) -> None:
    assert asked(vacancy, "vacature") == {("education", level) for level in levels}


@pytest.mark.parametrize(
    ("code", "level"), [(1, 2), (2, 3), (3, 4), (4, 4), (5, 5), (6, 6)], ids=lambda value: str(value)
)
def test_an_education_counts_at_its_level_and_half_until_it_is_finished(code: int, level: int) -> None:
    for unfinished in ({"codeStatusOpleiding": 2}, {"codeStatusOpleiding": 3}, {"indicatieDiploma": 2}):
        profile = qualified(opleiding=[{"codeNiveauOpleiding": code, **unfinished}])
        assert had(profile) == {("education", f"niveau:{level}"): 64}
    for finished in ({}, {"codeStatusOpleiding": 1}, {"codeStatusOpleiding": 0}, {"indicatieDiploma": 8}):
        profile = qualified(opleiding=[{"codeNiveauOpleiding": code, **finished}])
        assert had(profile) == {("education", f"niveau:{level}"): 128}


def test_a_level_covers_the_lower_ones_wholly_and_the_next_in_part() -> None:
    space = FeatureSpace(small_taxonomy())
    profile = {"idWerkzoekende": "1", **qualified(codeWerkEnDenkniveauWerkzoekende=4)}
    (covers,) = features_of(encoded(profile, space=space).covers, space)
    levels = {code: degree for (_, code), degree in covers.items()}
    assert levels == {"niveau:2": 128, "niveau:3": 128, "niveau:4": 128, "niveau:5": 64}


def test_a_skill_covers_its_broader_skills_two_rings_up_and_no_narrower_one() -> None:
    space = FeatureSpace(small_taxonomy())
    profile = {"idWerkzoekende": "1", **qualified(competentiebeheersing=[{"codeCompetentie": "s:lassen"}])}
    (covers,) = features_of(encoded(profile, space=space).covers, space)
    assert covers == {("skill", "s:lassen"): 128, ("skill", "s:metaal"): 64, ("skill", "s:techniek"): 32}


# -- experience


def days_ago(days: int) -> str:
    return (AS_OF - timedelta(days)).isoformat()


@pytest.mark.parametrize(
    ("start", "end", "degree"),
    [
        (days_ago(1095), days_ago(0), 128),  # three years until now count whole
        (days_ago(9000), None, 128),  # without an end it still runs, and more adds nothing
        (days_ago(0), days_ago(0), 64),  # no days at all count for half
        (days_ago(548), days_ago(0), 96),  # half of three years
        (days_ago(1094), days_ago(0), 127),  # and a day less than three years not whole
        (days_ago(1095 + 730), days_ago(730), 128),  # fresh for two years
        (days_ago(1095 + 731), days_ago(731), 128),  # a day of fading is less than 1/128
        (days_ago(1095 + 730 + 1825), days_ago(730 + 1825), 96),  # five years into the ten of fading
        (days_ago(1095 + 730 + 3650), days_ago(730 + 3650), 64),  # faded to half
        (days_ago(20_000), days_ago(15_000), 64),  # and no further
        (days_ago(4380), days_ago(4380), 32),  # the least there is
        (None, None, 72),  # undated
        (None, days_ago(10), 96),  # of unknown length, but fresh
        (None, days_ago(9000), 48),
        (days_ago(1095), days_ago(-300), 128),  # an end to come counts until now
        (days_ago(0), days_ago(-300), 64),
        (days_ago(100), days_ago(200), 64),  # an end before the start has no days
        (days_ago(-100), None, 64),  # nor has a job to come
    ],
)
def test_experience_counts_by_length_and_recency(start: str | None, end: str | None, degree: int) -> None:
    job = {"datumAanvangWerkzaamheden": start, "datumEindeWerkzaamheden": end}
    profile = qualified(werkervaring=[{"beroep": {"codeBeroepsnaam": "o:kok"}, **job}])
    assert had(profile) == {("occupation", "o:kok"): degree}


def test_the_best_of_several_jobs_in_an_occupation_counts() -> None:
    jobs = [
        {"beroep": {"codeBeroepsnaam": "o:kok"}, "datumAanvangWerkzaamheden": start}
        for start in (days_ago(10), days_ago(2000), days_ago(400))
    ]
    assert had(qualified(werkervaring=jobs)) == {("occupation", "o:kok"): 128}
    assert had(qualified(werkervaring=jobs[::-1])) == {("occupation", "o:kok"): 128}


def test_experience_without_an_occupation_says_nothing() -> None:
    assert had(qualified(werkervaring=[{"datumAanvangWerkzaamheden": "2020-01-01"}, {"beroep": {}}])) == {}


# -- codes and labels


@pytest.mark.parametrize("label", ["Lassen", "LASSEN", " lassen. ", "Lassén"])
def test_a_course_counts_as_the_skill_or_occupation_whose_label_it_equals(label: str) -> None:
    assert had(qualified(cursus=[{"naamCursus": label}])) == {("skill", "s:lassen"): 128}
    assert had(qualified(cursus=[{"naamCursus": f"{label} gevorderd"}])) == {}


def test_an_alias_code_is_the_same_feature_as_the_primary_code() -> None:
    for code in ("o:kok", "o:kok-alias"):
        assert asked({"bemiddelingsberoep": [{"codeBeroepsnaam": code}]}) == {("occupation", "o:kok")}
        assert asked({"beroep": {"codeBeroepsnaam": code}}, "vacature") == {("occupation", "o:kok")}


def test_a_code_that_the_taxonomy_lacks_is_covered_by_itself_alone() -> None:
    space = FeatureSpace(small_taxonomy())
    skills = [{"codeCompetentie": "s:nieuw"}, {"codeCompetentie": "o:kok"}]
    profile = {"idWerkzoekende": "1", **qualified(competentiebeheersing=skills)}
    (covers,) = features_of(encoded(profile, space=space).covers, space)
    assert covers == {("skill", "s:nieuw"): 128, ("skill", "o:kok"): 128}


def test_what_is_absent_empty_or_null_says_nothing() -> None:
    empty = {"idWerkzoekende": "1", "bemiddelingsberoep": [], "sector": [{}], "arbeidsmarktkwalificatie": {}}
    for profile in ({"idWerkzoekende": "1"}, empty):
        result = encoded(profile)
        assert [len(rows.features) for rows in (result.asks, result.has, result.covers)] == [0, 0, 0]
    assert had({"bemiddelingsberoep": [{"codeBeroepsnaam": ""}]}) == {}


@pytest.mark.parametrize("side", SIDES)
def test_no_records_make_an_empty_collection(side: Side) -> None:
    result = encoded(side=side)
    assert len(result) == 0
    assert [rows.indptr.tolist() for rows in (result.asks, result.has, result.covers)] == [[0]] * 3


# -- nothing but the record matters


def pilot(side: Side, n: int = 150) -> pl.DataFrame:
    return pl.concat((generate_profiles if side == "werkzoekende" else generate_vacancies)(n, seed=5))


@pytest.mark.parametrize("side", SIDES)
def test_the_order_of_the_rows_makes_no_difference(side: Side) -> None:
    frame = pilot(side)
    results = [
        encode(each, side, FeatureSpace(bundled_taxonomy()), as_of=AS_OF, source="s")
        for each in (frame, frame.reverse(), frame.sample(fraction=1, shuffle=True, seed=3))
    ]
    for result in results[1:]:
        assert result.records.ids == results[0].records.ids
        assert same(result, results[0])


@pytest.mark.parametrize("side", SIDES)
def test_encoding_twice_in_one_space_gives_the_same(side: Side) -> None:
    frame, space = pilot(side), FeatureSpace(bundled_taxonomy())
    first = encode(frame, side, space, as_of=AS_OF)
    size, idf = len(space), space.idf.copy()
    assert same(first, encode(frame, side, space, as_of=AS_OF))
    assert len(space) == size
    assert (space.idf == idf).all()


@pytest.mark.parametrize("side", SIDES)
def test_a_record_says_the_same_alone_as_among_others(side: Side) -> None:
    frame = pilot(side, 60)
    space = FeatureSpace(bundled_taxonomy())
    among = encode(frame, side, space, as_of=AS_OF)
    everywhere = [features_of(rows, space) for rows in (among.asks, among.has, among.covers)]
    for row, name in list(enumerate(among.records.ids))[::7]:
        space = FeatureSpace(bundled_taxonomy())
        alone = encode(frame.filter(pl.col(ID[side]) == name), side, space, as_of=AS_OF)
        for rows, expected in zip((alone.asks, alone.has, alone.covers), everywhere, strict=True):
            assert features_of(rows, space) == [expected[row]]


def same(one: Encoded, other: Encoded) -> bool:
    """Whether every array of two collections has the same type and values."""
    pairs = [
        *zip(one.records.columns, other.records.columns, strict=True),
        *(
            pair
            for name in ("asks", "has", "covers")
            for pair in zip(getattr(one, name), getattr(other, name), strict=True)
        ),
    ]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)

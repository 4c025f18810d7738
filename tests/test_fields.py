"""Values out of records: a frame and the records one by one say the same."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from plain_engine import AS_OF, Json, frame_of, random_record, small_taxonomy
from pydantic_core import from_json

from data.dataset.lines import to_lines
from data.pilot import generate_profiles, generate_vacancies
from data.standard import Side
from data.taxonomy import Taxonomy, bundled_taxonomy
from engine.encode import Encoded, encode
from engine.features import FeatureSpace
from engine.fields import FEW, chosen, days, distinct_texts, elements, numbers, stated
from engine.kernels import MISSING_DATE

SIDES: tuple[Side, ...] = ("werkzoekende", "vacature")


def says_the_same_one_by_one(records: Sequence[Json], side: Side, taxonomy: Taxonomy) -> None:
    assert len(records) > FEW  # else the frame, too, is read one by one
    space = FeatureSpace(taxonomy)
    one, other = (
        encode(table, side, space.extension(), as_of=AS_OF, source="s")
        for table in (records, frame_of(records, side))
    )
    assert one.records.ids == other.records.ids
    assert one.records.occupation_codes == other.records.occupation_codes
    for values, expected in zip(arrays_of(one), arrays_of(other), strict=True):
        assert values.dtype == expected.dtype
        np.testing.assert_array_equal(values, expected)


def arrays_of(encoded: Encoded) -> list[NDArray[Any]]:
    return [*encoded.records.columns, *encoded.asks, *encoded.has, *encoded.covers]


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_random_records_are_encoded_alike_from_a_frame_and_one_by_one(seed: int) -> None:
    chance = random.Random(seed)
    for side in SIDES:
        records = [random_record(chance, side, f"r{number}") for number in range(FEW + 20)]
        chance.shuffle(records)
        says_the_same_one_by_one(records, side, small_taxonomy())


@pytest.mark.parametrize("side", SIDES)
def test_pilot_records_are_encoded_alike_from_a_frame_and_from_their_json(side: Side) -> None:
    generate = generate_profiles if side == "werkzoekende" else generate_vacancies
    lines = to_lines(pl.concat(generate(1000, seed=7))).splitlines()
    says_the_same_one_by_one([from_json(line) for line in lines], side, bundled_taxonomy())


@given(
    st.lists(st.none() | st.dates().map(str) | st.sampled_from(("", "2024-02-30", "20240203", "gisteren")))
)
def test_dates_are_the_same_days_in_a_column_and_one_by_one(dates: list[str | None]) -> None:
    column = pl.Series(dates, dtype=pl.String)
    assert days(dates).dtype == days(column).dtype == np.int32
    assert days(dates).tolist() == days(column).tolist()


def test_a_day_is_counted_from_1970_and_what_is_no_day_is_missing() -> None:
    told = ["1970-01-01", "2026-09-01", "2023-02-29", None]
    assert days(told).tolist() == [0, 20697, MISSING_DATE, MISSING_DATE]


@given(st.lists(st.none() | st.sampled_from(("", "a", "b")) | st.text(max_size=3), max_size=40))
def test_texts_are_told_apart_alike_in_a_column_and_one_by_one(texts: list[str | None]) -> None:
    column = pl.Series(texts, dtype=pl.String)
    there = stated(texts)
    assert there.tolist() == stated(column).tolist() == [bool(text) for text in texts]
    few, many = chosen(texts, there), chosen(column, there)
    assert list(few) == list(many)
    for distinct, places in (distinct_texts(few), distinct_texts(many)):
        assert distinct == sorted(set(filter(None, texts)))
        assert [distinct[place] for place in places] == list(few)


@given(st.lists(st.none() | st.integers(0, 99), max_size=40))
def test_numbers_are_read_alike_in_a_column_and_one_by_one(told: list[int | None]) -> None:
    spelt = [None if number is None else str(number) for number in told]
    expected = [-1 if number is None else number for number in told]
    tables = (told, spelt, pl.Series(told, dtype=pl.Int64), pl.Series(spelt, dtype=pl.String))
    for values in tables:
        found = numbers(values, np.int8, -1)
        assert found.dtype == np.int8
        assert found.tolist() == expected


def test_elements_are_flattened_alike_whether_a_list_is_absent_empty_or_holds_a_null() -> None:
    lists = [None, [], [{"codeSbi": 1}, None, {}], [None], [{"codeSbi": 2}]]
    records = [
        {"idWerkzoekende": str(row)} | ({} if own is None else {"sector": own})
        for row, own in enumerate(lists)
    ]
    for table in (records, frame_of(records, "werkzoekende")):
        rows, found = elements(table, "sector")
        assert rows.tolist() == [2, 2, 4]
        assert len(found) == 3

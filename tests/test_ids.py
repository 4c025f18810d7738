"""Packed ids are the ids, whatever form they have."""

from uuid import UUID

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ids import Ids, pack

TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=12)
UUIDS = st.uuids().map(str)


def packed(ids: list[str]) -> Ids:
    return Ids(*pack(pl.Series(ids, dtype=pl.String)))


@given(st.one_of(st.lists(TEXTS, max_size=30), st.lists(UUIDS, max_size=30), st.lists(TEXTS | UUIDS)))
def test_packed_ids_are_those_that_were_packed(ids: list[str]) -> None:
    found = packed(ids)
    assert len(found) == len(ids)
    assert list(found) == ids
    assert [found[row] for row in range(len(ids))] == ids


@given(st.lists(UUIDS | TEXTS, min_size=1, max_size=20), st.data())
def test_ids_are_gathered_in_the_order_of_the_rows(ids: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=40))
    assert packed(ids).gather(np.array(rows, np.int32)) == [ids[row] for row in rows]


def test_uuids_take_sixteen_bytes_each() -> None:
    form, arrays = pack(pl.Series([str(UUID(int=number)) for number in range(100)]))
    assert form == "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh"
    assert arrays["hex"].shape == (100, 16)


@pytest.mark.parametrize(
    "odd",
    ["00000000-0000-0000-0000-00000000000A", "00000000-0000-0000-0000-0000000000", "kok-1", "", "abc\n"],
)
def test_one_id_of_another_form_keeps_all_as_text(odd: str) -> None:
    ids = [str(UUID(int=1)), odd]
    assert pack(pl.Series(ids))[0] == ""
    assert list(packed(ids)) == ids


def test_a_row_that_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError):
        packed(["a", "b"])[2]


def test_a_record_is_looked_for_among_the_ids() -> None:
    found = packed(["a", "b"])
    assert "b" in found
    assert "c" not in found

"""Columns whose values are stored compressed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.resources import files

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import LargeBinary, cast, insert, select, type_coerce, update
from sqlalchemy.dialects import sqlite

from api.store import Store
from api.store.compressed import Compressed
from api.store.tables import record

COLUMN, DIALECT = Compressed(), sqlite.dialect()
PROFILE = json.dumps(
    {
        "arbeidsmarktkwalificatie": {
            "taalbeheersing": [{"codeNiveauTaalbeheersingMondeling": 3, "codeTaal": "nld"}],
            "competentiebeheersing": [{"codeCompetentie": "urn:koppel:vaardigheid:schoonmaken"}],
        },
        "mobiliteit": {"bemiddelingspostcode": "6511", "maximaleReisafstand": 25},
        "werktijden": {"aantalWerkurenPerWeekMaximaal": 36, "aantalWerkurenPerWeekMinimaal": 24},
    }
).encode()
KEY = {"source_id": "s", "side": "werkzoekende", "stored_at": 0, "restricted": False}


def stored(value: bytes) -> bytes:
    found = COLUMN.process_bind_param(value, DIALECT)
    assert found is not None
    return found


@given(st.binary(max_size=300).map(lambda text: b"{" + text) | st.integers(0, 30).map(lambda n: PROFILE * n))
def test_a_value_comes_back_as_it_went_in(value: bytes) -> None:
    assert COLUMN.process_result_value(stored(value), DIALECT) == value
    assert len(stored(value)) <= len(value) + 20


def test_a_record_takes_less_than_a_third_and_nothing_stays_nothing() -> None:
    assert len(stored(PROFILE)) < len(PROFILE) / 3
    assert stored(b"{}") == b"{}"
    assert COLUMN.process_bind_param(None, DIALECT) is None
    assert COLUMN.process_result_value(None, DIALECT) is None


def test_any_number_of_threads_store_one_value_alike() -> None:
    with ThreadPoolExecutor(8) as pool:
        frames = set(pool.map(lambda _: stored(PROFILE), range(400)))
    assert len(frames) == 1


def test_what_an_earlier_version_stored_as_it_was_is_read_beside_what_is_compressed(store: Store) -> None:
    plain = type_coerce(record.c.body, LargeBinary)
    with store.write() as connection:
        for each in ("old", "new"):
            connection.execute(insert(record).values(**KEY, id=each, body=PROFILE, shown=PROFILE))
        old = update(record).where(record.c.id == "old").values(body=cast(PROFILE, LargeBinary))
        connection.execute(old)
    with store.read() as connection:
        assert connection.execute(select(record.c.body)).scalars().all() == [PROFILE, PROFILE]
        lengths = {row.id: len(row.body) for row in connection.execute(select(record.c.id, plain))}
    assert lengths["old"] == len(PROFILE) > 3 * lengths["new"]


def test_the_dictionary_is_the_one_that_records_are_stored_with() -> None:
    dictionary = files("api.store").joinpath("records.zdict").read_bytes()
    assert (
        sha256(dictionary).hexdigest() == "7064162b0a9794cc8203f84e3b7fe9d9dced75202b532c0134b95f178c2864d3"
    )

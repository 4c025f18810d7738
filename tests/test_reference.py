"""Where postcodes are, and how far apart."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from data.reference import NO_LOCATION, Postcodes, postcodes

RADIUS = 6_371_008.8


def locate(*spelt: str | None) -> list[tuple[int, int]]:
    x, y = postcodes().locate(pl.Series(spelt, dtype=pl.String))
    return list(zip(x.tolist(), y.tolist(), strict=True))


def haversine(
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    other_latitude: NDArray[np.float64],
    other_longitude: NDArray[np.float64],
) -> NDArray[np.float64]:
    phi, lam, other_phi, other_lam = map(np.radians, (latitude, longitude, other_latitude, other_longitude))
    half = (
        np.sin((other_phi - phi) / 2) ** 2
        + np.cos(phi) * np.cos(other_phi) * np.sin((other_lam - lam) / 2) ** 2
    )
    return np.asarray(2 * RADIUS * np.arcsin(np.sqrt(half)))


def test_the_table_has_one_ascending_row_a_number_and_no_nulls() -> None:
    table = postcodes().table
    assert table.schema == {
        "pc4": pl.UInt16,
        "latitude": pl.Float64,
        "longitude": pl.Float64,
        "place": pl.String,
        "province": pl.String,
        "x": pl.Int32,
        "y": pl.Int32,
    }
    assert np.all(np.diff(table["pc4"].to_numpy().astype(int)) > 0)
    assert table["pc4"].is_between(1000, 9999).all()
    assert table.null_count().sum_horizontal().item() == 0
    assert 4_000 < table.height < 4_200


def test_every_place_lies_in_one_of_the_twelve_provinces() -> None:
    table = postcodes().table
    assert table["latitude"].is_between(50.75, 53.56).all()
    assert table["longitude"].is_between(3.35, 7.23).all()
    assert table["province"].n_unique() == 12
    assert set(table["province"]) >= {"Fryslân", "Gelderland", "Noord-Brabant", "Zuid-Holland"}


@pytest.mark.parametrize(
    ("pc4", "place", "province", "latitude", "longitude"),
    [
        (6511, "Nijmegen", "Gelderland", 51.846, 5.863),
        (1012, "Amsterdam", "Noord-Holland", 52.373, 4.894),
        (9712, "Groningen", "Groningen", 53.219, 6.563),
        (6211, "Maastricht", "Limburg", 50.849, 5.688),
        (4331, "Middelburg", "Zeeland", 51.499, 3.611),
        (8911, "Leeuwarden", "Fryslân", 53.202, 5.794),
        (3062, "Rotterdam", "Zuid-Holland", 51.915, 4.525),
        (6431, "Hoensbroek", "Limburg", 50.923, 5.928),
    ],
)
def test_known_postcodes_are_within_three_kilometres_of_where_they_are(
    pc4: int, place: str, province: str, latitude: float, longitude: float
) -> None:
    row = postcodes().table.row(by_predicate=pl.col("pc4") == pc4, named=True)
    assert (row["place"], row["province"]) == (place, province)
    away = haversine(*map(np.array, (row["latitude"], row["longitude"], latitude, longitude)))
    assert away < 3_000


def test_no_number_lies_far_from_all_others_with_its_first_two_digits() -> None:
    table = postcodes().table
    for (_,), region in table.group_by(pl.col("pc4") // 100):
        x, y = region["x"].to_numpy().astype(float), region["y"].to_numpy().astype(float)
        apart = np.hypot(x[:, None] - x, y[:, None] - y)
        np.fill_diagonal(apart, np.inf)
        lonely = region.filter(apart.min(axis=1) > 15_000)
        assert lonely.is_empty(), lonely


def test_distances_in_the_plane_are_those_over_the_sphere_within_two_in_ten_thousand() -> None:
    table = postcodes().table
    draw = np.random.default_rng(1)
    one, other = (table[draw.integers(table.height, size=200_000)] for _ in range(2))
    over_sphere = haversine(
        one["latitude"].to_numpy(),
        one["longitude"].to_numpy(),
        other["latitude"].to_numpy(),
        other["longitude"].to_numpy(),
    )
    dx = one["x"].to_numpy().astype(np.int64) - other["x"].to_numpy()
    dy = one["y"].to_numpy().astype(np.int64) - other["y"].to_numpy()
    in_plane = np.sqrt(dx * dx + dy * dy)
    assert over_sphere.max() > 250_000
    assert np.all(np.abs(in_plane - over_sphere) <= 2e-4 * over_sphere + 1)


def test_the_letters_of_a_postcode_do_not_matter_nor_does_their_case() -> None:
    assert len(set(locate("6511AB", "6511ab", "6511zZ"))) == 1
    x, y = locate("6511AB")[0]
    row = postcodes().table.row(by_predicate=pl.col("pc4") == 6511, named=True)
    assert (x, y) == (row["x"], row["y"])


def test_x_grows_to_the_east_and_y_to_the_north() -> None:
    (middelburg_x, _), (enschede_x, _) = locate("4331AA", "7511AA")
    (_, maastricht_y), (_, groningen_y) = locate("6211AA", "9712AA")
    assert middelburg_x < 0 < enschede_x
    assert maastricht_y < 0 < groningen_y


@pytest.mark.parametrize(
    "spelt",
    [
        None,
        "",
        "6511",
        "6511A",
        "6511 AB",
        " 6511AB",
        "6511AB ",
        "6511AB\n",
        "6511ABC",
        "651AB",
        "AB6511",
        "6511A1",
        "6511ÄB",
        "٦٥١١AB",
        "-511AB",
        "0000AA",
        "1000AA",
        "1234AB",
    ],
)
def test_a_postcode_that_is_null_or_malformed_or_unknown_has_no_location(spelt: str | None) -> None:
    assert locate(spelt) == [(NO_LOCATION, NO_LOCATION)]


def test_coordinates_stand_in_the_order_of_the_postcodes() -> None:
    spelt = ["9712AA", None, "6511AB", "onzin", "9712ZZ"]
    assert locate(*spelt) == [locate(each)[0] for each in spelt]
    assert locate() == []


def test_coordinates_are_int32_and_the_callers_own() -> None:
    x, y = postcodes().locate(pl.Series(["6511AB"]))
    assert x.dtype == y.dtype == np.int32
    kept = locate("6511AB")
    x[:] = y[:] = 0
    assert locate("6511AB") == kept


def test_the_table_is_read_once() -> None:
    assert postcodes() is postcodes()


def test_a_table_of_ones_own_gives_its_own_locations() -> None:
    own = Postcodes(
        pl.DataFrame(
            {"pc4": [9999], "x": [1], "y": [-2]}, schema={"pc4": pl.UInt16, "x": pl.Int32, "y": pl.Int32}
        )
    )
    x, y = own.locate(pl.Series(["9999AA", "6511AB"]))
    assert (x.tolist(), y.tolist()) == ([1, NO_LOCATION], [-2, NO_LOCATION])

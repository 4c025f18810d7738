"""Where Dutch postcodes are: number (PC4) to coordinates, place and province.

The table is made by `build_postcodes.py` from GeoNames' postal codes (geonames.org, CC BY 4.0); what was
changed is told there and in `ATTRIBUTION.md`.
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import FileError

NO_LOCATION: Final = -(2**31)
"""What stands for x and for y (int32) of a postcode without a location; no place in the plane has it."""

SHIPPED: Final = Path(__file__).with_name("postcodes.parquet")
"""The table that ships with Koppel."""

EARTH_RADIUS: Final = 6_371_008.8
"""Mean radius of the earth (IUGG), in metres."""

CENTRE: Final = (52.1561, 5.3876)
"""Latitude and longitude (degrees) where the plane touches: Amersfoort, as for the Dutch national grid."""

SCALE: Final = 0.9999
"""Scale at the centre. Below 1, to spread the error: too short near Amersfoort, too long at the borders."""

_POSTCODE: Final = "^[0-9]{4}[a-zA-Z]{2}$"


@dataclass(frozen=True, eq=False)
class Postcodes:
    """The Dutch postcodes, by their four digits (PC4).

    Attributes
    ----------
    table : one row a PC4, ascending. Columns: pc4 (UInt16, 1000..9999), latitude and longitude (Float64,
        degrees WGS 84), place and province (String, Dutch or Frisian), x and y (Int32, metres in the plane
        of `plane`; within ±160,000). No nulls.
    """

    table: pl.DataFrame

    @cached_property
    def _by_number(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """x and y of every number 0..9999, `NO_LOCATION` where the table lacks it."""
        pc4 = self.table["pc4"].to_numpy()
        x, y = np.full((2, 10_000), NO_LOCATION, dtype=np.int32)
        x[pc4], y[pc4] = self.table["x"].to_numpy(), self.table["y"].to_numpy()
        return x, y

    def locate(self, postcodes: pl.Series) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Give the plane coordinates of postcodes.

        Parameters
        ----------
        postcodes : String series (n,), spelt "6511AB" or "6511ab".

        Returns
        -------
        x, y : int32 arrays (n,), metres, aligned with `postcodes`; new at each call. Both are `NO_LOCATION`
            where the postcode is null, is spelt otherwise, or is not in the table.

        Notes
        -----
        The distance of two postcodes is the root of dx² + dy²: the distance over the sphere, give or take
        0.02 % and one metre, within the Netherlands. dx and dy fit int32, their squares need int64;
        whether two places are within a radius is then decided in integers, alike on every machine.
        """
        well_formed = pl.when(postcodes.str.contains(_POSTCODE)).then(postcodes.str.slice(0, 4))
        # Number 0 is in no table, so it stands for what is null or spelt otherwise.
        number = pl.select(well_formed.cast(pl.UInt16).fill_null(0)).to_series().to_numpy()
        x, y = self._by_number
        return x[number], y[number]

    def place(self, postcode: str) -> tuple[int, int]:
        """Give the coordinates of one postcode, as `locate` does, without the cost of a series."""
        number = int(postcode[:4]) if re.fullmatch(_POSTCODE, postcode, re.ASCII) else 0
        x, y = self._by_number
        return int(x[number]), int(y[number])


@cache
def postcodes() -> Postcodes:
    """Give the postcodes that ship with Koppel, read once a process.

    Raises
    ------
    FileError : the shipped table is missing or damaged, so the installation is.
    """
    try:
        return Postcodes(pl.read_parquet(SHIPPED))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FileError(str(SHIPPED), "can't be read as Parquet", remedy="Install Koppel anew.") from error


def plane(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Project places onto the plane in which distances are measured.

    Oblique stereographic projection of the sphere of radius `EARTH_RADIUS` around `CENTRE`, scaled by `SCALE`
    there: Snyder, Map Projections (1987), equations 21-2 to 21-4.

    Parameters
    ----------
    latitude, longitude : float64 arrays (n,), degrees.

    Returns
    -------
    x (east), y (north) : int32 arrays (n,), metres from `CENTRE`, rounded to whole metres.
    """
    phi, lam = np.radians(latitude), np.radians(longitude)
    phi0, lam0 = np.radians(CENTRE)
    cos_c = np.sin(phi0) * np.sin(phi) + np.cos(phi0) * np.cos(phi) * np.cos(lam - lam0)
    k = 2 * SCALE * EARTH_RADIUS / (1 + cos_c)
    x = k * np.cos(phi) * np.sin(lam - lam0)
    y = k * (np.cos(phi0) * np.sin(phi) - np.sin(phi0) * np.cos(phi) * np.cos(lam - lam0))
    return np.rint(x).astype(np.int32), np.rint(y).astype(np.int32)

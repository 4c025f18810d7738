"""Labour-market regions: where their people live and where their jobs are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from numpy.typing import NDArray

TABLE = Path(__file__).with_name("regions.csv")

DEFAULT_REGION = "Rijk van Nijmegen"


@dataclass(frozen=True, eq=False)
class Region:
    """A labour-market region, as its p postcode areas (PC4).

    Attributes
    ----------
    name : as UWV and Statistics Netherlands (CBS, table 86247NED) spell it.
    municipality : String series (p,), in which municipality most of the area lies.
    pc4 : uint16 (p,), 1000..9999, ascending.
    inhabitants, jobs : int64 (p,), 0 or more: how likely a jobseeker lives, or an employer sits, in the area.
        Rounded estimates of ours, good for weights and nothing else.
    """

    name: str
    municipality: pl.Series
    pc4: NDArray[Any]
    inhabitants: NDArray[Any]
    jobs: NDArray[Any]


def regions() -> list[str]:
    """Give the names of the regions that ship with Koppel, in alphabetical order."""
    return sorted(_table()["region"].unique())


def read_region(name: str = DEFAULT_REGION) -> Region:
    """Give a region that ships with Koppel. Raises ValueError where there is none of that name."""
    rows = _table().filter(pl.col("region") == name).sort("pc4")
    if rows.is_empty():
        raise ValueError(f"no region {name!r}; there is: {', '.join(regions())}")
    return Region(
        name,
        rows["municipality"],
        rows["pc4"].to_numpy(),
        rows["inhabitants"].to_numpy(),
        rows["jobs"].to_numpy(),
    )


def _table() -> pl.DataFrame:
    return pl.read_csv(TABLE, schema_overrides={"pc4": pl.UInt16})

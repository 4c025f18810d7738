"""Labour-market regions: where their people live and where their jobs are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from numpy.typing import NDArray

from data import reference

TABLE: Final = Path(__file__).with_name("regions.csv")
"""Estimates PC4 by PC4, of a few regions."""

DEFAULT_REGION: Final = "Rijk van Nijmegen"

INHABITANTS_PER_JOB: Final = 2
"""About what the Netherlands has; for regions without estimates of their own."""


@dataclass(frozen=True, eq=False)
class Region:
    """A labour-market region, or several, as its p postcode areas (PC4).

    Attributes
    ----------
    name : as UWV and Statistics Netherlands (CBS, table 86247NED) spell it; of several, with commas between.
    municipality : String series (p,), in which municipality most of the area lies.
    pc4 : uint16 (p,), 1000..9999, ascending.
    inhabitants, jobs : int64 (p,), 1 or more: how likely a jobseeker lives, or an employer sits, in the area.
        Rounded estimates of ours, good for weights and nothing else.
    """

    name: str
    municipality: pl.Series
    pc4: NDArray[Any]
    inhabitants: NDArray[Any]
    jobs: NDArray[Any]


def regions() -> list[str]:
    """Give the names of the 35 labour-market regions, in alphabetical order."""
    return list(reference.regions().names)


def read_region(*names: str) -> Region:
    """Give a region, or several as one, by name; without a name Rijk van Nijmegen.

    Where `regions.csv` has no estimates, the inhabitants of a municipality are divided evenly over its PC4s,
    and there is a job for every `INHABITANTS_PER_JOB` of them: a PC4 with a town centre counts there as one
    with a few farms.

    Raises QuestionError, with the nearest names, where there is none of that name.
    """
    known = reference.regions()
    found = [known.find(name) for name in names or (DEFAULT_REGION,)]
    rows = pl.concat([_estimated(name) for name in dict.fromkeys(found)]).sort("pc4")
    return Region(
        ", ".join(dict.fromkeys(found)),
        rows["municipality"],
        rows["pc4"].to_numpy(),
        rows["inhabitants"].to_numpy(),
        rows["jobs"].to_numpy(),
    )


def _estimated(name: str) -> pl.DataFrame:
    rows = pl.read_csv(TABLE, schema_overrides={"pc4": pl.UInt16}).filter(pl.col("region") == name)
    columns = ["municipality", "pc4", "inhabitants", "jobs"]
    if not rows.is_empty():
        return rows.select(columns)
    known = reference.regions()
    return (
        known.table.filter(pl.col("region") == name)
        .join(known.municipalities, left_on="municipality_code", right_on="code", maintain_order="left")
        .with_columns(inhabitants=pl.col("inhabitants") // pl.len().over("municipality_code"))
        .with_columns(jobs=pl.col("inhabitants") // INHABITANTS_PER_JOB)
        .select(columns)
    )

"""From arrays to columns of records: absent values, dates, nested objects and lists."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.dataset import schema
from data.pilot.draws import Flags, Integers
from data.standard import Side


def integers(values: NDArray[Any], keep: Flags) -> pl.Series:
    """Give a column of integers that is null where `keep` is False."""
    frame = pl.DataFrame({"value": values.astype(np.int64), "keep": keep})
    return frame.select(pl.when("keep").then("value")).to_series()


def texts(table: pl.Series, positions: NDArray[Any], keep: Flags | None = None) -> pl.Series:
    """Look texts up in a table; null where `keep` is False."""
    where = pl.Series(positions) if keep is None else integers(positions, keep)
    return table.gather(where)


def keep_where(column: pl.Series, keep: Flags) -> pl.Series:
    """Give the column, null where `keep` is False."""
    frame = pl.DataFrame({"value": column, "keep": keep})
    return frame.select(pl.when("keep").then("value")).to_series()


def either(flags: Flags, first: pl.Series, second: pl.Series) -> pl.Series:
    """Give `first` where the flag is set, `second` elsewhere."""
    frame = pl.DataFrame({"flag": flags, "first": first, "second": second})
    return frame.select(pl.when("flag").then("first").otherwise("second")).to_series()


def empty_where(column: pl.Series, flags: Flags) -> pl.Series:
    """Give a column of lists with an empty list for null where the flag is set."""
    frame = pl.DataFrame({"value": column, "flag": flags & column.is_null().to_numpy()})
    empty = pl.lit(pl.Series([[]], dtype=column.dtype)).first()
    return frame.select(pl.when("flag").then(empty).otherwise("value").alias("value")).to_series()


def dates(days: NDArray[Any], keep: Flags) -> pl.Series:
    """Spell days since 1970 as "2026-09-01"; null where `keep` is False."""
    return integers(days, keep).cast(pl.Int32).cast(pl.Date).cast(pl.String)


def objects(**fields: pl.Series) -> pl.Series:
    """Give a column of objects that is null where all fields are."""
    frame = pl.DataFrame(fields)
    some = pl.any_horizontal(pl.all().is_not_null())
    return frame.select(pl.when(some).then(pl.struct(pl.all()))).to_series()


def lists(owner: NDArray[Any], n: int, **fields: pl.Series) -> pl.Series:
    """Give a column of n lists of objects.

    Parameters
    ----------
    owner : (m,) the record of each object, ascending.
    fields : the columns of the objects, each of length m.

    A record without objects has null.
    """
    return _gather(owner, n, pl.DataFrame(fields), pl.struct(list(fields)))


def text_lists(owner: NDArray[Any], n: int, values: pl.Series) -> pl.Series:
    """Give a column of n lists of texts; a record without texts has null."""
    return _gather(owner, n, pl.DataFrame({"value": values}), pl.col("value"))


def _gather(owner: NDArray[Any], n: int, items: pl.DataFrame, item: pl.Expr) -> pl.Series:
    key = pl.Series("record", owner, dtype=pl.UInt32)
    grouped = items.with_columns(key).group_by("record", maintain_order=True).agg(item.alias("list"))
    every = pl.DataFrame({"record": np.arange(n, dtype=np.uint32)})
    return every.join(grouped, on="record", how="left", maintain_order="left")["list"]


def records(side: Side, columns: dict[str, pl.Series]) -> pl.DataFrame:
    """Put columns into the shape of the standard: its order, and null for what none of them holds."""
    shape = schema(side)
    frame = pl.DataFrame(columns).match_to_schema(
        shape, missing_columns="insert", missing_struct_fields="insert"
    )
    return frame.select(list(shape))


def distinct(owner: NDArray[Any], value: NDArray[Any], values: int) -> tuple[Integers, Integers]:
    """Give each pair of owner and value (0 up to `values`) once, in ascending order."""
    pairs = np.unique(owner.astype(np.int64) * values + value)
    return pairs // values, pairs % values

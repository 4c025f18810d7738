"""Values out of records: of a frame, or where there are few of what a JSON parser gives.

Polars takes as long to begin on one record as on hundreds, and to read a record it begins a hundred times.
Everything here therefore takes both kinds of table, and says the same of either; what is made of the values
is written once, above it.
"""

from __future__ import annotations

import re
from itertools import compress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import polars as pl

from engine.kernels import MISSING_DATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Table = pl.DataFrame | Sequence[Mapping[str, Any]]
    """Records of the standard: as `data.dataset` gives them, or each as parsed JSON."""

    Values = pl.Series | list[Any]
    """One value a record or object, null or None where it is absent."""

Number = TypeVar("Number", bound=np.generic)

FEW: Final = 100
"""Up to so many records take less time one by one than Polars takes to begin."""

_FEW_TEXTS: Final = 16
"""Up to so many texts of a frame are sorted sooner by Python."""

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def field(table: Table, path: str) -> Values:
    """The property at a dotted path through objects, null where any object on the way is absent."""
    top, *inner = path.split(".")
    values = table[top] if isinstance(table, pl.DataFrame) else [record.get(top) for record in table]
    for name in inner:
        values = prop(values, name)
    return values


def prop(objects: Values, name: str) -> Values:
    """A property of objects, null where the object is absent."""
    if isinstance(objects, list):
        return [None if each is None else each.get(name) for each in objects]
    # Many times faster than an expression, which matters where a frame has few records.
    return objects.struct.unnest()[name]


def elements(table: Table, path: str) -> tuple[NDArray[np.intp], Values]:
    """The elements of a list property, flattened, with the row that each belongs to; nulls are left out."""
    lists = field(table, path)
    if isinstance(lists, list):
        found = [(row, each) for row, own in enumerate(lists) for each in own or () if each is not None]
        return np.array([row for row, _ in found], np.intp), [each for _, each in found]
    lengths = lists.list.len().fill_null(0)
    rows = np.repeat(np.arange(len(lists)), lengths.to_numpy())
    values = lists.filter(lengths > 0).explode()
    if not values.null_count():
        return rows, values
    there = values.is_not_null()
    return rows[there.to_numpy()], values.filter(there)


def ragged(table: Table, path: str, name: str) -> tuple[NDArray[np.intp], Values]:
    """The values of one property of the objects in a list, flattened, absent and empty ones left out.

    Returns
    -------
    (rows intp (m,) ascending, values (m,)): value j belongs to record rows[j].
    """
    rows, objects = elements(table, path)
    values = prop(objects, name)
    kept = stated(values)
    return rows[kept], chosen(values, kept)


def single(table: Table, path: str) -> tuple[NDArray[np.intp], Values]:
    """The values of a property that is no list, as `ragged` gives those of one that is."""
    values = field(table, path)
    kept = stated(values)
    return np.flatnonzero(kept), chosen(values, kept)


def stated(values: Values) -> NDArray[np.bool_]:
    """Which values there are, no empty texts among them, bool (m,)."""
    if isinstance(values, list):
        return np.array([value is not None and value != "" for value in values], np.bool_)
    there = values.is_not_null()
    return (there & (values != "") if values.dtype == pl.String else there).to_numpy()


def chosen(values: Values, kept: NDArray[np.bool_]) -> Values:
    """The values that are to be kept."""
    if isinstance(values, list):
        return list(compress(values, kept.tolist()))
    return values if kept.all() else values.filter(pl.Series(kept))


def numbers(values: Values, dtype: type[Number], missing: int) -> NDArray[Number]:
    """Whole numbers, also those spelt as text, (m,); `missing` where absent."""
    if isinstance(values, list):
        return np.array([missing if value is None else int(value) for value in values], np.int64).astype(
            dtype
        )
    if values.null_count() == len(values):
        return np.full(len(values), missing, dtype)
    return values.cast(pl.Int64).fill_null(missing).to_numpy().astype(dtype)


def days(dates: Values) -> NDArray[np.int32]:
    """Dates spelt YYYY-MM-DD as days since 1970-01-01, int32 (m,); MISSING_DATE where absent or no date."""
    if isinstance(dates, list):
        return np.array([MISSING_DATE if text is None else _day(text) for text in dates], np.int32)
    if dates.null_count() == len(dates):
        return np.full(len(dates), MISSING_DATE, np.int32)
    parsed = dates.str.to_date("%Y-%m-%d", strict=False).to_physical()
    return parsed.fill_null(MISSING_DATE).to_numpy().astype(np.int32)


def _day(text: str) -> int:
    try:
        return int(np.datetime64(text).astype(np.int64)) if _DATE.fullmatch(text) else MISSING_DATE
    except ValueError:
        return MISSING_DATE


def distinct_texts(texts: Values) -> tuple[list[str], NDArray[np.integer[Any]]]:
    """The distinct texts of a column without nulls, ascending, and the place of each value among them.

    Numbers count as the text that spells them.
    """
    if len(texts) <= _FEW_TEXTS or isinstance(texts, list):
        listed = [str(each) for each in texts]
        distinct = sorted(set(listed))
        places = {text: place for place, text in enumerate(distinct)}
        return distinct, np.array([places[text] for text in listed], np.intp)
    texts = texts.cast(pl.String)
    ordered = texts.unique().sort()
    return ordered.to_list(), texts.cast(pl.Enum(ordered)).to_physical().to_numpy()

"""Judgements as a file: which profile suits which vacancy, and how well."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from data.errors import FileError
from data.files import bare_suffix, read_pieces
from engine.evaluation import Judgements

if TYPE_CHECKING:
    from engine.encode import Encoded

__all__ = ["HIGHEST", "read_judgements"]

HIGHEST: Final = 10
"""The highest grade; 0 says not suitable."""

_COLUMNS: Final = ("vacancy", "profile", "grade")


def read_judgements(path: Path, vacancies: Encoded, profiles: Encoded) -> Judgements:
    """Read a CSV (also .gz or .zst) or Parquet file with the columns vacancy, profile and grade.

    vacancies, profiles : hold the records that are judged, named by their ids.

    Raises FileError, which names the row (the first below the header is 1), what is allowed and the remedy:
    for a column that is missing, an id that no record has, a grade that isn't a whole number from 0 to
    `HIGHEST`, and a pair that stands there twice.
    """
    frame = _frame(path)
    ids = {"vacancy": vacancies.records.ids, "profile": profiles.records.ids}
    rows = {column: _rows(path, frame[column], known) for column, known in ids.items()}
    grade = frame["grade"].cast(pl.Int64, strict=False)
    wrong = (grade.is_null() | ~grade.is_between(0, HIGHEST)).fill_null(True)
    if wrong.any():
        raise FileError(
            _place(path, wrong), "no such grade", f"a whole number from 0 to {HIGHEST}", "Mend the row."
        )
    twice = ~frame.select(pl.struct("vacancy", "profile").is_first_distinct()).to_series()
    if twice.any():
        raise FileError(_place(path, twice), "a pair that was judged before", "each pair once", "Keep one.")
    return Judgements(rows["vacancy"], rows["profile"], grade.cast(pl.UInt8).to_numpy())


def _frame(path: Path) -> pl.DataFrame:
    suffix = bare_suffix(path)
    if suffix not in (".csv", ".parquet"):
        raise FileError(str(path), "a name that tells no format", "a .csv (also .gz or .zst) or a .parquet")
    content = b"".join(read_pieces(path))
    try:
        if suffix == ".parquet":
            frame = pl.read_parquet(io.BytesIO(content))
        else:
            frame = pl.read_csv(io.BytesIO(content), infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as problem:
        raise FileError(
            str(path), f"not {suffix[1:]}, or a damaged one", "CSV in UTF-8, with a header, or Parquet"
        ) from problem
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise FileError(
            str(path), f"no column {missing[0]}", f"the columns {', '.join(_COLUMNS)}", "Name the columns so."
        )
    nested = [name for name in _COLUMNS if frame[name].dtype.is_nested()]
    if nested:
        raise FileError(str(path), f"lists in the column {nested[0]}", "one value a row")
    return frame.select(pl.col(name).cast(pl.String) for name in _COLUMNS)


def _rows(path: Path, named: pl.Series, ids: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    known = pl.DataFrame({"id": pl.Series(ids, dtype=pl.String)}).with_row_index("row")
    found = pl.DataFrame({"id": named}).join(known, on="id", how="left", maintain_order="left")["row"]
    if found.is_null().any():
        raise FileError(
            _place(path, found.is_null()),
            f"no {named.name} has this id",
            f"the id of a {named.name} in the file that is given",
            f"Check the id, and the file of --{_PLURALS[named.name]}.",
        )
    return found.cast(pl.Int32).to_numpy()


_PLURALS: Final = {"vacancy": "vacancies", "profile": "profiles"}


def _place(path: Path, wrong: pl.Series) -> str:
    """The file and its first row that is wrong."""
    return f"{path}, row {(wrong.arg_max() or 0) + 1}"

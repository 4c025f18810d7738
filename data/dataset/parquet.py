"""Collections as Parquet: whether a file is one, who wrote it, and its rows in frames."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Final

import polars as pl

from data.dataset.schema import schema, side_of, wrong_side
from data.errors import FileError
from data.files import Progress, open_input
from data.standard import Side, model_of

ROW_GROUP: Final = 1 << 14
"""Rows written together."""

_MARK: Final = "koppel.standard"


@cache
def mark(side: Side) -> str:
    """Give what a file of valid records is marked with: a hash of all that the standard asks of a record.

    Whenever a model changes, the mark does, and files written before are checked anew.
    """
    definition = json.dumps(model_of(side).model_json_schema(), sort_keys=True)
    return f"{side} {hashlib.sha256(definition.encode()).hexdigest()}"


def inspect(path: Path, side: Side | None) -> tuple[Side, bool]:
    """Give the side of the records in a file, and whether they bear the mark of valid ones.

    Raises FileError for a file that isn't Parquet, or has other columns than `schema` gives.
    """
    with open_input(path) as file:
        empty = not file.read(1)
    if empty:
        raise FileError(str(path), "empty", "records", "Check whether it was written or copied whole.")
    with _reading(path):
        columns = _scan(path).collect_schema()
        metadata = pl.read_parquet_metadata(path)
    told = side_of(columns)
    if side and told and told != side:
        raise wrong_side(path, told, side)
    side = side or told
    if side is None:
        raise FileError(
            str(path), "neither idWerkzoekende nor idVacature among its columns", "one of these", _REMEDY
        )
    for name, dtype in schema(side).items():
        if columns.pop(name, None) != dtype:
            raise FileError(f"{path}, column {name}", "absent, or of another type", str(dtype), _REMEDY)
    if columns:
        raise FileError(
            f"{path}, column {next(iter(columns))}", "not a property of the standard", "", _REMEDY
        )
    return side, metadata.get(_MARK) == mark(side)


def frames(path: Path, side: Side, rows: int, progress: Progress | None) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file in their order, `rows` at a time; raises FileError where it is damaged."""
    size = path.stat().st_size
    with _reading(path):
        table = _scan(path).select(schema(side).names())
        total = table.select(pl.len()).collect().item()
        batches = table.collect_batches(chunk_size=rows, maintain_order=True)
    done = 0
    while True:
        with _reading(path):
            frame = next(batches, None)
        if frame is None:
            return
        done += frame.height
        if progress:
            progress(size * done // total, size)
        yield frame


def sink(frames: Iterable[pl.DataFrame], side: Side, file: IO[bytes]) -> None:
    """Write frames of valid records, marked as such; raises PolarsError where the file can't take them."""
    from polars.io.plugins import register_io_source

    # Polars asks for columns, a filter or a number of rows only if the query does, and this one doesn't.
    source = register_io_source(lambda *_: iter(frames), schema=schema(side))
    source.sink_parquet(
        file, row_group_size=ROW_GROUP, metadata={_MARK: mark(side)}, maintain_order=True, engine="streaming"
    )


_REMEDY: Final = "Have the file written by Koppel, from JSON or NDJSON."


def _scan(path: Path) -> pl.LazyFrame:
    # The name is that of one file, whatever signs are in it.
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise FileError(
            str(path), "not a Parquet file, or a damaged one", remedy="Copy or write the file again."
        ) from problem

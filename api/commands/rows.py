"""Ranked pairs to a file that appears whole or not at all, as Parquet, NDJSON or CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from data.errors import OutputError
from data.files import atomic, bare_suffix

if TYPE_CHECKING:
    import polars as pl

Format = Literal[".parquet", ".ndjson", ".csv"]

_ROW_GROUP = 1 << 16


def format_of(path: Path) -> Format:
    """Give the format of a file of pairs by its name; raises OutputError for a name that tells none."""
    match bare_suffix(path), path.suffix.lower():
        case (".parquet", ".parquet"):
            return ".parquet"
        case (".ndjson" | ".csv" as suffix, _):
            return suffix
    raise OutputError(
        str(path),
        f"a name that ends in {path.suffix}" if path.suffix else "a name without an ending",
        ".parquet, .ndjson or .csv, the last two also with .gz or .zst after it",
        "Name the file by what is to be in it.",
    )


def write_rows(
    frames: Iterable[pl.DataFrame], columns: pl.Schema, path: Path, about: Mapping[str, str]
) -> int:
    """Write frames of pairs, each as it comes, and give the number of pairs.

    In CSV, what is unknown is joined by "|". Parquet bears `about` as metadata. Raises OutputError.
    """
    form = format_of(path)
    written = 0

    def counted() -> Iterable[pl.DataFrame]:
        nonlocal written
        for frame in frames:
            written += frame.height
            yield frame

    with atomic(path) as file:
        if form == ".parquet":
            _sink(counted(), columns, file, path, about)
        elif form == ".csv":
            file.write(csv(columns.to_frame(), header=True))
            for frame in counted():
                file.write(csv(frame, header=False))
        else:
            for frame in counted():
                file.write(ndjson(frame))
    return written


def ndjson(frame: pl.DataFrame) -> bytes:
    """Spell pairs as NDJSON; a distance that isn't known is null."""
    return frame.write_ndjson().encode()


def csv(frame: pl.DataFrame, *, header: bool) -> bytes:
    """Spell pairs as CSV; a distance that isn't known is empty."""
    return frame.with_columns(frame["unknown"].list.join("|")).write_csv(include_header=header).encode()


def _sink(
    frames: Iterable[pl.DataFrame], columns: pl.Schema, file: IO[bytes], path: Path, about: Mapping[str, str]
) -> None:
    import polars as pl
    from polars.io.plugins import register_io_source

    try:
        register_io_source(lambda *_: iter(frames), schema=columns).sink_parquet(
            file,
            row_group_size=_ROW_GROUP,
            metadata=dict(about),
            maintain_order=True,
            engine="streaming",
        )
    except pl.exceptions.PolarsError as problem:
        reason = str(problem).rpartition(": ")[2]
        raise OutputError(
            str(path), f"can't be written: {reason}", remedy="Choose another place."
        ) from problem

"""Writing collections: frames of records to JSON, NDJSON and Parquet."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Final

import polars as pl

from data.dataset import parquet
from data.dataset.formats import format_of
from data.dataset.lines import to_lines
from data.dataset.schema import schema, side_of
from data.errors import OutputError
from data.files import PIECE, atomic
from data.standard import Side

TEXT_GROUP: Final = 1 << 11


def write(records: pl.DataFrame | Iterable[pl.DataFrame], path: Path) -> int:
    """Write records to a file that appears whole or not at all, in the format that its name ends in.

    Formats: .json (a list), .ndjson and .jsonl (a record a line), each also with .gz or .zst after it, and
    .parquet. Absent properties are left out; empty lists and objects are kept. Equal records give equal
    bytes, however they are divided into frames. Memory is bounded by the frames. An NDJSON file of no records
    is empty, which `read` refuses, as it looks like one that failed.

    Parameters
    ----------
    records : frames of valid records of one side, with the columns of `schema`; at least one frame, of any
        number of rows. They are not checked again, and Parquet is marked as checked.
    path : where to write. What stands there is replaced.

    Returns
    -------
    The number of records written.

    Raises
    ------
    OutputError : the name ends otherwise, or the file can't be written.
    ValueError : there is no frame, or one with other columns.
    """
    form = format_of(path, OutputError)
    frames = iter([records] if isinstance(records, pl.DataFrame) else records)
    first = next(frames, pl.DataFrame())
    side = side_of(first.schema)
    if side is None:
        raise ValueError("there is no frame of records to write")
    groups = _Groups(chain([first], frames), side, parquet.ROW_GROUP if form == "parquet" else TEXT_GROUP)
    with atomic(path) as file:
        if form == "parquet":
            try:
                parquet.sink(groups, side, file)
            except pl.exceptions.PolarsError as problem:
                # Polars loses the reason, such as a full disk, which whoever writes next is told again.
                file.write(bytes(PIECE))
                file.flush()
                raise OutputError(str(path), "can't be written", remedy="Choose another place.") from problem
        elif form == "json":
            _write_list(groups, file)
        else:
            for group in groups:
                file.write(to_lines(group))
    return groups.written


def _write_list(groups: Iterable[pl.DataFrame], file: IO[bytes]) -> None:
    """Write records as a JSON list with a line for each."""
    before = b"[\n"
    for group in groups:
        # A newline in JSON without spaces stands between two records only.
        file.write(before + to_lines(group)[:-1].replace(b"\n", b",\n"))
        before = b",\n"
    file.write(b"\n]\n")


class _Groups:
    """Records in groups of one size, the last one excepted: what is written doesn't depend on the frames."""

    def __init__(self, frames: Iterable[pl.DataFrame], side: Side, size: int) -> None:
        self.written = 0
        self._size = size
        self._frames = frames
        self._columns = schema(side)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        held = pl.DataFrame(schema=self._columns)
        for frame in self._frames:
            if frame.schema != self._columns:
                raise ValueError("a frame has other columns than those of its side")
            held = pl.concat([held, frame])
            whole = held.height - held.height % self._size
            yield from self._counted(held[:whole].iter_slices(self._size))
            held = held[whole:]
        if held.height or not self.written:
            yield from self._counted(iter([held]))

    def _counted(self, groups: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for group in groups:
            self.written += group.height
            yield group

"""A run as a folder: what it holds, written and read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from api.pilot.measure import FORMAT
from data.errors import FileError, OutputError
from data.files import atomic, read_pieces

if TYPE_CHECKING:
    from api.pilot.measure import Results

NUMBERS: Final = "results.json"
TIMING: Final = "timing.json"
REPORT: Final = "report.html"
RECORDS: Final = ("records-vacancies.parquet", "records-jobseekers.parquet")
"""The only files with a row for each record; all others are about groups."""


def write_results(folder: Path, results: Results) -> None:
    """Write the numbers as JSON, each table of them as Parquet, and the rows of records, into a folder.

    Equal results give equal bytes. Raises OutputError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(str(folder), "can't be made a folder", remedy="Choose another place.") from error
    write_json(folder / NUMBERS, results.numbers)
    tables = {name: each for name, each in results.numbers.items() if isinstance(each, list)}
    quality = results.numbers["quality"] or {}
    tables |= {f"quality_{name}": each for name, each in quality.items() if isinstance(each, list)}
    for name, rows in tables.items():
        frame = pl.DataFrame(rows, infer_schema_length=None)
        _write_frame(folder / f"{name.replace('_', '-')}.parquet", frame)
    for name, frame in zip(RECORDS, (results.vacancies, results.jobseekers), strict=True):
        _write_frame(folder / name, frame)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON that people can read. Raises OutputError."""
    with atomic(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n")


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8. Raises OutputError."""
    with atomic(path) as file:
        file.write(text.encode())


def read_numbers(folder: Path) -> dict[str, Any]:
    """Read the numbers of a run. Raises FileError where the folder holds none, or of another form."""
    path = folder / NUMBERS
    content = b"".join(read_pieces(path))
    try:
        numbers = json.loads(content)
    except ValueError as error:
        raise FileError(str(path), "is no JSON", remedy="Measure again.") from error
    if not isinstance(numbers, dict) or numbers.get("format") != FORMAT:
        raise FileError(str(path), "of another version", f"format {FORMAT}", "Measure again.")
    return numbers


def _write_frame(path: Path, frame: pl.DataFrame) -> None:
    with atomic(path) as file:
        frame.write_parquet(file)

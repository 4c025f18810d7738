"""Reading the delimited text files that taxonomies are published as, with the place of whatever is wrong."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import FileError
from data.files import decoded

_LONGEST_CELL = 1 << 20
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Row:
    """One record of a table: the file, the line it begins on (the header is line 1) and its cells."""

    path: Path
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def required(self, column: str) -> str:
        """Return the cell; FileError where it is empty."""
        value = self.cells[column]
        if not value:
            raise self.error(column, "empty", remedy="Fill it in or leave the row out.")
        return value

    def error(self, column: str, found: str, allowed: str = "", remedy: str = "") -> FileError:
        """Return an error about this cell: file, line and column, then what is wrong."""
        return FileError(f"{self.path}, line {self.line}, column {column}", found, allowed, remedy)


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, unpacked where the name ends in .gz; FileError where it isn't that."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as problem:
        raise FileError(str(path), "there is no such file", remedy="Check the path.") from problem
    except OSError as problem:
        raise FileError(str(path), f"can't be read: {problem.strerror}") from problem
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except EOFError as problem:
            raise FileError(
                str(path), "the gzip stream ends too early", remedy="Download the file again."
            ) from problem
        except (gzip.BadGzipFile, zlib.error) as problem:
            raise FileError(
                str(path), "not a gzip stream, or a damaged one", remedy="Download the file again."
            ) from problem
    return decoded(content, path)


def read_rows(path: Path, columns: Sequence[str], *, delimiter: str = ",") -> Iterator[Row]:
    """Yield the rows of a table whose first line names its columns; cells are stripped, empty lines skipped.

    `columns` must be there, in any order; others may be. Raises FileError for a file that can't be read, a
    missing column, another delimiter, quotes that don't close, and rows with more or fewer cells than the
    header.
    """
    csv.field_size_limit(_LONGEST_CELL)
    text = read_text(path)
    _check_delimiter(path, text.partition("\n")[0], delimiter)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(lines)]
    except StopIteration:
        raise FileError(str(path), "empty", "a first line with column names") from None
    except csv.Error as problem:
        raise FileError(f"{path}, line 1", f"not a line of a table: {problem}") from problem
    _check_header(path, header, columns)
    before = lines.line_num
    while True:
        line = before + 1
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as problem:
            raise FileError(
                f"{path}, line {line}",
                f"not a row of a table: {problem}",
                remedy="Check the quotes in this row and after it.",
            ) from problem
        before = lines.line_num
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise FileError(
                f"{path}, line {line}",
                f"{len(cells)} cells",
                f"{len(header)} cells, as in the header",
                "Check quotes and delimiters in this row.",
            )
        yield Row(path, line, {name: cell.strip() for name, cell in zip(header, cells, strict=True)})


def _check_delimiter(path: Path, first_line: str, delimiter: str) -> None:
    for other, name in _DELIMITERS.items():
        if delimiter not in first_line and other in first_line:
            raise FileError(
                f"{path}, line 1",
                f"cells are separated by {name}",
                _DELIMITERS[delimiter],
                "Save the table again with the other delimiter.",
            )


def _check_header(path: Path, header: list[str], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in header]
    if missing:
        raise FileError(
            f"{path}, line 1",
            f"column {missing[0]} is missing",
            "columns " + ", ".join(columns),
            "Use the file as it was published.",
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise FileError(f"{path}, line 1", f"column {repeated[0]} occurs twice", "each column once")

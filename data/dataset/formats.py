"""The formats of a collection, by what its name ends in."""

from pathlib import Path
from typing import Final, Literal

from data.errors import FileError, OutputError
from data.files import bare_suffix

Format = Literal["json", "ndjson", "parquet"]

_FORMATS: Final[dict[str, Format]] = {
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}


def format_of(path: Path, error: type[FileError] | type[OutputError]) -> Format:
    """Give the format of a file by its name; raises `error` for a name that tells none.

    Parquet packs itself: after .parquet there is no .gz or .zst.
    """
    suffix = bare_suffix(path)
    if suffix not in _FORMATS or (suffix == ".parquet" and path.suffix.lower() != suffix):
        raise error(
            str(path),
            f"a name that ends in {path.suffix}" if path.suffix else "a name without an ending",
            ".json, .ndjson or .jsonl, each also with .gz or .zst after it, or .parquet",
            "Name the file by what is in it.",
        )
    return _FORMATS[suffix]

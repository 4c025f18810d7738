"""Files and folders of nights: to the disk, out of sight in one step, and what is wrong where that fails."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import OutputError

__all__ = ["remove", "sync", "sync_tree", "writing"]


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Raise OutputError where something can't be written; it tells what, or else `place`."""
    try:
        yield
    except OSError as problem:
        where = str(problem.filename or place)
        raise OutputError(where, f"can't be written: {problem.strerror or problem}") from problem


def remove(folder: Path) -> None:
    """Remove a folder: out of sight in one step, so that nobody sees half of it."""
    gone = folder.with_name(f".{secrets.token_hex(8)}")
    folder.rename(gone)
    shutil.rmtree(gone)


def sync(path: Path) -> None:
    """Bring the content of a file, or the names in a folder, to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def sync_tree(folder: Path) -> None:
    """Bring all that is in a folder to the disk."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)

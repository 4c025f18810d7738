"""Whether a file could be written, seen without writing it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

__all__ = ["check_room"]

ROOM: Final = 16 << 20
"""The bytes that must be free where a file is: much more than an answer and its entry in the log take."""


def check_room(path: Path) -> None:
    """Raise OSError where a file, or one that isn't there yet, can't be written, or the disk is all but full.

    The file isn't opened: closing it again would take away the locks that SQLite holds on it.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    disk = os.statvfs(path.parent)
    if disk.f_bavail * disk.f_frsize < ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

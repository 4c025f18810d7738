"""Folders of nights: to the disk, and out of sight in one step."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from data.files import sync

__all__ = ["remove", "sync_tree"]


def remove(folder: Path) -> None:
    """Remove a folder: out of sight in one step, so that nobody sees half of it."""
    gone = folder.with_name(f".{secrets.token_hex(8)}")
    folder.rename(gone)
    shutil.rmtree(gone)


def sync_tree(folder: Path) -> None:
    """Bring all that is in a folder to the disk."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)

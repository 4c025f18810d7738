"""The nights that are published: a folder each, seen whole or not at all.

    current -> 2026-11-25.12                    the newest night; replaced in one step
    2026-11-25.12 -> .versions/2026-11-25.12-0  a night; replaced in one step when something is taken out
    .versions/2026-11-25.12-0/                  a version of it: manifest.json, summary, a folder a recipient
    .runs/12/                                   a run that isn't published yet
    .expected/                                  what makes the next run quick

A reader resolves a link once and reads behind it. A version that is replaced or too old is removed: what a
reader has opened stays readable, what it opens after that says that the file isn't there, and it begins anew.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from api.exchange.nightly.files import remove, sync_tree
from data.errors import FileError
from data.files import sync, writing
from engine.nightly import NightlyError

__all__ = ["CURRENT", "EXPECTED", "RUNS", "Nights", "number_of"]

CURRENT: Final = "current"
EXPECTED: Final = ".expected"
RUNS: Final = ".runs"
VERSIONS: Final = ".versions"
_NIGHT: Final = re.compile(r"\d{4}-\d{2}-\d{2}\.(\d+)")
_VERSION: Final = re.compile(r"(\d{4}-\d{2}-\d{2}\.\d+)-(\d+)")


def number_of(name: str) -> int:
    """Give the number of a night by its name; raises FileError where it is none."""
    found = _NIGHT.fullmatch(name)
    if found is None:
        raise FileError(f"night {name}", "no name of a night", "such as 2026-11-25.12")
    return int(found[1])


class Nights:
    """The nights in a folder. Any number of processes read them; those that change them take turns.

    root : the folder; made when something is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """Give the names of the nights, the newest first."""
        try:
            return self.shown()
        except OSError:
            return []

    def shown(self) -> list[str]:
        """Give the names of the nights as `names` does, for whoever removes. Raises OSError."""
        try:
            newest = number_of((self.root / CURRENT).readlink().name)
        except FileNotFoundError:
            return []
        found = [name for name in os.listdir(self.root) if _NIGHT.fullmatch(name)]  # noqa: PTH208
        # One that is newer than the current one was not published to the end.
        return sorted((name for name in found if number_of(name) <= newest), key=number_of, reverse=True)

    def folder(self, name: str | None = None) -> Path:
        """Give the folder of a night as it is now, by default of the newest. Raises FileError."""
        if name is not None and name not in self.names():
            kept = ", ".join(self.names()) or "none"
            raise FileError(f"night {name}", "not kept", kept, "See `koppel nightly list`.")
        link, missing = self.root / (name or CURRENT), None
        while True:
            try:
                return link.resolve(strict=True)
            except OSError as problem:
                # A version that is replaced between two links of the way is gone: the way leads to another.
                if missing == (missing := link.resolve()):
                    remedy = "Run `koppel nightly run` first."
                    raise FileError(str(self.root), "no night is published here", remedy=remedy) from problem

    def has(self, name: str) -> bool:
        """Tell whether a night was put, shown or not."""
        return (self.root / name).is_symlink()

    def run(self, number: int) -> Path:
        """Give the folder in which a night is made."""
        return self.root / RUNS / str(number)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Take turns. Raises OutputError where something can't be written."""
        with writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.root, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)

    def put(self, name: str, built: Path) -> None:
        """Make a folder the next version of a night, in one step. Within `changing`."""
        versions = self.root / VERSIONS
        versions.mkdir(exist_ok=True)
        there = [int(found[2]) for found in map(_VERSION.fullmatch, os.listdir(versions))  # noqa: PTH208
                 if found and found[1] == name]  # fmt: skip
        target = versions / f"{name}-{max(there, default=-1) + 1}"
        sync_tree(built)
        built.rename(target)
        sync(versions)
        self._link(name, f"{VERSIONS}/{target.name}")

    def show(self, name: str) -> None:
        """Make a night that was put the newest, in one step. Within `changing`."""
        if self.names() and number_of(name) < number_of(self.names()[0]):
            raise NightlyError(f"night {name}", "a later one is published already")
        self._link(CURRENT, name)

    def collect(self, keep: int) -> None:
        """Remove all but the `keep` newest nights, and versions that no night has. Within `changing`."""
        for name in self.names()[keep:]:
            (self.root / name).unlink()
        self.clear()

    def forget_runs(self) -> None:
        """Put away what was made of nights that weren't shown yet: at once, for `clear` to remove.

        Within `changing`.
        """
        shown = self.shown()
        for name in os.listdir(self.root):  # noqa: PTH208
            if _NIGHT.fullmatch(name) and name not in shown:
                (self.root / name).unlink()
        if (self.root / RUNS).exists():
            # A version that no night has.
            versions = self.root / VERSIONS
            versions.mkdir(exist_ok=True)
            (self.root / RUNS).rename(versions / f".{secrets.token_hex(8)}")
        sync(self.root)

    def clear(self) -> None:
        """Remove versions that no night has, and links that were never put in place. Within `changing`."""
        links = [self.root / name for name in os.listdir(self.root) if _NIGHT.fullmatch(name)]  # noqa: PTH208
        used = {link.readlink().name for link in links}
        versions = self.root / VERSIONS
        for name in os.listdir(versions) if versions.is_dir() else []:  # noqa: PTH208
            if name not in used:
                remove(versions / name)
        for link in self.root.glob(".*.link"):
            link.unlink()

    def _link(self, name: str, target: str) -> None:
        new = self.root / f".{secrets.token_hex(8)}.link"
        new.symlink_to(target)
        new.replace(self.root / name)
        sync(self.root)

"""The files of all lists of a night, written by this process or by several: the same bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.exchange.handles import Handles, Run
from api.exchange.keys import Keys
from api.exchange.nightly.lists import Before, Lists, part_path
from api.exchange.nightly.recipients import OTHER, Recipient
from api.exchange.nightly.snapshot import Texts, read_snapshot
from data.files import atomic, writing
from engine.index import open_index
from engine.nightly import NightlyError, end_with_parent, file_hash, parquet, read_block

if TYPE_CHECKING:
    import polars as pl

    from data.standard import Side
    from engine.index import MatchIndex
    from engine.nightly import Block

__all__ = ["Making", "Part", "Seal", "Writer", "Written", "write_all"]

FEW: Final = 50_000
"""Fewer own records than this are listed by this process alone: starting others would take longer."""

AHEAD: Final = 2
"""How many files each process may be ahead of the log."""


@dataclass(frozen=True)
class Seal:
    """What seals the vumIDs of a night, by name, so that it can be handed to another process.

    Attributes
    ----------
    key_id, run : name the key and the run.
    expires_at : until when they open, microseconds since 1970 UTC.
    """

    key_id: bytes
    run: bytes
    expires_at: int

    def run_of(self, keys: Keys) -> Run | None:
        """Give the run with its key, None where that is there no more."""
        key = keys.find(self.key_id)
        return None if key is None else Run(self.run, key)

    def opened_at(self, keys: Keys, at: int) -> Run | None:
        """Give the run where its vumIDs opened at a moment, else None."""
        run = self.run_of(keys)
        if run is None or at >= self.expires_at or (run.key.until is not None and at >= run.key.until):
            return None
        return run


@dataclass(frozen=True)
class Making:
    """What every list of a night is made of.

    Attributes
    ----------
    folder : of the run, with the snapshot, the index, the blocks, and what is built.
    version : of the index.
    keys : the file of the keys. Each process reads them there: no key is handed from one to another.
    seal : of the night.
    cut_off : of the night, microseconds since 1970 UTC.
    before : the folder and the seal of the night that changes are told against, None where there is none.
    gone : side -> source and id of records that are there no more.
    """

    folder: Path
    version: str
    keys: Path
    seal: Seal
    cut_off: int
    before: tuple[Path, Seal] | None
    gone: Mapping[Side, pl.DataFrame]


@dataclass(frozen=True)
class Part:
    """The lists of a recipient for the own records in a block: a file of matches, and one of changes."""

    recipient: Recipient
    side: Side
    number: int
    block: Block

    def path(self, kind: str) -> str:
        """Give the path of one of its files in the folder of a night."""
        return part_path(self.recipient.name, kind, self.side, self.number)


@dataclass(frozen=True)
class Written:
    """A part that was written.

    Attributes
    ----------
    sha256 : hash of its matches.
    questions : the vraagIDs of its lists.
    keys : source and id of whoever stands in it, sorted.
    """

    part: Part
    sha256: str
    questions: list[str]
    keys: pl.DataFrame


class Writer:
    """Writes the parts of a night."""

    def __init__(self, making: Making) -> None:
        keys = Keys(making.keys)
        run = making.seal.run_of(keys)
        if run is None:
            raise NightlyError("the night that is being made", "its key is there no more")
        self._making, self._run, self._keys = making, run, keys
        self._handles = Handles(keys, partial(int, making.cut_off))
        self._index: MatchIndex = open_index(making.folder / "index", making.version)
        snapshot = read_snapshot(making.folder / "snapshot")
        self._texts: dict[Side, Texts] = {
            side: Texts(snapshot, side, self._index.side(side)) for side in OTHER
        }

    def write(self, part: Part) -> Written:
        """Write the files of a part. Raises OutputError where they can't be written."""
        making, recipient, side = self._making, part.recipient, part.side
        lists = Lists(
            recipient, self._run, self._handles, making.seal.expires_at, self._index, self._texts, making.gone
        )
        built = making.folder / "built"
        matches, keys = lists.matches(side, read_block(making.folder / "blocks", part.block))
        write(built / part.path("matches"), parquet(matches))
        if making.before is not None:
            folder, seal = making.before
            # As of the cut-off, whenever it is written.
            opens = seal.opened_at(self._keys, making.cut_off)
            before = Before(folder / recipient.name, recipient, opens, self._handles, seal.expires_at)
            changes = before.changes(side, lists.own(side, part.block), matches, keys)
            write(built / part.path("changes"), parquet(changes))
        return Written(
            part,
            file_hash(built / part.path("matches")) or "",
            matches["vraagID"].unique(maintain_order=True).to_list(),
            keys.unique().sort("source", "id"),
        )


def write_all(making: Making, parts: Iterable[Part], processes: int) -> Iterator[Written]:
    """Write parts, and yield each in its turn.

    processes : how many write; 1 or fewer is this one alone, which also does what is left where one of them
        was killed.
    """
    left = deque(parts)
    if processes > 1 and sum(each.block.last - each.block.first for each in left) >= FEW:
        # Spawned: a fork would take locks along that other threads hold.
        context = get_context("spawn")
        with ProcessPoolExecutor(processes, context, _begin, (making,)) as pool:
            try:
                waiting: deque[Future[Written]] = deque()
                ready = iter(tuple(left))
                while left:
                    while len(waiting) < AHEAD * processes and (part := next(ready, None)) is not None:
                        waiting.append(pool.submit(_write, part))
                    written = waiting.popleft().result()
                    left.popleft()
                    yield written
            except BrokenProcessPool:
                pass
            finally:
                pool.shutdown(cancel_futures=True)
    if left:
        writer = Writer(making)
        while left:
            yield writer.write(left.popleft())


def write(path: Path, content: bytes) -> None:
    """Write a file, whole, and the folder that it stands in. Raises OutputError."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as file:
        file.write(content)


_writer: Writer


def _begin(making: Making) -> None:
    """Make a process of a pool ready to write."""
    global _writer
    end_with_parent()
    _writer = Writer(making)


def _write(part: Part) -> Written:
    return _writer.write(part)

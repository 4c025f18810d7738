"""The batch: many askers ranked against an index in blocks, each of which becomes one file.

    jobs -> cut -> blocks -> write_block, by whoever has a seat -> files of pairs, by hash in the ledger

A block is known by what it says: of the same index, job and rows comes the same file of the same bytes, by
any number of threads, processes or machines. What the ledger tells of a file is believed only as long as the
file has that hash; so a run that was broken off goes on where it was, and a damaged file is made anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from data.errors import KoppelError, OutputError
from data.files import atomic
from engine.conditions import Settings
from engine.features import stable_hash
from engine.index import MatchIndex, open_index
from engine.rank import TILE, Ranker

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.standard import Side
    from engine.conditions import Direction
    from engine.encode import Encoded
    from engine.index import Collection

__all__ = [
    "BLOCK",
    "Block",
    "Expected",
    "Job",
    "Ledger",
    "NightlyError",
    "Pace",
    "Ranked",
    "Seat",
    "asking_rows",
    "cut",
    "end_with_parent",
    "in_processes",
    "in_threads",
    "rank_block",
    "rank_blocks",
    "read_block",
    "write_block",
    "write_expected",
]

BLOCK: Final = TILE
"""Asking records in a block: as many as the kernel goes through at a time."""

LESS: Final = 16
"""One part in so many less is expected than the night before."""

COLUMNS: Final = pl.Schema(
    {
        "asking": pl.Int32,
        "candidate": pl.Int32,
        "rank": pl.Int32,
        "score_vacancy": pl.Int32,
        "score_profile": pl.Int32,
        "score_mutual": pl.Int32,
        "distance": pl.Float64,
        "unknown": pl.UInt16,
    }
)
"""Of the file of a block: rows of the index, and what `engine.rank.Ranking` tells of a pair."""

_ATTEMPTS: Final = 3


class NightlyError(KoppelError):
    """A nightly run can't begin or go on; the nights that are published stay as they are."""

    exit_code = 8


@dataclass(frozen=True)
class Job:
    """Records that ask alike.

    Attributes
    ----------
    direction : "vacancy", where vacancies ask, or "profile".
    own : the sources whose records ask.
    sources : the sources whose candidates may be ranked; others are left out before anything is scored.
    known_as : the name of a source under which the asking records break ties.
    k : how many candidates each gets at most.
    """

    direction: Direction
    own: tuple[str, ...]
    sources: tuple[str, ...]
    known_as: str
    k: int

    @property
    def side(self) -> Side:
        """The side of the records that ask."""
        return "werkzoekende" if self.direction == "profile" else "vacature"


@dataclass(frozen=True)
class Block:
    """The asking records first..last - 1 of a job, counted in the order of the index.

    `version` is that of the index.
    """

    version: str
    job: Job
    first: int
    last: int

    @property
    def name(self) -> str:
        """The name of its file, which says all of this."""
        said = json.dumps(asdict(self), sort_keys=True).encode()
        return f"{hashlib.sha256(said).hexdigest()[:32]}.parquet"


@dataclass(frozen=True)
class Ranked:
    """A file that was written: the SHA-256 of its bytes, and how many pairs it holds."""

    block: Block
    sha256: str
    pairs: int


Seat = Callable[[Path, Path, Sequence[Block]], Iterator[Ranked]]
"""Does blocks somewhere, and yields each as it is done. Takes the folder of the index, that of the files, and
the blocks."""


def asking_rows(collection: Collection, own: Iterable[str]) -> NDArray[np.int64]:
    """Return the rows of the records of these sources, int64 (n,), in the order of the index."""
    names, wanted = collection.encoded.records.sources, frozenset(own)
    asks = np.array([name in wanted for name in names], np.bool_)
    return np.flatnonzero(asks[collection.encoded.records.columns.source]) if len(names) else np.empty(0, int)


def cut(index: MatchIndex, jobs: Iterable[Job], size: int = BLOCK) -> Iterator[Block]:
    """Yield the blocks of jobs, each of `size` asking records or what is left."""
    for job in jobs:
        n = len(asking_rows(index.side(job.side), job.own))
        for first in range(0, n, size):
            yield Block(index.publication.version, job, first, min(first + size, n))


def rank_block(index: MatchIndex, block: Block, expected: Expected | None = None) -> pl.DataFrame:
    """Rank the best candidates of the records of a block, by the suggested weights and the usual conditions.

    expected : what makes it quick, and no other.

    Returns a frame of `COLUMNS`, sorted by asking row, then by rank.
    """
    job = block.job
    collection = index.side(job.side)
    rows = asking_rows(collection, job.own)[block.first : block.last]
    asking = _known_as(collection.take(rows), job.known_as)
    given = {"profiles" if job.side == "werkzoekende" else "vacancies": asking}
    settings = Settings(index.as_of, job.direction)
    ranker = index.ranker(settings, sources=job.sources, **given)
    if expected is not None and isinstance(ranker, Ranker):
        ranker.expect(expected.of(collection.encoded.records.columns.hash[rows]))
    ranking = ranker.rank(job.k)
    asks, found = (
        (ranking.profile, ranking.vacancy)
        if job.side == "werkzoekende"
        else (ranking.vacancy, ranking.profile)
    )
    return pl.DataFrame(
        {
            "asking": rows[asks],
            "candidate": found,
            **{name: getattr(ranking, name) for name in COLUMNS if name not in ("asking", "candidate")},
        },
        schema=COLUMNS,
    )


def _known_as(asking: Encoded, name: str) -> Encoded:
    """The same records under a source of another name."""
    records = asking.records
    hashes = np.fromiter((stable_hash(name, each) for each in records.ids), np.uint64, len(records.ids))
    return replace(asking, records=replace(records, columns=records.columns._replace(hash=hashes)))


# -- what the night before expects


@dataclass(frozen=True, eq=False)
class Expected:
    """The score that the last of the best k of a record will likely reach, by what it was the night before.

    Nights differ little, so that most of what doesn't reach it can be passed over. Where it is too much, the
    record is ranked again without: the answer is exact whatever is expected.

    Attributes
    ----------
    hash : uint64 (n,), ascending, `columns.hash` of records.
    score : int32 (n,).
    """

    hash: NDArray[np.uint64]
    score: NDArray[np.int32]

    def of(self, hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Give what is expected of records, int32 (n,): 0 where nothing is."""
        if not len(self.hash):
            return np.zeros(len(hashes), np.int32)
        at = np.minimum(np.searchsorted(self.hash, hashes), len(self.hash) - 1)
        return np.where(self.hash[at] == hashes, self.score[at], 0).astype(np.int32)

    @classmethod
    def read(cls, folder: Path, job: Job) -> Expected | None:
        """Read what is expected in a job; None where the folder has nothing that can be read."""
        path = folder / _expected_name(job)
        try:
            return _expected(path, path.stat().st_mtime_ns)
        except (OSError, pl.exceptions.PolarsError):
            return None


def write_expected(index: MatchIndex, folder: Path, blocks: Sequence[Block], target: Path) -> None:
    """Write for the night after what the blocks of this one, whose files are in `folder`, lead to expect."""
    found: dict[str, list[pl.DataFrame]] = {}
    for block in blocks:
        score, hashes = (
            f"score_{block.job.direction}",
            index.side(block.job.side).encoded.records.columns.hash,
        )
        last = read_block(folder, block).filter(pl.col("rank") == block.job.k)
        # A little less: some of the best will be gone.
        less = last[score] - last[score] // LESS
        found.setdefault(_expected_name(block.job), []).append(
            pl.DataFrame({"hash": hashes[last["asking"].to_numpy()], "score": less})
        )
    target.mkdir(parents=True, exist_ok=True)
    for name, frames in found.items():
        with atomic(target / name) as file:
            file.write(parquet(pl.concat(frames).sort("hash")))


def _expected_name(job: Job) -> str:
    return f"expected-{job.direction}-{job.k}.parquet"


@lru_cache(maxsize=4)
def _expected(path: Path, _: int) -> Expected:
    frame = pl.read_parquet(path)
    return Expected(frame["hash"].to_numpy(), frame["score"].to_numpy())


# -- files


def write_block(root: Path, folder: Path, block: Block) -> Ranked:
    """Rank a block of the index in `root`, and write its file in `folder`: whole, or not at all.

    Raises FileError where the index isn't what it was, OutputError where the file can't be written.
    """
    expected = Expected.read(folder, block.job)
    frame = rank_block(_opened(root, block.version), block, expected)
    content = parquet(frame)
    with atomic(folder / block.name) as file:
        file.write(content)
    return Ranked(block, hashlib.sha256(content).hexdigest(), frame.height)


def read_block(folder: Path, block: Block) -> pl.DataFrame:
    """Read the file of a block."""
    return pl.read_parquet(folder / block.name)


def parquet(frame: pl.DataFrame) -> bytes:
    """Spell a frame as Parquet: equal frames as equal bytes."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=1 << 16)
    return buffer.getvalue()


@lru_cache(maxsize=2)
def _opened(root: Path, version: str) -> MatchIndex:
    return open_index(root, version)


def file_hash(path: Path) -> str | None:
    """Give the SHA-256 of a file, None where there is none that can be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


# -- the ledger


class Ledger:
    """What of a run is done: a file of JSON lines that grows, each on the disk before the next step.

    A line bears its own hash. One that is torn or damaged counts as never written, so that what it told of is
    done again. Raises OutputError where a line can't be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}
        content = path.read_bytes() if path.exists() else b""
        self._torn = bool(content) and not content.endswith(b"\n")
        for line in content.split(b"\n"):
            digest, _, said = line.partition(b" ")
            if digest == _digest(said):
                entry = json.loads(said)
                self._known[entry.pop("step")] = entry

    def get(self, step: str) -> dict[str, Any] | None:
        """Give what was said of a step last, None where it isn't done."""
        return self._known.get(step)

    def add(self, step: str, **told: Any) -> None:
        """Say that a step is done, and what came of it."""
        said = json.dumps({"step": step, **told}, sort_keys=True).encode()
        line = b"\n" * self._torn + _digest(said) + b" " + said + b"\n"
        try:
            with self._path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise OutputError(str(self._path), f"can't be written: {problem.strerror}") from problem
        self._torn = False
        self._known[step] = told


def _digest(said: bytes) -> bytes:
    return hashlib.sha256(said).hexdigest()[:16].encode()


# -- doing it


def rank_blocks(
    root: Path,
    folder: Path,
    blocks: Sequence[Block],
    ledger: Ledger,
    seat: Seat,
    told: Callable[[int, int], None] | None = None,
) -> None:
    """Have every block done: those of which the ledger knows a file that still is as it was, are.

    Parameters
    ----------
    root : the index.
    folder : where the files are; made where it is missing. Shared by all who work.
    told : is told how many asking records are done, and the whole.

    Raises
    ------
    NightlyError : who does the blocks is gone.
    FileError, OutputError : as `write_block` does. What is done stays done.
    """
    told = told or (lambda done, whole: None)
    folder.mkdir(parents=True, exist_ok=True)
    whole = sum(block.last - block.first for block in blocks)
    todo = [block for block in blocks if not _is_done(folder, block, ledger)]
    done = whole - sum(block.last - block.first for block in todo)
    told(done, whole)
    if not todo:
        return
    for ranked in seat(root, folder, todo):
        ledger.add(ranked.block.name, sha256=ranked.sha256, pairs=ranked.pairs)
        done += ranked.block.last - ranked.block.first
        told(done, whole)


def _is_done(folder: Path, block: Block, ledger: Ledger) -> bool:
    entry = ledger.get(block.name)
    return entry is not None and file_hash(folder / block.name) == entry["sha256"]


def in_threads(threads: int) -> Seat:
    """Give a seat for so many threads of this process."""

    def seat(root: Path, folder: Path, blocks: Sequence[Block]) -> Iterator[Ranked]:
        if blocks:
            # Before each of the threads does.
            _opened(root, blocks[0].version)
        with ThreadPoolExecutor(threads) as pool:
            yield from _as_done(pool, root, folder, blocks)

    return seat


def in_processes(processes: int) -> Seat:
    """Give a seat for so many new processes. One that is killed costs its block, which is done again."""

    def seat(root: Path, folder: Path, blocks: Sequence[Block]) -> Iterator[Ranked]:
        left, in_vain = list(blocks), 0
        while left:
            before = len(left)
            try:
                # Spawned: a fork would take locks along that other threads hold.
                context = get_context("spawn")
                with ProcessPoolExecutor(processes, context, end_with_parent) as pool:
                    for ranked in _as_done(pool, root, folder, left):
                        left.remove(ranked.block)
                        yield ranked
            except BrokenProcessPool as problem:
                in_vain = in_vain + 1 if len(left) == before else 0
                if in_vain == _ATTEMPTS:
                    raise NightlyError(
                        "the processes that rank", "were killed each time", remedy="Is there enough memory?"
                    ) from problem

    return seat


def end_with_parent() -> None:
    """Have this process end when the one that started it is killed, which tells it nothing."""

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _as_done(pool: Executor, root: Path, folder: Path, blocks: Sequence[Block]) -> Iterator[Ranked]:
    waiting: list[Future[Ranked]] = [pool.submit(write_block, root, folder, block) for block in blocks]
    try:
        for future in as_completed(waiting):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


class Pace:
    """How fast something goes, and how long it will still take.

    Parameters
    ----------
    clock : seconds, which never run back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: tuple[float, int] | None = None

    def at(self, done: int, whole: int) -> tuple[float, float | None]:
        """Give how many a second are done, and the seconds that are left, None where that can't be told."""
        now = self._clock()
        if self._began is None:
            # What was done before this began says nothing about how fast it goes.
            self._began = now, done
        began, before = self._began
        rate = (done - before) / (now - began) if now > began else 0.0
        return rate, (whole - done) / rate if rate else None

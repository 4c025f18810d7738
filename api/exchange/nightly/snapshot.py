"""The records and the registry at one moment, in files: what a night is made of, whatever changes meanwhile.

<side>-<n>.ndjson      the records of a source at match level, each with its id: the index is built of these
<side>-places.parquet  where each of them stands: source, id, and bytes of its file
plan.json              the sources, who gets what, who is left out, and the hash of every file
"""

from __future__ import annotations

import hashlib
import json
import mmap
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from pydantic_core import from_json

from api.exchange import records
from api.exchange.bodies import identified
from api.exchange.nightly.recipients import OTHER, Recipient, covered, not_covered, recipients
from api.exchange.registry import read_registry
from data.dataset import ID_FIELDS, batches
from data.dataset.lines import to_lines
from data.errors import QuestionError
from data.files import atomic, writing
from engine.nightly import file_hash, parquet

if TYPE_CHECKING:
    from api.exchange.registry import Registry
    from api.store import Store
    from data.dataset import OnError
    from data.standard import Side
    from engine.index import Collection

__all__ = ["PLAN", "Progress", "Snapshot", "Supplied", "Texts", "read_snapshot", "take_snapshot"]

PLAN: Final = "plan.json"
SIDES: Final[tuple[Side, ...]] = tuple(OTHER)

_PLACES: Final = pl.Schema({"source": pl.String, "id": pl.String, "start": pl.Int64, "end": pl.Int64})

Progress = Callable[[str, int, int], None]
"""Is told the stage, how far it is, and the whole, 0 where that isn't known."""


@dataclass(frozen=True)
class Supplied:
    """A file of records, which a source supplies instead of holding them here."""

    source_id: str
    side: Side
    path: Path


@dataclass(frozen=True)
class Snapshot:
    """What a night is made of.

    Attributes
    ----------
    folder : of the files.
    files : side -> source -> the name of its file; the sources sorted.
    hashes : SHA-256 of every file, by name.
    records : side -> source -> how many records it has.
    recipients : who gets lists.
    not_covered : why each other source in force isn't covered: "remote", "refused", "empty".
    supplied : side -> the sources whose records came in files.
    rejected : how many records of those were bad.
    registry : the version of the registry.
    """

    folder: Path
    files: Mapping[Side, Mapping[str, str]]
    hashes: Mapping[str, str]
    records: Mapping[Side, Mapping[str, int]]
    recipients: Sequence[Recipient]
    not_covered: Mapping[str, str]
    supplied: Mapping[Side, Sequence[str]]
    rejected: int
    registry: int

    def input_hash(self, side: Side, sources: Sequence[str]) -> str:
        """Give a hash of the records of some sources, which tells nothing of others."""
        own = [self.hashes[self.files[side][each]] for each in sorted(sources) if each in self.files[side]]
        return hashlib.sha256("\n".join(own).encode()).hexdigest()


def take_snapshot(
    store: Store,
    folder: Path,
    cut_off: int,
    own_oin: str,
    supplied: Sequence[Supplied] = (),
    *,
    on_error: OnError = "stop",
    progress: Progress | None = None,
) -> Snapshot:
    """Write the records that may be shown, and who gets what, as they stand in one transaction.

    Parameters
    ----------
    folder : appears whole, or not at all; what was there before is removed.
    cut_off : the moment, microseconds since 1970 UTC.
    own_oin : of the exchange.
    supplied : files of further sources: remote ones offer no way to get all of their records.
    on_error : what a bad record of those does.

    Raises
    ------
    QuestionError : a file is of a source that isn't registered, or whose records are held here.
    FileError, RecordError : as `data.dataset.batches` does.
    OutputError : it can't be written.
    """
    told = progress or (lambda what, done, whole: None)
    part = folder.with_name(f"{folder.name}.part")
    with writing(part), store.read() as connection:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        # Records first: in SQLite the state of rules that are read later is newer, and never older.
        held = {side: set(records.holders(connection, side)) for side in SIDES}
        registry = read_registry(connection)
        given = _given(registry, supplied)
        for source_id, side in given:
            if source_id in held[side]:
                raise QuestionError(f"source {source_id}", "has records here, and a file as well")
        sources = covered(
            registry, {*held["vacature"], *held["werkzoekende"]}, {name for name, _ in given}, cut_off
        )
        writers: dict[Side, _Writer] = {side: _Writer(part, side) for side in SIDES}
        rejected = 0
        for side in SIDES:
            for source_id in sources:
                told(f"Reading {source_id}", 0, 0)
                if source_id in held[side]:
                    writers[side].write(source_id, records.all_shown(connection, source_id, side, cut_off))
                elif (source_id, side) in given:
                    reading = _Supply(
                        given[source_id, side], registry.sources[source_id].bsn_declared, on_error
                    )
                    writers[side].write(source_id, reading.lines(partial(told, f"Reading {source_id}")))
                    rejected += reading.rejected
            writers[side].finish()
        holders = {side: writers[side].records for side in SIDES}
        plan = {
            "registry": registry.version,
            "files": {side: writers[side].files for side in SIDES},
            "hashes": {name: digest for side in SIDES for name, digest in writers[side].hashes.items()},
            "records": holders,
            "recipients": [each.as_json() for each in recipients(registry, holders, own_oin, cut_off)],
            "not_covered": not_covered(registry, sources, cut_off),
            "supplied": {side: sorted(name for name, each in given if each == side) for side in SIDES},
            "rejected": rejected,
        }
        with atomic(part / PLAN) as file:
            file.write(json.dumps(plan, sort_keys=True, indent=1).encode())
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    return read_snapshot(folder)


def read_snapshot(folder: Path) -> Snapshot:
    """Read what `take_snapshot` wrote."""
    plan = json.loads((folder / PLAN).read_bytes())
    told = [Recipient.of(each) for each in plan.pop("recipients")]
    return Snapshot(folder, recipients=told, **plan)


def is_whole(folder: Path, digest: str) -> bool:
    """Tell whether a snapshot is as it was written; `digest` is the hash of its plan."""
    if file_hash(folder / PLAN) != digest:
        return False
    hashes = json.loads((folder / PLAN).read_bytes())["hashes"]
    return all(file_hash(folder / name) == each for name, each in hashes.items())


class Texts:
    """What a match shows of the records of a side, by their rows in the index.

    The files are mapped, so that memory holds no more of them than is read.
    """

    def __init__(self, snapshot: Snapshot, side: Side, collection: Collection) -> None:
        files = [snapshot.folder / name for name in snapshot.files[side].values()]
        self._maps = [_mapped(path) for path in files]
        number = pl.DataFrame(
            {"source": list(snapshot.files[side]), "file": range(len(files))},
            schema={"source": pl.String, "file": pl.Int32},
        )
        places = pl.read_parquet(snapshot.folder / f"{side}-places.parquet").join(number, on="source")
        keys = collection.keys(np.arange(len(collection.encoded)))
        found = keys.join(places, on=["source", "id"], how="left", maintain_order="left")
        self._file, self._start, self._end = (found[name].to_numpy() for name in ("file", "start", "end"))

    def take(self, rows: Sequence[int]) -> list[bytes]:
        """Give the texts of rows, each compact JSON of an object without any id."""
        return [b"{" + self._maps[self._file[row]][self._start[row] : self._end[row]] for row in rows]


class _Writer:
    """Writes the records of a side, source by source, and remembers where they stand."""

    def __init__(self, folder: Path, side: Side) -> None:
        self._folder, self._side = folder, side
        self.files: dict[str, str] = {}
        self.hashes: dict[str, str] = {}
        self.records: dict[str, int] = {}
        self._places: list[pl.DataFrame] = []

    def write(self, source_id: str, lines: Iterator[bytes]) -> None:
        """Write the records of a source; one that has none is left out."""
        name, digest, at = f"{self._side}-{len(self.files):04}.ndjson", hashlib.sha256(), 0
        ids, starts, ends = [], [], []
        # A valid id has nothing that JSON escapes: it ends at the first quotation mark.
        begin = len(f'{{"{ID_FIELDS[self._side]}":"')
        with (self._folder / name).open("wb") as file:
            for line in lines:
                end = line.index(b'"', begin)
                # What the object holds behind its id; the bracket is put before it again.
                text = line[end + 1 :].removeprefix(b",")
                ids.append(line[begin:end].decode())
                starts.append(at + len(line) - len(text))
                ends.append(at + len(line))
                file.write(line + b"\n")
                digest.update(line + b"\n")
                at += len(line) + 1
        if not ids:
            (self._folder / name).unlink()
        else:
            self.files[source_id], self.hashes[name], self.records[source_id] = (
                name,
                digest.hexdigest(),
                len(ids),
            )
            self._places.append(
                pl.DataFrame(
                    {"source": [source_id] * len(ids), "id": ids, "start": starts, "end": ends},
                    schema=_PLACES,
                )
            )

    def finish(self) -> None:
        """Write where they stand."""
        name = f"{self._side}-places.parquet"
        content = parquet(pl.concat([_PLACES.to_frame(), *self._places]))
        (self._folder / name).write_bytes(content)
        self.hashes[name] = hashlib.sha256(content).hexdigest()


class _Supply:
    """The records of a supplied file as a match shows them."""

    def __init__(self, supplied: Supplied, declared: bool, on_error: OnError) -> None:
        self._supplied, self._declared, self._on_error = supplied, declared, on_error
        self.rejected = 0

    def lines(self, told: Callable[[int, int], None]) -> Iterator[bytes]:
        side, field = self._supplied.side, ID_FIELDS[self._supplied.side]
        # Each is checked: the file is a participant's, whatever it says of itself.
        reading = batches(
            self._supplied.path,
            side,
            on_error=self._on_error,
            trust=False,
            refuse_id=None if self._declared else records.refuse_bsn,
            progress=told,
        )
        for frame in reading:
            for text in reading.texts or to_lines(frame).splitlines():
                value = from_json(text)
                yield identified(field, value[field], records.prepared(text, value, side).shown)
        self.rejected = reading.rejected


def _given(registry: Registry, supplied: Sequence[Supplied]) -> dict[tuple[str, Side], Supplied]:
    given: dict[tuple[str, Side], Supplied] = {}
    for each in supplied:
        subject = f"{each.path}, source {each.source_id}"
        if each.source_id not in registry.sources:
            known = ", ".join(registry.sources) or "none"
            raise QuestionError(subject, "isn't registered", known, "Register it, or mend the name.")
        if (each.source_id, each.side) in given:
            raise QuestionError(subject, f"a second file of the side {each.side}", "one")
        given[each.source_id, each.side] = each
    return given


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

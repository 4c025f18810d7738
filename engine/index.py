"""The index: profiles and vacancies, encoded and laid out on the disk, for any number of processes at once.

build_index (engine.build) -> a version in a folder -> open_index -> MatchIndex -> ranker, select

What changes between two versions is published beside the newest (`put`, `delete`) and seen with `refresh`.
A record that was deleted or replaced is left out; one that was put stands in a small collection that is
searched alongside. Results are those of an index that is built anew.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Collection as Names
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import polars as pl

from data.dataset import ID_FIELDS, schema
from data.errors import FileError
from data.reference import NO_LOCATION, postcodes
from data.taxonomy import load_taxonomy
from engine.blocks import Candidates, lay_out
from engine.build import FEATURES, KEPT, SIDES, TAXONOMY, build_index, learn, sparse_of
from engine.columns import FACTS, Columns, Records, day_number
from engine.encode import Encoded, encode, renumbered
from engine.features import FeatureSpace, stable_hash
from engine.ids import Ids
from engine.kernels import FULL, Blocks, Facts, Sparse
from engine.merge import MergedRanker, spread, take_of
from engine.publish import (
    Manifest,
    Publication,
    check_files,
    map_files,
    publications,
    read_changes,
    read_manifest,
    write_change,
)
from engine.rank import Ranker
from engine.select import Selection, select
from engine.signature import in_vain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.question import Question
    from data.standard import Side
    from engine.conditions import Settings
    from engine.fields import Table

__all__ = ["Collection", "MatchIndex", "build_index", "open_index", "verify"]

_REBUILD: Final = "Build the index again."


@dataclass(frozen=True, eq=False)
class Collection:
    """One side of an index, with the changes that were seen. Row i of everything is the same record.

    Rows count through the mapped records first, also those that are left out, then through the changed ones.

    Attributes
    ----------
    encoded : the mapped records, in the order of the layout.
    candidates : the same, laid out.
    key : int32 (n,), place of each mapped record among them by (source, id).
    by_hash : int32 (n,), the mapped rows by ascending `columns.hash`.
    alive : bool (n,), which mapped records are neither deleted nor replaced; None where all are.
    changed : by source, the records that were put, laid out.
    """

    encoded: Encoded
    candidates: Candidates
    key: NDArray[np.int32]
    by_hash: NDArray[np.int32]
    alive: NDArray[np.bool_] | None = None
    changed: Mapping[str, Candidates] = field(default_factory=dict)
    _frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    _masks: dict[Any, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def side(self) -> Side:
        """Which kind of record it is."""
        return self.encoded.records.side

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources of mapped and changed records, sorted."""
        return tuple(sorted({*self.encoded.records.sources, *self.changed}))

    @property
    def parts(self) -> list[Encoded]:
        """The collections through which the rows count."""
        return [self.encoded, *(each.encoded for each in self.changed.values())]

    def __len__(self) -> int:
        """How many records there are, without those that are left out."""
        left_out = 0 if self.alive is None else len(self.alive) - int(np.count_nonzero(self.alive))
        return sum(map(len, self.parts)) - left_out

    def find(self, record_id: str, source: str | None = None) -> int | None:
        """Give the row of a record, None where there is none; by the first source, where none is given."""
        for name in self.sources if source is None else (source,):
            first = len(self.encoded)
            for changed, laid_out in self.changed.items():
                if changed == name and record_id in laid_out.encoded.records.ids:
                    return first + list(laid_out.encoded.records.ids).index(record_id)
                first += len(laid_out.encoded)
            row = self._mapped(record_id, name)
            if row is not None and (self.alive is None or self.alive[row]):
                return row
        return None

    def _mapped(self, record_id: str, source: str) -> int | None:
        """The mapped row with this key, left out or not."""
        records, sought = self.encoded.records, stable_hash(source, record_id)
        hashes, low, high = records.columns.hash, 0, len(self.by_hash)
        while low < high:
            middle = (low + high) // 2
            if int(hashes[self.by_hash[middle]]) < sought:
                low = middle + 1
            else:
                high = middle
        while low < len(self.by_hash) and int(hashes[row := int(self.by_hash[low])]) == sought:
            if records.ids[row] == record_id and self._source(row) == source:
                return row
            low += 1
        return None

    def _source(self, row: int) -> str:
        return self.encoded.records.sources[int(self.encoded.records.columns.source[row])]

    def keys(self, rows: NDArray[np.integer[Any]]) -> pl.DataFrame:
        """Return source and id of rows, in their order."""
        frames = [
            pl.DataFrame({"at": at, "source": part.records.sources_of(own), "id": part.records.ids_of(own)})
            for part, at, own in spread(self.parts, rows)
        ]
        return pl.concat(frames).sort("at").drop("at")

    def take(self, rows: NDArray[np.integer[Any]]) -> Encoded:
        """Copy records into a collection of their own, in the order of the rows."""
        return take_of(self.parts, rows)

    @cached_property
    def whole(self) -> Encoded:
        """All records, to ask with: as they are mapped where nothing has changed, else copied."""
        if self.alive is None and not self.changed:
            asks = self.encoded.asks
            return replace(
                self.encoded,
                asks=Sparse(asks.indptr.astype(np.int64), asks.features.astype(np.int32), asks.values),
                has=self.encoded.has_of(0, len(self.encoded)),
            )
        n = len(self.encoded)
        kept = np.arange(n) if self.alive is None else np.flatnonzero(self.alive)
        changed = sum(map(len, self.parts)) - n
        return self.take(np.concatenate([kept, n + np.arange(changed)]))

    def count(self, sources: Names[str] | None = None) -> int:
        """How many records of these sources there are, by default of all."""
        return sum(int(np.count_nonzero(self._there(each, sources))) for each in self.parts)

    def rankable(
        self, sources: Names[str] | None, required: Names[str] = ()
    ) -> Iterator[tuple[Candidates, NDArray[np.bool_]]]:
        """Yield each of the parts, laid out, and which of its records may be ranked; see `allowed`."""
        yield self.candidates, self.allowed(sources, required)
        for each in self.changed.values():
            yield each, self._there(each.encoded, sources)

    def allowed(self, sources: Names[str] | None, required: Names[str] = ()) -> NDArray[np.bool_]:
        """Return which mapped records may be ranked, bool (n,): there, of these sources, and not in vain.

        sources : None stands for all.
        required : conditions; who breaks one with everybody needn't be looked at.
        """
        records = self.encoded.records
        asked = None if sources is None else frozenset(sources)
        about = asked, "open" in required, "dates" in required
        if about not in self._masks:
            mask = ~in_vain(records, required, day_number(self.encoded.as_of))
            if self.alive is not None:
                mask &= self.alive
            if asked is not None:
                mask &= np.array([name in asked for name in records.sources], np.bool_)[
                    records.columns.source
                ]
            self._masks[about] = mask
        return self._masks[about]

    def select(self, question: Question, sources: Names[str] | None = None) -> Selection:
        """Select the records that satisfy a question, of these sources or of all; see `engine.select`."""
        place = postcodes().locate(pl.Series([question.postcode], dtype=pl.String))
        rows, distances, squares, without_location, first = [], [], [], 0, 0
        for encoded in self.parts:
            there = self._there(encoded, sources)
            found = select(question, encoded.records, as_of=encoded.as_of)
            kept = there[found.rows]
            columns, own = encoded.records.columns, found.rows[kept]
            dx, dy = columns.x[own] - np.int64(place[0][0]), columns.y[own] - np.int64(place[1][0])
            rows.append(first + own)
            distances.append(found.distance_km[kept])
            squares.append(dx * dx + dy * dy)
            without_location += int(np.count_nonzero((columns.x == NO_LOCATION) & there))
            first += len(encoded)
        row, distance, squared = np.concatenate(rows), np.concatenate(distances), np.concatenate(squares)
        if self.changed:
            keys = self.keys(row).with_columns(squared=squared)
            order = keys.select(pl.arg_sort_by("squared", "source", "id")).to_series().to_numpy()
        else:
            order = np.lexsort((self.key[row], squared))
        return Selection(row[order], distance[order], without_location, found.postcode_known)

    def _there(self, encoded: Encoded, sources: Names[str] | None) -> NDArray[np.bool_]:
        if encoded is self.encoded:
            return self.allowed(sources)
        allowed = sources is None or encoded.records.sources[0] in sources
        return np.full(len(encoded), allowed, np.bool_)

    def with_changes(
        self,
        changes: Iterable[tuple[str, pl.DataFrame | None, pl.Series]],
        space: Callable[[], FeatureSpace],
    ) -> Collection:
        """The same after changes, in their order: each a source, what is put (or None), and the ids.

        space : gives the space that learns what is put, where anything is.
        """
        alive = np.ones(len(self.encoded), np.bool_) if self.alive is None else self.alive.copy()
        frames, touched = dict(self._frames), set()
        for source, put, ids in changes:
            for record_id in ids:
                row = self._mapped(record_id, source)
                if row is not None:
                    alive[row] = False
            before = frames.get(source, pl.DataFrame(schema=schema(self.side)))
            left = before.filter(~before[ID_FIELDS[self.side]].is_in(ids.implode()))
            frames[source] = left if put is None else pl.concat([left, put])
            touched.add(source)
        changed = {source: laid_out for source, laid_out in self.changed.items() if source not in touched}
        for source in touched:
            if frames[source].height:
                encoded = encode(frames[source], self.side, space(), as_of=self.encoded.as_of, source=source)
                changed[source] = lay_out(encoded)
        return replace(
            self,
            alive=alive,
            changed=dict(sorted(changed.items())),
            _frames=frames,
            _masks={},
        )


class _Space:
    """The feature space of an index: made when it is first asked for, and never learning after that."""

    def __init__(self, folder: Path) -> None:
        # Read now, because the version may be collected before they are needed.
        self._taxonomy = {path.name: path.read_bytes() for path in (folder / TAXONOMY).iterdir()}
        self._features = (folder / FEATURES).read_bytes()
        self._lock = Lock()
        self._made: FeatureSpace | None = None

    def __call__(self) -> FeatureSpace:
        with self._lock:
            if self._made is None:
                with TemporaryDirectory(prefix="koppel-") as name:
                    for file, content in self._taxonomy.items():
                        (Path(name) / file).write_bytes(content)
                    self._made = FeatureSpace(load_taxonomy(name))
                learn(self._made, pl.read_parquet(io.BytesIO(self._features)))
            return self._made


@dataclass(frozen=True, eq=False)
class MatchIndex:
    """An opened index, with the changes that it has seen. It stays as it is: `refresh` gives another.

    Attributes
    ----------
    root : its folder.
    publication : the version and its number.
    manifest : what the version says of itself.
    profiles, vacancies : the two sides.
    seen : the number of the last change that it has seen, 0 for none.
    """

    root: Path
    publication: Publication
    manifest: Manifest
    profiles: Collection
    vacancies: Collection
    seen: int
    _space: Callable[[], FeatureSpace]
    _follows: bool
    _mapped: Sequence[NDArray[Any]]

    @property
    def as_of(self) -> date:
        """The day from which the records are looked at."""
        return self.profiles.encoded.as_of

    @property
    def space(self) -> FeatureSpace:
        """The feature space of the index, which has learnt from its changes, and learns no more."""
        return self._space()

    def side(self, side: Side) -> Collection:
        """Give one of the two sides."""
        return self.profiles if side == "werkzoekende" else self.vacancies

    def touch(self) -> None:
        """Read a byte of each page of its arrays, so that nobody who asks waits for the disk."""
        for array in self._mapped:
            array.reshape(-1).view(np.uint8)[:: mmap.PAGESIZE].max(initial=0)

    def encode(self, table: Table, side: Side, source: str = "") -> Encoded:
        """Encode records in the space of the index, to be ranked against it; see `engine.encode`.

        Codes that the index lacks are learnt for these records only. Any number of threads may do it at once.
        """
        return encode(table, side, self.space.extension(), as_of=self.as_of, source=source)

    def ranker(
        self,
        settings: Settings,
        *,
        sources: Names[str] | None = None,
        vacancies: Encoded | None = None,
        profiles: Encoded | None = None,
    ) -> Ranker | MergedRanker:
        """Make a ranker of the index, or of other records against it.

        Parameters
        ----------
        settings : as of the day of the index.
        sources : whose candidates may be ranked, by default all; of the index only.
        vacancies, profiles : take the place of those of the index; encoded by `encode`, or taken from it.

        Rows of candidates count as in `Collection`, those of the asking side as in its `whole`.
        """
        space = self.space.extension()
        vacancies, profiles = (
            each and renumbered(each, space, self.manifest["features"]) for each in (vacancies, profiles)
        )
        given = (vacancies, profiles) if settings.direction != "profile" else (profiles, vacancies)
        sides = (
            (self.vacancies, self.profiles)
            if settings.direction != "profile"
            else (self.profiles, self.vacancies)
        )
        asking = sides[0].whole if given[0] is None else given[0]

        def ranker(
            others: Encoded, allowed: NDArray[np.bool_] | None = None, laid_out: Candidates | None = None
        ) -> Ranker:
            pair = (asking, others) if settings.direction != "profile" else (others, asking)
            return Ranker(*pair, space, settings, allowed, laid_out)

        if given[1] is not None:
            return ranker(given[1])
        rankers = [
            ranker(each.encoded, allowed, each)
            for each, allowed in sides[1].rankable(sources, settings.required)
        ]
        return MergedRanker(rankers) if len(rankers) > 1 else rankers[0]

    def put(self, side: Side, frame: pl.DataFrame, source: str = "") -> None:
        """Publish records that are new or take the place of those with the same ids and source.

        Counts in every version but those of an input that is taken later. Raises ValueError where they are no
        records of the side, each with an id of its own; OutputError where they can't be written.
        """
        frame = frame.rechunk()
        ids = frame[ID_FIELDS[side]] if ID_FIELDS[side] in frame.columns else pl.Series(dtype=pl.String)
        if dict(frame.schema) != schema(side) or ids.null_count() or ids.n_unique() < len(ids):
            raise ValueError(f"not records of the side {side}, each with an id of its own")
        self._change(side, source, frame, put=True)

    def delete(self, side: Side, ids: Sequence[str], source: str = "") -> None:
        """Publish that the records with these ids of this source are no more, if they were there.

        Counts in every version but those of an input that is taken later. Raises OutputError where it can't
        be written.
        """
        self._change(
            side, source, pl.DataFrame({ID_FIELDS[side]: pl.Series(ids, dtype=pl.String)}), put=False
        )

    def _change(self, side: Side, source: str, frame: pl.DataFrame, *, put: bool) -> None:
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        about = {"side": side, "source": source, "put": put}
        write_change(self.root, about, buffer.getvalue())

    def refresh(self) -> MatchIndex:
        """Give the index as it is published now: this one, where nothing has changed.

        Looks at the pointer and for the next change. An index that was opened by its version stays with it,
        and sees the changes. Raises FileError where that is kept no more, as changes may be missing then.
        """
        listed = publications(self.root)
        if self.publication not in (listed[:1] if self._follows else listed):
            return open_index(self.root, None if self._follows else self.publication.version)
        try:
            return self._with_changes()
        except FileError:
            # The next change may have been collected together with the version that needed it.
            if publications(self.root) == listed:
                raise
            return self.refresh()

    def _with_changes(self) -> MatchIndex:
        changes: dict[str, list[tuple[str, pl.DataFrame | None, pl.Series]]] = {side: [] for side in SIDES}
        seen = self.seen
        for head, content in read_changes(self.root, seen):
            frame = pl.read_parquet(io.BytesIO(content))
            ids = frame[ID_FIELDS[head["side"]]]
            changes[head["side"]].append((head["source"], frame if head["put"] else None, ids))
            seen += 1
        if seen == self.seen:
            return self
        space = self._space
        if any(put is not None for each in changes.values() for _, put, _ in each):
            learning = self.space.extension()
            space = lambda: learning  # noqa: E731
        profiles, vacancies = (
            collection.with_changes(changes[collection.side], space)
            if changes[collection.side]
            else collection
            for collection in (self.profiles, self.vacancies)
        )
        return replace(self, profiles=profiles, vacancies=vacancies, seen=seen, _space=space)


def open_index(root: Path, version: str | None = None, *, check: bool = False) -> MatchIndex:
    """Open the newest version of an index, or another that is kept, with all changes published since.

    Arrays are mapped, not read. What stays open stays whole, also when the version is collected.

    Parameters
    ----------
    root : the folder that it was built in.
    version : its name.
    check : read every byte to see whether it is what was written. The manifest, and the size, type and shape
        of every file are checked always.

    Raises
    ------
    FileError : there is no index, or it is damaged, or of a later release.
    """
    while True:
        listed = publications(root)
        if not listed:
            raise FileError(
                str(root), "no index is here", "a folder with a built index", "Build one into it first."
            )
        found = [each for each in listed if version in (None, each.version)]
        if not found:
            kept = ", ".join(each.version for each in listed)
            raise FileError(f"{root}, version {version}", "not kept", kept, "Choose one that is kept.")
        try:
            return _open(root, found[0], check=check, follows=version is None)._with_changes()
        except (FileNotFoundError, FileError) as problem:
            # Else a version that was published meanwhile had this one collected.
            if publications(root) == listed:
                if isinstance(problem, FileError):
                    raise
                raise FileError(
                    str(root / found[0].version), "there is no such version", remedy=_REBUILD
                ) from problem


def verify(root: Path) -> list[tuple[Publication, Manifest]]:
    """Read every byte of all kept versions and their changes; give them, the newest first.

    Raises FileError for what is damaged.
    """
    open_index(root, check=True)
    return [(each, open_index(root, each.version, check=True).manifest) for each in publications(root)]


def _open(root: Path, publication: Publication, *, check: bool, follows: bool) -> MatchIndex:
    folder = root / publication.version
    manifest = read_manifest(folder)
    check_files(folder, manifest, hashes=check)
    arrays = map_files(folder, manifest)
    as_of = date.fromisoformat(manifest["as_of"])
    try:
        profiles, vacancies = (
            _collection(folder, side, name, manifest["sides"][name], arrays, as_of)
            for side, name in SIDES.items()
        )
    except KeyError as problem:
        raise FileError(str(folder), f"lacks {problem}", remedy=_REBUILD) from problem
    return MatchIndex(
        root,
        publication,
        manifest,
        profiles,
        vacancies,
        publication.changes,
        _Space(folder),
        follows,
        tuple(arrays.values()),
    )


def _collection(
    folder: Path,
    side: Side,
    name: str,
    about: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    as_of: date,
) -> Collection:
    table = arrays[f"{name}-facts-table"]
    if [*table.dtype.descr] != [*FACTS.descr]:
        raise FileError(str(folder), "facts of another release", remedy=_REBUILD)
    # Saved and read again, a type is not "aligned" any more, and the kernels would be compiled anew.
    facts = Facts(table.view(FACTS), arrays[f"{name}-facts-spoken"])
    columns = {each: arrays[f"{name}-columns-{each}"] for each in KEPT}
    columns["language"] = facts.spoken.view(np.int16)[1::2]
    columns |= {each: facts.table[each] for each in Columns._fields if each not in columns}
    codes = pl.read_parquet(folder / f"{name}-occupations.parquet")["code"].to_list()
    records = Records(
        side=side,
        sources=tuple(about["sources"]),
        ids=cast("Sequence[str]", _ids(name, about, arrays)),
        columns=Columns(**columns),
        occupation_codes=codes,
    )
    encoded = Encoded(
        records=records,
        as_of=as_of,
        asks=Sparse(
            arrays[f"{name}-asks-indptr"],
            arrays[f"{name}-asks-features"],
            np.broadcast_to(np.uint8(FULL), len(arrays[f"{name}-asks-features"])),
        ),
        has=sparse_of(arrays, f"{name}-has"),
        reach=sparse_of(arrays, "reach"),
    )
    blocks = {each: arrays[f"{name}-blocks-{each}"] for each in Blocks._fields if each != "size"}
    return Collection(
        encoded=encoded,
        candidates=Candidates(
            encoded=encoded,
            rows=np.arange(about["records"], dtype=np.int32),
            facts=facts,
            blocks=Blocks(size=about["block"], **blocks),
            wanted=Sparse(encoded.asks.indptr, encoded.asks.features, arrays[f"{name}-wanted"]),
        ),
        key=arrays[f"{name}-key"],
        by_hash=arrays[f"{name}-by_hash"],
    )


def _ids(name: str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Ids:
    names = ("hex",) if about["ids"] else ("text", "ends")
    return Ids(about["ids"], {each: arrays[f"{name}-ids-{each}"] for each in names})

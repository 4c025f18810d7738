"""Building an index from files of any size, in memory that a batch and a few numbers a record need.

Two passes: records are encoded batch by batch and set down as they come; then they are taken up again in the
order of the layout, block by block. Codes that the taxonomy lacks are numbered in between, by their names:
neither the order of the records nor the size of a batch leaves a trace.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from data.dataset import OnError, batches, schema
from engine.blocks import block_size, dense_slots, feature_type, lay_out, location_order, pointer_type
from engine.columns import Columns
from engine.conditions import SUGGESTED, Settings
from engine.encode import Encoded, encode, with_numbers
from engine.features import GROUPS, FeatureSpace
from engine.ids import pack
from engine.kernels import Sparse
from engine.merge import take
from engine.publish import Arrays, Manifest, building, map_arrays, publish
from engine.rank import weigh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.standard import Side
    from data.taxonomy import Taxonomy

SIDES: Final[Mapping[Side, str]] = {"werkzoekende": "profiles", "vacature": "vacancies"}
"""What the files and counts of each side are named by."""

TAXONOMY: Final = "taxonomy"
FEATURES: Final = "features.parquet"

POINTERS: Final = ("language_indptr", "occupation_indptr")
KEPT: Final = (*POINTERS, "language_levels", "occupation")
"""The columns that an index holds as they are; the others are views of its facts."""

_SAMPLE: Final = 1 << 15
"""Most records by which the popular features are told."""

Progress = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and the whole, 0 where that isn't known."""


def build_index(
    root: Path,
    *,
    profiles: Mapping[str, Path],
    vacancies: Mapping[str, Path],
    taxonomy: Taxonomy,
    as_of: date,
    keep: int = 2,
    since: int | None = None,
    on_error: OnError = "stop",
    progress: Progress | None = None,
) -> Manifest:
    """Build an index of files of records, and publish it in `root`.

    Equal content gives a version of the same name and of the same bytes, whatever the order of the records.
    Until the version is whole and on the disk, the one before it stays the newest.

    Parameters
    ----------
    root : the folder; made where it is missing, else an index is in it, or nothing.
    profiles, vacancies : name of each source -> the file of its records, for `data.dataset.batches`.
    taxonomy : goes into the index.
    as_of : the day from which the records are looked at, and the cut-off of the data.
    keep : how many versions stay, this one included, 1 or more.
    since : the number of the last change of the index that the files have seen (`MatchIndex.seen` when they
        were taken); by default of the last there is now. What changes behind it counts for the version, too.
    on_error : "stop" raises RecordError at a bad record, "skip" leaves bad records out and counts them.

    Returns
    -------
    The manifest of the version.

    Raises
    ------
    FileError, RecordError : as `data.dataset.batches` does.
    OutputError : the index can't be written, or changes behind `since` have been collected.
    """
    told = progress or (lambda what, done, whole: None)
    with building(root, since) as folder:
        space = FeatureSpace(taxonomy)
        n_given = len(space)
        given: Mapping[Side, Mapping[str, Path]] = {"werkzoekende": profiles, "vacature": vacancies}
        spills = {}
        for side, sources in given.items():
            with _Spill(folder / f"spill-{SIDES[side]}", tuple(sorted(sources))) as spill:
                # So that every array is there, with its type, also where no record comes.
                spill.append(encode(pl.DataFrame(schema=schema(side)), side, space, as_of=as_of), 0)
                for number, source in enumerate(spill.sources):
                    path = sources[source]
                    what = f"Reading {path.name}"
                    reading = batches(path, side, on_error=on_error, progress=partial(told, what))
                    for frame in reading:
                        spill.append(encode(frame, side, space, as_of=as_of, source=source), number)
                    spill.rejected += reading.rejected
            spills[side] = spill

        learnt = _learnt(space, n_given)
        settled = FeatureSpace(taxonomy)
        learn(settled, learnt)
        renumber = _renumbering(space, settled, n_given)
        reach = Sparse(*settled.reach())
        with Arrays(folder) as arrays:
            for name, values in reach._asdict().items():
                arrays.append(f"reach-{name}", values)
            for side, name in SIDES.items():
                side_told = partial(told, f"Laying out {name}")
                spills[side].lay_out(arrays, name, settled, renumber, reach, side_told)
        for side, name in SIDES.items():
            codes = pl.Series("code", spills[side].encoded.records.occupation_codes, dtype=pl.String)
            (folder / f"{name}-occupations.parquet").write_bytes(_parquet(codes.to_frame()))
            shutil.rmtree(folder / f"spill-{name}")
        (folder / FEATURES).write_bytes(_parquet(learnt))
        taxonomy.save(folder / TAXONOMY)
        told("Publishing", 0, 0)
        about = {
            "koppel": version("koppel"),
            "as_of": as_of.isoformat(),
            "taxonomy": taxonomy.version,
            "frequencies": hashlib.sha256(taxonomy.frequencies.write_csv().encode()).hexdigest(),
            "features": len(settled),
            "weights": dict(SUGGESTED),
            "sides": {name: spills[side].counts for side, name in SIDES.items()},
        }
        return publish(root, folder, about, keep)


def learn(space: FeatureSpace, features: pl.DataFrame) -> None:
    """Have a space of the same taxonomy number features as the index does; columns group and code."""
    for number, group in enumerate(GROUPS):
        space.ids(number, features.filter(pl.col("group") == group)["code"])


def _learnt(space: FeatureSpace, n_given: int) -> pl.DataFrame:
    """The features that a space learnt beyond those of its taxonomy: group and code, sorted."""
    groups = [GROUPS[group] for group in space.group[n_given:].tolist()]
    columns = {"group": groups, "code": space.codes[n_given:]}
    return pl.DataFrame(columns, schema={"group": pl.String, "code": pl.String}).sort("group", "code")


def _renumbering(space: FeatureSpace, settled: FeatureSpace, n_given: int) -> NDArray[np.int32]:
    """The number in `settled` of every feature of `space`, int32 (n_features,)."""
    numbers = np.arange(len(space), dtype=np.int32)
    for group in range(len(GROUPS)):
        of_group = n_given + np.flatnonzero(space.group[n_given:] == group)
        codes = pl.Series([space.codes[feature] for feature in of_group.tolist()], dtype=pl.String)
        numbers[of_group] = settled.ids(group, codes)
    return numbers


class _Spill:
    """The encoded records of one side as they come, set down in a folder.

    Behind the `with` block in which they are appended, `encoded` is all of them, mapped, in the order in
    which they came.
    """

    encoded: Encoded
    counts: dict[str, Any]

    def __init__(self, folder: Path, sources: tuple[str, ...]) -> None:
        folder.mkdir()
        self.sources, self.rejected = sources, 0
        self._folder, self._arrays = folder, Arrays(folder)
        self._ids: list[pl.Series] = []
        self._codes: dict[str, int] = {}

    def append(self, encoded: Encoded, source: int) -> None:
        """Set down a batch of the source of this number."""
        self.encoded = encoded
        records, arrays = encoded.records, self._arrays
        # Codes are numbered as they come; what place each has among all of them is known at the end.
        numbers = [self._codes.setdefault(code, len(self._codes)) for code in records.occupation_codes]
        columns = records.columns._replace(
            source=np.full(len(records), source, np.uint16),
            occupation=_looked_up(numbers, records.columns.occupation),
        )
        for name, values in columns._asdict().items():
            if name in POINTERS:
                arrays.append_pointers(name, values)
            else:
                arrays.append(name, values)
        _append_sparse(arrays, "asks", encoded.asks)
        _append_sparse(arrays, "has", encoded.has)
        self._ids.append(pl.Series(records.ids, dtype=pl.String))

    def __enter__(self) -> _Spill:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._arrays.close()
        if kind is not None:
            return
        arrays = map_arrays(self._folder, self._arrays.names)
        self._ids = [pl.concat(self._ids).rechunk()]
        records = replace(
            self.encoded.records,
            sources=self.sources,
            columns=Columns(**{name: arrays[name] for name in Columns._fields}),
            occupation_codes=sorted(self._codes),
        )
        self.encoded = replace(
            self.encoded, records=records, asks=sparse_of(arrays, "asks"), has=sparse_of(arrays, "has")
        )

    def lay_out(
        self,
        arrays: Arrays,
        name: str,
        space: FeatureSpace,
        renumber: NDArray[np.int32],
        reach: Sparse,
        told: Callable[[int, int], None],
    ) -> None:
        """Write all that an index holds of this side, in the order of the layout, block by block."""
        ids, columns = self._ids[0], self.encoded.records.columns
        n, size = len(ids), block_size(len(ids))
        keys = pl.DataFrame({"source": columns.source, "id": ids})
        key = np.empty(n, np.int64)
        key[keys.select(pl.arg_sort_by("source", "id")).to_series().to_numpy()] = np.arange(n)
        order = location_order(columns, key)
        codes = [self._codes[code] for code in self.encoded.records.occupation_codes]
        places = np.empty(len(codes), np.int32)
        places[codes] = np.arange(len(codes))

        def part(rows: NDArray[np.intp]) -> Encoded:
            taken = take(self.encoded, rows, ids.gather(rows).to_list())
            numbered = taken.records.columns
            numbered = numbered._replace(occupation=_looked_up(places, numbered.occupation))
            return replace(
                taken,
                records=replace(taken.records, columns=numbered),
                asks=with_numbers(taken.asks, renumber),
                has=with_numbers(taken.has, renumber),
                reach=reach,
            )

        slot = dense_slots(part(order[:: 1 + n // _SAMPLE]))
        arrays.append(f"{name}-blocks-slot", slot)
        kinds = self._kinds(len(slot), len(codes))
        spoken = 0
        for start in range(0, max(n, 1), size):
            rows = order[start : start + size]
            encoded = part(rows)
            laid_out = lay_out(encoded, slot, size)
            laid_out.facts.table["first_language"] += np.uint32(spoken)
            spoken += len(laid_out.facts.spoken)
            for field, values in laid_out.facts._asdict().items():
                arrays.append(f"{name}-facts-{field}", values)
            for field, values in laid_out.blocks._asdict().items():
                if field == "start":
                    arrays.append_pointers(f"{name}-blocks-start", values)
                elif field not in ("size", "slot"):
                    arrays.append(f"{name}-blocks-{field}", values)
            for field in KEPT:
                values = getattr(encoded.records.columns, field)
                if field in POINTERS:
                    arrays.append_pointers(f"{name}-columns-{field}", values, kinds[field])
                else:
                    arrays.append(f"{name}-columns-{field}", values.astype(kinds[field]))
            # All that is asked is asked wholly.
            arrays.append_pointers(f"{name}-asks-indptr", encoded.asks.indptr, kinds["asks"])
            arrays.append(f"{name}-asks-features", encoded.asks.features.astype(kinds["features"]))
            arrays.append_pointers(f"{name}-has-indptr", encoded.has.indptr, kinds["has"])
            arrays.append(f"{name}-has-features", encoded.has.features.astype(kinds["features"]))
            arrays.append(f"{name}-has-values", encoded.has.values)
            wanted, _ = weigh(encoded, space, Settings(encoded.as_of))
            arrays.append(f"{name}-wanted", wanted.values)
            told(min(start + size, n), n)
        arrays.append(f"{name}-key", key[order].astype(np.int32))
        by_hash = np.argsort(columns.hash[order], kind="stable").astype(np.int32)
        arrays.append(f"{name}-by_hash", by_hash)
        form, packed = pack(ids.gather(order))
        for each, values in packed.items():
            arrays.append(f"{name}-ids-{each}", values)
        self.counts = {
            "records": n,
            "ids": form,
            "rejected": self.rejected,
            "sources": list(self.sources),
            "block": size,
        }

    def _kinds(self, n_features: int, n_codes: int) -> dict[str, type[np.integer[Any]]]:
        """The smallest types that hold what an index keeps."""
        columns = self.encoded.records.columns
        pointers = {name: getattr(self.encoded, name).indptr for name in ("asks", "has")}
        pointers |= {name: getattr(columns, name) for name in POINTERS}
        return {
            "language_levels": np.int8,
            "occupation": np.uint16 if n_codes <= 1 << 16 else np.int32,
            "features": feature_type(n_features),
            **{name: pointer_type(each) for name, each in pointers.items()},
        }


def _looked_up(numbers: Sequence[int] | NDArray[np.int32], at: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.asarray(numbers, np.int32)[at]


def _append_sparse(arrays: Arrays, name: str, vectors: Sparse) -> None:
    arrays.append_pointers(f"{name}-indptr", vectors.indptr)
    arrays.append(f"{name}-features", vectors.features)
    arrays.append(f"{name}-values", vectors.values)


def sparse_of(arrays: Mapping[str, NDArray[Any]], name: str) -> Sparse:
    """Return the sparse vectors among arrays of an index by their name."""
    return Sparse(*(arrays[f"{name}-{field}"] for field in Sparse._fields))


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()

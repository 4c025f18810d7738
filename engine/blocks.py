"""Collections laid out for being searched: in blocks of records that live or lie near each other.

Records are ordered by how far they will travel, then along a Hilbert curve over the country, then by key. So
an area is a few runs of cells, and one far traveller doesn't open every cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data.reference import NO_LOCATION
from engine.columns import FACTS, Columns
from engine.kernels import CELL, FAR, MOST_LEVEL, Blocks, Facts, Sparse, expand, fill_block
from engine.signature import signatures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.encode import Encoded

BLOCK: Final = 8192
"""Records in a block: their scores, 32 KiB, stay in the nearest cache while the block is searched."""

DENSE: Final = 0.10
"""A feature that a larger share of the records cover is held as a row of degrees instead of as postings."""

TRAVEL_CLASSES: Final = (10, 15, 20, 30, 50, 100, 999)
"""Upper bounds, in km, of the classes of travel limits; no limit comes after them, no location last."""

_PLAIN_FACTS: Final = tuple(name for name in FACTS.names or () if name in Columns._fields)
"""Those that are a column as it stands."""

_SAMPLE: Final = 1 << 16
_CURVE_BITS: Final = 16
_SQUARE: Final = 1 << 4
"""Side in metres of the squares that the curve visits: 2**16 of them are wider than the plane."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """A collection laid out for being ranked.

    Attributes
    ----------
    encoded : the collection.
    rows : int32 (n,), the row of it that each place of the layout holds.
    facts, blocks : of the layout.
    wanted : suggested weights of what the rows ask, where those stand in the order of the layout, as in an
        index; else None.
    """

    encoded: Encoded
    rows: NDArray[np.int32]
    facts: Facts
    blocks: Blocks
    wanted: Sparse | None = None


def block_size(n: int) -> int:
    """Return how many rows stand in a block of n records that are laid out."""
    return min(BLOCK, -(-n // CELL) * CELL) or CELL


def lay_out(encoded: Encoded, slot: NDArray[np.int32] | None = None, size: int | None = None) -> Candidates:
    """Lay a collection out in memory.

    `slot` and `size` are by default what suits it; they are given where it is a part of what is laid out, in
    that order already.
    """
    columns = encoded.records.columns
    order = location_order(columns) if slot is None else np.arange(len(encoded))
    facts = take_facts(columns, order)
    size = size or block_size(len(order))
    slot = dense_slots(encoded) if slot is None else slot
    starts = range(0, len(order), size)
    pointers = np.zeros((len(starts), len(slot) + 1), np.uint32)
    dense = np.zeros((len(starts), int(slot.max(initial=-1)) + 1, size), np.uint8)
    postings = [
        fill_block(*covered(encoded, order[start : start + size]), slot, pointers[b], dense[b])
        for b, start in enumerate(starts)
    ]
    blocks = Blocks(
        size=size,
        box=cell_boxes(facts.table),
        limit=cell_limits(facts.table),
        signature=signatures(facts, encoded.records.side),
        start=np.cumsum([0, *(len(rows) for rows, _ in postings)], dtype=np.int64),
        pointers=pointers,
        posting_row=np.concatenate([np.empty(0, np.uint16), *(rows for rows, _ in postings)]),
        posting_degree=np.concatenate([np.empty(0, np.uint8), *(degrees for _, degrees in postings)]),
        slot=slot,
        dense=dense,
    )
    return Candidates(encoded, order.astype(np.int32), facts, blocks)


def location_order(columns: Columns, key: NDArray[np.intp] | None = None) -> NDArray[np.intp]:
    """Return the order in which records are laid out, intp (n,): rows by travel class, curve, key.

    `key` is the place of each record among the keys; by default the records stand in the order of their keys.
    """
    n = len(columns.x)
    lost = columns.x == NO_LOCATION
    limit = np.where(columns.travel_limit < 0, TRAVEL_CLASSES[-1] + 1, columns.travel_limit)
    travel = np.where(lost, len(TRAVEL_CLASSES) + 1, np.searchsorted(TRAVEL_CLASSES, limit))
    middle = _SQUARE << (_CURVE_BITS - 1)
    x, y = (np.where(lost, 0, (axis.astype(np.int64) + middle) // _SQUARE) for axis in (columns.x, columns.y))
    return np.lexsort((np.arange(n) if key is None else key, hilbert(x, y), travel))


def hilbert(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how far along the Hilbert curve squares lie, int64 (n,); x and y int64 (n,), 0..2**16 - 1."""
    along = np.zeros(len(x), np.int64)
    for bit in range(_CURVE_BITS - 1, -1, -1):
        side = 1 << bit
        right, up = (x & side) > 0, (y & side) > 0
        along += side * side * ((3 * right) ^ up)
        x, y = x & (side - 1), y & (side - 1)
        turned = ~up & right
        x, y = np.where(turned, side - 1 - x, x), np.where(turned, side - 1 - y, y)
        x, y = np.where(up, x, y), np.where(up, y, x)
    return along


def take_facts(columns: Columns, rows: NDArray[np.intp] | None = None) -> Facts:
    """Copy what the conditions read of these rows, in their order; by default of all rows."""
    places, indptr = (
        (slice(None), columns.language_indptr) if rows is None else ragged_rows(columns.language_indptr, rows)
    )
    table = np.zeros(len(indptr) - 1, FACTS)
    for name in _PLAIN_FACTS:
        column = getattr(columns, name)
        table[name] = column if rows is None else column[rows]
    table["first_language"], table["n_languages"] = indptr[:-1], np.diff(indptr)
    levels = np.minimum(columns.language_levels[places], MOST_LEVEL - 1).astype(np.uint32) + np.uint32(1)
    digits = (levels << np.arange(0, 16, 4, dtype=np.uint32)).sum(axis=1, dtype=np.uint32)
    return Facts(table, columns.language[places].astype(np.uint32) << np.uint32(16) | digits)


def feature_type(n_features: int) -> type[np.integer[Any]]:
    """Return the smallest type that numbers so many features."""
    return np.uint16 if n_features <= 1 << 16 else np.int32


def pointer_type(indptr: NDArray[np.integer[Any]]) -> type[np.integer[Any]]:
    """Return the smallest type that holds these row pointers."""
    return np.uint32 if indptr[-1] < 1 << 32 else np.int64


def take_rows(sparse: Sparse, rows: NDArray[np.integer[Any]]) -> Sparse:
    """Copy these rows of sparse vectors, in their order."""
    places, indptr = ragged_rows(sparse.indptr, rows)
    return Sparse(indptr, sparse.features[places], sparse.values[places])


def ragged_rows(
    indptr: NDArray[np.int64], rows: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the elements of these rows stand, one row after another, and the row pointers of those."""
    lengths = (indptr[rows + 1] - indptr[rows]).astype(np.int64)
    taken = np.concatenate([[0], np.cumsum(lengths)])
    return np.repeat(indptr[rows] - taken[:-1], lengths) + np.arange(taken[-1]), taken


def covered(encoded: Encoded, rows: NDArray[np.intp]) -> Sparse:
    """Return what these rows cover, in their order."""
    return Sparse(*expand(*take_rows(encoded.has, rows), *encoded.reach))


def dense_slots(encoded: Encoded) -> NDArray[np.int32]:
    """Choose the features that are held as rows of degrees: int32 (n_features,), a number for each, or -1.

    Judged by a sample of evenly spaced records. The choice changes how fast a ranking is, never what it says.
    """
    sample = np.arange(0, len(encoded), 1 + len(encoded) // _SAMPLE)
    n_features = len(encoded.reach.indptr) - 1
    share = np.bincount(covered(encoded, sample).features, minlength=n_features) / max(len(sample), 1)
    popular = np.flatnonzero(share > DENSE)
    slot = np.full(n_features, -1, np.int32)
    slot[popular] = np.arange(len(popular))
    return slot


def cell_boxes(table: NDArray[np.void]) -> NDArray[np.int32]:
    """Return least and most x, least and most y of each cell, int32 (n_cells, 4).

    A record without a location is far from everything. A cell of such records has a box that nothing is near
    to, inside out; a cell that has others too, a box that reaches everywhere.
    """
    lost = table["x"] == NO_LOCATION
    mixed = _by_cell(np.maximum, lost) != _by_cell(np.minimum, lost)
    sides = []
    for axis in ("x", "y"):
        for reduce, outside in ((np.minimum, 2**30), (np.maximum, -(2**30))):
            side = _by_cell(reduce, np.where(lost, outside, table[axis]))
            sides.append(np.where(mixed, -outside, side))
    return np.stack(sides, axis=1).astype(np.int32)


def cell_limits(table: NDArray[np.void]) -> NDArray[np.int64]:
    """Return least and largest squared travel limit of each cell, int64 (n_cells, 2) in m², or FAR."""
    limit = table["travel_limit"].astype(np.int64)
    squared = np.where(limit < 0, FAR, limit * limit * 1_000_000)
    return np.stack([_by_cell(np.minimum, squared), _by_cell(np.maximum, squared)], axis=1)


def _by_cell(reduce: np.ufunc, values: NDArray[Any]) -> NDArray[np.int64]:
    reduced = [reduce.reduce(values[start : start + CELL]) for start in range(0, len(values), CELL)]
    return np.array(reduced, np.int64)

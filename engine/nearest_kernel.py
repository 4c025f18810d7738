"""The kernel that finds the nearest records of each source that satisfy a question, cell by cell.

Beside `engine.kernels`, whose habits it shares; the two constants that it takes from there never change.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data.reference import NO_LOCATION
from engine.kernels import CELL, MISSING_DATE


class Asked(NamedTuple):
    """A question in numbers; -1 stands for a criterion that it lacks."""

    x: int
    """metres east, a real location"""
    y: int
    reach: int
    """largest squared distance, square metres"""
    today: int
    """day number; a vacancy that closed before it is not open"""
    occupations: bool
    """whether `wanted` counts"""
    contracts: int
    """bit set, of which one is enough"""
    irregular: int
    office_hours: int
    licences: int
    """bit set, of which all are needed; 0 asks none"""
    starts_by: bool
    """the record starts on `start` or before, else after"""
    start: int
    """day number, MISSING_DATE for none"""
    hours_max_at_least: int
    hours_min_at_most: int
    level_at_least: int
    level_equal: int
    languages: NDArray[np.int64]
    """(m, 3) packed code or -1, least oral and least written level, each 1 more than it is, or 0"""


class Found(NamedTuple):
    """The nearest of each source, nearest first, ties by key."""

    size: NDArray[np.int64]
    """(n_sources,) how many there are"""
    squared: NDArray[np.int64]
    """(n_sources, k) square metres"""
    key: NDArray[np.int32]
    """(n_sources, k)"""
    row: NDArray[np.int32]
    """(n_sources, k)"""


@njit(cache=True, nogil=True)
def nearest(
    asked: Any,
    wanted: Any,
    box: Any,
    limits: Any,
    present: Any,
    table: Any,
    spoken: Any,
    occupation_indptr: Any,
    occupation: Any,
    rows: Any,
    key: Any,
    alive: Any,
    sources: Any,
    found: Any,
) -> None:
    """Find the nearest k rows of each of some sources that satisfy a question.

    Equals `engine.select` on the records of one source, cut off after k. Cells are looked at by the least
    distance that a row of them can have, until each source has k that are nearer than all that is left.

    Parameters
    ----------
    asked : `Asked`.
    wanted : bool (n_codes,), which occupations are asked for.
    box, limits : of the layout, see `engine.kernels.Blocks`; present : bool (n_cells, n_sources), which
        sources have a row in each cell.
    table, spoken : of the layout, see `engine.kernels.Facts`.
    occupation_indptr, occupation : of the collection, see `engine.columns.Columns`.
    rows : int32 (n,), the row of the collection that each place of the layout holds.
    key : int32 (n,), place of each row of the collection among the keys.
    alive : bool (n,), which rows of the collection there are, or (0,) where all are.
    sources : bool (n_sources,), whose rows are asked for.
    found : `Found`, empty; it is filled.
    """
    near = np.empty(len(box), np.int64)
    cells = np.empty(len(box), np.int64)
    n = 0
    for cell in range(len(box)):
        # The nearest point of the box.
        dx = max(np.int64(box[cell, 0]) - asked.x, asked.x - np.int64(box[cell, 1]), 0)
        dy = max(np.int64(box[cell, 2]) - asked.y, asked.y - np.int64(box[cell, 3]), 0)
        squared = dx * dx + dy * dy
        if squared <= min(asked.reach, limits[cell, 1]):
            near[n], cells[n] = squared, cell
            n += 1
    k = found.row.shape[1]
    for i in np.argsort(near[:n]):
        cell = cells[i]
        needed = False
        for source in range(len(sources)):
            if sources[source] and present[cell, source]:
                size = found.size[source]
                needed = needed or size < k or found.squared[source, k - 1] >= near[i]
        if not needed:
            continue
        for place in range(cell * CELL, min((cell + 1) * CELL, len(table))):
            record = table[place]
            source, row = record.source, rows[place]
            if not sources[source] or record.x == NO_LOCATION:
                continue
            dx, dy = np.int64(record.x) - asked.x, np.int64(record.y) - asked.y
            squared = dx * dx + dy * dy
            limit = np.int64(record.travel_limit)
            if squared > asked.reach or (limit >= 0 and squared > limit * limit * 1_000_000):
                continue
            size = found.size[source]
            if size == k and (
                squared > found.squared[source, k - 1]
                or (squared == found.squared[source, k - 1] and key[row] > found.key[source, k - 1])
            ):
                continue
            if len(alive) and not alive[row]:
                continue
            if not _satisfies(asked, wanted, record, row, spoken, occupation_indptr, occupation):
                continue
            at = min(size, k - 1)
            while at > 0 and (
                found.squared[source, at - 1] > squared
                or (found.squared[source, at - 1] == squared and found.key[source, at - 1] > key[row])
            ):
                found.squared[source, at] = found.squared[source, at - 1]
                found.key[source, at] = found.key[source, at - 1]
                found.row[source, at] = found.row[source, at - 1]
                at -= 1
            found.squared[source, at], found.key[source, at], found.row[source, at] = squared, key[row], row
            found.size[source] = min(size + 1, k)


@njit(cache=True, nogil=True)
def _satisfies(
    asked: Any, wanted: Any, record: Any, row: Any, spoken: Any, occupation_indptr: Any, occupation: Any
) -> Any:
    """Tell whether a record is open and satisfies each criterion but the area."""
    if record.closing != MISSING_DATE and record.closing < asked.today:
        return False
    if asked.contracts >= 0 and np.int64(record.contracts) & asked.contracts == 0:
        return False
    if asked.irregular >= 0 and record.irregular != asked.irregular:
        return False
    if asked.office_hours >= 0 and record.office_hours != asked.office_hours:
        return False
    if np.int64(record.licences) & asked.licences != asked.licences:
        return False
    if asked.start != MISSING_DATE:
        if asked.starts_by:
            if record.start > asked.start or record.start == MISSING_DATE:
                return False
        elif record.start < asked.start:
            return False
    if asked.hours_max_at_least >= 0 and record.hours_max < asked.hours_max_at_least:
        return False
    if asked.hours_min_at_most >= 0 and not 0 <= record.hours_min <= asked.hours_min_at_most:
        return False
    if asked.level_at_least >= 0 and not asked.level_at_least <= record.level_code < 7:
        return False
    if asked.level_equal >= 0 and record.level_code != asked.level_equal:
        return False
    for criterion in range(len(asked.languages)):
        if not _speaks(asked.languages[criterion], record, spoken):
            return False
    named = not asked.occupations
    for at in range(occupation_indptr[row], occupation_indptr[row + 1]):
        named = named or wanted[occupation[at]]
    return named


@njit(cache=True, nogil=True)
def _speaks(criterion: Any, record: Any, spoken: Any) -> Any:
    """Tell whether one of the languages of a record satisfies a criterion."""
    for at in range(record.first_language, record.first_language + record.n_languages):
        language = np.int64(spoken[at])
        if (
            (criterion[0] < 0 or language >> 16 == criterion[0])
            and language & 15 >= criterion[1]
            and language >> 4 & 15 >= criterion[2]
        ):
            return True
    return False

"""A question to an index: the nearest records of each source that satisfy it, without looking at all of them.

Says what `engine.select` says of the records of each source, cut off after a number of them; only cells that
are in reach are looked at.
"""

from __future__ import annotations

from collections.abc import Collection as Names
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np

from data.reference import NO_LOCATION, postcodes
from engine.columns import CONTRACT_TYPES, LICENCES, day_number, pack_language
from engine.kernels import CELL, MISSING_DATE
from engine.nearest_kernel import Asked, Found
from engine.nearest_kernel import nearest as fill
from engine.select import bits, numbered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.question import Question
    from engine.blocks import Candidates
    from engine.index import Collection

__all__ = ["Nearest", "nearest"]

_ALL_ALIVE: Final = np.empty(0, np.bool_)


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest records of each source that satisfy a question: nearest first, ties by source, then id.

    Element i of `sources`, `ids` and `distance_km` is the same record.

    Attributes
    ----------
    sources, ids : the keys of the records.
    distance_km : float64 (n,), distance from the question's postcode, to the metre.
    more : the sources of which more records satisfy it than are told.
    """

    sources: list[str]
    ids: list[str]
    distance_km: NDArray[np.float64]
    more: frozenset[str]

    def __len__(self) -> int:
        return len(self.ids)


def nearest(
    question: Question, collection: Collection, sources: Names[str], limit: int, *, as_of: date
) -> Nearest:
    """Find the nearest records of each source that satisfy a question.

    Parameters
    ----------
    question : for the side of the collection.
    collection : one side of an index.
    sources : whose records may be told; names that the collection lacks have none.
    limit : most records that are told of each source, 1 or more.
    as_of : today in the Netherlands, whatever day the index was built for. A vacancy is open up to and
        including its sluitingsdatumVacature.

    Raises
    ------
    ValueError : the question asks for the other side.
    """
    if question.side != collection.side:
        raise ValueError(f"question for {question.side}, records of {collection.side}")
    x, y = postcodes().place(question.postcode)
    found = _Rows([], [], [])
    if x != NO_LOCATION:
        asked = _asked(question, x, y, day_number(as_of))
        alive = _ALL_ALIVE if collection.alive is None else collection.alive
        mapped = collection.candidates
        found.add(_found(question, asked, mapped, collection.key, alive, sources, limit + 1))
        for source, candidates in collection.changed.items():
            if source in sources:
                # What is laid out in memory stands in the order of its keys.
                key = np.arange(len(candidates.rows), dtype=np.int32)
                found.add(_found(question, asked, candidates, key, _ALL_ALIVE, sources, limit + 1))
    return found.merged(limit)


class _Rows:
    """Records that were found in parts of a collection, each with its squared distance."""

    def __init__(self, squared: list[int], sources: list[str], ids: list[str]) -> None:
        self._squared, self._sources, self._ids = squared, sources, ids

    def add(self, other: _Rows) -> None:
        self._squared += other._squared
        self._sources += other._sources
        self._ids += other._ids

    def merged(self, limit: int) -> Nearest:
        """The nearest `limit` of each source."""
        counts: dict[str, int] = {}
        kept = []
        for row in sorted(zip(self._squared, self._sources, self._ids, strict=True)):
            counts[row[1]] = counts.get(row[1], 0) + 1
            if counts[row[1]] <= limit:
                kept.append(row)
        return Nearest(
            [source for _, source, _ in kept],
            [record for _, _, record in kept],
            np.rint(np.sqrt([squared for squared, _, _ in kept])) / 1000,
            frozenset(source for source, count in counts.items() if count > limit),
        )


def _found(
    question: Question,
    asked: Asked,
    candidates: Candidates,
    key: NDArray[np.int32],
    alive: NDArray[np.bool_],
    sources: Names[str],
    k: int,
) -> _Rows:
    """The nearest k records of each source among candidates."""
    records = candidates.encoded.records
    n_sources = len(records.sources)
    wanted = numbered(question.occupations or frozenset(), records.occupation_codes)
    found = Found(
        size=np.zeros(n_sources, np.int64),
        squared=np.zeros((n_sources, k), np.int64),
        key=np.zeros((n_sources, k), np.int32),
        row=np.zeros((n_sources, k), np.int32),
    )
    fill(
        asked,
        wanted,
        candidates.blocks.box,
        candidates.blocks.limit,
        present(candidates),
        candidates.facts.table,
        candidates.facts.spoken,
        records.columns.occupation_indptr,
        records.columns.occupation,
        candidates.rows,
        key,
        alive,
        np.array([name in sources for name in records.sources], np.bool_),
        found,
    )
    filled = np.arange(k) < found.size[:, None]
    ids = records.ids_of(found.row[filled]).to_list()
    names = np.repeat(np.arange(n_sources), found.size).tolist()
    return _Rows(found.squared[filled].tolist(), [records.sources[name] for name in names], ids)


_present: WeakKeyDictionary[Candidates, NDArray[np.bool_]] = WeakKeyDictionary()


def present(candidates: Candidates) -> NDArray[np.bool_]:
    """Tell which sources have a row in each cell, bool (n_cells, n_sources); worked out once.

    Who forks processes asks it before, so that they share it.
    """
    there = _present.get(candidates)
    if there is None:
        source = candidates.facts.table["source"]
        there = np.zeros((len(candidates.blocks.box), len(candidates.encoded.records.sources)), np.bool_)
        there[np.arange(len(source)) // CELL, source] = True
        _present[candidates] = there
    return there


def _asked(question: Question, x: int, y: int, today: int) -> Asked:
    """The question in numbers."""

    def number(value: int | None) -> int:
        return -1 if value is None else value

    contracts = question.contract_types
    languages = [
        (
            -1 if language.code is None else pack_language(language.code),
            1 + number(language.oral),
            1 + number(language.written),
        )
        for language in question.languages
    ]
    return Asked(
        x=x,
        y=y,
        reach=(1000 * question.afstand) ** 2,
        today=today,
        occupations=question.occupations is not None,
        contracts=-1 if contracts is None else bits(contracts, CONTRACT_TYPES),
        irregular=number(question.irregular),
        office_hours=number(question.office_hours),
        licences=bits(question.licences, LICENCES),
        starts_by=question.side == "werkzoekende",
        start=MISSING_DATE if question.start is None else day_number(question.start),
        hours_max_at_least=number(question.hours_max_at_least),
        hours_min_at_most=number(question.hours_min_at_most),
        level_at_least=number(question.level_at_least),
        level_equal=number(question.level_equal),
        languages=np.array(languages, np.int64).reshape(-1, 3),
    )

"""Records to sparse integer vectors over one feature space: what a record asks, and what it covers.

A profile asks for what it *wants*: its bemiddelingsberoep, interesse and sector. It covers what it *has*:
those, and werkervaring, opleiding, cursus and competenties. A vacancy asks for its beroep, competenties,
opleiding, cursus and sector, and covers the same but for the education. What is covered is expanded over the
taxonomy.

Never encoded: name, contact details, free-text presentation, indicatieLdrRegistratie, eisAanWerk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from data.dataset import ID_FIELDS
from engine.columns import (
    Records,
    day_number,
    education_levels,
    read_columns,
    row_pointers,
    sort_by_key,
    unfinished,
)
from engine.features import EDUCATION, EDUCATION_LEVELS, OCCUPATION, SECTOR, SKILL
from engine.fields import (
    FEW,
    chosen,
    days,
    elements,
    field,
    numbers,
    prop,
    ragged,
    single,
    stated,
)
from engine.kernels import FULL, MISSING_DATE, Sparse, expand

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.standard import Side
    from engine.features import FeatureSpace
    from engine.fields import Table, Values

INTEREST: Final = 64
"""Degree to which an interest counts as something that a profile has."""

UNFINISHED: Final = 64
"""Degree to which a course of study counts that was broken off or still runs."""

FULL_EXPERIENCE: Final = 3 * 365
"""Days in an occupation after which more adds nothing; no days at all count for half."""

FRESH: Final = 2 * 365
"""Days after which experience begins to fade."""

FADED: Final = 10 * 365
"""Days of fading, after which experience keeps half its worth."""

UNDATED: Final = 96
"""Stands for the length or the recency of experience, of 128, where the record doesn't date it."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """A collection of records ready to be matched, sorted by key; row i of everything is the same record.

    Attributes
    ----------
    records : ids and the columns that conditions read.
    as_of : the day on which the age of experience was measured.
    asks : Sparse, uint8; the features that each record asks for, all at 128.
    has : Sparse, uint8 degrees 1..128; what each record has itself, before expansion. In an index the
        pointers and features of both may be of smaller types than elsewhere.
    reach : what each feature covers beyond itself, as `FeatureSpace.reach` gives it.
    space : that numbers the features; None in an index, of which it may not have been read yet.
    """

    records: Records
    as_of: date
    asks: Sparse
    has: Sparse
    reach: Sparse
    space: FeatureSpace | None = None

    @cached_property
    def covers(self) -> Sparse:
        """Sparse, uint8 degrees 1..128: what each record has, expanded over the taxonomy."""
        return self.covers_of(0, len(self))

    def covers_of(self, first: int, last: int) -> Sparse:
        """Return `covers` of the records first..last - 1 only: row 0 is record `first`."""
        return Sparse(*expand(*self.has_of(first, last), *self.reach))

    def has_of(self, first: int, last: int) -> Sparse:
        """Return `has` of the records first..last - 1 only, in the types of the kernels."""
        indptr = self.has.indptr[first : last + 1].astype(np.int64)
        own = slice(indptr[0], indptr[-1])
        return Sparse(indptr - indptr[0], self.has.features[own].astype(np.int32), self.has.values[own])

    def __len__(self) -> int:
        return len(self.records)


@dataclass(frozen=True, eq=False)
class _Part:
    """Features of one kind in all records: feature j belongs to rows[j], at degrees[j]."""

    rows: NDArray[np.intp]
    features: NDArray[np.int32]
    degrees: NDArray[np.uint8]

    def at(self, degree: int) -> _Part:
        return _Part(self.rows, self.features, np.full(len(self.rows), degree, np.uint8))


def encode(table: Table, side: Side, space: FeatureSpace, *, as_of: date, source: str = "") -> Encoded:
    """Turn records into columns and vectors.

    Parameters
    ----------
    table : records in any order, ids unique.
    side : which kind of record.
    space : gives features their numbers, and learns codes that it has not seen.
    as_of : the day on which the age of experience is measured.
    source : name of the source that the records come from.

    Returns
    -------
    Encoded, in the order of the ids.

    Notes
    -----
    A code that the taxonomy lacks is a feature of its own: it is covered by the same code only. A free name
    of an interest or a course counts where it equals a label of the taxonomy. A code of the SBI counts as it
    is spelt, since the standard's number has lost its leading zeros and with them its place in the hierarchy.
    """
    table = _in_order(table, side)
    records = read_columns(table, side, source=source)
    if side == "werkzoekende":
        asks, has = _profile(table, space, day_number(as_of))
    else:
        asks, has = _vacancy(table, space, records)
    n = len(table)
    nowhere = np.zeros(len(space) + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8)
    return Encoded(
        records=records,
        as_of=as_of,
        asks=Sparse(*expand(*_rows(n, asks), *nowhere)),
        has=Sparse(*expand(*_rows(n, has), *nowhere)),
        reach=Sparse(*space.reach()),
        space=space,
    )


def _in_order(table: Table, side: Side) -> Table:
    """The records in the order of their ids, of a frame of few of them one by one."""
    if isinstance(table, pl.DataFrame):
        table = sort_by_key(table, side)
        return table if table.height > FEW else table.to_dicts()
    return sorted(table, key=itemgetter(ID_FIELDS[side]))


def renumbered(encoded: Encoded, space: FeatureSpace, first: int) -> Encoded:
    """The same records in another space, in which the features below `first` have the numbers that they have.

    Raises ValueError where the two spaces are of different taxonomies.
    """
    if encoded.space is None or encoded.space is space:
        return encoded
    if encoded.space.taxonomy is not space.taxonomy:
        raise ValueError("records encoded in the space of another index")
    used = np.concatenate([encoded.asks.features, encoded.has.features])
    if used.max(initial=-1) < first:
        return encoded
    own = np.arange(len(encoded.space), dtype=np.int32)
    for feature in np.unique(used[used >= first]).tolist():
        group, code = int(encoded.space.group[feature]), encoded.space.codes[feature]
        own[feature] = space.ids(group, [code])[0]
    return replace(
        encoded,
        asks=with_numbers(encoded.asks, own),
        has=with_numbers(encoded.has, own),
        reach=Sparse(*space.reach()),
        space=space,
    )


def with_numbers(vectors: Sparse, new: NDArray[np.int32]) -> Sparse:
    """The same vectors with other numbers for their features, ascending within a row again."""
    most = int(new.max(initial=-1))
    nowhere = np.zeros(most + 2, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8)
    return Sparse(*expand(vectors.indptr, new[vectors.features], vectors.values, *nowhere))


def _profile(table: Table, space: FeatureSpace, today: int) -> tuple[list[_Part], list[_Part]]:
    qualification = "arbeidsmarktkwalificatie"
    occupations = _codes(ragged(table, "bemiddelingsberoep", "codeBeroepsnaam"), space, OCCUPATION)
    interests = _labels(ragged(table, f"{qualification}.interesse", "naamInteresse"), space)
    sectors = _codes(ragged(table, "sector", "codeSbi"), space, SECTOR)
    level = numbers(field(table, f"{qualification}.codeWerkEnDenkniveauWerkzoekende"), np.int8, 0)
    has = [
        occupations,
        interests.at(INTEREST),
        sectors,
        _experience(table, space, f"{qualification}.werkervaring", today),
        *_educations(table, space, f"{qualification}.opleiding", asked=False),
        _level(level, space),
        _labels(ragged(table, f"{qualification}.cursus", "naamCursus"), space),
        _codes(ragged(table, f"{qualification}.competentiebeheersing", "codeCompetentie"), space, SKILL),
    ]
    return [occupations, interests, sectors], has


def _vacancy(table: Table, space: FeatureSpace, records: Records) -> tuple[list[_Part], list[_Part]]:
    offers = [
        _codes(single(table, "beroep.codeBeroepsnaam"), space, OCCUPATION),
        _codes(ragged(table, "competentiebeheersing", "codeCompetentie"), space, SKILL),
        _labels(ragged(table, "cursus", "naamCursus"), space),
        _codes(single(table, "sector.codeSbi"), space, SECTOR),
        _codes(ragged(table, "werkgever.sector", "codeSbi"), space, SECTOR),
    ]
    *_, names = _educations(table, space, "opleiding", asked=True)
    return [*offers, _level(records.columns.level, space), names], offers


def _part(rows: NDArray[np.intp], features: NDArray[np.int32]) -> _Part:
    return _Part(rows, features, np.full(len(rows), FULL, np.uint8))


def _codes(found: tuple[NDArray[np.intp], Values], space: FeatureSpace, group: int) -> _Part:
    rows, codes = found
    return _part(rows, space.ids(group, codes))


def _labels(found: tuple[NDArray[np.intp], Values], space: FeatureSpace) -> _Part:
    rows, labels = found
    features, known = space.find_labels(labels)
    return _part(rows[known], features[known])


def _level(levels: NDArray[np.int8], space: FeatureSpace) -> _Part:
    """The feature of a level on the scale of codeWerkEnDenkniveau; 0, 1 and 7 say nothing."""
    rows = np.flatnonzero((levels >= EDUCATION_LEVELS[0]) & (levels <= EDUCATION_LEVELS[-1]))
    return _part(rows, space.levels[levels[rows]])


def _educations(table: Table, space: FeatureSpace, path: str, *, asked: bool) -> tuple[_Part, _Part]:
    """Levels and names of courses of study, at the degree to which they are finished where they are had."""
    rows, followed = elements(table, path)
    degrees = np.full(len(rows), FULL, np.uint8)
    if not asked:
        degrees[unfinished(followed)] = UNFINISHED
    levels = education_levels(followed)
    known = levels > 0
    codes = prop(followed, "codeOpleidingsnaam")
    named = stated(codes)
    return (
        _Part(rows[known], space.levels[levels[known]], degrees[known]),
        _Part(rows[named], space.ids(EDUCATION, chosen(codes, named)), degrees[named]),
    )


def _experience(table: Table, space: FeatureSpace, path: str, today: int) -> _Part:
    """Occupations worked in: a day counts half, three years count whole, after two years they fade."""
    rows, jobs = elements(table, path)
    codes = prop(prop(jobs, "beroep"), "codeBeroepsnaam")
    named = stated(codes)
    rows, jobs, codes = rows[named], chosen(jobs, named), chosen(codes, named)
    start = days(prop(jobs, "datumAanvangWerkzaamheden")).astype(np.int64)
    end = days(prop(jobs, "datumEindeWerkzaamheden")).astype(np.int64)
    dated, ended = start != MISSING_DATE, end != MISSING_DATE
    end = np.where(ended, np.minimum(end, today), today)
    worked = np.clip(end - start, 0, FULL_EXPERIENCE)
    length = np.where(dated, FULL // 2 + FULL // 2 * worked // FULL_EXPERIENCE, UNDATED)
    faded = np.clip(today - end - FRESH, 0, FADED)
    recency = np.where(dated | ended, FULL - FULL // 2 * faded // FADED, UNDATED)
    return _Part(rows, space.ids(OCCUPATION, codes), (length * recency // FULL).astype(np.uint8))


def _rows(n: int, parts: list[_Part]) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
    """The parts as one CSR of n rows, in which a feature may stand in a row twice."""
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows, kind="stable")
    features = np.concatenate([part.features for part in parts])[order]
    degrees = np.concatenate([part.degrees for part in parts])[order]
    return row_pointers(rows, n), features, degrees
